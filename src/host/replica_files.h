#pragma once

#include "base/json_value.h"
#include "base/result.h"
#include "host/supervisor.h"

#include <fcntl.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::host {

/// What lies in the folder of a try:
///   spec.json   what is to run, written by the platform before the supervisor starts
///   state.json  how far it got, written by the supervisor
///   lock        held by the supervisor as long as it lives (supervisor_lock)
///   socket      where the supervisor takes requests (supervisor_protocol.h)
///   logs/       output.log, output.log.1 (older) ...
///   supervisor.log  what the supervisor itself complains about; empty when all is well
struct ReplicaPaths {
  explicit ReplicaPaths(const std::string& folder)
      : spec(folder + "/spec.json"),
        state(folder + "/state.json"),
        lock(folder + "/lock"),
        socket(folder + "/socket"),
        logs(folder + "/logs"),
        supervisor_log(folder + "/supervisor.log") {}
  std::string spec;
  std::string state;
  std::string lock;
  std::string socket;
  std::string logs;
  std::string supervisor_log;
};

/// The lock that a supervisor has on its folder's lock file: of an open file (F_OFD_SETLK), so that others
/// can ask for it (F_OFD_GETLK) without taking it.
struct flock supervisor_lock();

/// In the environment of each process of a try: its uid, by which they are found without a control group.
inline constexpr const char* kReplicaVariable = "FAIRLEAD_REPLICA";

/// Names of values, such as an environment or secrets.
using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// A spec with the control group that the platform chose for it (the text of ControlGroup; empty: none).
struct StoredSpec {
  ReplicaSpec spec;
  std::string control_group;
};

std::string encode_spec(const StoredSpec& stored);
base::Result<StoredSpec> decode_spec(std::string_view json);
std::string encode_state(const ReplicaState& state);
base::Result<ReplicaState> decode_state(std::string_view json);
ReplicaState state_from(const base::JsonValue& object);
std::string encode_named_values(const NamedValues& values);
base::Result<NamedValues> decode_named_values(std::string_view json);

}  // namespace fairlead::host
