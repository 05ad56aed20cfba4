#pragma once

#include "host/services.h"

#include <functional>
#include <string>
#include <vector>

namespace fairlead::host {

/// Sends requests for services to their replicas.
class ServiceRouter {
 public:
  struct Callbacks {
    std::function<void(const std::string& key, std::int32_t replicas)> wants;
    std::function<void(const std::string& uid, bool healthy)> health;
  };
  void start(Callbacks) {}
  void stop() {}
  void follow(const std::vector<ServiceState>&) {}
};

}  // namespace fairlead::host
