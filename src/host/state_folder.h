#pragma once

#include "base/descriptor.h"
#include "base/result.h"

#include <string>

namespace fairlead::host {

/// The folder that a platform keeps everything in, held by one platform at a time.
///   fairlead.db   the ledger           replicas/UID/  one try each
///   secret.key    0600                 work/PROJECT/NAME/  where workloads start unless they say otherwise
///   lock          held (flock)         members/       who is in a gang now
class StateFolder {
 public:
  /// Makes it where it is not (0700; 0711 for root, so that other accounts reach their work folders).
  /// Errors: kAlreadyExists (another platform holds it), kPermissionDenied, kUnavailable, with the remedy.
  static base::Result<StateFolder> open(const std::string& path);

  const std::string& path() const { return path_; }
  /// Removes all that is in it but the lock. For nobody's processes to go on: see live_supervisors.
  base::Result<void> empty() const;
  /// Pid of the platform that holds a state folder now; 0: none. Who wants to stop it sends a signal there.
  static int holder(const std::string& path);

 private:
  StateFolder(std::string path, base::Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  base::Descriptor lock_;
};

}  // namespace fairlead::host
