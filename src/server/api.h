#pragma once

#include "base/result.h"
#include "base/time.h"
#include "model/scheduler.h"
#include "net/http_server.h"
#include "server/access.h"
#include "server/console.h"
#include "server/problem.h"
#include "server/route.h"
#include "server/series.h"
#include "world/world.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace fairlead::ledger {
class LedgerReader;
}

namespace fairlead::server {

struct ApiOptions {
  std::string version;
  std::uint32_t own_account = 0;  ///< the server's Unix uid: who has it, or is root, administers
  /// Who has no Unix account bound, and does not administer the whole platform, may not submit: on a platform
  /// of root's the work would run as root.
  bool work_needs_account = false;
  bool secure_cookies = false;  ///< behind TLS
  std::function<base::Time()> now;
  /// Opens the history; by default World::ledger_path.
  std::function<base::Result<std::unique_ptr<ledger::LedgerReader>>()> open_ledger = {};
  /// What decides again when the ledger is verified. Absent: it cannot be.
  std::function<std::unique_ptr<model::Scheduler>()> make_scheduler = {};
  /// Of each user who is no administrator; a burst of ten times as many is let through.
  double requests_per_second = 100;
  ConsoleFiles console = {};  ///< the pages that it serves
  /// What reached the services since it was last asked; absent: nothing tells.
  std::function<Traffic()> traffic = {};
};

/// The REST API of a world. Thread: any; the handlers that it gives may run at once.
class Api {
 public:
  /// Reads users, tokens and access rules. Where there are no users yet, makes one: an administrator with the
  /// name of the server's own account and no password. Errors: the world's; kInternal.
  static base::Result<std::unique_ptr<Api>> make(world::World& world, ApiOptions options);
  virtual ~Api() = default;  ///< ends streams; the server must have stopped asking

  /// on_request and on_web_socket. Valid as long as this.
  virtual net::HttpHandlers handlers() = 0;
  /// Who sends a request: for the proxy in front of services and workspaces.
  virtual std::variant<Identity, Problem> identify(const net::HttpRequest& request) const = 0;
  /// Takes somebody's browser over to a port of a workspace, whose pages live at a host of their own: what
  /// the URL of that host carries once (workspace_passes.h). `audience` names the port.
  virtual std::string workspace_ticket(const Identity& identity, std::string_view audience) const = 0;
  /// What that host keeps as a cookie instead. None: the ticket is not valid.
  virtual std::optional<std::string> redeem_ticket(std::string_view ticket, std::string_view audience) = 0;
  /// Who sends a request to that host. Status 401; 403 for what another page made the browser send.
  virtual std::variant<Identity, Problem> identify_in_workspace(const net::HttpRequest& request,
                                                                std::string_view audience) const = 0;
  /// A code that signs the first administrator in once, on the first start; none on later ones.
  virtual std::optional<std::string> first_code() const = 0;
  virtual std::span<const Route> routes() const = 0;
};

}  // namespace fairlead::server
