#include "base/json_writer.h"
#include "server/call.h"
#include "server/services.h"
#include "server/view_json.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace fairlead::server {
namespace {

using net::HttpResponse;

constexpr std::size_t kShortestPassword = 10;
constexpr std::size_t kLongestPassword = 1024;

std::string identity_json(const Identity& identity, std::string_view token) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("user", identity.user);
  if (identity.account) json.member("account", *identity.account);
  if (!token.empty()) json.member("token", token);
  json.key("roles");
  json.begin_array();
  for (const Grant& grant : identity.grants) {
    json.begin_object();
    json.member("role", role_name(grant.role));
    json.member("queue", grant.queue);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return text;
}

HttpResponse begin(Services& services, Call& call) {
  Body body(call.request);
  std::string user;
  std::string password;
  std::string code;
  if (body.root() != nullptr) {
    body.only(*body.root(), {"user", "password", "code"});
    user = body.fields().string(*body.root(), "user");
    password = body.fields().string(*body.root(), "password");
    code = body.fields().string(*body.root(), "code");
    if (code.empty() && (user.empty() || password.empty()) && !body.fields().failed()) {
      body.fields().missing(*body.root(), user.empty() ? "user" : "password",
                            "write user and password, or a one-time code");
    }
  }
  if (auto problem = body.problem()) {
    problem->value.clear();
    return problem->response();
  }
  auto begun = code.empty() ? services.sign_in.with_password(user, password, call.request.peer)
                            : services.sign_in.with_code(code, call.request.peer, &user);
  const bool allowed = std::holds_alternative<std::string>(begun);
  auto noted = services.audit.note(user, call.request.peer, "sign-in", "user " + user, allowed);
  if (auto* problem = std::get_if<Problem>(&begun)) return problem->response();
  // Nobody gets in without a line in the log.
  if (!noted) return problem_of(noted.error()).response();
  const std::string& token = std::get<std::string>(begun);
  Identity identity;
  identity.user = user;
  identity.grants = services.directory.grants(user);
  if (const auto known = services.directory.user(user)) identity.account = known->account;
  HttpResponse response = json_response(identity_json(identity, token), 201);
  response.headers.emplace_back("Set-Cookie", services.sign_in.cookie(token));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse end(Services& services, Call& call) {
  HttpResponse response = no_content();
  response.headers.emplace_back("Set-Cookie", services.sign_in.no_cookie());
  if (call.identity.token.empty()) return response;
  if (auto removed = services.directory.remove_token(call.identity.token); !removed) {
    return problem_of(removed.error()).response();
  }
  return response;
}

HttpResponse change_password(Services& services, Call& call) {
  Body body(call.request);
  std::string current;
  std::string next;
  if (body.root() != nullptr) {
    body.only(*body.root(), {"current", "new"});
    current = body.fields().string(*body.root(), "current");
    next = body.required_text("new", "write the new password");
  }
  if (auto problem = body.problem()) {
    problem->value.clear();
    return problem->response();
  }
  if (next.size() < kShortestPassword || next.size() > kLongestPassword) {
    return bad_value(
               "new", {},
               fmt::format("new: a password has {} to {} characters", kShortestPassword, kLongestPassword),
               "choose a longer one")
        .response();
  }
  auto user = services.directory.user(call.identity.user);
  if (!user) {
    return Problem{409, "this sign-in belongs to a Unix account and has no user", {},
                   {},  "create a user with 'fairlead user create' first",        {}}
        .response();
  }
  if (!user->password_hash.empty() && !services.sign_in.matches(user->password_hash, current)) {
    auto noted =
        services.audit.note(user->name, call.request.peer, "change-password", "user " + user->name, false);
    if (!noted) return problem_of(noted.error()).response();
    return forbidden("current: is not the password", "write the present password").response();
  }
  user->password_hash = services.sign_in.hash(next);
  if (user->password_hash.empty()) {
    return problem_of(base::Error(base::Code::kUnavailable, "there is no memory to hash the password"))
        .response();
  }
  if (auto put = services.directory.put_user(*user); !put) return problem_of(put.error()).response();
  // Whoever knew the old one is signed out.
  for (const Token& token : services.directory.tokens(user->name)) {
    if (token.use == Token::Use::kApi || token.id == call.identity.token) continue;
    if (auto removed = services.directory.remove_token(token.id);
        !removed && removed.error().code() != base::Code::kNotFound) {
      return problem_of(removed.error()).response();
    }
  }
  auto noted =
      services.audit.note(user->name, call.request.peer, "change-password", "user " + user->name, true);
  if (!noted) return problem_of(noted.error()).response();
  return no_content();
}

HttpResponse tokens(Services& services, Call& call) {
  std::string user = call.query_value("user");
  if (user.empty()) user = call.identity.user;
  if (user != call.identity.user && !has_role_everywhere(call.identity, Role::kAdministrator)) {
    return forbidden("only administrators see the tokens of others", "leave user away to see yours")
        .response();
  }
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const Token& token : services.directory.tokens(user)) write_token(json, token);
  json.end_array();
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse make_token(Services& services, Call& call) {
  Body body(call.request);
  Token token;
  if (body.root() != nullptr) {
    body.only(*body.root(), {"name", "lifetime"});
    token.name = body.required_text("name", "write what the token is for");
    const auto lifetime = body.fields().duration(*body.root(), "lifetime");
    if (lifetime && *lifetime <= base::Duration()) {
      body.fields().error(*body.root()->find("lifetime"), "is not above 0", "write 720h, or leave it away");
    }
    if (lifetime) token.expires = services.now() + *lifetime;
  }
  if (auto problem = body.problem()) return problem->response();
  if (!services.directory.user(call.identity.user)) {
    return Problem{409, "this sign-in belongs to a Unix account and has no user", {},
                   {},  "create a user with 'fairlead user create' first",        {}}
        .response();
  }
  token.user = call.identity.user;
  token.use = Token::Use::kApi;
  token.created = services.now();
  const std::string name = token.name;
  auto text = services.directory.make_token(std::move(token));
  if (!text) return problem_of(text.error()).response();
  if (auto noted =
          services.audit.note(call.identity.user, call.request.peer, "create-token", "token " + name, true);
      !noted) {
    return problem_of(noted.error()).response();
  }
  std::string answer;
  base::JsonWriter json(answer);
  json.begin_object();
  json.member("token", *text);
  json.end_object();
  HttpResponse response = json_response(std::move(answer), 201);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse revoke_token(Services& services, Call& call) {
  const std::string& id = call.path_value("id");
  const bool administrator = has_role_everywhere(call.identity, Role::kAdministrator);
  bool found = false;
  for (const Token& token : services.directory.tokens(administrator ? "" : call.identity.user)) {
    found = found || token.id == id;
  }
  if (!found) return missing("token", id).response();
  if (auto removed = services.directory.remove_token(id); !removed)
    return problem_of(removed.error()).response();
  if (auto noted =
          services.audit.note(call.identity.user, call.request.peer, "revoke-token", "token " + id, true);
      !noted) {
    return problem_of(noted.error()).response();
  }
  return no_content();
}

}  // namespace

void add_session_routes(Router& router, Services& services) {
  router.add({.method = "POST",
              .path = "/api/v1/session",
              .operation = "signIn",
              .summary = "Sign in with user and password, or with a one-time code: a token, also as a cookie",
              .access = Access::kAnyone,
              .body = "SignIn",
              .answer = "Session",
              .status = 201,
              .handle = [&services](Call& call) { return begin(services, call); }});
  router.add({.method = "GET",
              .path = "/api/v1/session",
              .operation = "whoAmI",
              .summary = "Who you are and which roles you have",
              .access = Access::kSignedIn,
              .answer = "Session",
              .handle = [](Call& call) { return json_response(identity_json(call.identity, {})); }});
  router.add({.method = "DELETE",
              .path = "/api/v1/session",
              .operation = "signOut",
              .summary = "Revoke the token that this request is sent with",
              .access = Access::kSignedIn,
              .status = 204,
              .handle = [&services](Call& call) { return end(services, call); }});
  router.add({.method = "PUT",
              .path = "/api/v1/password",
              .operation = "changePassword",
              .summary = "Change your password; other sessions end",
              .access = Access::kSignedIn,
              .body = "PasswordChange",
              .status = 204,
              .handle = [&services](Call& call) { return change_password(services, call); }});
  router.add({.method = "GET",
              .path = "/api/v1/tokens",
              .operation = "listTokens",
              .summary = "Your tokens, without their secrets; administrators name another user",
              .access = Access::kSignedIn,
              .query = {{"user", "string", "Whose [yours]"}},
              .answer = "TokenList",
              .handle = [&services](Call& call) { return tokens(services, call); }});
  router.add({.method = "POST",
              .path = "/api/v1/tokens",
              .operation = "createToken",
              .summary = "Make a token that acts as you; its text is told this once",
              .access = Access::kSignedIn,
              .body = "NewToken",
              .answer = "TokenText",
              .status = 201,
              .handle = [&services](Call& call) { return make_token(services, call); }});
  router.add({.method = "DELETE",
              .path = "/api/v1/tokens/{id}",
              .operation = "revokeToken",
              .summary = "Revoke a token of yours, or as administrator anybody's",
              .access = Access::kSignedIn,
              .status = 204,
              .handle = [&services](Call& call) { return revoke_token(services, call); }});
}

}  // namespace fairlead::server
