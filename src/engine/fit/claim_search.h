#pragma once

#include "engine/fit/claim_fit.h"
#include "model/cluster/cluster.h"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::engine {

/// What a device, or a part of it, would give to a request; nothing where its capacities do not suffice.
/// Source: Kubernetes, rules of consumable capacity: without a request the default of the policy, else all;
/// a request is rounded up to what the policy allows.
class CapacityFit {
 public:
  using Amounts = boost::container::small_vector<std::pair<model::CapacityId, std::int64_t>, 2>;
  /// Amounts by capacity of the device. `used`: what is taken of each already.
  template <class Used>
  static bool fits(const model::ClaimTable& claims, const model::ClaimDevice& device,
                   const model::DeviceChoice& choice, Used used, Amounts& amounts);
  /// Rounded up to what a policy allows; nothing: more than it allows.
  static std::optional<std::int64_t> round_up(std::int64_t wanted, const model::CapacityPolicy& policy);
};

/// A depth-first search for devices for the claims of one pod on one node, within a number of steps.
class ClaimSearch {
 public:
  ClaimSearch(model::Cluster& cluster, model::PodId pod, model::NodeId node, When when);

  model::PodGrantsPointer run();
  ClaimRefusal refusal();

 private:
  /// A claim that needs devices.
  struct Open {
    model::ClaimId id;
    const model::ClaimRecord* record = nullptr;
    std::vector<model::GrantedDevice> picked;
  };
  /// Where the search is: the k-th device of a choice of a request of an open claim.
  struct Position {
    std::size_t claim = 0;
    std::size_t request = 0;
  };

  bool keep_existing();
  bool fill(Position at);
  bool fill_choice(Position at, std::size_t choice);
  bool fill_exact(Position at, std::size_t choice, std::int64_t missing, std::size_t from);
  bool fill_all(Position at, std::size_t choice);
  bool pick(Position at, std::size_t choice, model::OfferedDeviceId device);
  void unpick(Position at);
  /// What speaks against a device on its own; nothing: it can be had.
  std::optional<model::ClaimReason> against(const Open& open, Position at, std::size_t choice,
                                            model::OfferedDeviceId device, CapacityFit::Amounts& amounts);
  bool constraints_allow(const Open& open, Position at, std::size_t choice,
                         model::OfferedDeviceId device) const;
  bool counters_allow(model::OfferedDeviceId device) const;
  bool is_free(const model::ClaimDevice& device) const;
  std::int64_t used(const model::ClaimDevice& device, model::CapacityId capacity) const;
  const std::vector<model::OfferedDeviceId>& candidates();
  const model::AttributeValue* attribute(model::OfferedDeviceId device, const std::string& name) const;
  model::PodGrantsPointer finish();
  std::vector<model::NodeSelectorTerm> reach_of(const std::vector<model::GrantedDevice>& devices) const;
  ClaimRefusal explain(const Open& open, std::size_t request, std::size_t choice);
  bool step();

  model::Cluster& cluster_;
  model::ClaimTable& claims_;
  model::PodId pod_;
  model::NodeId node_;
  When when_;
  std::vector<model::OfferedDeviceId> candidates_;
  bool gathered_ = false;
  std::vector<Open> open_;
  std::vector<model::GrantPointer> kept_;  ///< by claim of the pod; null: open
  std::uint64_t steps_ = 0;
  bool out_of_steps_ = false;
  std::optional<ClaimRefusal> refusal_;
};

}  // namespace fairlead::engine
