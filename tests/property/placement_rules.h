#pragma once

#include "model/node.h"
#include "model/pod.h"
#include "truth.h"

#include <string>
#include <vector>

namespace fairlead::property {

/// One quantity of a node of which more is in use than there is.
struct Excess {
  std::string what;  ///< "cpu", "devices", "device g-1", "nvidia.com/mig-1g.10gb" ...
  std::int64_t above = 0;

  friend bool operator==(const Excess&, const Excess&) = default;
};
/// What of the node is used beyond its capacity; empty where everything fits.
std::vector<Excess> excess(const model::Node& node, const Use& use);

/// Why a pod may not run on a node at all, whatever is free there; empty where it may. Resources, host ports
/// and what depends on other pods are not looked at.
std::string why_not_allowed(const Truth& truth, const model::Pod& pod, const model::Node& node);

}  // namespace fairlead::property
