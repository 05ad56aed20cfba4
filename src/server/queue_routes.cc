#include "server/call.h"
#include "server/services.h"
#include "server/view_json.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace fairlead::server {
namespace {

using net::HttpResponse;

HttpResponse queue_response(const world::QueueView& queue, int status = 200) {
  HttpResponse response = json_response(queue_json(queue), status);
  response.headers.emplace_back("ETag", entity_tag(queue.version));
  if (status == 201) response.headers.emplace_back("Location", "/api/v1/queues/" + queue.queue.name);
  return response;
}

// A queue is its parent's matter: whoever administers a department shapes what lies below it, and not what
// the department itself may have.
bool may_shape(const Call& call, std::string_view parent) {
  if (parent.empty()) return has_role_everywhere(call.identity, Role::kAdministrator);
  return call.may(Role::kDepartmentAdministrator, parent);
}

Problem not_yours(std::string_view queue, std::string_view parent) {
  return forbidden(parent.empty() ? fmt::format("queue {} lies at the root of the tree", queue)
                                  : fmt::format("queue {} lies below {}, which is not yours", queue, parent),
                   parent.empty() ? "ask an administrator of the platform"
                                  : fmt::format("ask an administrator of {}", parent));
}

HttpResponse list(Call& call) {
  const QueueSet visible(call.identity, Role::kViewer, *call.view);
  std::string body = "{\"items\":[";
  for (const auto& queue : call.view->queues) {
    if (!visible.contains(queue->queue.name) && !visible.leads_to(queue->queue.name)) continue;
    if (body.back() != '[') body += ',';
    body += queue_json(*queue);
  }
  return json_response(body + "]}");
}

HttpResponse get(Call& call) {
  const world::QueueView* queue = call.view->find_queue(call.path_value("queue"));
  if (queue == nullptr) return missing("queue", call.path_value("queue")).response();
  if (call.has_version(queue->version)) return not_modified(queue->version);
  return queue_response(*queue);
}

enum class Writing : std::uint8_t { kCreate, kReplace, kChange };

HttpResponse write(Services& services, Call& call, Writing writing) {
  const std::string& named = call.path_value("queue");
  const world::QueueView* existing = call.view->find_queue(named);
  if (writing == Writing::kChange && existing == nullptr) return missing("queue", named).response();
  Body body(call.request);
  model::Queue queue = new_queue();
  if (body.root() != nullptr) {
    if (writing == Writing::kChange) queue = existing->queue;
    queue = read_queue(body, std::move(queue));
    if (writing != Writing::kCreate && queue.name.empty()) queue.name = named;
    if (queue.name.empty() && !body.fields().failed()) {
      body.fields().missing(*body.root(), "name", "write a name of lower-case letters, digits and dashes");
    }
  }
  if (auto problem = body.problem()) return problem->response();
  if (writing != Writing::kCreate && queue.name != named) {
    return bad_value("name", queue.name, "name: is not that of the path", "a queue keeps its name")
        .response();
  }
  if (writing == Writing::kCreate) {
    existing = call.view->find_queue(queue.name);
    if (existing != nullptr) {
      // Whoever may not see it learns nothing from the refusal but that the name is taken.
      return Problem{409,        fmt::format("queue {} is there already", queue.name), "name",
                     queue.name, "choose another name, or change that queue",          {}}
          .response();
    }
  }
  if (existing != nullptr) {
    queue.uid = existing->queue.uid;
    queue.created = existing->queue.created;
    if (!may_shape(call, existing->queue.parent)) {
      return not_yours(queue.name, existing->queue.parent).response();
    }
  }
  if (!may_shape(call, queue.parent)) return not_yours(queue.name, queue.parent).response();
  if (call.query_flag("dryRun")) {
    const auto forecast = services.world.forecast_queue(queue);
    if (!forecast) return problem_of(forecast.error()).response();
    return json_response(forecast_json(*forecast));
  }
  std::optional<Problem> problem;
  const auto version = call.if_match(problem);
  if (problem) return problem->response();
  const auto put = services.world.put_queue(queue, version, call.identity.actor());
  if (!put) {
    Problem refused = problem_of(put.error());
    if (version && put.error().code() == base::Code::kFailedPrecondition) refused.status = 412;
    return refused.response();
  }
  return queue_response(**put, existing == nullptr ? 201 : 200);
}

HttpResponse remove(Services& services, Call& call) {
  const std::string& name = call.path_value("queue");
  const world::QueueView* queue = call.view->find_queue(name);
  if (queue == nullptr) return missing("queue", name).response();
  if (!may_shape(call, queue->queue.parent)) return not_yours(name, queue->queue.parent).response();
  const auto removed = services.world.remove_queue(name, call.identity.actor());
  if (!removed) return problem_of(removed.error()).response();
  return no_content();
}

}  // namespace

void add_queue_routes(Router& router, Services& services) {
  const Parameter dry_run{"dryRun", "boolean", "Change nothing and tell what would happen: a Forecast"};
  router.add({.method = "GET",
              .path = "/api/v1/queues",
              .operation = "listQueues",
              .summary = "Departments and projects that you may see, parents before children",
              .answer = "QueueList",
              .handle = [](Call& call) { return list(call); }});
  router.add({.method = "POST",
              .path = "/api/v1/queues",
              .operation = "createQueue",
              .summary = "Create a department or a project",
              .role = Role::kDepartmentAdministrator,
              .query = {dry_run},
              .body = "Queue",
              .answer = "QueueView",
              .status = 201,
              .handle = [&services](Call& call) { return write(services, call, Writing::kCreate); }});
  router.add({.method = "GET",
              .path = "/api/v1/queues/{queue}",
              .operation = "getQueue",
              .summary = "One department or project with what it has now",
              .scope = Scope::kQueue,
              .answer = "QueueView",
              .handle = [](Call& call) { return get(call); }});
  router.add({.method = "PUT",
              .path = "/api/v1/queues/{queue}",
              .operation = "putQueue",
              .summary = "Create a queue of this name, or replace all its settings",
              .role = Role::kDepartmentAdministrator,
              .query = {dry_run},
              .body = "Queue",
              .answer = "QueueView",
              .handle = [&services](Call& call) { return write(services, call, Writing::kReplace); }});
  router.add({.method = "PATCH",
              .path = "/api/v1/queues/{queue}",
              .operation = "changeQueue",
              .summary = "Change the settings of a queue that the body names",
              .role = Role::kDepartmentAdministrator,
              .scope = Scope::kQueue,
              .query = {dry_run},
              .body = "Queue",
              .answer = "QueueView",
              .handle = [&services](Call& call) { return write(services, call, Writing::kChange); }});
  router.add({.method = "DELETE",
              .path = "/api/v1/queues/{queue}",
              .operation = "deleteQueue",
              .summary = "Remove a queue in which nothing is left",
              .role = Role::kDepartmentAdministrator,
              .scope = Scope::kQueue,
              .status = 204,
              .handle = [&services](Call& call) { return remove(services, call); }});
}

}  // namespace fairlead::server
