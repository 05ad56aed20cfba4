#pragma once

#include "sim/trace/openb.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::sim {

/// What the simulated world itself knows about a node: it hands out capacity and notices when there is none.
class NodeAccount {
 public:
  explicit NodeAccount(const TraceNode& node)
      : model_(node.model),
        cpu_milli_(node.cpu_milli),
        memory_mib_(node.memory_mib),
        devices_(node.devices) {}

  /// Takes what the task needs; for a share, on the device that has this name. Says what is wrong when the
  /// node cannot give it, and then takes nothing.
  std::optional<std::string> take(const TraceTask& task, const std::vector<std::string>& shared_devices);

 private:
  std::string model_;
  std::int64_t cpu_milli_;
  std::int64_t memory_mib_;
  std::int32_t devices_;                                     ///< entirely free
  std::map<std::string, std::int32_t, std::less<>> shared_;  ///< thousandths left, by the name of the device
};

}  // namespace fairlead::sim
