#pragma once

#include "reference/fit.h"
#include "reference/state.h"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::reference {

using ClaimAllocations = std::vector<model::ClaimAllocation>;

/// Devices for a pod's claims on a node: those that its claims keep, else the first combination in the order
/// of claims, requests, choices and devices. None: there is no combination.
std::optional<ClaimAllocations> choose_claims(const Facts& facts, const State& state, const model::Pod& pod,
                                              const model::Node& node, When when);
/// Whether exactly these can be had.
bool claims_have_room(const Facts& facts, const State& state, const model::Pod& pod,
                      const ClaimAllocations& claims, When when);
/// What is wrong with a pod's claims on any node; empty: nothing.
std::string claims_problem(const Facts& facts, const model::Pod& pod);
/// Thousandths of devices that a pod's claims count towards quotas.
std::int64_t claims_charge(const World& world, const model::Pod& pod);
/// What the world has recorded for a pod's claims, else what was decided for them.
ClaimAllocations told_claims(const World& world, const model::Pod& pod, const ClaimAllocations& decided);

/// Whole devices that claims can have on a node alone, and how many of them are free when all has left.
struct ClaimDevices {
  std::int64_t all = 0;
  std::int64_t free_later = 0;
};
ClaimDevices claim_devices(const Facts& facts, const State& state, const model::Node& node);
/// Accelerators of a node that drivers offer to claims; partitions of one count once.
std::int64_t claim_accelerators(const World& world, const model::Node& node);

}  // namespace fairlead::reference
