#include "table.h"

#include "fields.h"
#include "objects.h"

#include <filesystem>

namespace fairlead::scenarios {
namespace {

constexpr std::int64_t kStart = 1000;  // seconds; a scenario's "now" where it gives none

std::map<std::string, std::string> read_map(const YAML::Node& node, const std::string& where) {
  std::map<std::string, std::string> map;
  Fields fields(node, where);
  for (const auto& [key, value] : fields.entries()) map[key] = Fields::convert<std::string>(value, where);
  return map;
}

Expected read_expected(Fields fields) {
  Expected expected;
  expected.binds = read_map(fields.take("bind"), fields.where());
  expected.nominations = read_map(fields.take("nominate"), fields.where());
  expected.evictions = read_map(fields.take("evict"), fields.where());
  for (const std::string& pod : texts(fields.take("withdraw"), fields.where())) expected.withdrawn[pod] = "";
  expected.waits = read_map(fields.take("waits"), fields.where());
  fields.finish();
  return expected;
}

void read_outcomes(Fields& fields, std::vector<Outcome>& outcomes) {
  auto list = [&](const std::string& key, Outcome::Kind kind) {
    for (const std::string& pod : texts(fields.take(key), fields.where()))
      outcomes.push_back({kind, pod, false, {}});
  };
  auto with_retry = [&](const std::string& key, Outcome::Kind kind, bool only_that_node) {
    Fields inside = fields.inside(key);
    for (const auto& [pod, value] : inside.entries())
      outcomes.push_back({kind, pod, only_that_node,
                          base::Duration::seconds(Fields::convert<std::int64_t>(value, inside.where()))});
  };
  list("bind_succeeded", Outcome::Kind::kBindSucceeded);
  with_retry("bind_failed", Outcome::Kind::kBindFailed, false);
  with_retry("bind_failed_on_node", Outcome::Kind::kBindFailed, true);
  list("eviction_accepted", Outcome::Kind::kEvictionAccepted);
  with_retry("eviction_refused", Outcome::Kind::kEvictionRefused, false);
}

template <class Event>
void read_about_pods(Fields& fields, const std::string& key, base::Time at,
                     std::vector<model::Event>& events) {
  for (const std::string& pod : texts(fields.take(key), fields.where())) {
    Event event;
    event.uid = pod;
    events.push_back({at, std::move(event)});
  }
}

Step read_step(Fields& fields, base::Time at) {
  Step step;
  step.at = at;
  // What is replaced goes before its replacement comes.
  read_about_pods<model::PodRemoved>(fields, "replaced", at, step.events);
  for (model::Event& event : read_objects(fields, at)) step.events.push_back(std::move(event));
  read_outcomes(fields, step.outcomes);
  read_about_pods<model::PodRemoved>(fields, "gone", at, step.events);
  read_about_pods<model::PodStarted>(fields, "started", at, step.events);
  read_about_pods<model::PodFinished>(fields, "finished", at, step.events);
  read_about_pods<model::CheckpointTaken>(fields, "checkpoint", at, step.events);
  for (const std::string& node : texts(fields.take("node_gone"), fields.where()))
    step.events.push_back({at, model::NodeRemoved{node}});
  step.expected = read_expected(fields.inside("expect"));
  return step;
}

Scenario read_scenario(Fields fields) {
  Scenario scenario;
  fields.read("scenario", scenario.name);
  fields.read("only", scenario.only);
  fields.take("why");
  std::int64_t now = kStart;
  fields.read("now", now);
  scenario.steps.push_back(read_step(fields, seconds(now)));
  scenario.steps.back().name = "at the start";
  YAML::Node then = fields.take("then");
  for (std::size_t i = 0; then.IsSequence() && i < then.size(); ++i) {
    std::string name = "step " + std::to_string(i + 1);
    Fields inside(then[i], fields.where() + ", " + name);
    std::int64_t after = 0;
    inside.read("after", after);
    inside.take("why");
    now += after;
    scenario.steps.push_back(read_step(inside, seconds(now)));
    scenario.steps.back().name = name;
    inside.finish();
  }
  fields.finish();
  return scenario;
}

}  // namespace

std::vector<Scenario> read_table(const std::string& path) {
  std::string table = std::filesystem::path(path).stem().string();
  std::vector<Scenario> scenarios;
  try {
    YAML::Node list = YAML::LoadFile(path);
    for (std::size_t i = 0; i < list.size(); ++i) {
      auto name = list[i]["scenario"].as<std::string>("number " + std::to_string(i + 1));
      scenarios.push_back(read_scenario(Fields(list[i], table + ", \"" + name + "\"")));
      scenarios.back().table = table;
    }
  } catch (const YAML::Exception& error) {
    throw TableError(path + ": " + error.what());
  }
  return scenarios;
}

}  // namespace fairlead::scenarios
