#include "app/proxy.h"

#include "host/platform.h"
#include "host/service_router.h"
#include "server/api.h"
#include "server/directory.h"
#include "server/sign_in.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fairlead::app {
namespace {

struct Address {
  std::string project;
  std::string name;
  std::string path;  ///< what the replica is asked for; empty: the address lacks the slash at its end
};

std::optional<Address> parse(std::string_view target) {
  target.remove_prefix(std::string_view(kServePrefix).size());
  const std::size_t project_end = target.find('/');
  if (project_end == std::string_view::npos) return std::nullopt;
  Address address;
  address.project = target.substr(0, project_end);
  target.remove_prefix(project_end + 1);
  const std::size_t name_end = target.find_first_of("/?");
  address.name = target.substr(0, name_end);
  if (name_end != std::string_view::npos && target[name_end] == '/') address.path = target.substr(name_end);
  if (address.project.empty() || address.name.empty()) return std::nullopt;
  return address;
}

/// Why somebody may not reach a workspace; nothing: they may.
std::optional<server::Problem> refusal(const net::HttpRequest& request, const Address& address,
                                       const host::Platform& platform, const server::Api& api) {
  auto who = api.identify(request);
  if (auto* problem = std::get_if<server::Problem>(&who)) return std::move(*problem);
  const auto& identity = std::get<server::Identity>(who);
  const auto view = platform.view();
  const world::WorkloadView* workload = view->find(address.project, address.name);
  const bool owner = workload != nullptr && workload->submitted_by == identity.user &&
                     server::has_role(identity, server::Role::kResearcher, address.project, *view);
  if (owner || server::has_role(identity, server::Role::kDepartmentAdministrator, address.project, *view))
    return std::nullopt;
  server::Problem problem;
  constexpr int kForbidden = 403;
  problem.status = kForbidden;
  problem.detail = "this workspace is open to its owner and to the administrators of its project";
  return problem;
}

/// Whether the request carries a token of the platform. Any other authorization is the service's own.
bool has_platform_token(const net::HttpRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  std::string_view authorization = request.header("authorization");
  if (!authorization.starts_with(kBearer)) return false;
  authorization.remove_prefix(kBearer.size());
  return authorization.starts_with(server::kTokenPrefix);
}

/// The client's credentials for the platform are none of a service's business: it could use them in the
/// client's name.
std::function<void(net::ProxyTarget)> without_credentials(const net::HttpRequest& request,
                                                          std::function<void(net::ProxyTarget)> answer) {
  return [answer = std::move(answer), token = has_platform_token(request)](net::ProxyTarget target) {
    target.removed_cookies.emplace_back(server::kSessionCookie);
    if (token) target.removed_headers.emplace_back("authorization");
    answer(std::move(target));
  };
}

net::HttpResponse redirect(const std::string& to) {
  net::HttpResponse response;
  constexpr int kPermanentRedirect = 308;
  response.status = kPermanentRedirect;
  response.headers.emplace_back("Location", to);
  return response;
}

}  // namespace

decltype(net::HttpHandlers::on_proxy) proxy_handler(host::Platform& platform, const server::Api& api) {
  return [&platform, &api](const net::HttpRequest& request, std::function<bool()> closed,
                           std::function<void(net::ProxyTarget)> answer,
                           std::function<void(net::ProxyRefusal)> refuse) {
    const std::optional<Address> address = parse(request.target);
    if (!address) {
      net::HttpResponse response;
      constexpr int kNotFound = 404;
      response.status = kNotFound;
      return refuse({std::move(response)});
    }
    if (address->path.empty())
      return refuse({redirect(std::string(kServePrefix) + address->project + "/" + address->name + "/")});
    const std::string key = address->project + "/" + address->name;
    if (platform.router().is_workspace(key))
      if (const auto problem = refusal(request, *address, platform, api))
        return refuse({problem->response()});
    platform.router().route(key, address->path, std::move(closed),
                            without_credentials(request, std::move(answer)), std::move(refuse));
  };
}

}  // namespace fairlead::app
