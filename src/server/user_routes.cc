#include "base/json_writer.h"
#include "server/call.h"
#include "server/secrets.h"
#include "server/services.h"
#include "server/view_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::server {
namespace {

using net::HttpResponse;

constexpr std::size_t kShortestPassword = 10;
constexpr std::size_t kLongestName = 63;

bool is_user_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '@';
  };
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), plain);
}

HttpResponse noted(Services& services, Call& call, std::string_view action, const std::string& subject,
                   HttpResponse response) {
  auto written = services.audit.note(call.identity.user, call.request.peer, action, subject, true);
  return written ? std::move(response) : problem_of(written.error()).response();
}

std::string user_json(Services& services, const User& user) {
  std::string text;
  base::JsonWriter json(text);
  write_user(json, user, services.directory);
  return text;
}

HttpResponse list(Services& services) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const User& user : services.directory.users()) write_user(json, user, services.directory);
  json.end_array();
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse get(Services& services, Call& call) {
  const auto user = services.directory.user(call.path_value("user"));
  if (!user) return missing("user", call.path_value("user")).response();
  return json_response(user_json(services, *user));
}

HttpResponse put(Services& services, Call& call) {
  const std::string& name = call.path_value("user");
  if (!is_user_name(name)) {
    return bad_value("name", name, fmt::format("\"{}\" is not a name of users", name),
                     "write up to 63 letters, digits and . - _ @")
        .response();
  }
  const auto existing = services.directory.user(name);
  User user = existing.value_or(User{});
  user.name = name;
  if (!existing) user.created = services.now();
  Body body(call.request);
  std::string password;
  if (body.root() != nullptr) {
    const base::JsonValue& root = *body.root();
    body.only(root, {"name", "password", "account", "disabled", "roles", "hasPassword", "created"});
    password = body.fields().string(root, "password");
    const base::JsonValue* account = root.find("account");
    if (account != nullptr && account->is_null()) user.account = std::nullopt;
    if (const auto given =
            body.fields().integer(root, "account", 0, std::numeric_limits<std::int32_t>::max())) {
      user.account = static_cast<std::uint32_t>(*given);
    }
    user.disabled = body.fields().boolean(root, "disabled", user.disabled);
  }
  if (auto problem = body.problem()) {
    if (problem->field != "account") problem->value.clear();  // it may be the password
    return problem->response();
  }
  if (!password.empty()) {
    if (password.size() < kShortestPassword) {
      return bad_value("password", {},
                       fmt::format("password: has less than {} characters", kShortestPassword),
                       "choose a longer one")
          .response();
    }
    user.password_hash = services.sign_in.hash(password);
    if (user.password_hash.empty()) {
      return problem_of(base::Error(base::Code::kUnavailable, "there is no memory to hash the password"))
          .response();
    }
  }
  if (user.account) {
    const auto other = services.directory.user_of_account(*user.account);
    if (other && other->name != name) {
      return Problem{409,
                     fmt::format("the Unix account {} is bound to user {}", *user.account, other->name),
                     "account",
                     fmt::format("{}", *user.account),
                     "unbind it there first",
                     {}}
          .response();
    }
  }
  if (auto written = services.directory.put_user(user); !written)
    return problem_of(written.error()).response();
  return noted(services, call, existing ? "change-user" : "create-user", "user " + name,
               json_response(user_json(services, user), existing ? 200 : 201));
}

HttpResponse remove(Services& services, Call& call) {
  const std::string& name = call.path_value("user");
  if (!services.directory.user(name)) return missing("user", name).response();
  if (name == call.identity.user) {
    return Problem{409, "you cannot delete yourself", {}, {}, "let another administrator do it", {}}
        .response();
  }
  if (auto removed = services.directory.remove_user(name); !removed)
    return problem_of(removed.error()).response();
  return noted(services, call, "delete-user", "user " + name, no_content());
}

HttpResponse make_code(Services& services, Call& call) {
  const std::string& name = call.path_value("user");
  if (!services.directory.user(name)) return missing("user", name).response();
  auto code = services.sign_in.make_code(name);
  if (!code) return problem_of(code.error()).response();
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("code", *code);
  json.end_object();
  HttpResponse response = json_response(std::move(text), 201);
  response.headers.emplace_back("Cache-Control", "no-store");
  return noted(services, call, "create-sign-in-code", "user " + name, std::move(response));
}

// Who administers a subtree gives roles in it, up to their own.
bool may_grant(const Call& call, const Grant& grant) {
  if (has_role_everywhere(call.identity, Role::kAdministrator)) return true;
  if (grant.queue.empty() || grant.role == Role::kAdministrator) return false;
  return call.may(Role::kDepartmentAdministrator, grant.queue);
}

HttpResponse list_rules(Services& services, Call& call) {
  const QueueSet visible(call.identity, Role::kDepartmentAdministrator, *call.view);
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const AccessRule& rule : services.directory.rules()) {
    if (visible.contains(rule.grant.queue)) write_rule(json, rule);
  }
  json.end_array();
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse add_rule(Services& services, Call& call) {
  Body body(call.request);
  AccessRule rule;
  if (body.root() != nullptr) {
    const base::JsonValue& root = *body.root();
    body.only(root, {"user", "role", "queue"});
    rule.user = body.required_text("user", "write whom the rule is for");
    const std::string role =
        body.required_text("role", "write viewer, researcher, department-administrator or administrator");
    const auto known = role_named(role);
    if (!known && !role.empty()) {
      body.fields().error(*root.find("role"), "is not a role",
                          "write viewer, researcher, department-administrator or administrator");
    }
    rule.grant.role = known.value_or(Role::kViewer);
    rule.grant.queue = body.fields().string(root, "queue");
  }
  if (auto problem = body.problem()) return problem->response();
  if (!may_grant(call, rule.grant)) {
    return forbidden("you may give roles only in the departments that you administer",
                     "ask an administrator of the platform")
        .response();
  }
  if (!services.directory.user(rule.user)) {
    Problem problem = missing("user", rule.user);
    problem.field = "user";
    problem.status = 400;
    problem.remedy = "create the user first";
    return problem.response();
  }
  if (!rule.grant.queue.empty() && call.view->find_queue(rule.grant.queue) == nullptr) {
    Problem problem = missing("queue", rule.grant.queue);
    problem.field = "queue";
    problem.status = 400;
    return problem.response();
  }
  rule.id = random_id();
  rule.created = services.now();
  rule.created_by = call.identity.user;
  if (auto put = services.directory.put_rule(rule); !put) return problem_of(put.error()).response();
  std::string text;
  base::JsonWriter json(text);
  write_rule(json, rule);
  return noted(services, call, "create-access-rule",
               fmt::format("user {} is {} of {}", rule.user, role_name(rule.grant.role),
                           rule.grant.queue.empty() ? "everything" : rule.grant.queue),
               json_response(std::move(text), 201));
}

HttpResponse remove_rule(Services& services, Call& call) {
  const std::string& id = call.path_value("id");
  const auto rules = services.directory.rules();
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& one) { return one.id == id; });
  if (rule == rules.end() || !may_grant(call, rule->grant)) return missing("access rule", id).response();
  if (auto removed = services.directory.remove_rule(id); !removed)
    return problem_of(removed.error()).response();
  return noted(services, call, "delete-access-rule", fmt::format("user {}", rule->user), no_content());
}

}  // namespace

void add_user_routes(Router& router, Services& services) {
  router.add({.method = "GET",
              .path = "/api/v1/users",
              .operation = "listUsers",
              .summary = "The users and their roles",
              .role = Role::kDepartmentAdministrator,
              .answer = "UserList",
              .handle = [&services](Call&) { return list(services); }});
  router.add({.method = "GET",
              .path = "/api/v1/users/{user}",
              .operation = "getUser",
              .summary = "One user",
              .role = Role::kDepartmentAdministrator,
              .answer = "User",
              .handle = [&services](Call& call) { return get(services, call); }});
  router.add({.method = "PUT",
              .path = "/api/v1/users/{user}",
              .operation = "putUser",
              .summary = "Create a user, or change password, Unix account or whether they may sign in",
              .role = Role::kAdministrator,
              .scope = Scope::kEverywhere,
              .body = "UserChange",
              .answer = "User",
              .handle = [&services](Call& call) { return put(services, call); }});
  router.add({.method = "DELETE",
              .path = "/api/v1/users/{user}",
              .operation = "deleteUser",
              .summary = "Delete a user with their tokens and roles; their work stays",
              .role = Role::kAdministrator,
              .scope = Scope::kEverywhere,
              .status = 204,
              .handle = [&services](Call& call) { return remove(services, call); }});
  router.add({.method = "POST",
              .path = "/api/v1/users/{user}/code",
              .operation = "createSignInCode",
              .summary = "Make a code that signs the user in once, within a day",
              .role = Role::kAdministrator,
              .scope = Scope::kEverywhere,
              .answer = "Code",
              .status = 201,
              .handle = [&services](Call& call) { return make_code(services, call); }});
}

void add_access_rule_routes(Router& router, Services& services) {
  router.add({.method = "GET",
              .path = "/api/v1/access-rules",
              .operation = "listAccessRules",
              .summary = "Who has which role in the departments that you administer",
              .role = Role::kDepartmentAdministrator,
              .answer = "AccessRuleList",
              .handle = [&services](Call& call) { return list_rules(services, call); }});
  router.add({.method = "POST",
              .path = "/api/v1/access-rules",
              .operation = "createAccessRule",
              .summary = "Give a user a role in a queue and all below it",
              .role = Role::kDepartmentAdministrator,
              .body = "NewAccessRule",
              .answer = "AccessRule",
              .status = 201,
              .handle = [&services](Call& call) { return add_rule(services, call); }});
  router.add({.method = "DELETE",
              .path = "/api/v1/access-rules/{id}",
              .operation = "deleteAccessRule",
              .summary = "Take a role away",
              .role = Role::kDepartmentAdministrator,
              .status = 204,
              .handle = [&services](Call& call) { return remove_rule(services, call); }});
}

}  // namespace fairlead::server
