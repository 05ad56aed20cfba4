#include "reference/topology.h"

#include "reference/chunk.h"
#include "reference/fit.h"

#include <limits>

namespace fairlead::reference {
namespace {

/// A domain of a level: nodes that share the values of that level's label and of the wider ones'. Level 0 is
/// the root.
struct Domain {
  std::vector<std::string> id;  ///< values of the labels from the widest level on
  std::vector<const model::Node*> nodes;
  std::int64_t room = 0;  ///< pods that fit
  double tightness = 0;   ///< dominant request/free
};

/// Every domain of a level, by id. Nodes that lack a label of any level are outside the tree.
std::map<std::vector<std::string>, Domain> domains_of(const model::Topology& topology, std::size_t level,
                                                      const std::vector<const model::Node*>& nodes) {
  std::map<std::vector<std::string>, Domain> domains;
  for (const model::Node* node : nodes) {
    std::vector<std::string> id;
    bool inside = true;
    for (std::size_t i = 0; i < topology.levels.size(); ++i) {
      auto value = model::find_label(node->labels, topology.levels[i]);
      inside = inside && value;
      if (value && i < level) id.emplace_back(*value);
    }
    if (!inside) continue;
    domains[id].id = id;
    domains[id].nodes.push_back(node);
  }
  return domains;
}

/// What pods ask for together; and devices once more with the shares of them, as thousandths, whatever the
/// vendor calls the device.
Amounts total_request(const Facts& facts, const std::vector<const model::Pod*>& pods) {
  Amounts sum;
  for (const model::Pod* pod : pods) {
    Amounts request = node_request(*pod);
    request.erase("pods");
    Amounts charged = charge(facts, *pod, nullptr);
    if (pod->devices.kind != model::DeviceRequest::Kind::kNone) request["gpu"] = get(charged, "gpu");
    add(sum, request);
  }
  return sum;
}

std::int64_t free_amount(const NodeUse& use, const model::Node& node, const std::string& name) {
  if (name != "gpu") return std::max<std::int64_t>(0, use.free_later(name));
  std::int64_t free = 0;
  for (const model::DeviceSet& set : node.devices)
    free += std::max<std::int64_t>(0, use.free_later(device_name(set.resource)));
  return free * model::kThousandthsPerDevice;
}

/// Fills in a domain's room for the pods and how tight they would be in it: by count of pods that fit on each
/// node where all ask for the same, else by the ratio of the sums; what the free parts of shared devices add
/// is left out of ratios.
void measure(const Facts& facts, const State& state, const std::vector<const model::Pod*>& pods,
             Domain& domain) {
  Amounts request = total_request(facts, pods);
  Amounts free;
  bool homogeneous = std::all_of(pods.begin(), pods.end(), [&](const model::Pod* pod) {
    return pod->requests == pods.front()->requests && pod->devices == pods.front()->devices;
  });
  for (const model::Node* node : domain.nodes) {
    NodeUse use = node_use(facts, state, *node);
    for (const auto& [name, amount] : request) free[name] += free_amount(use, *node, name);
    if (homogeneous) domain.room += room_for(use, *node, *pods.front());
  }
  for (const auto& [name, amount] : request)
    if (amount > 0)
      domain.tightness =
          std::max(domain.tightness, get(free, name) > 0
                                         ? static_cast<double>(amount) / static_cast<double>(get(free, name))
                                         : std::numeric_limits<double>::infinity());
  if (!homogeneous) domain.room = domain.tightness <= 1 ? static_cast<std::int64_t>(pods.size()) : 0;
}

/// Tightest first, ties by id.
void sort_by_tightness(std::vector<Domain>& domains) {
  std::stable_sort(domains.begin(), domains.end(), [](const Domain& a, const Domain& b) {
    return a.tightness != b.tightness ? a.tightness > b.tightness : a.id < b.id;
  });
}

struct Constrained {
  const Facts& facts;
  const State& state;
  const model::Topology& topology;
  const std::vector<const model::Pod*>& pods;

  std::vector<Domain> sorted_domains(std::size_t level, const std::vector<const model::Node*>& nodes) const {
    std::vector<Domain> list;
    for (auto& [id, domain] : domains_of(topology, level, nodes)) {
      measure(facts, state, pods, domain);
      list.push_back(std::move(domain));
    }
    sort_by_tightness(list);
    return list;
  }

  /// The preferred level's domains below one of `level`, listed level by level, each level's tightest first
  /// (rule 8).
  void list_preferred(std::size_t level, std::size_t preferred, const Domain& domain,
                      std::vector<Domain>& list) const {
    if (level >= preferred) {
      list.push_back(domain);
      return;
    }
    for (const Domain& child : sorted_domains(level + 1, domain.nodes))
      list_preferred(level + 1, preferred, child, list);
  }
};

/// Already running pods pin the required domain.
bool holds_active_pod(const State& state, const Part& part, const Domain& domain) {
  auto holds = [&](const model::Pod* pod) {
    const PodState& at = state_of(state, *pod);
    return is_active(at.status) &&
           std::any_of(domain.nodes.begin(), domain.nodes.end(),
                       [&](const model::Node* node) { return node->name == at.place.node; });
  };
  return std::any_of(part.pods.begin(), part.pods.end(), holds) ||
         std::any_of(part.children.begin(), part.children.end(),
                     [&](const Part& child) { return holds_active_pod(state, child, domain); });
}

/// 1-based position of a level label in the topology; 0 for none.
std::size_t level_of(const model::Topology& topology, const std::string& label) {
  auto found = std::find(topology.levels.begin(), topology.levels.end(), label);
  return label.empty() || found == topology.levels.end()
             ? 0
             : static_cast<std::size_t>(found - topology.levels.begin()) + 1;
}

}  // namespace

std::vector<NodeSet> topology_candidates(const Facts& facts, const State& state, const Part& part,
                                         const std::vector<const model::Pod*>& pods, const NodeSet& outer) {
  const model::TopologyConstraint& constraint = part.topology;
  if (constraint.empty() || !facts.world->configuration.policies.topology || pods.empty()) return {outer};
  auto topology = facts.world->topologies.find(constraint.topology);
  if (topology == facts.world->topologies.end()) return {};
  std::size_t required = level_of(topology->second, constraint.required_level);
  std::size_t preferred = level_of(topology->second, constraint.preferred_level);
  if (!constraint.required_level.empty() && required == 0) return {};
  if (!constraint.preferred_level.empty() && preferred == 0) return {};

  Constrained tree{facts, state, topology->second, pods};
  std::size_t narrowest = std::max(preferred, required);  // without a preferred level: the required one only
  bool pinned = required > 0 && active_pods(part, state) > 0;
  std::vector<NodeSet> sets;
  for (std::size_t level = narrowest + 1;
       level-- > required;) {  // rule 8: without a required level up to the root
    for (const Domain& domain : tree.sorted_domains(level, outer.nodes)) {
      if (domain.room < static_cast<std::int64_t>(pods.size())) continue;
      if (pinned) {
        std::vector<const model::Node*> all;
        for (const auto& [name, node] : facts.world->nodes) all.push_back(&node);
        std::vector<std::string> wide(domain.id.begin(),
                                      domain.id.begin() + static_cast<std::ptrdiff_t>(required));
        auto domains = domains_of(topology->second, required, all);
        if (!holds_active_pod(state, part, domains[wide])) continue;
      }
      NodeSet set{domain.nodes, outer.scores};
      if (preferred > 0) {
        std::vector<Domain> list;
        tree.list_preferred(level, preferred, domain, list);
        set.scores.clear();
        for (std::size_t i = 0; i < list.size(); ++i)
          for (const model::Node* node : list[i].nodes)
            set.scores[node->name] = static_cast<int>(10 * (i + 1) / list.size());
      }
      sets.push_back(std::move(set));
    }
  }
  return sets;
}

}  // namespace fairlead::reference
