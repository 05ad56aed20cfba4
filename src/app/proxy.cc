#include "app/proxy.h"

#include "app/workspace_host.h"
#include "host/platform.h"
#include "host/service_router.h"
#include "manifest/fields.h"
#include "server/api.h"
#include "server/directory.h"
#include "server/sign_in.h"
#include "server/workspace_passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fairlead::app {
namespace {

using server::Identity;
using server::Problem;

// At the host of a workspace: where a browser comes with its ticket.
constexpr std::string_view kTakeOver = "/.fairlead/sign-in";

struct Address {
  std::string project;
  std::string name;
  std::string port;  ///< of a workspace; empty: its first
  std::string path;  ///< what the replica is asked for; empty: the address lacks the slash at its end
};

std::optional<Address> parse(std::string_view target) {
  target.remove_prefix(std::string_view(kServePrefix).size());
  const std::size_t project_end = target.find('/');
  if (project_end == std::string_view::npos) return std::nullopt;
  Address address;
  address.project = target.substr(0, project_end);
  target.remove_prefix(project_end + 1);
  const std::size_t name_end = std::min(target.find_first_of("/?"), target.size());
  std::string_view name = target.substr(0, name_end);
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
    address.port = name.substr(colon + 1);
    name = name.substr(0, colon);
    if (address.port.empty()) return std::nullopt;
  }
  address.name = name;
  if (name_end < target.size() && target[name_end] == '/') address.path = target.substr(name_end);
  if (address.project.empty() || address.name.empty()) return std::nullopt;
  return address;
}

Problem problem_of(int status, std::string detail, std::string remedy) {
  return {status, std::move(detail), {}, {}, std::move(remedy), {}};
}

bool may_enter(const Identity& identity, const world::WorkloadView& workload, const world::View& view) {
  const std::string& project = workload.spec.project;
  const bool owner = workload.submitted_by == identity.user &&
                     server::has_role(identity, server::Role::kResearcher, project, view);
  return owner || server::has_role(identity, server::Role::kDepartmentAdministrator, project, view);
}

Problem not_yours() {
  return problem_of(403, "this workspace is open to its owner and to the administrators of its project",
                    "ask its owner");
}

/// Whether the request carries a token of the platform. Any other authorization is the service's own.
bool has_platform_token(const net::HttpRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  std::string_view authorization = request.header("authorization");
  if (!authorization.starts_with(kBearer)) return false;
  authorization.remove_prefix(kBearer.size());
  return authorization.starts_with(server::kTokenPrefix);
}

net::HttpResponse redirect(int status, std::string to) {
  net::HttpResponse response;
  response.status = status;
  response.headers.emplace_back("Location", std::move(to));
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// A path to go on with, and nowhere else.
bool is_own_path(std::string_view path) {
  return path.starts_with('/') && !path.starts_with("//") && path.find('\\') == std::string_view::npos;
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// One request on its way to a replica.
class Request {
 public:
  Request(const net::HttpRequest& request, std::function<bool()> closed,
          std::function<void(net::ProxyTarget)> answer, std::function<void(net::ProxyRefusal)> refuse)
      : request_(request),
        closed_(std::move(closed)),
        answer_(std::move(answer)),
        refuse_(std::move(refuse)) {}

  const net::HttpRequest& operator*() const { return request_; }
  const net::HttpRequest* operator->() const { return &request_; }
  void refuse(net::HttpResponse response) const { refuse_({std::move(response)}); }
  void refuse(const Problem& problem) const { refuse_({problem.response()}); }

  /// The client's credentials for the platform are none of a replica's business, which could use them in the
  /// client's name, nor may it plant others in their place. `at_platform`: the answer comes from the
  /// platform's own origin, where a page of the replica's could act as the platform's pages do: browsers then
  /// treat it as of no origin at all.
  void route(host::ServiceRouter& router, const std::string& key, std::uint16_t port, std::string path,
             bool at_platform) const {
    auto answer = [answer = answer_, token = has_platform_token(request_),
                   at_platform](net::ProxyTarget target) {
      for (const std::string_view name : {server::kSessionCookie, server::kWorkspaceCookie}) {
        target.removed_cookies.emplace_back(name);
        target.removed_answer_cookies.emplace_back(name);
      }
      if (token) target.removed_headers.emplace_back("authorization");
      if (at_platform) {
        target.removed_answer_headers = {"service-worker-allowed", "clear-site-data"};
        target.added_answer_headers.emplace_back(
            "content-security-policy", "sandbox allow-scripts allow-forms allow-popups allow-downloads");
      }
      answer(std::move(target));
    };
    router.route(key, port, std::move(path), closed_, std::move(answer), refuse_);
  }

 private:
  const net::HttpRequest& request_;
  std::function<bool()> closed_;
  std::function<void(net::ProxyTarget)> answer_;
  std::function<void(net::ProxyRefusal)> refuse_;
};

class Proxy {
 public:
  Proxy(host::Platform& platform, server::Api& api, ProxyOptions options)
      : platform_(platform), api_(api), options_(std::move(options)) {}

  void handle(const Request& request) {
    const std::string label = workspace_label_of(*request);
    if (!label.empty()) return at_workspace(request, label);
    const std::optional<Address> address = parse(request->target);
    if (!address)
      return request.refuse(problem_of(404, "there is nothing at this address", "see /openapi.json"));
    if (address->path.empty()) {
      const std::string port = address->port.empty() ? "" : ":" + address->port;
      return request.refuse(
          redirect(308, fmt::format("{}{}/{}{}/", kServePrefix, address->project, address->name, port)));
    }
    const std::string key = address->project + "/" + address->name;
    if (platform_.router().is_workspace(key)) return enter(request, *address);
    if (!address->port.empty())
      return request.refuse(problem_of(404, "only workspaces have further ports", "leave the port away"));
    request.route(platform_.router(), key, 0, address->path, true);
  }

 private:
  // Of a host below the domain of workspaces; empty: the request is for the platform.
  std::string workspace_label_of(const net::HttpRequest& request) const {
    if (options_.workspace_domain.empty()) return {};
    const std::string_view host = request.header("host");
    std::string name(host.substr(0, host.rfind(':')));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string suffix = "." + options_.workspace_domain;
    return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : std::string();
  }

  // A workspace asked for below kServePrefix.
  void enter(const Request& request, const Address& address) {
    const auto view = platform_.view();
    const world::WorkloadView* workload = view->find(address.project, address.name);
    auto who = api_.identify(*request);
    if (const auto* problem = std::get_if<Problem>(&who)) return request.refuse(*problem);
    const auto& identity = std::get<Identity>(who);
    if (workload == nullptr || workload->spec.ports.empty())
      return request.refuse(problem_of(404, "there is no such workspace", "see 'fairlead list'"));
    if (!may_enter(identity, *workload, *view)) return request.refuse(not_yours());
    const auto& ports = workload->spec.ports;
    const std::int64_t wanted =
        address.port.empty() ? ports.front() : manifest::parse_integer(address.port).value_or(0);
    if (std::find(ports.begin(), ports.end(), wanted) == ports.end())
      return request.refuse(problem_of(404, "the workspace does not name this port in spec.ports",
                                       "use 'fairlead port-forward', or add the port"));
    const WorkspacePort port{workload, static_cast<std::uint16_t>(wanted)};
    if (identity.by_cookie) return take_over(request, identity, port, address.path);
    // A program with a token, or at the Unix socket: it does not run what is answered.
    request.route(platform_.router(), workload->spec.key(), port.port, address.path, true);
  }

  // Leads a browser to the host of the port, where its pages are of an origin of their own.
  void take_over(const Request& request, const Identity& identity, const WorkspacePort& port,
                 const std::string& path) {
    if (options_.workspace_domain.empty())
      return request.refuse(
          problem_of(403, "browsers reach workspaces only at hosts of their own, and none are set up here",
                     "use 'fairlead port-forward', or have the platform started with --workspace-domain"));
    const std::string_view host = request->header("host");
    const std::size_t colon = host.rfind(':');
    const std::string number(colon == std::string_view::npos ? std::string_view() : host.substr(colon));
    const model::Workload& spec = port.workload->spec;
    request.refuse(redirect(
        303,
        fmt::format("{}://{}.{}{}{}?ticket={}&to={}", options_.secure ? "https" : "http",
                    workspace_label(spec.project, spec.name, port.port), options_.workspace_domain, number,
                    kTakeOver, api_.workspace_ticket(identity, port.audience()), encoded(path))));
  }

  void at_workspace(const Request& request, const std::string& label) {
    const auto view = platform_.view();
    const auto port = find_workspace_port(*view, label);
    if (!port) return request.refuse(problem_of(404, "there is no such workspace", "see 'fairlead list'"));
    if (request->path == kTakeOver) return redeem(request, *port);
    auto who = api_.identify_in_workspace(*request, port->audience());
    if (const auto* problem = std::get_if<Problem>(&who)) return request.refuse(*problem);
    if (!may_enter(std::get<Identity>(who), *port->workload, *view)) return request.refuse(not_yours());
    request.route(platform_.router(), port->workload->spec.key(), port->port, request->target, false);
  }

  void redeem(const Request& request, const WorkspacePort& port) {
    const std::string ticket(request->query_value("ticket").value_or(std::string_view()));
    const std::string to(request->query_value("to").value_or(std::string_view()));
    const auto pass = api_.redeem_ticket(ticket, port.audience());
    if (!pass)
      return request.refuse(
          problem_of(401, "the ticket was used, or has ended", "open the workspace again from the platform"));
    net::HttpResponse response = redirect(303, is_own_path(to) ? encoded_again(to) : "/");
    constexpr std::int64_t kSecond = 1'000'000'000;
    response.headers.emplace_back(
        "Set-Cookie",
        fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{}", server::kWorkspaceCookie, *pass,
                    server::kPassTime.nanoseconds() / kSecond, options_.secure ? "; Secure" : ""));
    request.refuse(std::move(response));
  }

  // The path may have a query of its own, and come with escapes: it goes on as it came.
  static std::string encoded_again(const std::string& path) {
    std::string out;
    for (const char c : path) {
      const bool plain = c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>';
      out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
  }

  host::Platform& platform_;
  server::Api& api_;
  const ProxyOptions options_;
};

}  // namespace

decltype(net::HttpHandlers::on_proxy) proxy_handler(host::Platform& platform, server::Api& api,
                                                    ProxyOptions options) {
  auto proxy = std::make_shared<Proxy>(platform, api, std::move(options));
  return
      [proxy](const net::HttpRequest& request, std::function<bool()> closed,
              std::function<void(net::ProxyTarget)> answer, std::function<void(net::ProxyRefusal)> refuse) {
        proxy->handle(Request(request, std::move(closed), std::move(answer), std::move(refuse)));
      };
}

}  // namespace fairlead::app
