#pragma once

#include "model/cluster/cluster.h"
#include "model/decision.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <optional>
#include <vector>

namespace fairlead::engine {

/// Whether a pod shall start at once, or when what is leaving has left.
enum class When : std::uint8_t { kNow, kLater };

/// Who may be without the company of pods like itself that its required affinity asks for. One that chooses a
/// place: only the first of a series, while nobody of it is anywhere. One that keeps a place it was given
/// remains the first, whoever of the series has gone elsewhere since: a decision is not undone by a later
/// one.
enum class Series : std::uint8_t { kBegins, kStays };

/// What other pods, host ports and past failures say about where one pod may be. Made for one scan of nodes:
/// what is the same for all nodes is worked out once. Valid until the next assignment.
class PodConstraints {
 public:
  PodConstraints(const model::Cluster& cluster, model::PodId pod, Series series = Series::kBegins);

  /// False: refusal() refuses nothing and score() is 0 on every node, which is true of most pods.
  bool any() const { return any_; }
  /// The first refusal. O(terms of the pod), and O(nodes) once per scan for spread constraints.
  std::optional<model::NodeReason> refusal(model::NodeId node, When when);
  /// Weights of preferred pod affinity met by or through the pods in the node's domains. Not normalised.
  std::int64_t score(model::NodeId node) const;

 private:
  struct Spread {
    boost::unordered_flat_map<model::PodTermTable::DomainId, std::int64_t>
        pods;  // of domains with nodes that count
    boost::unordered_flat_set<std::string_view> domains;
    std::int64_t least = 0;
    bool counts_itself = false;
  };

  bool excluded(model::NodeId node) const;
  bool host_port_taken(model::NodeId node, When when) const;
  bool affinity_met(const model::Labels& labels, When when) const;
  bool anti_affinity_violated(const model::Labels& labels, When when) const;
  bool spread_violated(const model::Labels& labels, When when);
  void count_spread(When when);
  std::int64_t in_the_way(const model::PodCounts& counts, model::TermId term,
                          model::PodTermTable::DomainId domain, When when) const;

  const model::Cluster& cluster_;
  model::PodId pod_;
  const model::PodRecord& record_;
  Series series_;
  bool any_ = false;
  std::array<std::optional<std::vector<Spread>>, 2> spread_;  // by When
};

}  // namespace fairlead::engine
