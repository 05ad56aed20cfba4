#include "base/json_writer.h"
#include "ledger/ledger.h"
#include "server/call.h"
#include "server/ledger_verification.h"
#include "server/services.h"
#include "server/view_json.h"

#include <string>
#include <utility>

namespace fairlead::server {
namespace {

using net::HttpResponse;

HttpResponse health(Call& call) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("status", "ok");
  json.member("simulated", is_simulated(*call.view));
  json.member("view", call.view->version);
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse version(Services& services) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("version", services.version);
  json.member("engineRevision", ledger::kEngineRevision);
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse ledger_state(Services& services) {
  if (auto read = services.history.refresh(); !read) return problem_of(read.error()).response();
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("path", services.world.ledger_path());
  json.member("position", services.history.newest());
  json.member("engineRevision", ledger::kEngineRevision);
  json.end_object();
  return json_response(std::move(text));
}

}  // namespace

void add_system_routes(Router& router, Services& services) {
  router.add({.method = "GET",
              .path = "/api/v1/health",
              .operation = "getHealth",
              .summary = "Whether the server answers, and whether its devices are simulated",
              .access = Access::kAnyone,
              .answer = "Health",
              .handle = health});
  router.add({.method = "GET",
              .path = "/api/v1/version",
              .operation = "getVersion",
              .summary = "The version of the server",
              .access = Access::kAnyone,
              .answer = "Version",
              .handle = [&services](Call&) { return version(services); }});
  router.add({.method = "GET",
              .path = "/api/v1/ledger",
              .operation = "getLedger",
              .summary = "Where the ledger lies and how far it is; 'fairlead ledger verify' checks it",
              .role = Role::kAdministrator,
              .scope = Scope::kEverywhere,
              .answer = "Ledger",
              .handle = [&services](Call&) { return ledger_state(services); }});
  router.add({.method = "POST",
              .path = "/api/v1/ledger/verify",
              .operation = "verifyLedger",
              .summary =
                  "Check the ledger and decide every round again: lines of JSON with what is done, and "
                  "at the end the report",
              .role = Role::kAdministrator,
              .scope = Scope::kEverywhere,
              .media = "application/x-ndjson",
              .handle = [&services](Call&) {
                auto begun = services.verification.begin();
                return begun ? *std::move(begun) : problem_of(begun.error()).response();
              }});
}

}  // namespace fairlead::server
