// resource.k8s.io: DeviceClass, ResourceSlice, ResourceClaim and ResourceClaimTemplate, in v1, v1beta2 and
// v1beta1. The oldest has the fields of a device under "basic" and those of an exact request in the request.

#include "base/json_writer.h"
#include "manifest/decoding.h"
#include "model/cel/expression.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

/// Thousandths; what a machine can have, and sums of it still fit 64 bits.
constexpr std::int64_t kMostCapacity = std::int64_t{1} << 60U;
constexpr std::size_t kMostDevices = 1024;  // in one slice; Kubernetes allows 128
constexpr std::size_t kMostRequests = 32;   // Kubernetes' limits
constexpr std::size_t kMostChoices = 8;
constexpr std::size_t kMostParameters = 64 * 1024;

/// A number as JSON writes it; YAML has other forms, which are passed on as texts.
bool is_json_number(std::string_view text) {
  if (!parse_number(text)) return false;
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  const std::size_t point = text.find('.');
  return digit(0) && digit(text.size() - 1) && !(text[0] == '0' && digit(1)) &&
         (point == std::string_view::npos || digit(point + 1));
}

void write_json(base::JsonWriter& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      out.null();
      break;
    case Value::Kind::kBoolean:
      out.value(value.boolean());
      break;
    case Value::Kind::kNumber:
      if (is_json_number(value.text())) {
        out.raw(value.text());
      } else {
        out.value(value.text());
      }
      break;
    case Value::Kind::kString:
      out.value(value.text());
      break;
    case Value::Kind::kArray:
      out.begin_array();
      for (const Value& item : value.items()) write_json(out, item);
      out.end_array();
      break;
    case Value::Kind::kObject:
      out.begin_object();
      for (const auto& member : value.members()) {
        out.key(member.key);
        write_json(out, member.value);
      }
      out.end_object();
      break;
  }
}

std::vector<std::string> texts(Fields& fields, const Value& parent, std::string_view key) {
  std::vector<std::string> list;
  if (const Value* values = fields.array(parent, key))
    for (const Value& value : values->items()) list.emplace_back(value.text());
  return list;
}

template <class T>
void sort_by_name(std::vector<T>& list) {
  std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return a.name < b.name; });
  list.erase(std::unique(list.begin(), list.end(), [](const T& a, const T& b) { return a.name == b.name; }),
             list.end());
}

/// A map of quantities, in thousandths.
std::vector<model::Counter> quantities(Fields& fields, const Value& parent, std::string_view key) {
  std::vector<model::Counter> list;
  const Value* map = fields.object(parent, key);
  if (map == nullptr) return list;
  for (const auto& member : map->members()) {
    // A counter or capacity is a map with a value, what is asked for a plain quantity.
    const Value* amount = member.value.is_object() ? member.value.find("value") : &member.value;
    if (amount == nullptr) continue;
    if (const auto milli = fields.quantity(*amount, true, kMostCapacity))
      list.push_back({std::string(member.key), *milli});
  }
  sort_by_name(list);
  return list;
}

std::optional<std::int64_t> quantity_in(Fields& fields, const Value& parent, std::string_view key) {
  const Value* value = parent.find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return fields.quantity(*value, true, kMostCapacity);
}

std::vector<model::CounterSet> counter_sets(Fields& fields, const Value& parent, std::string_view key,
                                            std::string_view name) {
  std::vector<model::CounterSet> sets;
  fields.each_object(parent, key, [&](const Value& set) {
    sets.push_back({fields.string(set, name), quantities(fields, set, "counters")});
  });
  return sets;
}

std::optional<model::DeviceTaint::Effect> effect_of(std::string_view name) {
  using Effect = model::DeviceTaint::Effect;
  if (name == "NoSchedule") return Effect::kNoSchedule;
  if (name == "NoExecute") return Effect::kNoExecute;
  if (name == "None") return Effect::kNone;
  return std::nullopt;
}

std::vector<model::DeviceToleration> tolerations(Fields& fields, const Value& parent) {
  std::vector<model::DeviceToleration> list;
  fields.each_object(parent, "tolerations", [&](const Value& value) {
    model::DeviceToleration toleration;
    toleration.key = fields.string(value, "key");
    toleration.exists = fields.text(value, "operator") == "Exists";
    toleration.value = fields.string(value, "value");
    toleration.effect = effect_of(fields.text(value, "effect"));
    list.push_back(std::move(toleration));
  });
  return list;
}

/// A selector that is not understood is kept: its pods wait, and learn why.
std::vector<std::string> selectors(Fields& fields, const Value& parent) {
  std::vector<std::string> list;
  fields.each_object(parent, "selectors", [&](const Value& selector) {
    const Value* cel = fields.object(selector, "cel");
    std::string text = cel == nullptr ? std::string() : fields.string(*cel, "expression");
    const auto compiled = model::cel::Expression::compile(text);
    if (!compiled)
      fields.warning(cel == nullptr ? selector : *cel,
                     "is a selector that cannot be used: " + compiled.error().message(),
                     "write it with what docs/objects.md lists; pods that need it wait until then");
    list.push_back(std::move(text));
  });
  return list;
}

std::optional<model::DeviceConfiguration> configuration(Fields& fields, const Value& value) {
  const Value* opaque = fields.object(value, "opaque");
  if (opaque == nullptr) return std::nullopt;
  model::DeviceConfiguration result;
  result.requests = texts(fields, value, "requests");
  result.driver = fields.string(*opaque, "driver");
  if (const Value* parameters = opaque->find("parameters"); parameters != nullptr && !parameters->is_null()) {
    base::JsonWriter out(result.parameters);
    write_json(out, *parameters);
    if (result.parameters.size() > kMostParameters) {
      fields.left_out(*parameters, "is longer than 64 KiB", "shorten it");
      return std::nullopt;
    }
  }
  return result;
}

std::vector<model::DeviceConfiguration> configurations(Fields& fields, const Value& parent) {
  std::vector<model::DeviceConfiguration> list;
  fields.each_object(parent, "config", [&](const Value& value) {
    if (auto one = configuration(fields, value)) list.push_back(std::move(*one));
  });
  return list;
}

model::NodeReach reach(Fields& fields, const Value& value) {
  model::NodeReach result;
  result.node = fields.string(value, "nodeName");
  result.all_nodes = fields.boolean(value, "allNodes");
  if (const Value* selector = fields.object(value, "nodeSelector"))
    result.terms = decode_node_terms(fields, *selector, "nodeSelectorTerms");
  return result;
}

std::vector<model::DeviceAttribute> attributes(Fields& fields, const Value& device) {
  using Kind = model::AttributeValue::Kind;
  std::vector<model::DeviceAttribute> list;
  const Value* map = fields.object(device, "attributes");
  if (map == nullptr) return list;
  for (const auto& member : map->members()) {
    model::DeviceAttribute attribute;
    attribute.name = member.key;
    model::AttributeValue& value = attribute.value;
    const auto has = [&](std::string_view key) {
      const Value* found = member.value.find(key);
      return found != nullptr && !found->is_null();
    };
    if (has("int")) {
      const auto number = fields.integer(member.value, "int");
      if (!number) continue;
      value.kind = Kind::kInteger;
      value.integer = *number;
    } else if (has("bool")) {
      value.kind = Kind::kBoolean;
      value.boolean = fields.boolean(member.value, "bool");
    } else if (has("string")) {
      value.text = fields.string(member.value, "string");
    } else if (has("version")) {
      value.kind = Kind::kVersion;
      value.text = fields.string(member.value, "version");
    } else {
      fields.left_out(member.value, "is no value that is known",
                      "write one of int, bool, string and version");
      continue;
    }
    list.push_back(std::move(attribute));
  }
  sort_by_name(list);
  return list;
}

std::vector<model::DeviceCapacity> capacities(Fields& fields, const Value& device) {
  std::vector<model::DeviceCapacity> list;
  const Value* map = fields.object(device, "capacity");
  if (map == nullptr) return list;
  for (const auto& member : map->members()) {
    model::DeviceCapacity capacity;
    capacity.name = member.key;
    const Value* amount = member.value.is_object() ? member.value.find("value") : &member.value;
    if (amount == nullptr) continue;
    const auto milli = fields.quantity(*amount, true, kMostCapacity);
    if (!milli) continue;
    capacity.amount = *milli;
    if (const Value* policy =
            member.value.is_object() ? fields.object(member.value, "requestPolicy") : nullptr) {
      model::CapacityPolicy& read = capacity.policy.emplace();
      read.default_amount = quantity_in(fields, *policy, "default");
      if (const Value* values = fields.array(*policy, "validValues"))
        for (const Value& value : values->items())
          if (const auto valid = fields.quantity(value, true, kMostCapacity))
            read.valid_amounts.push_back(*valid);
      std::sort(read.valid_amounts.begin(), read.valid_amounts.end());
      if (const Value* range = fields.object(*policy, "validRange")) {
        read.least = quantity_in(fields, *range, "min");
        read.most = quantity_in(fields, *range, "max");
        read.step = quantity_in(fields, *range, "step");
      }
    }
    list.push_back(std::move(capacity));
  }
  sort_by_name(list);
  return list;
}

model::OfferedDevice offered_device(Fields& fields, const Value& value) {
  model::OfferedDevice device;
  device.name = fields.string(value, "name");
  const Value* basic = fields.object(value, "basic");
  const Value& body = basic == nullptr ? value : *basic;
  device.attributes = attributes(fields, body);
  device.capacities = capacities(fields, body);
  device.consumes = counter_sets(fields, body, "consumesCounters", "counterSet");
  fields.each_object(body, "taints", [&](const Value& taint) {
    const auto effect = effect_of(fields.text(taint, "effect"));
    if (!effect) {
      fields.left_out(taint, "is a taint without an effect that is known",
                      "write None, NoSchedule or NoExecute");
      return;
    }
    device.taints.push_back({fields.string(taint, "key"), fields.string(taint, "value"), *effect});
  });
  device.shared = fields.boolean(body, "allowMultipleAllocations");
  device.reach = reach(fields, body);
  device.binds_to_node = fields.boolean(body, "bindsToNode");
  device.binding_conditions = texts(fields, body, "bindingConditions");
  device.binding_failure_conditions = texts(fields, body, "bindingFailureConditions");
  return device;
}

/// An exact request, or one of a list. False: it cannot be used.
bool device_choice(Fields& fields, const Value& value, model::DeviceChoice& choice) {
  choice.device_class = fields.string(value, "deviceClassName");
  if (choice.device_class.empty()) {
    fields.missing(value, "deviceClassName", "name the class of the devices");
    return false;
  }
  choice.selectors = selectors(fields, value);
  const std::string_view mode = fields.text(value, "allocationMode");
  choice.all = mode == "All";
  if (!mode.empty() && mode != "All" && mode != "ExactCount") {
    fields.error(*value.find("allocationMode"), "is not a mode of allocation", "write ExactCount or All");
    return false;
  }
  constexpr std::int64_t kMostCount = 1'000'000;
  // As in Kubernetes, no count, or 0, is one device.
  if (const auto count = fields.integer(value, "count", 0, kMostCount))
    choice.count = std::max<std::int64_t>(1, *count);
  choice.admin_access = fields.boolean(value, "adminAccess");
  choice.tolerations = tolerations(fields, value);
  if (const Value* capacity = fields.object(value, "capacity"))
    choice.capacities = quantities(fields, *capacity, "requests");
  return true;
}

bool claim_request(Fields& fields, const Value& value, model::ClaimRequest& request) {
  request.name = fields.string(value, "name");
  if (const Value* list = fields.array(value, "firstAvailable"); list != nullptr && !list->items().empty()) {
    request.prioritized = true;
    if (list->items().size() > kMostChoices) {
      fields.error(*list, "has more than 8 entries", "list the best ones");
      return false;
    }
    bool good = true;
    fields.each_object(value, "firstAvailable", [&](const Value& entry) {
      model::DeviceChoice choice;
      choice.name = fields.string(entry, "name");
      good = device_choice(fields, entry, choice) && good;
      request.choices.push_back(std::move(choice));
    });
    return good;
  }
  const Value* exactly = fields.object(value, "exactly");
  return device_choice(fields, exactly == nullptr ? value : *exactly, request.choices.emplace_back());
}

/// "devices" of a claim, or of a template's spec.
void claim_spec(Fields& fields, const Value& spec, model::ResourceClaim& claim) {
  const Value* devices = fields.object(spec, "devices");
  if (devices == nullptr) return;
  fields.each_object(*devices, "requests", [&](const Value& value) {
    model::ClaimRequest request;
    if (claim_request(fields, value, request)) claim.requests.push_back(std::move(request));
  });
  if (claim.requests.size() > kMostRequests)
    fields.error(*devices->find("requests"), "has more than 32 entries", "split the claim");
  fields.each_object(*devices, "constraints", [&](const Value& value) {
    model::ClaimConstraint constraint;
    constraint.requests = texts(fields, value, "requests");
    constraint.attribute = fields.string(value, "matchAttribute");
    if (constraint.attribute.empty()) {
      constraint.attribute = fields.string(value, "distinctAttribute");
      constraint.distinct = true;
    }
    if (constraint.attribute.empty()) {
      fields.error(value, "is a constraint of a kind that is not known",
                   "write matchAttribute or distinctAttribute");
      return;
    }
    claim.constraints.push_back(std::move(constraint));
  });
  claim.configurations = configurations(fields, *devices);
}

void decode_allocation(Fields& fields, const Value& value, model::Allocation& allocation) {
  if (const Value* devices = fields.object(value, "devices")) {
    fields.each_object(*devices, "results", [&](const Value& result) {
      model::AllocatedDevice device;
      device.request = fields.string(result, "request");
      device.driver = fields.string(result, "driver");
      device.pool = fields.string(result, "pool");
      device.device = fields.string(result, "device");
      device.admin_access = fields.boolean(result, "adminAccess");
      device.share = fields.string(result, "shareID");
      device.consumed = quantities(fields, result, "consumedCapacity");
      device.tolerations = tolerations(fields, result);
      device.binding_conditions = texts(fields, result, "bindingConditions");
      device.binding_failure_conditions = texts(fields, result, "bindingFailureConditions");
      allocation.devices.push_back(std::move(device));
    });
    fields.each_object(*devices, "config", [&](const Value& entry) {
      if (auto one = configuration(fields, entry))
        allocation.configurations.emplace_back(fields.text(entry, "source") == "FromClass", std::move(*one));
    });
  }
  if (const Value* selector = fields.object(value, "nodeSelector"))
    allocation.nodes = decode_node_terms(fields, *selector, "nodeSelectorTerms");
}

}  // namespace

std::optional<model::DeviceClass> decode_device_class(Fields& fields) {
  model::DeviceClass device_class;
  device_class.name = decode_identity(fields, false).name;
  if (const Value* spec = fields.object(fields.root(), "spec")) {
    device_class.selectors = selectors(fields, *spec);
    device_class.configurations = configurations(fields, *spec);
  }
  if (fields.failed()) return std::nullopt;
  return device_class;
}

std::optional<model::ResourceSlice> decode_resource_slice(Fields& fields) {
  model::ResourceSlice slice;
  const Value& root = fields.root();
  slice.name = decode_identity(fields, false).name;
  const Value* spec = fields.object(root, "spec");
  if (spec == nullptr) {
    if (!fields.failed()) fields.missing(root, "spec", "write driver, pool and devices");
    return std::nullopt;
  }
  slice.driver = fields.string(*spec, "driver");
  if (const Value* pool = fields.object(*spec, "pool")) {
    slice.pool = fields.string(*pool, "name");
    slice.generation = fields.integer(*pool, "generation").value_or(0);
    slice.slice_count = fields.integer(*pool, "resourceSliceCount").value_or(1);
  }
  slice.reach = reach(fields, *spec);
  slice.reach_by_device = fields.boolean(*spec, "perDeviceNodeSelection");
  fields.each_object(*spec, "devices",
                     [&](const Value& value) { slice.devices.push_back(offered_device(fields, value)); });
  if (slice.devices.size() > kMostDevices)
    fields.error(*spec->find("devices"), "has more than 1024 entries", "publish several slices");
  slice.shared_counters = counter_sets(fields, *spec, "sharedCounters", "name");
  if (fields.failed()) return std::nullopt;
  return slice;
}

std::optional<model::ResourceClaim> decode_resource_claim(Fields& fields, const ReadOptions& options) {
  model::ResourceClaim claim;
  const Value& root = fields.root();
  const Identity identity = decode_identity(fields, true);
  claim.key = identity.key();
  claim.uid = identity.uid;
  claim.created = identity.created;
  if (const Value* metadata = fields.object(root, "metadata")) {
    const model::Labels labels = fields.labels(*metadata, "labels");
    if (const auto queue = model::find_label(labels, options.queue_label)) claim.queue = *queue;
  }
  const OwnerReference owner = decode_owner(fields);
  claim.from_template = owner.kind == "Pod" && owner.group.empty();
  if (const Value* spec = fields.object(root, "spec")) claim_spec(fields, *spec, claim);
  if (const Value* status = fields.object(root, "status")) {
    if (const Value* allocation = fields.object(*status, "allocation"))
      decode_allocation(fields, *allocation, claim.allocation.emplace());
    fields.each_object(*status, "reservedFor", [&](const Value& consumer) {
      claim.reserved_for.push_back(fields.string(consumer, "uid"));
    });
  }
  if (fields.failed()) return std::nullopt;
  return claim;
}

std::optional<model::ResourceClaim> decode_claim_template(Fields& fields, const ReadOptions& options) {
  model::ResourceClaim made;
  const Identity identity = decode_identity(fields, true);
  made.key = identity.key();
  made.from_template = true;
  if (const Value* spec = fields.object(fields.root(), "spec")) {
    if (const Value* metadata = fields.object(*spec, "metadata")) {
      const model::Labels labels = fields.labels(*metadata, "labels");
      if (const auto queue = model::find_label(labels, options.queue_label)) made.queue = *queue;
    }
    if (const Value* inner = fields.object(*spec, "spec")) claim_spec(fields, *inner, made);
  }
  if (fields.failed()) return std::nullopt;
  return made;
}

std::vector<PodClaimLink> decode_pod_claims(Fields& fields, const Value& spec) {
  std::vector<PodClaimLink> links;
  fields.each_object(spec, "resourceClaims", [&](const Value& entry) {
    PodClaimLink link;
    link.name = fields.string(entry, "name");
    const Value* source = fields.object(entry, "source");  // of versions before 1.31
    const Value& from = source == nullptr ? entry : *source;
    link.claim = fields.string(from, "resourceClaimName");
    link.from_template = fields.string(from, "resourceClaimTemplateName");
    links.push_back(std::move(link));
  });
  if (const Value* status = fields.object(fields.root(), "status")) {
    fields.each_object(*status, "resourceClaimStatuses", [&](const Value& entry) {
      const std::string_view name = fields.text(entry, "name");
      for (PodClaimLink& link : links) {
        if (link.name != name || link.from_template.empty()) continue;
        link.claim = fields.string(entry, "resourceClaimName");
        link.needs_none = link.claim.empty();
      }
    });
  }
  for (const char* list : {"containers", "initContainers"}) {
    fields.each_object(spec, list, [&](const Value& container) {
      const Value* resources = fields.object(container, "resources");
      if (resources == nullptr) return;
      fields.each_object(*resources, "claims", [&](const Value& use) {
        const std::string_view name = fields.text(use, "name");
        if (std::none_of(links.begin(), links.end(),
                         [&](const PodClaimLink& link) { return link.name == name; }))
          fields.warning(use, "names a claim that the pod does not have",
                         "add it to spec.resourceClaims, or correct the name");
      });
    });
  }
  return links;
}

}  // namespace fairlead::manifest
