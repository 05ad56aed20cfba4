#pragma once

#include "engine/place/placement_scorer.h"
#include "model/cluster/cluster.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::engine {

/// Asks scorers about the nodes of a cluster, and keeps what they say per class of pods until the node
/// changes. A node's version is never used twice, so a score that was kept during a hypothesis is right or
/// never read again.
class PodScores {
 public:
  explicit PodScores(std::vector<NamedScorerFactory> factories = {}) : factories_(std::move(factories)) {}

  /// Turns to a pod. False when its placement is bin-pack or spread, which compare all candidates with each
  /// other and are not a scorer's business, or has a name that no factory has. O(classes) when pods came or
  /// went and no workload is configured, else O(1).
  bool turn_to(const model::Cluster& cluster, model::PodId pod, const model::Placement& placement);
  /// The score of a node on which the pod fits. O(1) if neither the node nor the strategy changed since it
  /// was asked about this class; else a call of the scorer.
  double of(model::NodeId node);
  /// The shared device on which the pod's share belongs, an invalid id for a device that is free; nothing
  /// where the strategy does not care or the pod asks for no share of one device.
  std::optional<model::DeviceGroupId> device(model::NodeId node);

 private:
  struct Kept {
    std::uint64_t node_version = 0;  ///< 0: none; nodes count from 1
    double value = 0;
  };
  struct Column {
    std::uint64_t generation = 0;  ///< of the class
    const PlacementScorer* scorer = nullptr;
    std::uint64_t scorer_version = 0;
    std::vector<Kept> scores;  ///< by node
  };

  PlacementScorer* find_scorer(const model::Placement& placement, bool devices);
  void tell_workload(const model::Cluster& cluster);
  NodeScore ask(model::NodeId node);
  TaskShape shape_on(model::NodeId node) const;
  DeviceModelSet model_bits(const std::vector<std::string>& models) const;
  std::int32_t model_bit(const std::string& model) const;

  std::vector<NamedScorerFactory> factories_;
  std::map<std::string, std::unique_ptr<PlacementScorer>, std::less<>> named_;
  std::unique_ptr<PlacementScorer> gradient_;
  std::vector<Column> columns_;  ///< by class

  // The pod that it was turned to.
  const model::Cluster* cluster_ = nullptr;
  model::PodId pod_;
  const model::PodClass* pod_class_ = nullptr;
  PlacementScorer* scorer_ = nullptr;
  Column* column_ = nullptr;
  std::vector<std::int32_t> free_;  ///< of the node asked about last: shared devices, free ones, taken ones

  // The workload that scorers were told.
  std::vector<std::string> models_;  ///< that the workload tells apart, sorted; their place is their bit
  std::vector<ExpectedTask> workload_;
  std::uint64_t configuration_version_ = 0;
  std::uint64_t event_version_ = 0;
  std::uint64_t known_pods_ = 0;           ///< that the workload was made of
  std::vector<std::int32_t> bit_of_name_;  ///< by NameId of a node's device model; -1: not looked up yet
};

}  // namespace fairlead::engine
