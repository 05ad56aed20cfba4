#include "manifest/cycle_state.h"

#include "model/json/codec.h"
#include "model/json/events.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace fairlead::manifest {
namespace {

using Namespace = std::pair<std::string, model::Labels>;

const std::string& id_of(const model::Pod& pod) { return pod.uid; }
const std::string& id_of(const Namespace& one) { return one.first; }
template <class T>
const std::string& id_of(const T& value) {
  if constexpr (requires { value.key; }) {
    return value.key;
  } else {
    return value.name;
  }
}

bool same(const Namespace& a, const Namespace& b) { return a == b; }
template <class T>
bool same(const T& a, const T& b) {
  return model::json::same(a, b);
}

template <class T>
void put(std::vector<T>& list, const T& value) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const T& one) { return id_of(one) == id_of(value); });
  if (found == list.end()) {
    list.push_back(value);
  } else {
    *found = value;
  }
}
template <class T>
void remove(std::vector<T>& list, const std::string& id) {
  std::erase_if(list, [&](const T& one) { return id_of(one) == id; });
}

/// Applies one event to the list that it is about; others are not about objects.
struct Apply {
  ClusterObjects& to;

  void operator()(const model::QueueUpserted& event) const { put(to.queues, event.queue); }
  void operator()(const model::QueueRemoved& event) const { remove(to.queues, event.name); }
  void operator()(const model::TopologyUpserted& event) const { put(to.topologies, event.topology); }
  void operator()(const model::TopologyRemoved& event) const { remove(to.topologies, event.name); }
  void operator()(const model::PriorityClassUpserted& event) const {
    put(to.priority_classes, event.priority_class);
  }
  void operator()(const model::PriorityClassRemoved& event) const { remove(to.priority_classes, event.name); }
  void operator()(const model::NamespaceUpserted& event) const {
    put(to.namespaces, Namespace(event.name, event.labels));
  }
  void operator()(const model::NamespaceRemoved& event) const { remove(to.namespaces, event.name); }
  void operator()(const model::NodeUpserted& event) const { put(to.nodes, event.node); }
  void operator()(const model::NodeRemoved& event) const { remove(to.nodes, event.name); }
  void operator()(const model::GroupUpserted& event) const { put(to.groups, event.group); }
  void operator()(const model::GroupRemoved& event) const { remove(to.groups, event.key); }
  void operator()(const model::PodUpserted& event) const { put(to.pods, event.pod); }
  void operator()(const model::PodRemoved& event) const { remove(to.pods, event.uid); }
  void operator()(const model::VolumeClaimUpserted& event) const { put(to.volume_claims, event.claim); }
  void operator()(const model::VolumeClaimRemoved& event) const { remove(to.volume_claims, event.key); }
  void operator()(const model::DisruptionBudgetUpserted& event) const {
    put(to.disruption_budgets, event.budget);
  }
  void operator()(const model::DisruptionBudgetRemoved& event) const {
    remove(to.disruption_budgets, event.key);
  }
  void operator()(const model::DeviceClassUpserted& event) const {
    put(to.device_classes, event.device_class);
  }
  void operator()(const model::DeviceClassRemoved& event) const { remove(to.device_classes, event.name); }
  void operator()(const model::ResourceSliceUpserted& event) const { put(to.resource_slices, event.slice); }
  void operator()(const model::ResourceSliceRemoved& event) const { remove(to.resource_slices, event.name); }
  void operator()(const model::ResourceClaimUpserted& event) const { put(to.resource_claims, event.claim); }
  void operator()(const model::ResourceClaimRemoved& event) const { remove(to.resource_claims, event.key); }
  template <class Other>
  void operator()(const Other&) const {}
};

template <class T, class Upsert, class Remove>
void compare(const std::vector<T>& read, const std::vector<T>& wanted, std::vector<model::Event>& events,
             Upsert upsert, Remove removal) {
  std::map<std::string, const T*> known;
  for (const T& value : read) known.emplace(id_of(value), &value);
  for (const T& value : wanted) {
    const auto found = known.find(id_of(value));
    if (found == known.end() || !same(*found->second, value)) events.push_back({{}, upsert(value)});
    if (found != known.end()) known.erase(found);
  }
  for (const auto& [id, value] : known) events.push_back({{}, removal(id)});
}

}  // namespace

base::Result<CycleState> read_state(const base::JsonValue& json) {
  if (!json.is_object()) return base::invalid_argument("state is not an object");
  CycleState state;
  const auto take = [&json](std::string_view name, auto& value) -> base::Result<void> {
    const base::JsonValue* member = json.find(name);
    if (member == nullptr || member->is_null()) return {};
    model::json::Fault fault;
    if (!model::json::read(*member, value, fault)) {
      fault.inside(name);
      return fault.error().in("state");
    }
    return {};
  };
  if (auto taken = take("configuration", state.configuration); !taken) return taken.error();
  if (auto taken = take("limits", state.limits); !taken) return taken.error();
  if (auto taken = take("usage", state.usage); !taken) return taken.error();
  if (auto taken = take("assumptions", state.assumptions); !taken) return taken.error();
  if (const base::JsonValue* exact = json.find("exact"); exact != nullptr && !exact->is_null()) {
    auto events = model::json::read_events(*exact);
    if (!events) return events.error().in("state: exact");
    state.exact = std::move(*events);
  }
  return state;
}

void write_state(base::JsonWriter& out, const CycleState& state) {
  out.begin_object();
  const auto give = [&out](std::string_view name, const auto& value) {
    out.key(name);
    model::json::write(out, value);
  };
  if (state.configuration) give("configuration", *state.configuration);
  if (!model::json::same(state.limits, model::RoundRequest())) give("limits", state.limits);
  if (!state.usage.empty()) give("usage", state.usage);
  give("assumptions", state.assumptions);
  if (!state.exact.empty()) {
    out.key("exact");
    model::json::write_events(out, state.exact);
  }
  out.end_object();
}

void apply_exact(const std::vector<model::Event>& exact, ClusterObjects& objects) {
  for (const model::Event& event : exact) std::visit(Apply{objects}, event.body);
}

std::vector<model::Event> exact_difference(const ClusterObjects& read, const ClusterObjects& wanted) {
  std::vector<model::Event> events;
  using Body = decltype(model::Event::body);
  const auto lists = [&]<class T>(const std::vector<T>& a, const std::vector<T>& b, auto upsert,
                                  auto removal) {
    compare(
        a, b, events, [&](const T& value) { return Body(upsert(value)); },
        [&](const std::string& id) { return Body(removal(id)); });
  };
  lists(
      read.topologies, wanted.topologies, [](const auto& v) { return model::TopologyUpserted{v}; },
      [](const auto& id) { return model::TopologyRemoved{id}; });
  lists(
      read.priority_classes, wanted.priority_classes,
      [](const auto& v) { return model::PriorityClassUpserted{v}; },
      [](const auto& id) { return model::PriorityClassRemoved{id}; });
  lists(
      read.namespaces, wanted.namespaces,
      [](const auto& v) { return model::NamespaceUpserted{v.first, v.second}; },
      [](const auto& id) { return model::NamespaceRemoved{id}; });
  lists(
      read.queues, wanted.queues, [](const auto& v) { return model::QueueUpserted{v}; },
      [](const auto& id) { return model::QueueRemoved{id}; });
  lists(
      read.nodes, wanted.nodes, [](const auto& v) { return model::NodeUpserted{v}; },
      [](const auto& id) { return model::NodeRemoved{id}; });
  lists(
      read.volume_claims, wanted.volume_claims, [](const auto& v) { return model::VolumeClaimUpserted{v}; },
      [](const auto& id) { return model::VolumeClaimRemoved{id}; });
  lists(
      read.disruption_budgets, wanted.disruption_budgets,
      [](const auto& v) { return model::DisruptionBudgetUpserted{v}; },
      [](const auto& id) { return model::DisruptionBudgetRemoved{id}; });
  lists(
      read.device_classes, wanted.device_classes, [](const auto& v) { return model::DeviceClassUpserted{v}; },
      [](const auto& id) { return model::DeviceClassRemoved{id}; });
  lists(
      read.resource_slices, wanted.resource_slices,
      [](const auto& v) { return model::ResourceSliceUpserted{v}; },
      [](const auto& id) { return model::ResourceSliceRemoved{id}; });
  lists(
      read.resource_claims, wanted.resource_claims,
      [](const auto& v) { return model::ResourceClaimUpserted{v}; },
      [](const auto& id) { return model::ResourceClaimRemoved{id}; });
  lists(
      read.groups, wanted.groups, [](const auto& v) { return model::GroupUpserted{v}; },
      [](const auto& id) { return model::GroupRemoved{id}; });
  lists(
      read.pods, wanted.pods, [](const auto& v) { return model::PodUpserted{v}; },
      [](const auto& id) { return model::PodRemoved{id}; });
  return events;
}

ClusterObjects objects_of(const std::vector<model::Event>& upserts) {
  ClusterObjects objects;
  apply_exact(upserts, objects);
  return objects;
}

}  // namespace fairlead::manifest
