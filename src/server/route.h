#pragma once

#include "base/result.h"
#include "net/http_server.h"
#include "server/access.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::server {

struct Call;

/// Who may use a route. Checked before its handler runs.
enum class Access : std::uint8_t {
  kAnyone,    ///< also without signing in
  kSignedIn,  ///< every user
  kRole,      ///< who has Route::role where Route::scope says
};
/// Where a role must be held.
enum class Scope : std::uint8_t {
  kSomewhere,   ///< in any queue; the handler shows only what lies there, or checks what the body names
  kProject,     ///< in the queue {project} of the path; who may not even see it is told that it is not there
  kQueue,       ///< in the queue {queue} of the path
  kEverywhere,  ///< for the whole tree
};

struct Parameter {
  std::string_view name;
  std::string_view type;  ///< "string", "integer", "boolean", "time", "string[]"
  std::string_view description;
};

/// One method of one path: what the router, the OpenAPI document, docs/api.md and the test of all roles are
/// made from.
struct Route {
  std::string_view method;
  std::string_view path;  ///< "/api/v1/workloads/{project}/{name}"
  std::string_view operation;
  std::string_view summary;  ///< one sentence without a full stop
  Access access = Access::kRole;
  Role role = Role::kViewer;
  Scope scope = Scope::kSomewhere;
  std::vector<Parameter> query = {};
  std::string_view body = {};             ///< name of a schema; empty: none
  std::string_view answer = {};           ///< name of a schema; empty: no JSON
  std::string_view media = "text/plain";  ///< of an answer that is no JSON
  int status = 200;                       ///< when it went well
  std::function<net::HttpResponse(Call&)> handle = {};
  /// Of a path that is a WebSocket, instead of `handle`.
  std::function<base::Result<net::WebSocketHandler>(Call&, std::shared_ptr<net::WebSocket>)> connect = {};
};

/// Finds the route of a request.
class Router {
 public:
  using PathValues = std::vector<std::pair<std::string_view, std::string>>;
  struct Match {
    const Route* route = nullptr;  ///< null: none
    PathValues values;             ///< of the names in braces
    std::string allowed;           ///< the methods of that path when only the method is wrong: "GET, PUT"
  };

  void add(Route route) { routes_.push_back(std::move(route)); }
  std::span<const Route> routes() const { return routes_; }
  Match match(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

/// The names in braces of a path, in order.
std::vector<std::string_view> path_parameters(std::string_view path);

}  // namespace fairlead::server
