#include "server/call.h"
#include "server/change_log.h"
#include "server/services.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace fairlead::server {
namespace {

using net::HttpResponse;

HttpResponse changes(Services& services, Call& call) {
  std::string text(call.request.header("last-event-id"));
  if (text.empty()) text = call.query_value("after");
  std::optional<ChangePosition> after;
  if (!text.empty()) {
    after = parse_change_position(text);
    if (!after) {
      return bad_value("after", text, "after: is not a position of this stream",
                       "send the id of the last turn that you have, or leave it away")
          .response();
    }
  }
  if (auto read = services.history.refresh(); !read) return problem_of(read.error()).response();
  services.changes.follow(call.view);
  const bool once = call.request.header("accept").find("text/event-stream") == std::string_view::npos &&
                    !call.query_flag("watch");
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = [&services, identity = call.identity, after, once](std::shared_ptr<net::BodyStream> out) {
    services.pump.add(change_stream(std::move(out), services.changes, services.history, services.series,
                                    identity, after, once));
  };
  return response;
}

}  // namespace

void add_change_routes(Router& router, Services& services) {
  router.add(
      {.method = "GET",
       .path = "/api/v1/changes",
       .operation = "watchChanges",
       .summary = "Server-sent events with each workload, queue, node and device that changes, as the lists "
                  "have them, what is gone, samples of the series, and the history; after a \"turn\" they "
                  "agree, \"reset\" asks to "
                  "read the lists again",
       .query =
           {{"after", "string", "Id of the last turn that you have; the header Last-Event-ID serves"},
            {"watch", "boolean",
             "Go on as changes come, as with Accept: text/event-stream; else it ends after those so far"}},
       .handle = [&services](Call& call) { return changes(services, call); }});
}

}  // namespace fairlead::server
