#pragma once

#include "base/result.h"
#include "base/time.h"
#include "model/scheduler.h"
#include "world/world.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::host {

class ServiceRouter;

/// What the platform is told when it starts.
struct PlatformOptions {
  std::string program;       ///< path of this binary, for supervisors and device probes
  std::string state_folder;  ///< everything that is kept lies in it; made when it is not there
  bool fresh = false;        ///< empties it first; refused while something of it still runs
  /// "4x H100-80GB": devices that are not there. Empty: the machine's own; when it has none, four simulated.
  std::string simulated_devices;
  std::function<base::Time()> clock;      ///< never goes back
  std::function<std::string()> make_uid;  ///< 128 random bits in hexadecimal
  std::function<std::unique_ptr<model::Scheduler>()> make_scheduler;
  /// What workloads inherit: PATH, LANG, TZ ...
  std::vector<std::pair<std::string, std::string>> environment;
};

/// The one-machine world: the loop on a thread of its own, with real supervisors, devices and ledger around
/// it, and telemetry on another. Thread: any; commands wait until they are durable.
class Platform : public world::World {
 public:
  /// Errors: kAlreadyExists (another platform uses the state folder), kPermissionDenied, kUnavailable, each
  /// with its remedy.
  static base::Result<std::unique_ptr<Platform>> start(PlatformOptions options);

  /// Ends the loop. With `stop_workloads` every process is asked to end first, within its grace period, and
  /// none is left; what is wanted stays wanted, and goes on at the next start.
  virtual void stop(bool stop_workloads) = 0;
  /// What holds on this machine and what does not, for the first screen.
  virtual std::vector<std::string> guarantees() const = 0;
  virtual bool simulated() const = 0;
  /// Where requests to services go.
  virtual ServiceRouter& router() = 0;
};

}  // namespace fairlead::host
