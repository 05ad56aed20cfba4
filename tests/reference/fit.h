#pragma once

#include "reference/state.h"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::reference {

/// Whether a pod shall start at once, or when what is being released has gone.
enum class When { kNow, kLater };

/// Why a node cannot take a pod; none: it can. The first reason in the order of NodeReason. `keeps_place`: it
/// was given this place before, and remains the first of a series of pods that want to be together, whoever
/// of them has gone elsewhere since.
std::optional<model::NodeReason> refusal(const Facts& facts, const State& state, const model::Pod& pod,
                                         const model::Node& node, When when, bool keeps_place = false);

/// The shared devices that a pod gets on a node, fullest first (or emptiest, where shares are spread), by id
/// among equals; new ones are named after the pod. None: there are not enough. For a pod without shares the
/// list is empty.
std::optional<std::vector<std::string>> choose_devices(const Facts& facts, const State& state,
                                                       const model::Pod& pod, const model::Node& node,
                                                       When when);
/// Whether exactly these shared devices have room for the pod; those that are not there yet are new ones.
bool devices_have_room(const Facts& facts, const State& state, const model::Pod& pod, const model::Node& node,
                       const std::vector<std::string>& device_groups, When when);
/// Whether the pod could join a device that is shared already.
bool fits_on_shared_device(const Facts& facts, const State& state, const model::Pod& pod,
                           const model::Node& node);

/// How many of such pods a node's free and releasing resources hold; filters do not count.
std::int64_t room_for(const NodeUse& use, const model::Node& node, const model::Pod& pod);

const model::PoolConfiguration& pool_configuration(const Facts& facts, const std::string& pool);

/// The affinity score of a node (rule of Kubernetes, not normalised): weights of preferred terms met by or
/// met through the pods in each node's domain, one for each required term of others that the pod meets.
std::int64_t affinity_score(const Facts& facts, const State& state, const model::Pod& pod,
                            const model::Node& node);

/// Whether the node meets the pod's node selector and required node affinity.
bool matches_node(const model::Pod& pod, const model::Node& node);
/// Whether the pod tolerates the node's taints of NoSchedule and NoExecute.
bool tolerates_node(const model::Pod& pod, const model::Node& node);

}  // namespace fairlead::reference
