#include "mixed_cluster.h"

#include <fmt/format.h>

namespace fairlead::bench {
namespace {

constexpr const char* kTaint = "dedicated";
constexpr int kTaintedNode = 9;  // of ten

bool is_tainted(int node) { return node % 10 == kTaintedNode; }

enum class Constraint { kNone, kOtherZones, kToleration, kPreference, kApart };

Constraint constraint_of(int number) {
  if (number % 5 != number / 25 % 5) return Constraint::kNone;
  return static_cast<Constraint>(1 + number / 5 % 4);
}

void require_zone(ClusterEvents::Group& group, model::Requirement::Operator op) {
  model::NodeSelectorTerm term;
  const bool any = op == model::Requirement::Operator::kExists;
  term.labels.push_back(
      {"zone", op,
       any ? std::vector<std::string>() : std::vector<std::string>{"nodebz0", "nodecz0", "nodez0"}});
  group.constraints.required_nodes.push_back(term);
  group.constraints.has_required_nodes = true;
}

void tolerate(ClusterEvents::Group& group) {
  group.constraints.tolerations.push_back({kTaint, true, "", std::nullopt});
}

void prefer_block(ClusterEvents::Group& group, int number) {
  model::PreferredTerm preferred;
  preferred.weight = 1 + number % 100;
  preferred.term.labels.push_back(
      {"block", model::Requirement::Operator::kIn, {"nodeb2", "nodebb2", "nodecb2"}});
  group.constraints.preferred_nodes.push_back(preferred);
}

void keep_apart(ClusterEvents::Group& group, int number) {
  const std::string application = fmt::format("application-{}", number);
  group.labels = {{"app", application}};
  model::PodAffinityTerm term;
  term.selector.emplace();
  term.selector->requirements.push_back({"app", model::Requirement::Operator::kIn, {application}});
  term.namespaces = {"bench"};
  term.topology_key = "host";
  group.constraints.required_anti_affinity.push_back(term);
}

}  // namespace

ClusterEvents::Group shape(int number) {
  ClusterEvents::Group group;
  group.cpu_milli = 500 + 10 * number;
  const int kind = number % 10;
  if (kind == 0) group.share = model::kThousandthsPerDevice / 2;
  group.devices = kind < 7 ? 1 : kind < 9 ? 2 : 4;
  switch (constraint_of(number)) {
    case Constraint::kNone:
      break;
    case Constraint::kOtherZones:
      require_zone(group, model::Requirement::Operator::kNotIn);
      break;
    case Constraint::kToleration:
      tolerate(group);
      break;
    case Constraint::kPreference:
      prefer_block(group, number);
      break;
    case Constraint::kApart:
      keep_apart(group, number);
  }
  return group;
}

ClusterEvents::Group one_device_shape(int number) {
  ClusterEvents::Group group = shape(number);
  group.devices = 1;
  return group;
}

ClusterEvents::Group constrained_gang(const std::string& name, const std::string& queue, std::int32_t pods) {
  ClusterEvents::Group group;
  group.name = name;
  group.queue = queue;
  group.pods = pods;
  group.devices = 8;
  require_zone(group, model::Requirement::Operator::kExists);
  tolerate(group);
  return group;
}

void mixed_nodes(ClusterEvents& events, const std::string& name, int count, const std::string& pool) {
  events.nodes(name, count, pool, [](int index, model::Node& node) {
    if (is_tainted(index)) node.taints.push_back({kTaint, "", model::Taint::Effect::kNoSchedule});
  });
}

int MixedLoad::draw(int node) {
  while (true) {
    const int number = static_cast<int>(random_() % kShapes);
    const Constraint constraint = constraint_of(number);
    const bool fits = (!is_tainted(node) || constraint == Constraint::kToleration) &&
                      (constraint != Constraint::kOtherZones || node >= kNodesOfZone) &&
                      (constraint != Constraint::kApart || apart_here_.insert(number).second);
    if (fits) return number;
  }
}

void MixedLoad::run(ClusterEvents::Group group, const std::string& node) {
  group.name = fmt::format("running-{:06}", pods_);
  group.queue = fmt::format("{}-{}", queue_, pods_ % 8);
  group.age_s = 10'000 + static_cast<int>(random_() % 500'000);
  group.nodes = {node};
  events_.group(group);
  ++pods_;
}

void MixedLoad::fill(const std::string& name, int index, std::int64_t devices) {
  apart_here_.clear();
  const std::string node = node_name(name, index);
  for (std::int64_t left = devices; left > 0;) {
    ClusterEvents::Group group = shape(draw(index));
    if (group.devices > left) group.devices = left;
    left -= group.devices;
    if (group.share > 0) {
      group.device_group = fmt::format("{}-shared-{}", node, left);
      run(group, node);
    }
    run(group, node);
  }
}

void MixedLoad::fill_with_pods(const std::string& name, int index, std::int64_t devices, std::size_t pods) {
  const std::size_t all = pods_ + pods;
  fill(name, index, devices);
  while (pods_ < all) {
    ClusterEvents::Group group = shape(draw(index));
    group.devices = group.share = 0;
    run(group, node_name(name, index));
  }
}

void MixedLoad::one(const std::string& name, int index) {
  apart_here_.clear();
  const std::string node = node_name(name, index);
  ClusterEvents::Group group = one_device_shape(draw(index));
  if (group.share > 0) group.device_group = node + "-shared";
  run(group, node);
}

}  // namespace fairlead::bench
