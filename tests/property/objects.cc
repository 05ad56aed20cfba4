#include "objects.h"

#include "placement_rules.h"

#include <algorithm>
#include <utility>

namespace fairlead::property {
namespace {

using base::Duration;
using model::Bound;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;
constexpr const char* kSecondPool = "second";
constexpr const char* kResource = "nvidia.com/gpu";
constexpr const char* kOtherResource = "amd.com/gpu";
constexpr const char* kPriorityClasses[] = {"train", "build-preemptible", "build", "low"};
constexpr std::int32_t kPriorities[] = {50, 75, 100, 40};

std::size_t index(int value, std::size_t count) { return static_cast<std::size_t>(value) % count; }
std::string numbered(const char* prefix, int number) { return prefix + std::to_string(number); }

model::Node build_node(const Plan& plan, const NodePlan& from, int number) {
  model::Node node;
  node.name = numbered("node-", number);
  node.uid = "uid-" + node.name;
  node.created = kBeginning - Duration::seconds(5000);
  const std::string zone = numbered("zone-", from.zone);
  node.labels["zone"] = zone;
  node.labels["rack"] = zone + numbered("-rack-", from.rack);
  node.labels["kubernetes.io/hostname"] = node.name;
  const std::int64_t cores[] = {64, 8, 3};
  node.allocatable.cpu_milli = 1000 * cores[index(from.cpu, 3)];
  node.allocatable.memory_bytes = 4 * kGiB * cores[index(from.cpu, 3)];
  if (plan.pools != 0 && from.pool != 0) node.pool = kSecondPool;
  const std::int64_t device_mib = from.large != 0 ? 80'000 : 40'000;
  if (from.oddity == kPartitionedNode) {
    node.partition_strategy = model::Node::PartitionStrategy::kMixed;
    node.partitions = {{"nvidia.com/mig-1g.10gb", from.devices * 2, 1000}};
  } else if (from.devices > 0) {
    node.devices = {
        {"nvidia.com/gpu", "nvidia", "model-" + std::to_string(from.large), from.devices, device_mib, {}}};
  }
  if (from.listed != 0 && !node.devices.empty())
    for (int i = 0; i < from.devices; ++i)
      node.devices[0].devices.push_back(
          {node.name + "-device-" + std::to_string(i), i > 0 || from.listed == 1});
  if (from.other != 0 && !node.devices.empty()) node.devices[0].resource = kOtherResource;
  if (from.second != 0 && !node.devices.empty()) {
    model::DeviceSet second{
        from.other != 0 ? kResource : kOtherResource, "", "model-2", from.second, 20'000, {}};
    if (from.listed != 0)
      for (int i = 0; i < from.second; ++i)
        second.devices.push_back({node.name + "-second-" + std::to_string(i), true});
    node.devices.push_back(std::move(second));
  }
  if (from.oddity == kLabelledNode) node.labels["speciality"] = "yes";
  if (from.oddity == kTaintedNode)
    node.taints.push_back({"dedicated", "yes", model::Taint::Effect::kNoSchedule});
  if (from.oddity == kCordonedNode) node.unschedulable = true;
  if (from.oddity == kNotReadyNode) node.ready = false;
  if (from.oddity == kCrampedNode) node.pod_capacity = 3;
  return node;
}

model::DeviceRequest build_request(int demand) {
  model::DeviceRequest request;
  using Kind = model::DeviceRequest::Kind;
  switch (demand) {
    case kNoDevice:
      return request;
    case kPartition:
      request.partitions = {{"nvidia.com/mig-1g.10gb", 1, 1000}};
      return request;
    case kHalfDevice:
    case kLargePart:
    case kTwoParts:
      request.kind = Kind::kFraction;
      request.count = demand == kTwoParts ? 2 : 1;
      request.thousandths = demand == kHalfDevice ? 500 : (demand == kLargePart ? 700 : 400);
      return request;
    case kDeviceMemory:
      request.kind = Kind::kMemory;
      request.count = 1;
      request.memory_mib = 12'345;
      return request;
    default:
      request.kind = Kind::kWhole;
      request.resource = kResource;
      request.count = demand == kManyDevices ? 4 : (demand == kTwoDevices ? 2 : 1);
      if (demand == kOtherDevice || demand == kBothKinds) request.resource = kOtherResource;
      if (demand == kBothKinds) {
        request.second_resource = kResource;
        request.second_count = 1;
      }
      return request;
  }
}

model::LabelSelector labelled(const std::string& key, const std::string& value) {
  return {{{key, model::Requirement::Operator::kIn, {value}}}};
}

void add_company(model::Constraints& constraints, int company, const model::Labels& labels) {
  const model::LabelSelector own = labelled("app", labels.at("app"));
  const model::LabelSelector family = labelled("family", labels.at("family"));
  const auto term = [](const model::LabelSelector& selector, const char* key, std::int32_t weight) {
    return model::PodAffinityTerm{selector, {"team"}, std::nullopt, key, weight};
  };
  const auto spread = [&](const model::LabelSelector& selector, const char* key, std::int32_t skew,
                          std::int32_t domains, bool required) {
    model::SpreadConstraint constraint;
    constraint.selector = selector;
    constraint.topology_key = key;
    constraint.max_skew = skew;
    constraint.min_domains = domains;
    constraint.required = required;
    constraints.spread.push_back(constraint);
  };
  constexpr const char* kHost = "kubernetes.io/hostname";
  switch (company) {
    case kApartFromItsOwn:
      return constraints.required_anti_affinity.push_back(term(own, kHost, 0));
    case kApartFromItsFamily:
      return constraints.required_anti_affinity.push_back(term(family, "rack", 0));
    case kWithItsOwn:
      return constraints.required_affinity.push_back(term(own, "zone", 0));
    case kWithTheFirstFamily:
      return constraints.required_affinity.push_back(term(labelled("family", "0"), "rack", 0));
    case kPreferItsFamily:
      return constraints.preferred_affinity.push_back(term(family, kHost, 50));
    case kPreferApart:
      return constraints.preferred_anti_affinity.push_back(term(own, "zone", 30));
    case kSpreadOverZones:
      return spread(own, "zone", 1, 1, true);
    case kSpreadFamilyOverNodes:
      return spread(family, kHost, 2, 2, true);
    case kPreferSpread:
      return spread(own, "zone", 1, 1, false);
    default:
      return;
  }
}

model::Pod build_pod(const GroupPlan& plan, const model::PodGroup& group, int group_number, int number,
                     base::Time created) {
  model::Pod pod;
  pod.namespace_name = "team";
  pod.name = group.key.substr(group.key.find('/') + 1) + numbered("-", number);
  pod.uid = "uid-" + pod.name;
  pod.created = created;
  pod.group = group.key;
  pod.labels["app"] = group.key.substr(group.key.find('/') + 1);
  pod.labels["family"] = std::to_string(group_number % 2);
  add_company(pod.constraints, plan.company, pod.labels);
  pod.requests.cpu_milli = plan.cpu == 0 ? 500 : (plan.cpu == 1 ? 2000 : 5000);
  pod.requests.memory_bytes = (plan.cpu == 0 ? 1 : 2) * kGiB;
  pod.devices = build_request(plan.demand);
  if (plan.pickiness == kLabelledOnly) pod.constraints.node_selector["speciality"] = "yes";
  if (plan.pickiness == kToleratesTaint) {
    pod.constraints.tolerations.push_back({"dedicated", true, "", model::Taint::Effect::kNoSchedule});
  }
  if (plan.pickiness == kOwnHostPort) pod.constraints.host_ports.push_back({"", "TCP", 7000});
  return pod;
}

model::TopologyConstraint build_topology(int topology) {
  model::TopologyConstraint constraint;
  if (topology == 0) return constraint;
  constraint.topology = "tree";
  if (topology == 1 || topology == 4) constraint.required_level = "zone";
  if (topology == 2) constraint.required_level = "rack";
  if (topology == 3 || topology == 4) constraint.preferred_level = "rack";
  return constraint;
}

std::vector<std::string> leaf_queues(const Plan& plan) {
  std::vector<bool> inner(plan.queues.size(), false);
  for (std::size_t i = 1; i < plan.queues.size(); ++i) {
    const int parent = plan.queues[i].parent;
    if (parent > 0) inner[index(parent - 1, i)] = true;
  }
  std::vector<std::string> leaves;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (!inner[i]) leaves.push_back(numbered("queue-", static_cast<int>(i)));
  }
  return leaves;
}

/// Puts a pod where it fits, as a running one; false where the node cannot take it.
bool start_on(Truth& truth, TruePod& pod, const std::string& node_name) {
  const model::Node& node = truth.nodes.at(node_name);
  if (!why_not_allowed(truth, pod.pod, node).empty()) return false;
  std::vector<std::string> groups;
  if (pod.pod.devices.shares_devices()) {
    if (node.devices.empty()) return false;
    const std::int64_t mib = share_mib(pod.pod.devices, node.devices[0].memory_mib);
    for (const auto& [group, used] : truth.use_of(node_name, Truth::Count::kPresent).shared_mib) {
      if (static_cast<std::int64_t>(groups.size()) < pod.pod.devices.count &&
          used + mib <= node.devices[0].memory_mib) {
        groups.push_back(group);
      }
    }
    while (static_cast<std::int64_t>(groups.size()) < pod.pod.devices.count) {
      groups.push_back("device-of-" + pod.pod.uid + "-" + std::to_string(groups.size()));
    }
  }
  pod.node = node_name;
  pod.device_groups = groups;
  if (!excess(node, truth.use_of(node_name, Truth::Count::kPresent)).empty()) {
    pod.node.clear();
    pod.device_groups.clear();
    return false;
  }
  pod.pod.phase = model::Pod::Phase::kRunning;
  pod.pod.node = node_name;
  pod.pod.device_groups = groups;
  pod.pod.started = truth.now - Duration::seconds(100);
  return true;
}

void start_pods(Truth& truth, const GroupPlan& plan, const std::string& key) {
  model::PodGroup& group = truth.groups.at(key);
  std::vector<std::string> started;
  std::string pool;
  int wanted = plan.running;
  for (auto& [uid, pod] : truth.pods) {
    if (pod.pod.group != key || wanted == 0) continue;
    for (std::size_t i = 0; i < truth.nodes.size(); ++i) {
      // A group that must stay together starts on one node.
      if (i > 0 && plan.topology != 0) break;
      const auto node = std::next(
          truth.nodes.begin(),
          static_cast<std::ptrdiff_t>((index(plan.node, truth.nodes.size()) + i) % truth.nodes.size()));
      if (!started.empty() && node->second.pool != pool) continue;
      if (!start_on(truth, pod, node->first)) continue;
      pool = node->second.pool;
      started.push_back(uid);
      --wanted;
      break;
    }
  }
  if (truth.minimum_met(group)) {
    group.last_start = truth.now - Duration::seconds(100);
    return;
  }
  for (const std::string& uid : started) {
    TruePod& pod = truth.pods.at(uid);
    pod.node.clear();
    pod.device_groups.clear();
    pod.pod.node.clear();
    pod.pod.device_groups.clear();
    pod.pod.phase = model::Pod::Phase::kPending;
    pod.pod.started.reset();
  }
}

}  // namespace

model::Queue build_queue(const Plan& plan, const QueuePlan& from, int number) {
  model::Queue queue;
  queue.name = numbered("queue-", number);
  queue.uid = "uid-" + queue.name;
  // Pairs of queues are of one age, so that the last tie-break matters.
  queue.created = kBeginning - Duration::seconds(4000 - number / 2);
  if (number > 0 && from.parent > 0) {
    queue.parent =
        numbered("queue-", static_cast<int>(index(from.parent - 1, static_cast<std::size_t>(number))));
  }
  model::PoolQuota pool;
  if (from.priority != 0) pool.priority = from.priority == 1 ? 200 : 90;
  model::Quota gpu;
  gpu.quota = from.quota == 6 ? Bound::unlimited() : Bound::of(from.quota * model::kThousandthsPerDevice);
  if (from.limit > 0) gpu.limit = Bound::of((from.limit + 1) * model::kThousandthsPerDevice);
  const double weights[] = {1, 2, 0.5, 0};
  gpu.over_quota_weight = weights[index(from.weight, 4)];
  model::Quota cpu;
  cpu.quota = Bound::unlimited();
  cpu.over_quota_weight = 1;
  model::Quota memory = cpu;
  if (from.cpu == 1) cpu.quota = Bound::of(4000);
  if (from.cpu == 2) cpu.limit = Bound::of(8000);
  pool.dimensions = {{"gpu", gpu}, {"cpu", cpu}, {"memory", memory}};
  if (from.model != 0) {
    model::Quota of_model;
    of_model.over_quota_weight = 1;
    if (from.model == 1) of_model.quota = Bound::of(2 * model::kThousandthsPerDevice);
    if (from.model == 2) of_model.limit = Bound::of(model::kThousandthsPerDevice);
    pool.dimensions.push_back({from.model == 1 ? "gpu/model-0" : "gpu/model-2", of_model});
  }
  queue.pools.push_back(pool);
  queue.fair_between_users = from.users != 0;
  if (from.runtime == 1) queue.preempt_min_runtime = Duration::seconds(160);
  if (from.runtime == 2) queue.reclaim_min_runtime = Duration::seconds(160);
  if (plan.pools != 0) {
    pool.pool = kSecondPool;
    queue.pools.push_back(pool);
  }
  return queue;
}

model::Configuration build_configuration(const ConfigurationPlan& from) {
  model::Configuration configuration;
  model::PoolConfiguration pool;
  if (from.spread % 2 == 1) pool.placement.devices = model::PlacementStrategy::kSpread;
  if (from.spread >= 2) pool.placement.cpu = model::PlacementStrategy::kSpread;
  if (from.strict != 0) pool.discipline = model::QueueDiscipline::kStrict;
  configuration.pools.push_back(pool);
  if (from.second != 0) {
    pool.pool = kSecondPool;
    if (from.second == 1) pool.placement.devices = model::PlacementStrategy::kSpread;
    if (from.second == 2) pool.discipline = model::QueueDiscipline::kStrict;
    configuration.pools.push_back(pool);
  }
  if (from.min_runtime == 1) configuration.preempt_min_runtime = Duration::seconds(160);
  if (from.min_runtime == 2) configuration.reclaim_min_runtime = Duration::seconds(160);
  if (from.usage != 0) configuration.usage_half_life = Duration::seconds(3600);
  if (from.no_consolidation != 0) configuration.max_consolidation_victims = 0;
  if (from.no_moves != 0) configuration.consolidating_reclaim = false;
  if (from.flat != 0) configuration.full_hierarchy_fairness = false;
  if (from.least_lost_work != 0) configuration.victim_order = model::VictimOrder::kLeastLostWork;
  if (from.depth != 0) configuration.queue_depth.assign(5, from.depth);
  return configuration;
}

std::string add_group(Truth& truth, const Plan& plan, const GroupPlan& from, int number) {
  model::PodGroup group;
  const std::string name = numbered("group-", number);
  group.key = "team/" + name;
  group.uid = "uid-" + name;
  group.created = truth.now - Duration::seconds(truth.now == kBeginning ? 1000 - number / 2 : 0);
  const std::vector<std::string> leaves = leaf_queues(plan);
  group.queue = from.queue == 4
                    ? numbered("queue-", static_cast<int>(index(from.minimum, plan.queues.size())))
                    : leaves[index(from.queue, leaves.size())];
  group.priority_class = kPriorityClasses[index(from.priority, 4)];
  if (from.preemptible != 0) group.preemptible = from.preemptible == 1;
  group.min_member = from.minimum + 1;
  group.topology = build_topology(from.topology);
  if (plan.pools != 0 && from.pool == 1) group.pools = {kSecondPool};
  if (plan.pools != 0 && from.pool == 2) group.pools = {kSecondPool, ""};
  if (plan.pools != 0 && from.pool == 3) group.pools = {"", kSecondPool};
  group.user = from.user == 0 ? "ann" : "bob";
  int pods = std::max(1, group.min_member + from.more);
  if (from.parts != 0) {
    model::SubGroup workers;
    workers.name = "workers";
    workers.min_member = group.min_member;
    model::SubGroup servers;
    servers.name = "servers";
    servers.min_member = 2;
    group.sub_groups = {workers, servers};
    group.min_member += 2;
    if (from.parts == kOneOfTwoParts) group.min_sub_group = 1;
    if (from.parts == kMorePartsThanAre) group.min_sub_group = 3;
    if (from.parts == kNestedParts || from.parts == kOneOfNestedParts) {
      model::SubGroup all;
      all.name = "all";
      for (model::SubGroup& part : group.sub_groups) part.parent = all.name;
      if (from.parts == kOneOfNestedParts) {
        all.min_sub_group = 1;
        group.sub_groups[0].topology = build_topology(2);
      }
      group.sub_groups.push_back(all);
    }
  }
  for (int i = 0; i < pods + (from.parts != 0 ? 2 : 0); ++i) {
    TruePod pod;
    pod.pod = build_pod(from, group, number, i, group.created);
    if (from.parts != 0) pod.pod.sub_group = i < pods ? "workers" : "servers";
    truth.pods[pod.pod.uid] = pod;
  }
  truth.groups[group.key] = group;
  return group.key;
}

std::string add_replacement(Truth& truth, const model::Pod& pod) {
  TruePod fresh;
  fresh.pod = pod;
  do {
    fresh.pod.uid += "+";
  } while (truth.pods.count(fresh.pod.uid) != 0);
  fresh.pod.created = truth.now;
  fresh.pod.phase = model::Pod::Phase::kPending;
  fresh.pod.node.clear();
  fresh.pod.nominated_node.clear();
  fresh.pod.device_groups.clear();
  fresh.pod.releasing = false;
  fresh.pod.release_deadline.reset();
  fresh.pod.started.reset();
  truth.pods[fresh.pod.uid] = fresh;
  return fresh.pod.uid;
}

std::string add_pod(Truth& truth, const std::string& group) {
  for (const auto& [uid, pod] : truth.pods) {
    if (pod.pod.group != group) continue;
    model::Pod copy = pod.pod;
    copy.name += "x";
    copy.uid = "uid-" + copy.name;
    return add_replacement(truth, copy);
  }
  return "";
}

model::DisruptionBudget build_budget(const BudgetPlan& from, int number) {
  model::DisruptionBudget budget;
  budget.key = "team/budget-" + std::to_string(number);
  budget.selector =
      from.family == 2 ? model::LabelSelector() : labelled("family", std::to_string(from.family));
  const std::int32_t amount = from.kind >= 3 ? 25 * from.amount : from.amount;
  if (from.kind == 0) budget.disruptions_allowed = amount;
  if (from.kind == 1 || from.kind == 3) budget.min_available = amount;
  if (from.kind == 2 || from.kind == 4) budget.max_unavailable = amount;
  budget.min_available_is_percent = from.kind == 3;
  budget.max_unavailable_is_percent = from.kind == 4;
  return budget;
}

Truth build(const Plan& plan) {
  Truth truth;
  truth.now = kBeginning;
  truth.configuration = build_configuration(plan.configuration);
  truth.topologies["tree"] = {"tree", {"zone", "rack"}};
  for (std::size_t i = 0; i < 4; ++i) {
    truth.priority_classes[kPriorityClasses[i]] = {kPriorityClasses[i], kPriorities[i], false};
  }
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    model::Node node = build_node(plan, plan.nodes[i], static_cast<int>(i));
    truth.nodes[node.name] = node;
  }
  for (std::size_t i = 0; i < plan.queues.size(); ++i) {
    model::Queue queue = build_queue(plan, plan.queues[i], static_cast<int>(i));
    truth.queues[queue.name] = queue;
  }
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    const std::string key = add_group(truth, plan, plan.groups[i], static_cast<int>(i));
    if (plan.groups[i].running > 0) start_pods(truth, plan.groups[i], key);
  }
  for (std::size_t i = 0; i < plan.budgets.size(); ++i) {
    const model::DisruptionBudget budget = build_budget(plan.budgets[i], static_cast<int>(i));
    truth.budgets[budget.key] = budget;
  }
  return truth;
}

std::vector<model::Event> report_everything(const Truth& truth) {
  std::vector<model::Event> events;
  const auto report = [&](auto body) { events.push_back({truth.now, std::move(body)}); };
  report(model::ConfigurationChanged{truth.configuration});
  for (const auto& [name, topology] : truth.topologies) report(model::TopologyUpserted{topology});
  for (const auto& [name, priority_class] : truth.priority_classes)
    report(model::PriorityClassUpserted{priority_class});
  for (const auto& [name, queue] : truth.queues) report(model::QueueUpserted{queue});
  for (const auto& [name, node] : truth.nodes) report(model::NodeUpserted{node});
  for (const auto& [key, group] : truth.groups) report(model::GroupUpserted{group});
  for (const auto& [uid, pod] : truth.pods) report(model::PodUpserted{pod.pod});
  for (const auto& [key, budget] : truth.budgets) report(model::DisruptionBudgetUpserted{budget});
  return events;
}

}  // namespace fairlead::property
