#pragma once

#include "model/labels.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::model {

/// A persistent volume claim with what its volume or storage class says about nodes.
struct VolumeClaim {
  enum class State : std::uint8_t {
    kBound,                 ///< its volume exists; node_terms are the volume's
    kWaitForFirstConsumer,  ///< bound when a pod is placed; node_terms are the class's allowed topologies
    kUnbound,               ///< immediate binding that has not happened: its pods wait
  };
  std::string key;  ///< "namespace/name"
  State state = State::kUnbound;
  std::vector<NodeSelectorTerm> node_terms;  ///< alternatives; empty: any node
};

/// How many of an application's pods may be taken away by choice.
struct DisruptionBudget {
  std::string key;  ///< "namespace/name"
  std::optional<LabelSelector> selector;
  /// What the world's controller computed; none: worked out from the two below and the pods that are known.
  std::optional<std::int32_t> disruptions_allowed;
  std::optional<std::int32_t> min_available;
  std::optional<std::int32_t> max_unavailable;
  bool min_available_is_percent = false;
  bool max_unavailable_is_percent = false;
};

}  // namespace fairlead::model
