#pragma once

#include "net/http_server.h"

#include <string>

namespace fairlead::host {
class Platform;
}
namespace fairlead::server {
class Api;
}

namespace fairlead::app {

/// Where services and the ports of workspaces are reached: "/serve/PROJECT/NAME/...", and of a workspace's
/// further ports "/serve/PROJECT/NAME:PORT/...".
inline constexpr const char* kServePrefix = "/serve/";

struct ProxyOptions {
  /// Below it each port of a workspace has a host of its own for browsers; empty: browsers do not reach
  /// workspaces.
  std::string workspace_domain;
  bool secure = false;  ///< behind TLS
};

/// What the server asks about requests below kServePrefix and to hosts below the domain of workspaces. A
/// service is open to whoever reaches the server, and its pages are kept from acting as the platform's. A
/// workspace is open to its owner and to those who may change everybody's work in its project; a browser is
/// led to the workspace's own host. Both outlive the handler.
decltype(net::HttpHandlers::on_proxy) proxy_handler(host::Platform& platform, server::Api& api,
                                                    ProxyOptions options);

}  // namespace fairlead::app
