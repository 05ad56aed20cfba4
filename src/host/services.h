#pragma once

#include "base/time.h"
#include "model/workload.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::host {

/// One replica as the proxy sees it.
struct ServiceReplica {
  std::string uid;
  std::uint16_t port = 0;
  bool draining = false;  ///< gets no new request

  friend bool operator==(const ServiceReplica&, const ServiceReplica&) = default;
};

/// A service (or the ports of a workspace) as the loop last left it.
struct ServiceState {
  std::string key;             ///< "project/name"
  model::ServiceSpec service;  ///< of a workspace: the defaults
  bool workspace = false;
  std::int32_t wanted = 0;
  bool awake = true;  ///< false: suspended, failed or being deleted; requests are refused at once
  std::vector<ServiceReplica> replicas;
};

}  // namespace fairlead::host
