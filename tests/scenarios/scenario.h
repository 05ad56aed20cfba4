#pragma once

#include "model/event.h"

#include <map>
#include <string>
#include <vector>

namespace fairlead::scenarios {

/// What a round shall decide. Pods by name; a place is "node", or "node/device+device" where the shared
/// devices matter.
struct Expected {
  std::map<std::string, std::string> binds;
  std::map<std::string, std::string> nominations;
  std::map<std::string, std::string> evictions;  ///< "reclaim for GROUP", "stale gang"
  std::map<std::string, std::string> withdrawn;  ///< pod to ""
  /// The first reason of groups that wait ("over-limit at team", or only its code); "nothing" for a group
  /// that does not wait. Other groups are not looked at.
  std::map<std::string, std::string> waits;
};

/// What became of an earlier decision about a pod.
struct Outcome {
  enum class Kind { kBindSucceeded, kBindFailed, kEvictionAccepted, kEvictionRefused };
  Kind kind = Kind::kBindSucceeded;
  std::string pod;
  bool only_that_node = false;  ///< of a failed bind
  base::Duration retry_after;
};

/// Something happens, a round runs, and its decisions are compared.
struct Step {
  std::string name;
  base::Time at;
  std::vector<model::Event> events;
  std::vector<Outcome> outcomes;
  Expected expected;
};

struct Scenario {
  std::string table;  ///< the file's name without its ending
  std::string name;
  std::string only;         ///< the one scheduler that decides so already; empty: all
  std::vector<Step> steps;  ///< the first one's events are the objects at the start, in any order
};

}  // namespace fairlead::scenarios
