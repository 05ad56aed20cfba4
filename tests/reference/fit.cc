#include "reference/fit.h"

#include "reference/claims.h"

#include <functional>
#include <set>
#include <tuple>

namespace fairlead::reference {
namespace {

using model::NodeReason;
using model::Pod;

/// Calls `visit` for each pod that is (kNow: also still or already) on a node.
void for_each_neighbour(const Facts& facts, const State& state, When when,
                        const std::function<void(const Pod&, const model::Node&)>& visit) {
  for (const auto& [uid, pod] : state.pods) {
    auto call = [&](const std::string& name) {
      auto node = facts.world->nodes.find(name);
      if (node != facts.world->nodes.end()) visit(*pod.pod, node->second);
    };
    if (is_active(pod.status)) call(pod.place.node);
    if (when == When::kNow && pod.leaving && !(is_active(pod.status) && pod.place.node == pod.leaving->node))
      call(pod.leaving->node);
  }
}
/// Calls `visit` for each pod on which another may rely: it stays, and for kNow it is there already.
void for_each_support(const Facts& facts, const State& state, When when,
                      const std::function<void(const Pod&, const model::Node&)>& visit) {
  for (const auto& [uid, pod] : state.pods) {
    if (!is_active(pod.status) || (when == When::kNow && pod.status == Status::kPipelined)) continue;
    auto node = facts.world->nodes.find(pod.place.node);
    if (node != facts.world->nodes.end()) visit(*pod.pod, node->second);
  }
}

bool selects(const Facts& facts, const model::PodAffinityTerm& term, const Pod& pod) {
  if (!term.selector || !model::matches(*term.selector, pod.labels)) return false;
  if (std::find(term.namespaces.begin(), term.namespaces.end(), pod.namespace_name) != term.namespaces.end())
    return true;
  if (!term.namespace_selector) return false;
  auto labels = facts.world->namespaces.find(pod.namespace_name);
  return model::matches(*term.namespace_selector,
                        labels == facts.world->namespaces.end() ? model::Labels{} : labels->second);
}

bool same_domain(const std::string& key, const model::Node& a, const model::Node& b) {
  auto left = model::find_label(a.labels, key);
  auto right = model::find_label(b.labels, key);
  return left && right && *left == *right;
}

bool affinity_met(const Facts& facts, const State& state, const Pod& pod, const model::Node& node, When when,
                  bool keeps_place) {
  const auto& terms = pod.constraints.required_affinity;
  if (terms.empty()) return true;
  bool anyone = false;
  std::vector<bool> met(terms.size(), false);
  for_each_support(facts, state, when, [&](const Pod& other, const model::Node& at) {
    if (&other == &pod) return;
    for (std::size_t i = 0; i < terms.size(); ++i)
      if (selects(facts, terms[i], other)) {
        anyone = true;
        met[i] = met[i] || same_domain(terms[i].topology_key, at, node);
      }
  });
  if (std::find(met.begin(), met.end(), false) == met.end()) return true;
  // The first of a series: nobody matches yet, and the pod matches its own terms.
  return (!anyone || keeps_place) && std::all_of(terms.begin(), terms.end(), [&](const auto& term) {
           return selects(facts, term, pod) && model::find_label(node.labels, term.topology_key);
         });
}

/// In both directions: the pod's own terms, and those of the pods that are there.
bool anti_affinity_violated(const Facts& facts, const State& state, const Pod& pod, const model::Node& node,
                            When when) {
  bool violated = false;
  for_each_neighbour(facts, state, when, [&](const Pod& other, const model::Node& at) {
    if (&other == &pod) return;
    for (const auto& term : pod.constraints.required_anti_affinity)
      violated = violated || (same_domain(term.topology_key, at, node) && selects(facts, term, other));
    for (const auto& term : other.constraints.required_anti_affinity)
      violated = violated || (same_domain(term.topology_key, at, node) && selects(facts, term, pod));
  });
  return violated;
}

/// Source: Kubernetes PodTopologySpread. Counts matching pods per domain of the nodes that count for the pod.
bool spread_violated(const Facts& facts, const State& state, const Pod& pod, const model::Node& node,
                     When when) {
  for (const model::SpreadConstraint& constraint : pod.constraints.spread) {
    if (!constraint.required) continue;
    auto here = model::find_label(node.labels, constraint.topology_key);
    if (!here) return true;
    auto counts_node = [&](const model::Node& other) {
      return (!constraint.honor_node_affinity || matches_node(pod, other)) &&
             (!constraint.honor_node_taints || tolerates_node(pod, other));
    };
    std::map<std::string, std::int64_t> pods;
    for (const auto& [name, other] : facts.world->nodes) {
      auto value = model::find_label(other.labels, constraint.topology_key);
      if (value && counts_node(other)) pods[std::string(*value)] += 0;
    }
    for_each_neighbour(facts, state, when, [&](const Pod& other, const model::Node& at) {
      auto value = model::find_label(at.labels, constraint.topology_key);
      if (&other != &pod && value && counts_node(at) && other.namespace_name == pod.namespace_name &&
          constraint.selector && model::matches(*constraint.selector, other.labels))
        ++pods[std::string(*value)];
    });
    std::int64_t least = static_cast<std::int32_t>(pods.size()) < constraint.min_domains ? 0 : INT64_MAX;
    for (const auto& [value, number] : pods) least = std::min(least, number);
    bool self = constraint.selector && model::matches(*constraint.selector, pod.labels);
    if (pods[std::string(*here)] + (self ? 1 : 0) - (pods.empty() ? 0 : least) > constraint.max_skew)
      return true;
  }
  return false;
}

bool host_port_taken(const Facts& facts, const State& state, const Pod& pod, const model::Node& node,
                     When when) {
  if (pod.constraints.host_ports.empty()) return false;
  bool taken = false;
  for_each_neighbour(facts, state, when, [&](const Pod& other, const model::Node& at) {
    if (&other == &pod || &at != &node) return;
    for (const model::HostPort& a : pod.constraints.host_ports)
      for (const model::HostPort& b : other.constraints.host_ports)
        taken = taken || (a.port == b.port && a.protocol == b.protocol &&
                          (a.ip.empty() || b.ip.empty() || a.ip == b.ip));
  });
  return taken;
}

bool volumes_allow(const Facts& facts, const Pod& pod, const model::Node& node) {
  for (const std::string& name : pod.constraints.volume_claims) {
    auto claim = facts.world->claims.find(pod.namespace_name + "/" + name);
    if (claim == facts.world->claims.end() || claim->second.state == model::VolumeClaim::State::kUnbound)
      return false;
    const auto& terms = claim->second.node_terms;
    if (!terms.empty() && std::none_of(terms.begin(), terms.end(), [&](const model::NodeSelectorTerm& term) {
          return model::matches(term, node.labels, node.name);
        }))
      return false;
  }
  return true;
}

/// Section 3, "Predicates": mixed takes pods with partitions only, single takes whole devices only; a pod
/// that asks for partitions by annotation is never placed, and its node takes no new pod with partitions
/// (rule 15).
bool partitions_allow(const State& state, const Pod& pod, const model::Node& node) {
  if (pod.legacy_partition_request) return false;
  bool partitioned = !pod.devices.partitions.empty();
  using Strategy = model::Node::PartitionStrategy;
  if (node.partition_strategy == Strategy::kMixed && pod.devices.kind != model::DeviceRequest::Kind::kNone)
    return false;
  if (node.partition_strategy == Strategy::kSingle && (partitioned || pod.devices.shares_devices()))
    return false;
  return !partitioned || std::none_of(state.pods.begin(), state.pods.end(), [&](const auto& entry) {
    const PodState& other = entry.second;
    return other.pod->legacy_partition_request &&
           ((is_active(other.status) && other.place.node == node.name) ||
            (other.leaving && other.leaving->node == node.name));
  });
}

bool excluded(const Facts& facts, const Pod& pod, const model::Node& node) {
  auto memory = facts.world->memory.find(pod.uid);
  return memory != facts.world->memory.end() &&
         std::any_of(memory->second.exclusions.begin(), memory->second.exclusions.end(),
                     [&](const auto& one) {
                       return one.until > facts.world->now && (one.node.empty() || one.node == node.name);
                     });
}

std::optional<NodeReason> filtered(const Facts& facts, const State& state, const Pod& pod,
                                   const model::Node& node, When when, bool keeps_place) {
  if (!node.ready) return NodeReason::kNotReady;
  if (node.unschedulable) return NodeReason::kUnschedulable;
  if (!matches_node(pod, node)) return NodeReason::kNodeSelector;
  if (!tolerates_node(pod, node)) return NodeReason::kTaint;
  if (!volumes_allow(facts, pod, node)) return NodeReason::kVolume;
  if (host_port_taken(facts, state, pod, node, when)) return NodeReason::kHostPort;
  if (!affinity_met(facts, state, pod, node, when, keeps_place)) return NodeReason::kPodAffinity;
  if (anti_affinity_violated(facts, state, pod, node, when)) return NodeReason::kPodAntiAffinity;
  if (spread_violated(facts, state, pod, node, when)) return NodeReason::kSpread;
  return std::nullopt;
}

std::int64_t free_of(const NodeUse& use, const std::string& name, When when) {
  return when == When::kNow ? use.free_now(name) : use.free_later(name);
}

/// MiB that a new pod can have of a shared device. One whose users all leave takes nobody (rule 4).
std::int64_t room_on(const NodeUse& use, const SharedDevice& device, When when) {
  std::int64_t later = use.device_mib - device.active - device.pipelined;
  if (when == When::kLater) return device.has_active || device.has_pipelined ? later : 0;
  return device.has_active ? std::min(later, use.device_mib - device.active - device.releasing) : 0;
}

bool device_memory_suffices(const Pod& pod, const model::Node& node) {
  if (!pod.devices.shares_devices()) return true;
  std::int64_t size = node.devices.front().memory_mib;
  return size > 0 && share_mib(pod.devices, node.devices.front()) <= size;
}

NodeReason reason_for(const Pod& pod, const std::string& name) {
  if (name == "pods") return NodeReason::kPodCount;
  if (name == "cpu") return NodeReason::kCpu;
  if (name == "memory") return NodeReason::kMemory;
  for (const model::Partition& partition : pod.devices.partitions)
    if (partition.resource == name) return NodeReason::kPartitions;
  return name == device_name(pod.devices.resource) || name == device_name(pod.devices.second_resource)
             ? NodeReason::kDevices
             : NodeReason::kCountedResource;
}

/// New shared devices are named "<pod uid>-<index>"; "~<n>" is added while that is taken.
std::string new_device_group(const State& state, const Pod& pod, std::size_t index) {
  std::set<std::string> taken;
  for (const auto& [uid, other] : state.pods) {
    taken.insert(other.place.device_groups.begin(), other.place.device_groups.end());
    if (other.leaving) taken.insert(other.leaving->device_groups.begin(), other.leaving->device_groups.end());
  }
  std::string name = pod.uid + "-" + std::to_string(index);
  if (!taken.count(name)) return name;
  for (int n = 1;; ++n)
    if (!taken.count(name + "~" + std::to_string(n))) return name + "~" + std::to_string(n);
}

}  // namespace

bool matches_node(const Pod& pod, const model::Node& node) {
  for (const auto& [key, value] : pod.constraints.node_selector)
    if (model::find_label(node.labels, key) != std::optional<std::string_view>(value)) return false;
  const auto& terms = pod.constraints.required_nodes;
  return !pod.constraints.has_required_nodes ||
         std::any_of(terms.begin(), terms.end(), [&](const model::NodeSelectorTerm& term) {
           return model::matches(term, node.labels, node.name);
         });
}

bool tolerates_node(const Pod& pod, const model::Node& node) {
  return std::all_of(node.taints.begin(), node.taints.end(), [&](const model::Taint& taint) {
    const auto& list = pod.constraints.tolerations;
    return taint.effect == model::Taint::Effect::kPreferNoSchedule ||
           std::any_of(list.begin(), list.end(),
                       [&](const auto& one) { return model::tolerates(one, taint); });
  });
}

const model::PoolConfiguration& pool_configuration(const Facts& facts, const std::string& pool) {
  static const model::PoolConfiguration none;
  const model::PoolConfiguration* fallback = &none;
  for (const model::PoolConfiguration& one : facts.world->configuration.pools) {
    if (one.pool == pool) return one;
    if (one.pool.empty()) fallback = &one;
  }
  return *fallback;
}

std::optional<std::vector<std::string>> choose_devices(const Facts& facts, const State& state, const Pod& pod,
                                                       const model::Node& node, When when) {
  std::vector<std::string> chosen;
  if (!pod.devices.shares_devices()) return chosen;
  if (node.devices.empty()) return std::nullopt;
  NodeUse use = node_use(facts, state, node);
  auto needed = static_cast<std::size_t>(pod.devices.count);
  const std::int64_t mib = share_mib(pod.devices, node.devices.front());

  bool pack = pool_configuration(facts, node.pool).placement.pack_shares;
  struct Candidate {
    bool later;          // what can be had at once comes first
    std::int64_t order;  // used MiB, the whole device counting as empty
    std::string group;   // empty: a whole device
  };
  std::vector<Candidate> candidates;
  for (const auto& [group, device] : use.shared) {
    if (room_on(use, device, when) < mib) continue;
    std::int64_t used = device.active + device.releasing + device.pipelined;
    candidates.push_back({room_on(use, device, When::kNow) < mib, pack ? -used : used, group});
  }
  std::int64_t whole = free_of(use, use.shareable, when);
  if (whole < 0) return std::nullopt;  // devices have failed, and which is not known
  std::int64_t whole_now = use.free_now(use.shareable);
  for (std::int64_t i = 0; i < std::min<std::int64_t>(whole, pod.devices.count); ++i)
    candidates.push_back({i >= whole_now, 0, ""});
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.later, a.order, a.group) < std::tie(b.later, b.order, b.group);
  });
  if (candidates.size() < needed) return std::nullopt;
  // A victim that gets a whole device takes back its own, where nobody else is on it (rule 5).
  const PodState& at = state_of(state, pod);
  std::vector<std::string> own;
  if (at.status == Status::kEvicted && at.home.node == node.name)
    for (const std::string& group : at.home.device_groups)
      if (!use.shared[group].has_active && !use.shared[group].has_pipelined) own.push_back(group);
  std::size_t created = 0;
  for (std::size_t i = 0; i < needed; ++i) {
    std::string group = candidates[i].group;
    if (group.empty() && !own.empty()) {
      group = own.front();
      own.erase(own.begin());
    } else if (group.empty()) {
      group = new_device_group(state, pod, created++);
    }
    chosen.push_back(std::move(group));
  }
  // Section 3, "Predicates": a new shared device takes a second slot, for the pod that reserves it.
  if (created > 0 && free_of(use, "pods", when) < static_cast<std::int64_t>(1 + created)) return std::nullopt;
  return chosen;
}

bool devices_have_room(const Facts& facts, const State& state, const Pod& pod, const model::Node& node,
                       const std::vector<std::string>& device_groups, When when) {
  if (!pod.devices.shares_devices()) return true;
  if (node.devices.empty()) return false;
  NodeUse use = node_use(facts, state, node);
  std::int64_t created = 0;
  for (const std::string& group : device_groups) {
    auto device = use.shared.find(group);
    if (device == use.shared.end())
      ++created;
    else if (room_on(use, device->second, when) < share_mib(pod.devices, node.devices.front()))
      return false;
  }
  return created <= free_of(use, use.shareable, when) &&
         (created == 0 || free_of(use, "pods", when) >= 1 + created);
}

bool fits_on_shared_device(const Facts& facts, const State& state, const Pod& pod, const model::Node& node) {
  if (!pod.devices.shares_devices() || node.devices.empty()) return false;
  NodeUse use = node_use(facts, state, node);
  return std::any_of(use.shared.begin(), use.shared.end(), [&](const auto& entry) {
    return room_on(use, entry.second, When::kLater) >= share_mib(pod.devices, node.devices.front());
  });
}

std::optional<NodeReason> refusal(const Facts& facts, const State& state, const Pod& pod,
                                  const model::Node& node, When when, bool keeps_place) {
  if (excluded(facts, pod, node)) return NodeReason::kExcludedAfterFailure;
  if (facts.world->configuration.policies.filters)
    if (auto reason = filtered(facts, state, pod, node, when, keeps_place)) return reason;
  NodeUse use = node_use(facts, state, node);
  if (free_of(use, "pods", when) < 1) return NodeReason::kPodCount;
  if (!partitions_allow(state, pod, node)) return NodeReason::kPartitionStrategy;
  if (pod.devices.shares_devices()) {
    bool same = !node.devices.empty() &&
                (pod.devices.resource.empty() || pod.devices.resource == node.devices.front().resource);
    if (!same) return NodeReason::kNoSuchDevice;
    if (!device_memory_suffices(pod, node)) return NodeReason::kDeviceMemory;
    if (!choose_devices(facts, state, pod, node, when)) return NodeReason::kDeviceShare;
  }
  Amounts request = node_request(pod);
  std::optional<NodeReason> first;
  for (const auto& [name, amount] : request) {
    if (amount <= 0 || free_of(use, name, when) >= amount) continue;
    NodeReason reason = reason_for(pod, name);
    if (reason == NodeReason::kDevices && !use.capacity.count(name)) reason = NodeReason::kNoSuchDevice;
    if (!first || reason < *first) first = reason;
  }
  if ((!first || NodeReason::kClaim < *first) && !choose_claims(facts, state, pod, node, when))
    return NodeReason::kClaim;
  return first;
}

std::int64_t room_for(const NodeUse& use, const model::Node& node, const Pod& pod) {
  std::int64_t room = INT64_MAX;
  for (const auto& [name, amount] : node_request(pod))
    if (amount > 0) room = std::min(room, std::max<std::int64_t>(0, use.free_later(name)) / amount);
  if (!pod.devices.shares_devices()) return room;
  if (node.devices.empty()) return 0;
  std::int64_t mib = share_mib(pod.devices, node.devices.front());
  if (mib <= 0) return 0;
  std::int64_t shares = std::max<std::int64_t>(0, use.free_later(use.shareable)) * (use.device_mib / mib);
  for (const auto& [group, device] : use.shared)
    shares += std::max<std::int64_t>(0, room_on(use, device, When::kLater)) / mib;
  return std::min(room, shares / pod.devices.count);
}

std::int64_t affinity_score(const Facts& facts, const State& state, const Pod& pod, const model::Node& node) {
  std::int64_t score = 0;
  for_each_support(facts, state, When::kLater, [&](const Pod& other, const model::Node& at) {
    if (&other == &pod) return;
    auto weigh = [&](const std::vector<model::PodAffinityTerm>& terms, const Pod& target, std::int64_t sign) {
      for (const auto& term : terms)
        if (same_domain(term.topology_key, at, node) && selects(facts, term, target))
          score += sign * std::max(1, term.weight);
    };
    weigh(pod.constraints.preferred_affinity, other, 1);
    weigh(pod.constraints.preferred_anti_affinity, other, -1);
    weigh(other.constraints.preferred_affinity, pod, 1);
    weigh(other.constraints.preferred_anti_affinity, pod, -1);
    weigh(other.constraints.required_affinity, pod, 1);
  });
  return score;
}

}  // namespace fairlead::reference
