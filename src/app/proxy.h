#pragma once

#include "net/http_server.h"

namespace fairlead::host {
class Platform;
}
namespace fairlead::server {
class Api;
}

namespace fairlead::app {

/// Where services and the ports of workspaces are reached: "/serve/PROJECT/NAME/...".
inline constexpr const char* kServePrefix = "/serve/";

/// What the server asks about requests below kServePrefix: a service is open to whoever reaches the server; a
/// workspace to its owner and to those who may change everybody's work in its project. Both outlive the
/// handler.
decltype(net::HttpHandlers::on_proxy) proxy_handler(host::Platform& platform, const server::Api& api);

}  // namespace fairlead::app
