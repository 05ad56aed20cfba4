// Answers one scheduling cycle with the reference scheduler: the protocol of `fairlead plan --cycle`.

#include "manifest/cycle.h"
#include "reference/reference_scheduler.h"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

namespace {

using namespace fairlead;

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      result += escaped;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

/// The lists of the answer, each as the inside of a JSON array.
struct Answer {
  std::string binds;
  std::string evictions;
  std::string nominations;
  std::string unscheduled;
};

void append(std::string& list, const std::string& entry) { list += (list.empty() ? "" : ",") + entry; }

void report(Answer& answer, const model::Decision& decision,
            const std::map<std::string, std::string>& names) {
  auto name = [&](const std::string& uid) { return "\"pod\":" + quoted(names.at(uid)); };
  if (auto* bind = std::get_if<model::Bind>(&decision.body)) {
    std::string groups;
    for (const std::string& group : bind->device_groups) append(groups, quoted(group));
    if (!groups.empty()) groups = ",\"gpuGroups\":[" + groups + "]";
    append(answer.binds, "{" + name(bind->pod) + ",\"node\":" + quoted(bind->node) + groups + "}");
  } else if (auto* evict = std::get_if<model::Evict>(&decision.body)) {
    append(answer.evictions, "{" + name(evict->pod) + ",\"reason\":" + quoted(evict->reason) + "}");
  } else if (auto* nominate = std::get_if<model::Nominate>(&decision.body)) {
    append(answer.nominations, "{" + name(nominate->pod) + ",\"node\":" + quoted(nominate->node) + "}");
  } else if (auto* changed = std::get_if<model::VerdictChanged>(&decision.body)) {
    std::string reasons;
    for (const model::Reason& reason : changed->verdict.reasons)
      append(reasons, "{\"code\":" + std::to_string(static_cast<int>(reason.code)) + ",\"queue\":" +
                          quoted(reason.queue) + ",\"dimension\":" + quoted(reason.dimension) + "}");
    append(answer.unscheduled, "{\"group\":" + quoted(changed->group) + ",\"reasons\":[" + reasons + "]}");
  }
}

}  // namespace

int main() {
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  auto cycle = manifest::read_cycle(text);
  if (!cycle) {
    std::cerr << cycle.error().message() << "\n";
    return 1;
  }
  for (const manifest::Diagnostic& diagnostic : cycle->objects.diagnostics)
    std::cerr << manifest::format(diagnostic) << "\n";
  std::map<std::string, std::string> names;
  for (const model::Pod& pod : cycle->objects.pods) names[pod.uid] = pod.display_name();

  reference::ReferenceScheduler scheduler;
  std::vector<model::Event> events = manifest::to_events(cycle->objects, cycle->now);
  events.push_back({cycle->now, model::ConfigurationChanged{cycle->configuration}});
  for (const model::RejectedEvent& rejected : scheduler.apply(events).rejected)
    std::cerr << "event " << rejected.index << ": " << rejected.reason << "\n";
  Answer answer;
  for (const model::Decision& decision : scheduler.run({}).decisions) report(answer, decision, names);
  std::cout << "{\"binds\":[" << answer.binds << "],\"evictions\":[" << answer.evictions
            << "],\"nominations\":[" << answer.nominations << "],\"claims\":[],\"unscheduled\":["
            << answer.unscheduled << "]}\n";
  return 0;
}
