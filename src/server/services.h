#pragma once

#include "base/time.h"
#include "server/audit.h"
#include "server/change_log.h"
#include "server/console.h"
#include "server/directory.h"
#include "server/route.h"
#include "server/series.h"
#include "server/sign_in.h"
#include "server/stream_pump.h"
#include "world/world.h"

#include <functional>
#include <string>

namespace fairlead::server {

class LedgerVerification;

/// What handlers work with. Lives as long as the routes.
struct Services {
  world::World& world;
  Directory& directory;
  Audit& audit;
  SignIn& sign_in;
  History& history;
  StreamPump& pump;
  ChangeLog& changes;
  Series& series;
  LedgerVerification& verification;
  std::function<base::Time()> now;
  std::string version;
  bool work_needs_account = false;  ///< as in ApiOptions
  ConsoleFiles console;             ///< likewise
};

/// Each adds the routes of one resource.
void add_system_routes(Router& router, Services& services);
void add_session_routes(Router& router, Services& services);
void add_user_routes(Router& router, Services& services);
void add_access_rule_routes(Router& router, Services& services);
void add_workload_routes(Router& router, Services& services);
void add_workload_stream_routes(Router& router, Services& services);
void add_queue_routes(Router& router, Services& services);
void add_node_routes(Router& router, Services& services);
void add_change_routes(Router& router, Services& services);
void add_series_routes(Router& router, Services& services);
void add_history_routes(Router& router, Services& services);
void add_page_routes(Router& router, Services& services);

}  // namespace fairlead::server
