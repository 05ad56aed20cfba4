#include "manifest/pod_resources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

std::int64_t* find_amount(Amounts& amounts, std::string_view name) {
  const auto found =
      std::find_if(amounts.begin(), amounts.end(), [&](const auto& entry) { return entry.first == name; });
  return found == amounts.end() ? nullptr : &found->second;
}

void add(Amounts& to, const Amounts& more) {
  for (const auto& [name, amount] : more) {
    if (std::int64_t* known = find_amount(to, name)) {
      *known = saturating_add(*known, amount);
    } else {
      to.emplace_back(name, amount);
    }
  }
}

void raise(Amounts& to, const Amounts& least) {
  for (const auto& [name, amount] : least) {
    if (std::int64_t* known = find_amount(to, name)) {
      *known = std::max(*known, amount);
    } else {
      to.emplace_back(name, amount);
    }
  }
}

/// Requests, with a limit standing in for a request that is not written.
Amounts decode_requests(Fields& fields, const Value& holder, bool& ok) {
  const Value* resources = fields.object(holder, "resources");
  if (resources == nullptr) return {};
  Amounts requests = decode_amounts(fields, *resources, "requests", ok);
  for (auto& limit : decode_amounts(fields, *resources, "limits", ok)) {
    if (find_amount(requests, limit.first) == nullptr) requests.push_back(std::move(limit));
  }
  return requests;
}

Amounts total_requests(Fields& fields, const Value& spec, bool& ok) {
  Amounts running;
  fields.each_object(spec, "containers",
                     [&](const Value& container) { add(running, decode_requests(fields, container, ok)); });
  Amounts sidecars;
  Amounts starting;
  fields.each_object(spec, "initContainers", [&](const Value& container) {
    Amounts step = decode_requests(fields, container, ok);
    if (fields.text(container, "restartPolicy") == "Always") {
      add(sidecars, step);
      raise(starting, sidecars);
    } else {
      add(step, sidecars);
      raise(starting, step);
    }
  });
  add(running, sidecars);
  raise(running, starting);
  // What the pod as a whole states replaces what its containers add up to.
  for (auto& [name, amount] : decode_requests(fields, spec, ok)) {
    if (std::int64_t* known = find_amount(running, name)) {
      *known = amount;
    } else {
      running.emplace_back(std::move(name), amount);
    }
  }
  add(running, decode_amounts(fields, spec, "overhead", ok));
  return running;
}

void take_request(const Accelerators& accelerators, const std::string& name, std::int64_t amount,
                  model::Pod& pod) {
  if (name == "cpu") {
    pod.requests.cpu_milli = amount;
    return;
  }
  if (name == "memory") {
    pod.requests.memory_bytes = amount;
    return;
  }
  if (amount == 0) return;
  const AcceleratorRule* rule = accelerators.find(name);
  const bool whole = rule != nullptr && rule->kind == AcceleratorRule::Kind::kWhole;
  const auto quota = rule != nullptr && rule->kind == AcceleratorRule::Kind::kPartition
                         ? partition_quota(*rule, name)
                         : std::nullopt;
  if (whole && pod.devices.kind == model::DeviceRequest::Kind::kNone) {
    pod.devices.kind = model::DeviceRequest::Kind::kWhole;
    pod.devices.resource = name;
    pod.devices.count = amount;
  } else if (whole && pod.devices.second_count == 0) {
    pod.devices.second_resource = name;
    pod.devices.second_count = amount;
  } else if (quota) {
    pod.devices.partitions.push_back({name, amount, *quota});
  } else {
    pod.requests.counted.push_back({name, amount});
  }
}

/// What the annotations ask for, or what is wrong with them.
struct Share {
  model::DeviceRequest request;
  std::string_view annotation;
  std::string_view text;
  std::string_view wrong;
  std::string_view remedy;
};

Share read_share(const model::Labels& annotations, const model::DeviceRequest& request) {
  using Kind = model::DeviceRequest::Kind;
  Share share;
  share.request = request;
  const auto fraction = model::find_label(annotations, "gpu-fraction");
  const auto memory = model::find_label(annotations, "gpu-memory");
  const auto devices = model::find_label(annotations, "gpu-fraction-num-devices");
  const auto wrong = [&](std::string_view annotation, std::string_view what, std::string_view remedy) {
    share.annotation = annotation;
    share.text = *model::find_label(annotations, annotation);
    share.wrong = what;
    share.remedy = remedy;
    return share;
  };
  if (!fraction && !memory) {
    if (!devices) return share;
    return wrong("gpu-fraction-num-devices", "stands alone", "add the annotation gpu-fraction or gpu-memory");
  }
  if (fraction && memory) return wrong("gpu-fraction", "stands beside gpu-memory", "keep one of the two");
  if (request.kind == Kind::kWhole) {
    return wrong(fraction ? "gpu-fraction" : "gpu-memory", "stands beside a request for whole devices",
                 "keep one of the two");
  }
  share.request.count = 1;
  if (devices) {
    const auto count = parse_integer(*devices);
    if (!count || *count < 1 || *count > 1'000'000) {
      return wrong("gpu-fraction-num-devices", "is not a number of devices", "write a whole number from 1");
    }
    share.request.count = *count;
  }
  if (memory) {
    const auto mib = parse_integer(*memory);
    if (!mib || *mib < 1 || *mib > 1'000'000'000) {
      return wrong("gpu-memory", "is not an amount of memory", "write whole MiB, such as 4096");
    }
    share.request.kind = Kind::kMemory;
    share.request.memory_mib = *mib;
    return share;
  }
  const auto part = parse_number(*fraction);
  if (!part || *part <= 0 || *part > 1) {
    return wrong("gpu-fraction", "is not a share of a device",
                 "write a number above 0 and below 1, such as 0.5");
  }
  const std::int64_t thousandths =
      std::max<std::int64_t>(1, std::llround(*part * model::kThousandthsPerDevice));
  if (thousandths < model::kThousandthsPerDevice) {
    share.request.kind = Kind::kFraction;
    share.request.thousandths = thousandths;
  } else {
    share.request.kind = Kind::kWhole;
    share.request.resource = "nvidia.com/gpu";
  }
  return share;
}

/// A pod that waits here and cannot be read in full would be placed wrongly: it is left out. One that runs,
/// or is somebody else's, still uses the rest of what it asks for.
bool waits_here(const model::Pod& pod) { return pod.served && pod.phase == model::Pod::Phase::kPending; }

void decode_share(Fields& fields, const model::Labels& annotations, model::Pod& pod) {
  Share share = read_share(annotations, pod.devices);
  if (share.wrong.empty()) {
    pod.devices = std::move(share.request);
    return;
  }
  std::string message =
      fmt::format("annotation {} \"{}\" {}", share.annotation, shortened(share.text), share.wrong);
  if (waits_here(pod)) {
    fields.error(fields.root(), std::move(message), std::string(share.remedy));
  } else {
    fields.left_out(fields.root(), std::move(message), std::string(share.remedy));
  }
}

/// Partitions asked for by annotation, as pods did before they were resources. They count while such a pod
/// runs.
void decode_legacy_partitions(const model::Labels& annotations, const Accelerators& accelerators,
                              model::Pod& pod) {
  const bool by_request = !pod.devices.partitions.empty();
  for (const auto& [name, text] : annotations) {
    const AcceleratorRule* rule = name.starts_with("nvidia.com/mig-") ? accelerators.find(name) : nullptr;
    if (rule == nullptr) continue;
    const auto count = parse_integer(text);
    const auto quota = partition_quota(*rule, name);
    if (!count || *count < 1 || *count > 1'000'000 || !quota) continue;
    pod.legacy_partition_request = true;
    if (!by_request) pod.devices.partitions.push_back({name, *count, *quota});
  }
}

}  // namespace

void decode_pod_resources(Fields& fields, const Value& spec, const model::Labels& annotations,
                          const Accelerators& accelerators, model::Pod& pod) {
  bool ok = true;
  Amounts amounts = total_requests(fields, spec, ok);
  // As with annotations: what runs is better counted in part than not at all.
  if (!ok && waits_here(pod)) {
    fields.error(spec, "asks for something that cannot be read", "correct the quantities above");
    return;
  }
  std::sort(amounts.begin(), amounts.end());
  std::size_t kinds = 0;
  for (const auto& [name, amount] : amounts) {
    const AcceleratorRule* rule = amount > 0 ? accelerators.find(name) : nullptr;
    if (rule != nullptr && rule->kind == AcceleratorRule::Kind::kWhole) ++kinds;
    take_request(accelerators, name, std::min(amount, Fields::kMostOfAnything), pod);
  }
  if (kinds > 2 && waits_here(pod)) {
    fields.error(spec, "asks for devices of more than two kinds", "ask for two kinds, or use several pods");
    return;
  }
  std::sort(pod.devices.partitions.begin(), pod.devices.partitions.end());
  decode_share(fields, annotations, pod);
  decode_legacy_partitions(annotations, accelerators, pod);
}

}  // namespace fairlead::manifest
