#pragma once

#include "net/http_server.h"
#include "world/world.h"

#include <atomic>
#include <functional>
#include <iosfwd>
#include <thread>

namespace fairlead::host {
class Platform;
}
namespace fairlead::server {
class Api;
}

namespace fairlead::app {

/// Prints what happens to workloads, a line each, while it lives.
class Activity {
 public:
  /// `out`: null prints nothing.
  Activity(const world::World& world, std::ostream* out);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

/// What the server asks about requests for services and workspaces: the platform's router, behind the API's
/// sign-in for workspaces.
decltype(net::HttpHandlers::on_proxy) proxy_handler(host::Platform& platform, const server::Api& api);

}  // namespace fairlead::app
