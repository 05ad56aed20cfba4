#include "server/api.h"

#include "ledger/ledger.h"
#include "server/audit.h"
#include "server/call.h"
#include "server/change_log.h"
#include "server/directory.h"
#include "server/ledger_verification.h"
#include "server/metrics.h"
#include "server/openapi.h"
#include "server/rate_limit.h"
#include "server/secrets.h"
#include "server/services.h"
#include "server/sign_in.h"
#include "server/stream_pump.h"
#include "server/workspace_passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace fairlead::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

// What went before the handler: the call, or why there is none.
using Admission = std::variant<Call, Problem>;

class ApiOfWorld final : public Api {
 public:
  ApiOfWorld(world::World& world, ApiOptions options, std::unique_ptr<Directory> directory)
      : world_(world),
        options_(std::move(options)),
        directory_(std::move(directory)),
        audit_(world_, options_.now),
        sign_in_(*directory_, options_.own_account, options_.secure_cookies, options_.now),
        history_(options_.open_ledger),
        changes_(random_id()),
        pump_(world_,
              [this] {
                // A history that cannot be read now is tried again with the next turn.
                static_cast<void>(history_.refresh());
                changes_.follow(world_.view());
              }),
        sampler_(world_, series_, options_.now, options_.traffic),
        verification_(world_.ledger_path(), options_.make_scheduler),
        passes_(options_.now),
        rate_(options_.requests_per_second, options_.requests_per_second * 10),
        services_{world_,          *directory_,  audit_,           sign_in_,
                  history_,        pump_,        changes_,         series_,
                  verification_,   options_.now, options_.version, options_.work_needs_account,
                  options_.console} {
    add_system_routes(router_, services_);
    add_session_routes(router_, services_);
    add_workload_routes(router_, services_);
    add_workload_stream_routes(router_, services_);
    add_queue_routes(router_, services_);
    add_node_routes(router_, services_);
    add_change_routes(router_, services_);
    add_series_routes(router_, services_);
    add_history_routes(router_, services_);
    add_user_routes(router_, services_);
    add_access_rule_routes(router_, services_);
    add_page_routes(router_, services_);
    add_own_routes();
    openapi_ = openapi_json(router_.routes(), options_.version);
  }

  net::HttpHandlers handlers() override {
    net::HttpHandlers handlers;
    handlers.on_request = [this](const HttpRequest& request) { return answer(request); };
    handlers.on_web_socket = [this](const HttpRequest& request, std::shared_ptr<net::WebSocket> socket) {
      return connect(request, std::move(socket));
    };
    return handlers;
  }

  std::variant<Identity, Problem> identify(const HttpRequest& request) const override {
    return sign_in_.identify(request);
  }
  std::string workspace_ticket(const Identity& identity, std::string_view audience) const override {
    return passes_.ticket(identity.token, audience);
  }
  std::optional<std::string> redeem_ticket(std::string_view ticket, std::string_view audience) override {
    return passes_.redeem(ticket, audience);
  }
  std::variant<Identity, Problem> identify_in_workspace(const HttpRequest& request,
                                                        std::string_view audience) const override {
    const auto session =
        passes_.session_of(cookie_named(request.header("cookie"), kWorkspaceCookie), audience);
    if (!session) {
      Problem problem;
      problem.status = 401;
      problem.detail = "this browser has no pass for this workspace";
      problem.remedy = "open it from the platform, at /serve/PROJECT/NAME/";
      return problem;
    }
    if (is_from_another_page(request))
      return forbidden("another page made the browser send this", "open the workspace itself");
    return sign_in_.identify_session(*session);
  }
  std::optional<std::string> first_code() const override { return first_code_; }
  std::span<const Route> routes() const override { return router_.routes(); }

  base::Result<void> make_first_user() {
    User user;
    user.name = account_name(options_.own_account);
    user.created = options_.now();
    AccessRule rule;
    rule.id = random_id();
    rule.user = user.name;
    rule.grant.role = Role::kAdministrator;
    rule.created = options_.now();
    // The rule first: after a crash in between there is still no user, and this is done again.
    if (auto put = directory_->put_rule(rule); !put) return put;
    if (auto put = directory_->put_user(user); !put) return put;
    auto code = sign_in_.make_code(user.name);
    if (!code) return code.error();
    first_code_ = *std::move(code);
    return {};
  }

 private:
  void add_own_routes() {
    router_.add({.method = "GET",
                 .path = "/openapi.json",
                 .operation = "getOpenApi",
                 .summary = "This description of the API",
                 .access = Access::kAnyone,
                 .answer = "OpenApi",
                 .handle = [this](Call&) { return json_response(openapi_); }});
    router_.add({.method = "GET",
                 .path = "/metrics",
                 .operation = "getMetrics",
                 .summary = "Metrics in Prometheus' text format",
                 .scope = Scope::kEverywhere,
                 .handle = [this](Call& call) { return metrics(call); }});
  }

  HttpResponse metrics(Call& call) {
    RequestCounts counts;
    counts.requests = requests_.load();
    counts.refused = refused_.load();
    counts.failed = failed_.load();
    counts.streams = pump_.size();
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics_text(*call.view, counts, options_.version);
    return response;
  }

  std::optional<Problem> too_often(const Identity& identity) {
    if (has_role_everywhere(identity, Role::kAdministrator)) return std::nullopt;
    const auto wait = rate_.refuse(identity.user, options_.now());
    if (!wait) return std::nullopt;
    Problem problem;
    problem.status = 429;
    problem.detail = "there were too many requests";
    problem.remedy = "wait a second; to follow what happens use the event stream";
    problem.headers.emplace_back("Retry-After", "1");
    return problem;
  }

  // An unknown parameter is refused: a misspelt filter would show everything.
  static std::optional<Problem> check_query(const HttpRequest& request, const Route& route) {
    for (const auto& [name, value] : request.query) {
      const bool known = std::any_of(route.query.begin(), route.query.end(),
                                     [&](const Parameter& parameter) { return parameter.name == name; });
      if (known) continue;
      std::string names;
      for (const Parameter& parameter : route.query) {
        names += (names.empty() ? "" : ", ") + std::string(parameter.name);
      }
      return bad_value(name, value, fmt::format("there is no parameter {} here", name),
                       names.empty() ? "leave it away" : "there are " + names);
    }
    return std::nullopt;
  }

  static std::optional<Problem> check_access(const Call& call) {
    const Route& route = call.route;
    if (route.access != Access::kRole) return std::nullopt;
    const std::string needed = access_text(route);
    const auto refused = [&] {
      return forbidden(fmt::format("{} needs the role {}", route.operation, needed),
                       "ask an administrator for that role");
    };
    switch (route.scope) {
      case Scope::kEverywhere:
        return has_role_everywhere(call.identity, route.role) ? std::nullopt : std::optional(refused());
      case Scope::kSomewhere:
        return has_role_somewhere(call.identity, route.role) ? std::nullopt : std::optional(refused());
      case Scope::kProject:
      case Scope::kQueue:
        break;
    }
    const bool project = route.scope == Scope::kProject;
    const std::string& queue = call.path_value(project ? "project" : "queue");
    if (!call.may(Role::kViewer, queue)) {
      if (!project) return missing("queue", queue);
      const bool workload = route.path.starts_with("/api/v1/workloads/");
      return workload ? missing("workload", queue + "/" + call.path_value("name"))
                      : missing("project", queue);
    }
    return call.may(route.role, queue) ? std::nullopt : std::optional(refused());
  }

  Admission admit(const HttpRequest& request) {
    Router::Match match = router_.match(request.method, request.path);
    if (match.route == nullptr && !match.allowed.empty()) {
      Problem problem;
      problem.status = 405;
      problem.detail = fmt::format("{} is not a method of {}", request.method, request.path);
      problem.remedy = "there are " + match.allowed;
      problem.headers.emplace_back("Allow", match.allowed);
      return problem;
    }
    if (match.route == nullptr) {
      Problem problem = missing("path", request.path);
      problem.remedy = "see /openapi.json";
      return problem;
    }
    Call call{request, *match.route, std::move(match.values), {}, world_.view()};
    if (call.route.access != Access::kAnyone) {
      auto identity = sign_in_.identify(request);
      if (auto* problem = std::get_if<Problem>(&identity)) return *std::move(problem);
      call.identity = std::get<Identity>(std::move(identity));
      if (auto problem = too_often(call.identity)) return *std::move(problem);
    }
    if (auto problem = check_access(call)) return *std::move(problem);
    if (auto problem = check_query(request, call.route)) return *std::move(problem);
    return call;
  }

  HttpResponse answer(const HttpRequest& request) {
    Admission admission = admit(request);
    HttpResponse response;
    if (auto* problem = std::get_if<Problem>(&admission)) {
      auto page = problem->status == 404 ? console_answer(options_.console, request) : std::nullopt;
      response = page ? *std::move(page) : problem->response();
    } else if (auto& call = std::get<Call>(admission); !call.route.handle) {
      response =
          Problem{400, fmt::format("{} is a WebSocket", request.path), {}, {}, "connect to it as one", {}}
              .response();
    } else {
      response = call.route.handle(call);
    }
    requests_.fetch_add(1);
    if (response.status >= 500) {
      failed_.fetch_add(1);
    } else if (response.status >= 400) {
      refused_.fetch_add(1);
    }
    // Each answer says what it is, and nothing else is to be guessed about it.
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
  }

  base::Result<net::WebSocketHandler> connect(const HttpRequest& request,
                                              std::shared_ptr<net::WebSocket> socket) {
    Admission admission = admit(request);
    if (auto* problem = std::get_if<Problem>(&admission)) {
      const bool unknown = problem->status == 404 || problem->status == 405;
      const base::Code code = problem->status == 400   ? base::Code::kInvalidArgument
                              : unknown                ? base::Code::kNotFound
                              : problem->status == 429 ? base::Code::kResourceExhausted
                                                       : base::Code::kPermissionDenied;
      return base::Error(code, problem->detail);
    }
    auto& call = std::get<Call>(admission);
    if (!call.route.connect) return base::invalid_argument(request.path + " is not a WebSocket");
    requests_.fetch_add(1);
    return call.route.connect(call, std::move(socket));
  }

  world::World& world_;
  const ApiOptions options_;
  std::unique_ptr<Directory> directory_;
  Audit audit_;
  SignIn sign_in_;
  History history_;
  ChangeLog changes_;
  StreamPump pump_;
  Series series_;
  Sampler sampler_;
  LedgerVerification verification_;
  WorkspacePasses passes_;
  RateLimit rate_;
  Services services_;
  Router router_;
  std::string openapi_;
  std::optional<std::string> first_code_;
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> failed_{0};
};

}  // namespace

base::Result<std::unique_ptr<Api>> Api::make(world::World& world, ApiOptions options) {
  if (!prepare_secrets()) {
    return base::Error(base::Code::kInternal, "libsodium finds no source of randomness on this machine");
  }
  if (!options.open_ledger) {
    options.open_ledger = [path = world.ledger_path()] { return ledger::LedgerReader::open(path); };
  }
  auto directory = Directory::load(world);
  if (!directory) return directory.error();
  const bool first = (*directory)->users().empty();
  auto api = std::make_unique<ApiOfWorld>(world, std::move(options), *std::move(directory));
  if (first) {
    if (auto made = api->make_first_user(); !made) return made.error();
  }
  return base::Result<std::unique_ptr<Api>>(std::move(api));
}

}  // namespace fairlead::server
