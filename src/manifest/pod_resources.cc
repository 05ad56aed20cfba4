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
  } else if (quota) {
    pod.devices.partitions.push_back({name, amount, *quota});
  } else {
    pod.requests.counted.push_back({name, amount});
  }
}

void wrong_annotation(Fields& fields, std::string_view name, std::string_view text, std::string_view what,
                      std::string remedy) {
  fields.error(fields.root(), fmt::format("annotation {} \"{}\" {}", name, shortened(text), what),
               std::move(remedy));
}

void decode_share(Fields& fields, const model::Labels& annotations, model::Pod& pod) {
  using Kind = model::DeviceRequest::Kind;
  const auto fraction = model::find_label(annotations, "gpu-fraction");
  const auto memory = model::find_label(annotations, "gpu-memory");
  const auto devices = model::find_label(annotations, "gpu-fraction-num-devices");
  if (!fraction && !memory) {
    if (devices) {
      wrong_annotation(fields, "gpu-fraction-num-devices", *devices, "stands alone",
                       "add the annotation gpu-fraction or gpu-memory");
    }
    return;
  }
  if (fraction && memory) {
    wrong_annotation(fields, "gpu-fraction", *fraction, "stands beside gpu-memory", "keep one of the two");
    return;
  }
  if (pod.devices.kind == Kind::kWhole) {
    wrong_annotation(fields, fraction ? "gpu-fraction" : "gpu-memory", fraction ? *fraction : *memory,
                     "stands beside a request for whole devices", "keep one of the two");
    return;
  }
  model::DeviceRequest& request = pod.devices;
  request.count = 1;
  if (devices) {
    const auto count = parse_integer(*devices);
    if (!count || *count < 1 || *count > 1'000'000) {
      wrong_annotation(fields, "gpu-fraction-num-devices", *devices, "is not a number of devices",
                       "write a whole number from 1");
      return;
    }
    request.count = *count;
  }
  if (fraction) {
    const auto share = parse_number(*fraction);
    if (!share || *share <= 0 || *share > 1) {
      wrong_annotation(fields, "gpu-fraction", *fraction, "is not a share of a device",
                       "write a number above 0 and below 1, such as 0.5");
      return;
    }
    request.thousandths = std::max<std::int64_t>(1, std::llround(*share * model::kThousandthsPerDevice));
    request.kind = Kind::kFraction;
    if (request.thousandths >= model::kThousandthsPerDevice) {
      request.kind = Kind::kWhole;
      request.resource = "nvidia.com/gpu";
      request.thousandths = 0;
    }
    return;
  }
  const auto mib = parse_integer(*memory);
  if (!mib || *mib < 1) {
    wrong_annotation(fields, "gpu-memory", *memory, "is not an amount of memory",
                     "write whole MiB, such as 4096");
    return;
  }
  request.kind = Kind::kMemory;
  request.memory_mib = *mib;
}

}  // namespace

void decode_pod_resources(Fields& fields, const Value& spec, const model::Labels& annotations,
                          const Accelerators& accelerators, model::Pod& pod) {
  bool ok = true;
  Amounts amounts = total_requests(fields, spec, ok);
  if (!ok) {
    fields.error(spec, "asks for something that cannot be read", "correct the quantities above");
    return;
  }
  std::sort(amounts.begin(), amounts.end());
  for (const auto& [name, amount] : amounts) take_request(accelerators, name, amount, pod);
  std::sort(pod.devices.partitions.begin(), pod.devices.partitions.end());
  decode_share(fields, annotations, pod);
  if (pod.devices.partitions.empty()) {
    pod.legacy_partition_request =
        std::any_of(annotations.begin(), annotations.end(),
                    [](const auto& annotation) { return annotation.first.starts_with("nvidia.com/mig-"); });
  }
}

}  // namespace fairlead::manifest
