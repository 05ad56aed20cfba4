#include "manifest/allocation_text.h"
#include "manifest/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fairlead::manifest {
namespace {

std::string_view effect_name(model::DeviceTaint::Effect effect) {
  using Effect = model::DeviceTaint::Effect;
  return effect == Effect::kNone ? "None" : effect == Effect::kNoSchedule ? "NoSchedule" : "NoExecute";
}

void write_tolerations(base::JsonWriter& out, const std::vector<model::DeviceToleration>& list) {
  if (list.empty()) return;
  out.key("tolerations");
  out.begin_array();
  for (const model::DeviceToleration& one : list) {
    out.begin_object();
    if (!one.key.empty()) out.member("key", one.key);
    out.member("operator", one.exists ? "Exists" : "Equal");
    if (!one.value.empty()) out.member("value", one.value);
    if (one.effect) out.member("effect", effect_name(*one.effect));
    out.end_object();
  }
  out.end_array();
}

void write_quantities(base::JsonWriter& out, std::string_view key, const std::vector<model::Counter>& list) {
  out.key(key);
  out.begin_object();
  for (const model::Counter& one : list) out.member(one.name, quantity_text(one.amount));
  out.end_object();
}

void write_counter_sets(base::JsonWriter& out, std::string_view key, std::string_view name,
                        const std::vector<model::CounterSet>& sets) {
  if (sets.empty()) return;
  out.key(key);
  out.begin_array();
  for (const model::CounterSet& set : sets) {
    out.begin_object();
    out.member(name, set.name);
    out.key("counters");
    out.begin_object();
    for (const model::Counter& counter : set.counters) {
      out.key(counter.name);
      out.begin_object();
      out.member("value", quantity_text(counter.amount));
      out.end_object();
    }
    out.end_object();
    out.end_object();
  }
  out.end_array();
}

void write_selectors(base::JsonWriter& out, const std::vector<std::string>& selectors) {
  if (selectors.empty()) return;
  out.key("selectors");
  out.begin_array();
  for (const std::string& selector : selectors) {
    out.begin_object();
    out.key("cel");
    out.begin_object();
    out.member("expression", selector);
    out.end_object();
    out.end_object();
  }
  out.end_array();
}

void write_configuration(base::JsonWriter& out, const model::DeviceConfiguration& one) {
  write_names(out, "requests", one.requests);
  out.key("opaque");
  out.begin_object();
  out.member("driver", one.driver);
  if (!one.parameters.empty()) {
    out.key("parameters");
    out.raw(one.parameters);
  }
  out.end_object();
}

void write_configurations(base::JsonWriter& out, const std::vector<model::DeviceConfiguration>& list) {
  if (list.empty()) return;
  out.key("config");
  out.begin_array();
  for (const model::DeviceConfiguration& one : list) {
    out.begin_object();
    write_configuration(out, one);
    out.end_object();
  }
  out.end_array();
}

void write_node_selector(base::JsonWriter& out, const std::vector<model::NodeSelectorTerm>& terms) {
  if (terms.empty()) return;
  out.key("nodeSelector");
  out.begin_object();
  write_node_terms(out, terms);
  out.end_object();
}

void write_reach(base::JsonWriter& out, const model::NodeReach& reach) {
  if (!reach.node.empty()) out.member("nodeName", reach.node);
  if (reach.all_nodes) out.member("allNodes", true);
  write_node_selector(out, reach.terms);
}

void write_attribute(base::JsonWriter& out, const model::DeviceAttribute& attribute) {
  using Kind = model::AttributeValue::Kind;
  out.key(attribute.name);
  out.begin_object();
  switch (attribute.value.kind) {
    case Kind::kInteger:
      out.member("int", attribute.value.integer);
      break;
    case Kind::kBoolean:
      out.member("bool", attribute.value.boolean);
      break;
    case Kind::kText:
      out.member("string", attribute.value.text);
      break;
    case Kind::kVersion:
      out.member("version", attribute.value.text);
      break;
  }
  out.end_object();
}

void write_capacity(base::JsonWriter& out, const model::DeviceCapacity& capacity) {
  out.key(capacity.name);
  out.begin_object();
  out.member("value", quantity_text(capacity.amount));
  if (capacity.policy) {
    const model::CapacityPolicy& policy = *capacity.policy;
    out.key("requestPolicy");
    out.begin_object();
    if (policy.default_amount) out.member("default", quantity_text(*policy.default_amount));
    if (!policy.valid_amounts.empty()) {
      out.key("validValues");
      out.begin_array();
      for (std::int64_t amount : policy.valid_amounts) out.value(quantity_text(amount));
      out.end_array();
    }
    if (policy.least || policy.most || policy.step) {
      out.key("validRange");
      out.begin_object();
      if (policy.least) out.member("min", quantity_text(*policy.least));
      if (policy.most) out.member("max", quantity_text(*policy.most));
      if (policy.step) out.member("step", quantity_text(*policy.step));
      out.end_object();
    }
    out.end_object();
  }
  out.end_object();
}

void write_device(base::JsonWriter& out, const model::OfferedDevice& device) {
  out.begin_object();
  out.member("name", device.name);
  if (!device.attributes.empty()) {
    out.key("attributes");
    out.begin_object();
    for (const auto& attribute : device.attributes) write_attribute(out, attribute);
    out.end_object();
  }
  if (!device.capacities.empty()) {
    out.key("capacity");
    out.begin_object();
    for (const auto& capacity : device.capacities) write_capacity(out, capacity);
    out.end_object();
  }
  write_counter_sets(out, "consumesCounters", "counterSet", device.consumes);
  if (!device.taints.empty()) {
    out.key("taints");
    out.begin_array();
    for (const model::DeviceTaint& taint : device.taints) {
      out.begin_object();
      out.member("key", taint.key);
      if (!taint.value.empty()) out.member("value", taint.value);
      out.member("effect", effect_name(taint.effect));
      out.end_object();
    }
    out.end_array();
  }
  if (device.shared) out.member("allowMultipleAllocations", true);
  write_reach(out, device.reach);
  if (device.binds_to_node) out.member("bindsToNode", true);
  write_names(out, "bindingConditions", device.binding_conditions);
  write_names(out, "bindingFailureConditions", device.binding_failure_conditions);
  out.end_object();
}

void write_choice(base::JsonWriter& out, const model::DeviceChoice& choice) {
  if (!choice.name.empty()) out.member("name", choice.name);
  out.member("deviceClassName", choice.device_class);
  write_selectors(out, choice.selectors);
  out.member("allocationMode", choice.all ? "All" : "ExactCount");
  if (!choice.all) out.member("count", choice.count);
  if (choice.admin_access) out.member("adminAccess", true);
  write_tolerations(out, choice.tolerations);
  if (!choice.capacities.empty()) {
    out.key("capacity");
    out.begin_object();
    write_quantities(out, "requests", choice.capacities);
    out.end_object();
  }
}

void write_request(base::JsonWriter& out, const model::ClaimRequest& request) {
  out.begin_object();
  out.member("name", request.name);
  if (request.prioritized) {
    out.key("firstAvailable");
    out.begin_array();
    for (const model::DeviceChoice& choice : request.choices) {
      out.begin_object();
      write_choice(out, choice);
      out.end_object();
    }
    out.end_array();
  } else if (!request.choices.empty()) {
    out.key("exactly");
    out.begin_object();
    write_choice(out, request.choices.front());
    out.end_object();
  }
  out.end_object();
}

}  // namespace

std::string quantity_text(std::int64_t thousandths) {
  if (thousandths % 1000 != 0) return fmt::format("{}m", thousandths);
  std::int64_t whole = thousandths / 1000;
  constexpr std::array<std::string_view, 6> kUnits = {"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  std::size_t steps = 0;
  while (whole != 0 && whole % 1024 == 0 && steps < kUnits.size()) {
    whole /= 1024;
    ++steps;
  }
  return steps == 0 ? fmt::format("{}", whole) : fmt::format("{}{}", whole, kUnits[steps - 1]);
}

void write_allocation(base::JsonWriter& out, const model::Allocation& allocation) {
  out.begin_object();
  out.key("devices");
  out.begin_object();
  out.key("results");
  out.begin_array();
  for (const model::AllocatedDevice& device : allocation.devices) {
    out.begin_object();
    out.member("request", device.request);
    out.member("driver", device.driver);
    out.member("pool", device.pool);
    out.member("device", device.device);
    if (device.admin_access) out.member("adminAccess", true);
    write_tolerations(out, device.tolerations);
    if (!device.share.empty()) out.member("shareID", device.share);
    if (!device.consumed.empty()) write_quantities(out, "consumedCapacity", device.consumed);
    write_names(out, "bindingConditions", device.binding_conditions);
    write_names(out, "bindingFailureConditions", device.binding_failure_conditions);
    out.end_object();
  }
  out.end_array();
  if (!allocation.configurations.empty()) {
    out.key("config");
    out.begin_array();
    for (const auto& [from_class, configuration] : allocation.configurations) {
      out.begin_object();
      out.member("source", from_class ? "FromClass" : "FromClaim");
      write_configuration(out, configuration);
      out.end_object();
    }
    out.end_array();
  }
  out.end_object();
  write_node_selector(out, allocation.nodes);
  out.end_object();
}

void Encoder::device_class(const model::DeviceClass& device_class) {
  begin("resource.k8s.io/v1", "DeviceClass", {.name = device_class.name});
  out_.key("spec");
  out_.begin_object();
  write_selectors(out_, device_class.selectors);
  write_configurations(out_, device_class.configurations);
  out_.end_object();
  end();
}

void Encoder::resource_slice(const model::ResourceSlice& slice) {
  begin("resource.k8s.io/v1", "ResourceSlice", {.name = slice.name});
  out_.key("spec");
  out_.begin_object();
  out_.member("driver", slice.driver);
  out_.key("pool");
  out_.begin_object();
  out_.member("name", slice.pool);
  out_.member("generation", slice.generation);
  out_.member("resourceSliceCount", slice.slice_count);
  out_.end_object();
  write_reach(out_, slice.reach);
  if (slice.reach_by_device) out_.member("perDeviceNodeSelection", true);
  out_.key("devices");
  out_.begin_array();
  for (const model::OfferedDevice& device : slice.devices) write_device(out_, device);
  out_.end_array();
  write_counter_sets(out_, "sharedCounters", "name", slice.shared_counters);
  out_.end_object();
  end();
}

void Encoder::resource_claim(const model::ResourceClaim& claim) {
  const auto [namespace_name, name] = split_key(claim.key);
  Metadata metadata{
      .name = name, .namespace_name = namespace_name, .uid = claim.uid, .created = claim.created};
  if (!claim.queue.empty()) metadata.labels.emplace(options_.queue_label, claim.queue);
  if (claim.from_template) metadata.owner = "Pod " + name;
  begin("resource.k8s.io/v1", "ResourceClaim", metadata);
  out_.key("spec");
  out_.begin_object();
  out_.key("devices");
  out_.begin_object();
  out_.key("requests");
  out_.begin_array();
  for (const model::ClaimRequest& request : claim.requests) write_request(out_, request);
  out_.end_array();
  if (!claim.constraints.empty()) {
    out_.key("constraints");
    out_.begin_array();
    for (const model::ClaimConstraint& constraint : claim.constraints) {
      out_.begin_object();
      write_names(out_, "requests", constraint.requests);
      out_.member(constraint.distinct ? "distinctAttribute" : "matchAttribute", constraint.attribute);
      out_.end_object();
    }
    out_.end_array();
  }
  write_configurations(out_, claim.configurations);
  out_.end_object();
  out_.end_object();
  if (claim.allocation || !claim.reserved_for.empty()) {
    out_.key("status");
    out_.begin_object();
    if (claim.allocation) {
      out_.key("allocation");
      write_allocation(out_, *claim.allocation);
    }
    if (!claim.reserved_for.empty()) {
      out_.key("reservedFor");
      out_.begin_array();
      for (const std::string& uid : claim.reserved_for) {
        out_.begin_object();
        out_.member("resource", "pods");
        out_.member("name", uid);
        out_.member("uid", uid);
        out_.end_object();
      }
      out_.end_array();
    }
    out_.end_object();
  }
  end();
}

}  // namespace fairlead::manifest
