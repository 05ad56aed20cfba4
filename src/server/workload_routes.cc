#include "manifest/workload.h"
#include "server/call.h"
#include "server/services.h"
#include "server/view_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace fairlead::server {
namespace {

using net::HttpResponse;

HttpResponse workload_response(const world::WorkloadView& workload, const world::View& view,
                               int status = 200) {
  HttpResponse response = json_response(workload_json(workload, view), status);
  response.headers.emplace_back("ETag", entity_tag(workload.version));
  if (status == 201) {
    response.headers.emplace_back("Location", "/api/v1/workloads/" + workload.spec.key());
  }
  return response;
}

Problem no_workload(const Call& call) {
  return missing("workload", call.path_value("project") + "/" + call.path_value("name"));
}

const world::WorkloadView* find_workload(const Call& call) {
  return call.view->find(call.path_value("project"), call.path_value("name"));
}

// One workload, JSON or YAML. Without a project in the text, the query's.
std::variant<model::Workload, Problem> read_body(const Call& call) {
  manifest::WorkloadReading reading = manifest::read_workloads(call.request.body, "the body");
  for (const manifest::Diagnostic& diagnostic : reading.diagnostics) {
    if (diagnostic.severity == manifest::Diagnostic::Severity::kError) return problem_of(diagnostic);
  }
  if (reading.workloads.size() != 1) {
    return bad_value({}, {}, fmt::format("the body holds {} workloads", reading.workloads.size()),
                     "send one Workload object as JSON or YAML");
  }
  return std::move(reading.workloads.front());
}

// Work runs as its submitter's Unix account: whoever may change what runs could act as the submitter.
std::optional<Problem> refuse_change(const Call& call, const world::WorkloadView& workload, bool runs_else) {
  if (workload.submitted_by == call.identity.user) return std::nullopt;
  if (has_role_everywhere(call.identity, Role::kAdministrator)) return std::nullopt;
  if (!runs_else && call.may(Role::kDepartmentAdministrator, workload.spec.project)) return std::nullopt;
  return forbidden(fmt::format("workload {} is {}'s", workload.spec.key(), workload.submitted_by),
                   runs_else ? "ask its owner, or an administrator of the platform"
                             : "ask its owner, or an administrator of its department");
}

HttpResponse submit(Services& services, Call& call) {
  auto read = read_body(call);
  if (auto* problem = std::get_if<Problem>(&read)) return problem->response();
  auto& workload = std::get<model::Workload>(read);
  if (!call.may(Role::kViewer, workload.project)) {
    Problem problem = missing("project", workload.project);
    problem.field = "spec.project";
    problem.remedy = "see 'fairlead queue' for the projects that you may use";
    return problem.response();
  }
  if (!call.may(Role::kResearcher, workload.project)) {
    return forbidden(fmt::format("you may look into project {}, but not submit to it", workload.project),
                     "ask an administrator for the role researcher there")
        .response();
  }
  const Identity& identity = call.identity;
  if (services.work_needs_account && !identity.account &&
      !has_role_everywhere(identity, Role::kAdministrator)) {
    return forbidden("no Unix account is bound to you, and work does not run as root for you",
                     "ask an administrator to set the account of your user")
        .response();
  }
  if (call.query_flag("dryRun")) {
    const auto forecast = services.world.forecast(workload);
    if (!forecast) return problem_of(forecast.error()).response();
    return json_response(forecast_json(*forecast));
  }
  world::Submission submission{std::move(workload), call.identity.actor(), {}};
  const std::string_view key = call.request.header("idempotency-key");
  // A key is the sender's own: another user's equal key is another key.
  if (!key.empty()) submission.idempotency_key = fmt::format("{}:{}", call.identity.user, key);
  const auto made = services.world.submit(submission);
  if (!made) return problem_of(made.error()).response();
  return workload_response(**made, *services.world.view(), 201);
}

bool matches(const world::WorkloadView& workload, const Call& call) {
  const auto fits = [&](std::string_view name, std::string_view value) {
    bool asked = false;
    for (const auto& [key, wanted] : call.request.query) {
      if (key != name) continue;
      if (wanted == value) return true;
      asked = true;
    }
    return !asked;
  };
  return fits("project", workload.spec.project) && fits("state", state_name(workload.state)) &&
         fits("kind", manifest::workload_kind_name(workload.spec.kind)) &&
         fits("user", workload.submitted_by) && fits("name", workload.spec.name);
}

HttpResponse list(Call& call) {
  std::optional<Problem> problem;
  const Page page = Page::of(call, problem);
  for (const auto& [key, value] : call.request.query) {
    constexpr std::array kStates = {"pending",  "starting",  "running",   "stopping",
                                    "back-off", "suspended", "succeeded", "failed"};
    if (key == "state" && std::find(kStates.begin(), kStates.end(), value) == kStates.end()) {
      problem =
          bad_value("state", value, fmt::format("state: \"{}\" is no state of workloads", value),
                    "write pending, starting, running, stopping, back-off, suspended, succeeded or failed");
    }
  }
  if (problem) return problem->response();
  const QueueSet visible(call.identity, Role::kViewer, *call.view);
  std::string body = "{\"items\":[";
  std::size_t count = 0;
  std::string next;
  // A page begins after a key, not at an index: what is added or removed meanwhile moves nothing.
  const std::string_view after = page.after;
  const std::size_t slash = std::min(after.find('/'), after.size());
  const auto key = std::pair(after.substr(0, slash), slash < after.size() ? after.substr(slash + 1) : "");
  const auto& all = call.view->workloads;
  auto from = all.begin();
  if (!after.empty()) {
    from = std::upper_bound(all.begin(), all.end(), key, [](const auto& value, const auto& workload) {
      return value <
             std::pair(std::string_view(workload->spec.project), std::string_view(workload->spec.name));
    });
  }
  std::string last;
  for (auto at = from; at != all.end(); ++at) {
    const world::WorkloadView& workload = **at;
    if (!visible.contains(workload.spec.project) || !matches(workload, call)) continue;
    if (count == page.limit) {
      next = page_token(last);
      break;
    }
    if (count++ > 0) body += ',';
    body += workload_json(workload, *call.view);
    last = workload.spec.key();
  }
  body += "]";
  if (!next.empty()) body += ",\"next\":\"" + next + "\"";
  body += fmt::format(",\"version\":{}}}", call.view->version);
  return json_response(std::move(body));
}

HttpResponse get(Call& call) {
  const world::WorkloadView* workload = find_workload(call);
  if (workload == nullptr) return no_workload(call).response();
  if (call.has_version(workload->version)) return not_modified(workload->version);
  return workload_response(*workload, *call.view);
}

HttpResponse apply_change(Services& services, Call& call, world::WorkloadChange change) {
  const world::WorkloadView* workload = find_workload(call);
  if (workload == nullptr) return no_workload(call).response();
  std::optional<Problem> problem;
  change.if_version = call.if_match(problem);
  if (!problem) {
    problem = refuse_change(call, *workload, change.kind == world::WorkloadChange::Kind::kReplace);
  }
  if (problem) return problem->response();
  const auto changed =
      services.world.change(workload->spec.project, workload->spec.name, change, call.identity.actor());
  if (!changed) {
    Problem refused = problem_of(changed.error());
    if (change.if_version && changed.error().code() == base::Code::kFailedPrecondition) refused.status = 412;
    return refused.response();
  }
  if (*changed == nullptr) return no_content();
  return workload_response(**changed, *services.world.view());
}

HttpResponse put(Services& services, Call& call) {
  auto read = read_body(call);
  if (auto* problem = std::get_if<Problem>(&read)) return problem->response();
  auto& workload = std::get<model::Workload>(read);
  if (workload.key() != call.path_value("project") + "/" + call.path_value("name")) {
    return bad_value("metadata.name", workload.key(), "the body's project and name are not those of the path",
                     "send the workload to its own path")
        .response();
  }
  const bool exists = find_workload(call) != nullptr;
  if (exists && call.request.header("if-none-match") == "*") {
    return Problem{412, fmt::format("workload {} is there already", workload.key()), {}, {}, {}, {}}
        .response();
  }
  if (!exists) {
    if (!call.request.header("if-match").empty()) return no_workload(call).response();
    return submit(services, call);
  }
  if (call.query_flag("dryRun")) {
    const auto forecast = services.world.forecast(workload);
    if (!forecast) return problem_of(forecast.error()).response();
    return json_response(forecast_json(*forecast));
  }
  world::WorkloadChange change;
  change.kind = world::WorkloadChange::Kind::kReplace;
  change.workload = std::move(workload);
  return apply_change(services, call, std::move(change));
}

HttpResponse scale(Services& services, Call& call) {
  Body body(call.request);
  std::optional<std::int64_t> replicas;
  if (body.root() != nullptr) {
    body.only(*body.root(), {"replicas"});
    replicas = body.fields().integer(*body.root(), "replicas", 0, 100'000);
    if (!replicas && !body.fields().failed()) {
      body.fields().missing(*body.root(), "replicas", "write {\"replicas\": 2}");
    }
  }
  if (auto problem = body.problem()) return problem->response();
  world::WorkloadChange change;
  change.kind = world::WorkloadChange::Kind::kScale;
  change.replicas = static_cast<std::int32_t>(*replicas);
  return apply_change(services, call, std::move(change));
}

HttpResponse explanation(Services& services, Call& call) {
  const world::WorkloadView* workload = find_workload(call);
  if (workload == nullptr) return no_workload(call).response();
  const auto forecast = services.world.explain(workload->spec.project, workload->spec.name);
  if (!forecast) return problem_of(forecast.error()).response();
  return json_response(forecast_json(*forecast));
}

}  // namespace

void add_workload_routes(Router& router, Services& services) {
  using Kind = world::WorkloadChange::Kind;
  const Parameter dry_run{"dryRun", "boolean", "Change nothing and tell what would happen: a Forecast"};
  const auto simple = [&services](Kind kind) {
    return [&services, kind](Call& call) {
      world::WorkloadChange change;
      change.kind = kind;
      return apply_change(services, call, std::move(change));
    };
  };
  router.add({.method = "GET",
              .path = "/api/v1/workloads",
              .operation = "listWorkloads",
              .summary = "Workloads of the projects that you may see, by project and name",
              .query = {{"project", "string[]", "Only of these projects"},
                        {"state", "string[]", "Only in these states"},
                        {"kind", "string[]", "Only of these kinds: workspace, training, inference"},
                        {"user", "string[]", "Only of these submitters"},
                        {"name", "string[]", "Only of these names"},
                        {"limit", "integer", "Items of a page, 1 to 1000 [100]"},
                        {"after", "string", "The \"next\" of the page before"}},
              .answer = "WorkloadList",
              .handle = [](Call& call) { return list(call); }});
  router.add({.method = "POST",
              .path = "/api/v1/workloads",
              .operation = "submitWorkload",
              .summary = "Submit a workload, as JSON or YAML; with the header Idempotency-Key a repetition "
                         "gets the first answer",
              .role = Role::kResearcher,
              .query = {dry_run},
              .body = "Workload",
              .answer = "WorkloadView",
              .status = 201,
              .handle = [&services](Call& call) { return submit(services, call); }});
  router.add({.method = "GET",
              .path = "/api/v1/workloads/{project}/{name}",
              .operation = "getWorkload",
              .summary = "One workload with what became of it",
              .scope = Scope::kProject,
              .answer = "WorkloadView",
              .handle = [](Call& call) { return get(call); }});
  router.add({.method = "PUT",
              .path = "/api/v1/workloads/{project}/{name}",
              .operation = "putWorkload",
              .summary = "Submit a workload of this name, or replace it by a new version",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .query = {dry_run},
              .body = "Workload",
              .answer = "WorkloadView",
              .handle = [&services](Call& call) { return put(services, call); }});
  router.add({.method = "DELETE",
              .path = "/api/v1/workloads/{project}/{name}",
              .operation = "deleteWorkload",
              .summary = "End a workload and forget it",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .answer = "WorkloadView",
              .handle = simple(Kind::kDelete)});
  router.add({.method = "POST",
              .path = "/api/v1/workloads/{project}/{name}/suspend",
              .operation = "suspendWorkload",
              .summary = "Stop a workload and keep it",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .answer = "WorkloadView",
              .handle = simple(Kind::kSuspend)});
  router.add({.method = "POST",
              .path = "/api/v1/workloads/{project}/{name}/resume",
              .operation = "resumeWorkload",
              .summary = "Queue a suspended workload again",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .answer = "WorkloadView",
              .handle = simple(Kind::kResume)});
  router.add({.method = "POST",
              .path = "/api/v1/workloads/{project}/{name}/scale",
              .operation = "scaleWorkload",
              .summary = "Change how many replicas are wanted",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .body = "Scale",
              .answer = "WorkloadView",
              .handle = [&services](Call& call) { return scale(services, call); }});
  router.add({.method = "GET",
              .path = "/api/v1/workloads/{project}/{name}/explanation",
              .operation = "explainWorkload",
              .summary = "Why a workload waits, and the changes that would start it",
              .scope = Scope::kProject,
              .answer = "Forecast",
              .handle = [&services](Call& call) { return explanation(services, call); }});
}

}  // namespace fairlead::server
