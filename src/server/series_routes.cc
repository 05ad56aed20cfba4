#include "base/json_writer.h"
#include "server/call.h"
#include "server/services.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::server {
namespace {

using net::HttpResponse;

// The beginning that the query names; an hour ago when it names none.
base::Time beginning(const Services& services, const Call& call, std::optional<Problem>& problem) {
  const std::string text = call.query_value("since");
  if (text.empty()) return services.now() - base::Duration::seconds(3600);
  const auto parsed = base::parse_time(text);
  if (parsed) return *parsed;
  problem = bad_value("since", text, "since: is not an instant", "write it as 2026-01-31T12:00:00Z");
  return services.now();
}

HttpResponse points_response(const std::vector<SeriesPoint>& points) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const SeriesPoint& point : points) write_point(json, point);
  json.end_array();
  json.end_object();
  return json_response(std::move(text));
}

// Answers with what `points` gives since the instant that the query names.
template <class Points>
std::function<HttpResponse(Call&)> answering(Services& services, Points points) {
  return [&services, points](Call& call) {
    std::optional<Problem> problem;
    const base::Time since = beginning(services, call, problem);
    return problem ? problem->response() : points_response(points(call, since));
  };
}

}  // namespace

void add_series_routes(Router& router, Services& services) {
  const std::vector<Parameter> query = {
      {"since", "time", "Beginning; what is older than an hour is told in larger steps [an hour ago]"}};
  router.add({.method = "GET",
              .path = "/api/v1/series",
              .operation = "getSeries",
              .summary =
                  "How many devices were there, allocated, asked for and in use over the last day, since "
                  "the server's start",
              .query = query,
              .answer = "SeriesList",
              .handle = answering(
                  services, [&services](Call&, base::Time since) { return services.series.fleet(since); })});
  router.add({.method = "GET",
              .path = "/api/v1/queues/{queue}/series",
              .operation = "getQueueSeries",
              .summary = "The same of one department or project, with its fair share",
              .scope = Scope::kQueue,
              .query = query,
              .answer = "SeriesList",
              .handle = answering(services, [&services](Call& call, base::Time since) {
                return services.series.queue(call.path_value("queue"), since);
              })});
  router.add({.method = "GET",
              .path = "/api/v1/workloads/{project}/{name}/series",
              .operation = "getWorkloadSeries",
              .summary = "What one workload held and used; of a service also replicas, requests and latency",
              .scope = Scope::kProject,
              .query = query,
              .answer = "SeriesList",
              .handle = answering(services, [&services](Call& call, base::Time since) {
                return services.series.workload(call.path_value("project") + "/" + call.path_value("name"),
                                                since);
              })});
}

}  // namespace fairlead::server
