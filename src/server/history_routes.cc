#include "base/json_writer.h"
#include "manifest/fields.h"
#include "server/call.h"
#include "server/services.h"
#include "server/view_json.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::server {
namespace {

using net::HttpResponse;
using Reader = ledger::LedgerReader;

// The position in a header or parameter. None: absent.
std::optional<std::uint64_t> position_of(std::string_view name, std::string_view text,
                                         std::optional<Problem>& problem) {
  if (text.empty()) return std::nullopt;
  const auto position = manifest::parse_integer(text);
  if (position && *position >= 0) return static_cast<std::uint64_t>(*position);
  problem = bad_value(std::string(name), std::string(text), fmt::format("{}: is not a position", name),
                      "send the id of the last event that you have, or 0 for all that are kept");
  return std::nullopt;
}

HttpResponse stream(Services& services, Call& call, std::uint64_t after) {
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = [&services, identity = call.identity, after,
                     subject = call.query_value("subject")](std::shared_ptr<net::BodyStream> out) {
    services.pump.add(event_stream(std::move(out), services.history, identity, after, subject));
  };
  return response;
}

HttpResponse events(Services& services, Call& call) {
  std::optional<Problem> problem;
  const bool streams = call.request.header("accept").find("text/event-stream") != std::string_view::npos ||
                       call.query_flag("watch");
  auto after = position_of("Last-Event-ID", call.request.header("last-event-id"), problem);
  if (!after) after = position_of("after", call.query_value("after"), problem);
  Page page;
  if (!problem && !streams) {
    if (const auto text = call.request.query_value("limit")) {
      const auto limit = manifest::parse_integer(*text);
      if (!limit || *limit < 1 || *limit > static_cast<std::int64_t>(Page::kMost)) {
        problem = bad_value("limit", std::string(*text), "limit: is not 1 to 1000", "write 1 to 1000");
      } else {
        page.limit = static_cast<std::size_t>(*limit);
      }
    }
  }
  if (problem) return problem->response();
  if (auto read = services.history.refresh(); !read) return problem_of(read.error()).response();
  const std::uint64_t newest = services.history.newest();
  if (streams) return stream(services, call, std::min(after.value_or(newest), newest));
  std::uint64_t position = after.value_or(newest > page.limit ? newest - page.limit : 0);
  std::string body = "{\"items\":[";
  std::size_t count = 0;
  for (bool more = true; more && count < page.limit;) {
    const auto entries = services.history.after(position, page.limit, call.query_value("subject"));
    if (!entries) return problem_of(entries.error()).response();
    more = entries->size() == page.limit;
    for (const ledger::HistoryEntry& entry : *entries) {
      if (count == page.limit) break;
      position = entry.position;
      if (!may_see(entry, call.identity, *call.view)) continue;
      if (count++ > 0) body += ',';
      body += history_json(entry);
    }
  }
  return json_response(body + fmt::format("],\"position\":{}}}", position));
}

HttpResponse usage(Services& services, Call& call) {
  const std::string by = call.request.query_value("by") ? call.query_value("by") : "project";
  constexpr std::pair<std::string_view, Reader::UsageBy> kBy[] = {
      {"department", Reader::UsageBy::kDepartment},
      {"project", Reader::UsageBy::kProject},
      {"user", Reader::UsageBy::kUser},
      {"workload", Reader::UsageBy::kWorkload}};
  std::optional<Reader::UsageBy> chosen;
  for (const auto& [name, meaning] : kBy) {
    if (name == by) chosen = meaning;
  }
  if (!chosen) {
    return bad_value("by", by, fmt::format("by: \"{}\" is not known", by),
                     "write department, project, user or workload")
        .response();
  }
  const base::Time now = services.now();
  std::optional<Problem> problem;
  const auto time = [&](std::string_view name, base::Time fallback) {
    const std::string text = call.query_value(name);
    if (text.empty()) return fallback;
    const auto parsed = base::parse_time(text);
    if (parsed) return *parsed;
    problem = bad_value(std::string(name), text, fmt::format("{}: is not an instant", name),
                        "write it as 2026-01-31T12:00:00Z");
    return fallback;
  };
  const base::Time since = time("since", now - base::Duration::seconds(7 * 86'400));
  const base::Time until = time("until", now);
  if (!problem && until < since) {
    problem = bad_value("until", call.query_value("until"), "until: is before since", "swap the two");
  }
  if (problem) return problem->response();
  const auto rows = services.history.usage(*chosen, since, until);
  if (!rows) return problem_of(rows.error()).response();
  // A user's sum would tell about projects that the reader may not see.
  const bool everything = has_role_everywhere(call.identity, Role::kViewer);
  const QueueSet visible(call.identity, Role::kViewer, *call.view);
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("by", by);
  json.member("since", base::format_time(since));
  json.member("until", base::format_time(until));
  json.member("simulated", is_simulated(*call.view));
  json.key("items");
  json.begin_array();
  for (const Reader::UsageRow& row : *rows) {
    const std::string_view name = row.name;
    const bool own = *chosen == Reader::UsageBy::kUser ? name == call.identity.user
                                                       : visible.contains(name.substr(0, name.find('/')));
    if (everything || own) write_usage(json, row);
  }
  json.end_array();
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse audit(Services& services, Call& call) {
  std::optional<Problem> problem;
  const Page page = Page::of(call, problem);
  if (problem) return problem->response();
  const auto entries = services.audit.newest(page.limit, page.after);
  if (!entries) return problem_of(entries.error()).response();
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const AuditEntry& entry : *entries) write_audit(json, entry);
  json.end_array();
  if (entries->size() == page.limit) json.member("next", page_token(entries->back().id));
  json.end_object();
  return json_response(std::move(text));
}

}  // namespace

void add_history_routes(Router& router, Services& services) {
  router.add(
      {.method = "GET",
       .path = "/api/v1/events",
       .operation = "listEvents",
       .summary = "What happened, oldest first: a list, or with Accept: text/event-stream (or watch=true) "
                  "a stream that resumes after the header Last-Event-ID",
       .query = {{"after", "integer", "Position after which to begin [a list: the newest; a stream: now]"},
                 {"subject", "string", "Only about this: \"workload research/llama\""},
                 {"watch", "boolean", "Send events as they come"},
                 {"limit", "integer", "Items of a list, 1 to 1000 [100]"}},
       .answer = "EventPage",
       .handle = [&services](Call& call) { return events(services, call); }});
  router.add({.method = "GET",
              .path = "/api/v1/usage",
              .operation = "getUsage",
              .summary = "Device-hours by department, project, user or workload, and by device model",
              .query = {{"by", "string", "department, project, user or workload [project]"},
                        {"since", "time", "Beginning [a week ago]"},
                        {"until", "time", "End [now]"}},
              .answer = "Usage",
              .handle = [&services](Call& call) { return usage(services, call); }});
  router.add(
      {.method = "GET",
       .path = "/api/v1/audit",
       .operation = "listAudit",
       .summary = "Who signed in, and who changed users, tokens, secrets and access rules, newest first",
       .role = Role::kAdministrator,
       .scope = Scope::kEverywhere,
       .query = {{"limit", "integer", "Items of a page, 1 to 1000 [100]"},
                 {"after", "string", "The \"next\" of the page before"}},
       .answer = "AuditList",
       .handle = [&services](Call& call) { return audit(services, call); }});
}

}  // namespace fairlead::server
