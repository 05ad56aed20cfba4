#include "server/call.h"
#include "server/console.h"
#include "server/services.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fairlead::server {
namespace {

using net::HttpResponse;

bool is_code(std::string_view text) {
  return !text.empty() && text.size() < 200 &&
         std::all_of(
             text.begin(), text.end(),
             [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
             });
}

// Following a link signs nobody in: programs that look at links would use the code up.
HttpResponse ask(const Call& call) {
  const std::string code = call.query_value("code");
  if (!is_code(code))
    return plain_page("<p>This is no sign-in link. Ask an administrator for another one.</p>", 400);
  return plain_page(
      "<form method=\"post\" action=\"/sign-in\"><input type=\"hidden\" name=\"code\" value=\"" + code +
      "\"><p>This link signs you in once.</p><button>Sign in</button></form>");
}

HttpResponse sign_in(Services& services, const Call& call) {
  constexpr std::string_view kField = "code=";
  std::string_view code = call.request.body;
  code = code.starts_with(kField) ? code.substr(kField.size()) : std::string_view();
  if (!is_code(code)) return plain_page("<p>This is no sign-in code.</p>", 400);
  std::string user;
  auto begun = services.sign_in.with_code(code, call.request.peer, &user);
  const bool allowed = std::holds_alternative<std::string>(begun);
  const auto noted = services.audit.note(user, call.request.peer, "sign-in", "user " + user, allowed);
  if (const auto* problem = std::get_if<Problem>(&begun)) {
    return plain_page(
        "<p>The code was used already, or has expired. Ask an administrator for another one.</p>",
        problem->status);
  }
  if (!noted) return problem_of(noted.error()).response();
  HttpResponse response = plain_page("<p>You are signed in.</p>", 303);
  response.headers.emplace_back("Set-Cookie", services.sign_in.cookie(std::get<std::string>(begun)));
  response.headers.emplace_back("Location", "/");
  return response;
}

}  // namespace

void add_page_routes(Router& router, Services& services) {
  router.add({.method = "GET",
              .path = "/",
              .operation = "getHome",
              .summary = "The console; in a program without one, a page that says so",
              .access = Access::kAnyone,
              .handle = [&services](Call&) { return console_home(services.console); }});
  router.add({.method = "GET",
              .path = "/sign-in",
              .operation = "getSignInPage",
              .summary = "What a sign-in link leads to: a page with a button",
              .access = Access::kAnyone,
              .query = {{"code", "string", "One-time code"}},
              .handle = [](Call& call) { return ask(call); }});
  router.add({.method = "POST",
              .path = "/sign-in",
              .operation = "signInByPage",
              .summary = "What that button does: sets the cookie and leads to the first page",
              .access = Access::kAnyone,
              .status = 303,
              .handle = [&services](Call& call) { return sign_in(services, call); }});
}

}  // namespace fairlead::server
