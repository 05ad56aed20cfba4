#include "engine/gang/topology_tree.h"

#include "engine/fit/node_fit.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace fairlead::engine {
namespace {

/// What the pods ask for together, in columns; and devices once more with the shares of them, as thousandths
/// of whole ones, whatever the vendor.
struct TotalRequest {
  std::vector<model::ResourceAmount> amounts;
  std::int64_t device_thousandths = 0;
  bool homogeneous = true;
};

TotalRequest total_request(const model::Cluster& cluster, const std::vector<model::PodId>& pods) {
  TotalRequest total;
  const model::PodClass& first = cluster.class_of(pods.front());
  model::ClassId seen = cluster.pod(pods.front()).pod_class;
  std::map<std::uint32_t, std::int64_t> sums;
  for (model::PodId pod : pods) {
    const model::ClassId id = cluster.pod(pod).pod_class;
    const model::PodClass& pod_class = cluster.pod_class(id);
    if (id != seen &&
        (pod_class.key.requests != first.key.requests || pod_class.key.devices != first.key.devices ||
         pod_class.key.claims != first.key.claims))
      total.homogeneous = false;
    for (const model::ResourceAmount& amount : pod_class.amounts)
      if (amount.resource != model::column::kPods && amount.amount > 0)
        sums[amount.resource.value()] += amount.amount;
    if (pod_class.key.devices.kind != model::DeviceRequest::Kind::kNone)
      total.device_thousandths += cluster.queue_charge(pod_class, model::NodeId()).gpu;
  }
  for (const auto& [resource, amount] : sums) total.amounts.push_back({model::ResourceId(resource), amount});
  return total;
}

/// A domain while it is measured: how many of the pods fit, and how tight they would be.
struct Domain {
  std::uint32_t id = 0;
  std::int64_t room = 0;
  double tightness = 0;
  std::vector<model::NodeId> nodes;
};

class Measure {
 public:
  Measure(const model::Cluster& cluster, const std::vector<model::PodId>& pods)
      : cluster_(cluster), pods_(pods), request_(total_request(cluster, pods)) {}

  /// The domains of a level that have nodes of the list, tightest first, ties by the labels' values.
  std::vector<Domain> sorted_domains(const DomainTree& tree, std::size_t level,
                                     const std::vector<model::NodeId>& nodes) const {
    std::vector<Domain> domains;
    std::vector<std::uint32_t> position(tree.domain_count[level], UINT32_MAX);
    for (model::NodeId node : nodes) {
      const std::uint32_t id = tree.domain_of[level][node.index()];
      if (id == DomainTree::kOutside) continue;
      if (position[id] == UINT32_MAX) {
        position[id] = static_cast<std::uint32_t>(domains.size());
        domains.emplace_back().id = id;
      }
      domains[position[id]].nodes.push_back(node);
    }
    for (Domain& domain : domains) measure(domain);
    std::sort(domains.begin(), domains.end(), [](const Domain& a, const Domain& b) {
      return a.tightness != b.tightness ? a.tightness > b.tightness : a.id < b.id;
    });
    return domains;
  }

 private:
  void measure(Domain& domain) const {
    auto tighten = [&](std::int64_t amount, std::int64_t free) {
      const double ratio = free > 0 ? static_cast<double>(amount) / static_cast<double>(free)
                                    : std::numeric_limits<double>::infinity();
      domain.tightness = std::max(domain.tightness, ratio);
    };
    for (const model::ResourceAmount& amount : request_.amounts) {
      const auto& later = cluster_.nodes().later(amount.resource);
      std::int64_t free = 0;
      for (model::NodeId node : domain.nodes) free += std::max<std::int64_t>(0, later[node.index()]);
      tighten(amount.amount, free);
    }
    if (request_.device_thousandths > 0) {
      std::int64_t free = 0;
      for (model::NodeId node : domain.nodes)
        for (model::ResourceId column : cluster_.nodes().at(node).device_columns)
          free += std::max<std::int64_t>(0, cluster_.nodes().later(column)[node.index()]) *
                  model::kThousandthsPerDevice;
      tighten(request_.device_thousandths, free);
    }
    if (request_.homogeneous) {
      for (model::NodeId node : domain.nodes)
        domain.room += room_for(cluster_, cluster_.class_of(pods_.front()), node);
    } else {
      domain.room = domain.tightness <= 1 ? static_cast<std::int64_t>(pods_.size()) : 0;
    }
  }

  const model::Cluster& cluster_;
  const std::vector<model::PodId>& pods_;
  TotalRequest request_;
};

/// The preferred level's domains below one of `level`, listed level by level, each level's tightest first.
void list_preferred(const Measure& measure, const DomainTree& tree, std::size_t level, std::size_t preferred,
                    const std::vector<model::NodeId>& nodes, std::vector<std::vector<model::NodeId>>& list) {
  if (level >= preferred) {
    list.push_back(nodes);
    return;
  }
  for (const Domain& child : measure.sorted_domains(tree, level + 1, nodes))
    list_preferred(measure, tree, level + 1, preferred, child.nodes, list);
}

/// 1-based position of a level's label; 0 for none.
std::size_t level_of(const model::Topology& topology, std::string_view label) {
  auto found = std::find(topology.levels.begin(), topology.levels.end(), label);
  return label.empty() || found == topology.levels.end()
             ? 0
             : static_cast<std::size_t>(found - topology.levels.begin()) + 1;
}

/// Domains of a level that hold placed pods of a part.
void pinned_domains(const model::Cluster& cluster, const DomainTree& tree, std::size_t level,
                    const model::GroupRecord& group, std::size_t part, std::vector<std::uint32_t>& domains) {
  const model::GangNode& at = group.tree[part];
  for (std::size_t child : at.children) pinned_domains(cluster, tree, level, group, child, domains);
  if (!at.is_leaf() || group.pod_sets[at.pod_set].placed() == 0) return;
  for (model::PodId pod : group.pod_sets[at.pod_set].pods) {
    const model::Assignment& assignment = cluster.pod(pod).assignment;
    const model::NodeId node = model::is_active(assignment.state)     ? assignment.held.node
                               : model::is_reserved(assignment.state) ? assignment.reserved.node
                                                                      : model::NodeId();
    if (node.valid()) domains.push_back(tree.domain_of[level][node.index()]);
  }
}

std::int32_t placed_pods(const model::GroupRecord& group, std::size_t part) {
  const model::GangNode& at = group.tree[part];
  if (at.is_leaf()) return group.pod_sets[at.pod_set].placed();
  return std::accumulate(at.children.begin(), at.children.end(), 0, [&](std::int32_t sum, std::size_t child) {
    return sum + placed_pods(group, child);
  });
}

/// Scores of a candidate's nodes by the place of their preferred domain in the list: the roomiest, last one
/// gets 10.
std::vector<std::int32_t> scores_of(const std::vector<model::NodeId>& nodes,
                                    const std::vector<std::vector<model::NodeId>>& list) {
  boost::unordered_flat_map<model::NodeId, std::int32_t> score;
  for (std::size_t i = 0; i < list.size(); ++i)
    for (model::NodeId node : list[i]) score[node] = static_cast<std::int32_t>(10 * (i + 1) / list.size());
  std::vector<std::int32_t> scores;
  scores.reserve(nodes.size());
  for (model::NodeId node : nodes) {
    auto found = score.find(node);
    scores.push_back(found == score.end() ? 0 : found->second);
  }
  return scores;
}

}  // namespace

const DomainTree* DomainTrees::of(model::Cluster& cluster, std::string_view name) {
  const model::Topology* topology = cluster.topology(name);
  if (!topology) return nullptr;
  Cached& cached = trees_[std::string(name)];
  const model::NodeTable& nodes = cluster.nodes();
  if (cached.structure == nodes.structure_version() && cached.levels == topology->levels) return &cached.tree;
  cached.structure = nodes.structure_version();
  cached.levels = topology->levels;
  DomainTree& tree = cached.tree;
  const std::size_t levels = topology->levels.size();
  tree.domain_of.assign(levels + 1, std::vector<std::uint32_t>(nodes.size(), DomainTree::kOutside));
  tree.domain_count.assign(levels + 1, 0);
  std::vector<std::pair<std::vector<std::string_view>, model::NodeId>> inside;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const model::NodeRecord& record = nodes.at(model::NodeId(i));
    if (!record.alive) continue;
    std::vector<std::string_view> path;
    for (const std::string& label : topology->levels)
      if (auto value = model::find_label(record.spec.labels, label)) path.push_back(*value);
    if (path.size() == levels) inside.emplace_back(std::move(path), model::NodeId(i));
  }
  std::sort(inside.begin(), inside.end());
  for (std::size_t level = 0; level <= levels; ++level) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < inside.size(); ++i) {
      const auto prefix = static_cast<std::ptrdiff_t>(level);
      const bool same = i > 0 && std::equal(inside[i].first.begin(), inside[i].first.begin() + prefix,
                                            inside[i - 1].first.begin());
      if (!same) ++next;
      tree.domain_of[level][inside[i].second.index()] = next - 1;
    }
    tree.domain_count[level] = next;
  }
  return &cached.tree;
}

std::vector<NodeSet> topology_candidates(model::Cluster& cluster, DomainTrees& trees,
                                         const model::GroupRecord& group, std::size_t part,
                                         const std::vector<model::PodId>& pods, const NodeSet& outer) {
  const model::TopologyConstraint& constraint = group.tree[part].topology;
  const DomainTree* tree = trees.of(cluster, constraint.topology);
  if (!tree) return {};
  const model::Topology& topology = *cluster.topology(constraint.topology);
  const std::size_t required = level_of(topology, constraint.required_level);
  const std::size_t preferred = level_of(topology, constraint.preferred_level);
  if (!constraint.required_level.empty() && required == 0) return {};
  if (!constraint.preferred_level.empty() && preferred == 0) return {};

  const Measure measure(cluster, pods);
  std::vector<std::uint32_t> pinned;
  const bool pins = required > 0 && placed_pods(group, part) > 0;
  if (pins) pinned_domains(cluster, *tree, required, group, part, pinned);
  std::vector<NodeSet> sets;
  for (std::size_t level = std::max(preferred, required) + 1; level-- > required;) {
    for (Domain& domain : measure.sorted_domains(*tree, level, outer.nodes)) {
      if (domain.room < static_cast<std::int64_t>(pods.size())) continue;
      const std::uint32_t wide = tree->domain_of[required][domain.nodes.front().index()];
      if (pins && std::find(pinned.begin(), pinned.end(), wide) == pinned.end()) continue;
      NodeSet set;
      if (preferred > 0) {
        std::vector<std::vector<model::NodeId>> list;
        list_preferred(measure, *tree, level, preferred, domain.nodes, list);
        set.scores = scores_of(domain.nodes, list);
      } else if (!outer.scores.empty()) {
        // Without a preference of its own a part is placed by its nearest ancestor's.
        std::size_t at = 0;
        for (model::NodeId node : domain.nodes) {
          while (outer.nodes[at] != node) ++at;
          set.scores.push_back(outer.scores[at]);
        }
      }
      set.nodes = std::move(domain.nodes);
      sets.push_back(std::move(set));
    }
  }
  return sets;
}

}  // namespace fairlead::engine
