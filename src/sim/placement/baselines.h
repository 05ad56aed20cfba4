#pragma once

#include "engine/place/placement_scorer.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace fairlead::sim {

// The strategies that published work compares the fragmentation gradient with, as its simulator defines them
// (Weng et al., USENIX ATC 2023). A share goes on the tightest device that holds it. Cost of a score:
// O(devices).

/// The largest node of the cluster, by which scores are normalised.
struct NodeLimits {
  std::int64_t cpu_milli = 1;
  std::int64_t device_thousandths = 1000;
};

/// Least left over after the task: 100 (1 - cpu left / 2 limit - devices left / 2 limit), as a whole number.
class BestFitScorer final : public engine::PlacementScorer {
 public:
  explicit BestFitScorer(NodeLimits limits) : limits_(limits) {}
  std::string_view name() const override { return "best-fit"; }
  engine::NodeScore score(const engine::TaskShape& shape, const engine::NodeState& node,
                          std::string_view pod) const override;

 private:
  NodeLimits limits_;
};

/// Least product of what is free and what is asked for: 100 (1 - (cpu product + device product) / 2), each
/// factor over its limit, as a whole number.
class DotProductScorer final : public engine::PlacementScorer {
 public:
  explicit DotProductScorer(NodeLimits limits) : limits_(limits) {}
  std::string_view name() const override { return "dot-product"; }
  engine::NodeScore score(const engine::TaskShape& shape, const engine::NodeState& node,
                          std::string_view pod) const override;

 private:
  NodeLimits limits_;
};

/// Devices in use before free devices of a node in use before idle nodes. Cpu-only tasks go to the first
/// node.
class PackingScorer final : public engine::PlacementScorer {
 public:
  std::string_view name() const override { return "packing"; }
  engine::NodeScore score(const engine::TaskShape& shape, const engine::NodeState& node,
                          std::string_view pod) const override;
};

/// Tasks that ask for equally many devices together, on nodes that run nothing else if possible. Cpu-only
/// tasks go to the first node.
class ClusteringScorer final : public engine::PlacementScorer {
 public:
  explicit ClusteringScorer(NodeLimits limits) : limits_(limits) {}
  std::string_view name() const override { return "clustering"; }
  bool reads_running_classes() const override { return true; }
  engine::NodeScore score(const engine::TaskShape& shape, const engine::NodeState& node,
                          std::string_view pod) const override;

 private:
  NodeLimits limits_;
};

/// Any node that fits, each with the same chance: a hash of seed, pod and node. For a share, any device of
/// the node that holds it, likewise.
class RandomScorer final : public engine::PlacementScorer {
 public:
  explicit RandomScorer(std::uint64_t seed) : seed_(seed) {}
  std::string_view name() const override { return "random"; }
  bool depends_on_pod() const override { return true; }
  engine::NodeScore score(const engine::TaskShape& shape, const engine::NodeState& node,
                          std::string_view pod) const override;
  std::optional<double> value_by_names(std::string_view node, std::string_view pod) const override;

 private:
  std::uint64_t hash(std::string_view node, std::string_view pod) const;

  std::uint64_t seed_;
};

/// All of the above for a cluster whose largest node is `limits`.
std::vector<engine::NamedScorerFactory> baseline_scorers(NodeLimits limits, std::uint64_t seed);

}  // namespace fairlead::sim
