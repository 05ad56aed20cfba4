#pragma once

#include "server/route.h"

#include <span>
#include <string>
#include <string_view>

namespace fairlead::server {

/// The OpenAPI 3.1 document of the routes.
std::string openapi_json(std::span<const Route> routes, std::string_view version);
/// The same for people, in Markdown: docs/api.md.
std::string api_reference(std::span<const Route> routes);

/// Who may use a route: "researcher in {project}".
std::string access_text(const Route& route);

}  // namespace fairlead::server
