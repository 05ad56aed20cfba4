#include "objects.h"

#include <algorithm>
#include <cmath>

namespace fairlead::scenarios {
namespace {

using model::Requirement;

std::int64_t scaled(double amount, double unit) {
  return static_cast<std::int64_t>(std::llround(amount * unit));
}
std::int64_t device_thousandths(double devices) { return scaled(devices, 1000); }
std::int64_t millicores(double cores) { return scaled(cores, 1000); }
std::int64_t bytes(double gigabytes) { return scaled(gigabytes, 1e9); }

void read_time(Fields& fields, const std::string& key, base::Time& time) {
  std::int64_t at = 0;
  if (!fields.has(key)) return;
  fields.read(key, at);
  time = seconds(at);
}
void read_time(Fields& fields, const std::string& key, std::optional<base::Time>& time) {
  base::Time at;
  if (!fields.has(key)) return;
  read_time(fields, key, at);
  time = at;
}
void read_duration(Fields& fields, const std::string& key, base::Duration& duration) {
  double in_seconds = duration.in_seconds();
  fields.read(key, in_seconds);
  duration = base::Duration::nanoseconds(scaled(in_seconds, 1e9));
}
void read_duration(Fields& fields, const std::string& key, std::optional<base::Duration>& duration) {
  base::Duration value;
  if (!fields.has(key)) return;
  read_duration(fields, key, value);
  duration = value;
}

model::Labels read_labels(Fields fields) {
  model::Labels labels;
  for (const auto& [key, value] : fields.entries())
    labels[key] = Fields::convert<std::string>(value, fields.where());
  return labels;
}

model::LabelSelector selector_of(const model::Labels& labels) {
  model::LabelSelector selector;
  for (const auto& [key, value] : labels)
    selector.requirements.push_back({key, Requirement::Operator::kIn, {value}});
  return selector;
}

/// "zone in a,b", "zone notin a", "zone exists", "zone missing", "cores > 8", "cores < 8".
Requirement read_requirement(const std::string& text, const std::string& where) {
  std::vector<std::string> words = split(text, ' ');
  static const std::map<std::string, Requirement::Operator> kOperators = {
      {"in", Requirement::Operator::kIn},         {"notin", Requirement::Operator::kNotIn},
      {"exists", Requirement::Operator::kExists}, {"missing", Requirement::Operator::kDoesNotExist},
      {">", Requirement::Operator::kGreaterThan}, {"<", Requirement::Operator::kLessThan}};
  if (words.size() < 2 || !kOperators.count(words[1]))
    throw TableError(where + ": \"" + text + "\" is no requirement such as \"zone in a,b\"");
  Requirement requirement{words[0], kOperators.at(words[1]), {}};
  if (words.size() > 2) requirement.values = split(words[2], ',');
  std::sort(requirement.values.begin(), requirement.values.end());
  return requirement;
}

/// Alternatives; the requirements of one are joined by "and".
std::vector<model::NodeSelectorTerm> read_terms(Fields& fields, const std::string& key) {
  std::vector<model::NodeSelectorTerm> terms;
  for (std::string text : texts(fields.take(key), fields.where())) {
    model::NodeSelectorTerm& term = terms.emplace_back();
    for (std::size_t at = text.find(" and "); at != std::string::npos; at = text.find(" and ")) {
      term.labels.push_back(read_requirement(text.substr(0, at), fields.where()));
      text.erase(0, at + 5);
    }
    term.labels.push_back(read_requirement(text, fields.where()));
  }
  return terms;
}

model::Taint::Effect read_effect(const std::string& text, const std::string& where) {
  if (text == "NoSchedule") return model::Taint::Effect::kNoSchedule;
  if (text == "PreferNoSchedule") return model::Taint::Effect::kPreferNoSchedule;
  if (text == "NoExecute") return model::Taint::Effect::kNoExecute;
  throw TableError(where + ": \"" + text + "\" is no effect of a taint");
}

/// "key=value:Effect".
model::Taint read_taint(const std::string& text, const std::string& where) {
  std::vector<std::string> parts = split(text, ':');
  std::vector<std::string> pair = split(parts.front(), '=');
  model::Taint taint;
  taint.key = pair.front();
  if (pair.size() > 1) taint.value = pair[1];
  if (parts.size() > 1) taint.effect = read_effect(parts[1], where);
  return taint;
}

/// "key=value:Effect", "key" (any value), "*" (everything); without an effect every effect.
model::Toleration read_toleration(const std::string& text, const std::string& where) {
  std::vector<std::string> parts = split(text, ':');
  std::vector<std::string> pair = split(parts.front(), '=');
  model::Toleration toleration;
  if (pair.front() != "*") toleration.key = pair.front();
  toleration.exists = pair.size() < 2;
  if (pair.size() > 1) toleration.value = pair[1];
  if (parts.size() > 1) toleration.effect = read_effect(parts[1], where);
  return toleration;
}

model::Event read_node(const std::string& name, Fields fields, base::Time at) {
  model::Node node;
  node.name = name;
  node.uid = name;
  double devices = 0;
  double cpu = 64;
  double memory = 1000;
  model::DeviceSet set{.resource = "nvidia.com/gpu",
                       .vendor = "nvidia",
                       .model = {},
                       .count = 0,
                       .memory_mib = 10000,
                       .devices = {}};
  fields.read("gpu", devices);
  fields.read("gpu_model", set.model);
  fields.read("gpu_memory", set.memory_mib);
  fields.read("gpu_resource", set.resource);
  set.count = scaled(devices, 1);
  for (const std::string& health : texts(fields.take("devices"), fields.where()))
    set.devices.push_back({name + "-device-" + std::to_string(set.devices.size()), health == "healthy"});
  model::DeviceSet second{.resource = "other.com/gpu",
                          .vendor = "other",
                          .model = {},
                          .count = 0,
                          .memory_mib = 20000,
                          .devices = {}};
  double more = 0;
  fields.read("second_gpu", more);
  fields.read("second_gpu_model", second.model);
  second.count = scaled(more, 1);
  fields.read("cpu", cpu);
  fields.read("memory", memory);
  fields.read("pods", node.pod_capacity);
  node.allocatable.cpu_milli = millicores(cpu);
  node.allocatable.memory_bytes = bytes(memory);
  node.labels = read_labels(fields.inside("labels"));
  for (const std::string& taint : texts(fields.take("taints"), fields.where()))
    node.taints.push_back(read_taint(taint, fields.where()));
  fields.read("unschedulable", node.unschedulable);
  fields.read("ready", node.ready);
  fields.read("pool", node.pool);
  Fields counted = fields.inside("counted");
  for (const auto& [key, value] : counted.entries())
    node.allocatable.counted.push_back({key, Fields::convert<std::int64_t>(value, counted.where())});
  Fields partitions = fields.inside("partitions");
  for (const auto& [profile, value] : partitions.entries())
    node.partitions.push_back({"nvidia.com/mig-" + profile,
                               Fields::convert<std::int64_t>(value, partitions.where()),
                               (profile.front() - '0') * model::kThousandthsPerDevice});
  std::string strategy = "none";
  fields.read("strategy", strategy);
  using Strategy = model::Node::PartitionStrategy;
  node.partition_strategy = strategy == "mixed"    ? Strategy::kMixed
                            : strategy == "single" ? Strategy::kSingle
                                                   : Strategy::kNone;
  if (set.count > 0) node.devices.push_back(std::move(set));
  if (second.count > 0) node.devices.push_back(std::move(second));
  fields.finish();
  return {at, model::NodeUpserted{std::move(node)}};
}

model::Bound read_bound(const YAML::Node& node, double unit, const std::string& where) {
  if (node.as<std::string>("") == "unlimited") return model::Bound::unlimited();
  return model::Bound::of(scaled(Fields::convert<double>(node, where), unit));
}

/// A number is the quota; a mapping has quota, limit and weight.
void read_dimension(Fields& fields, const std::string& dimension, double unit, model::PoolQuota& pool) {
  YAML::Node node = fields.take(dimension);
  if (!node.IsDefined() || node.IsNull()) return;
  model::Quota quota;
  if (node.IsMap()) {
    Fields inside(node, fields.where() + "." + dimension);
    if (inside.has("quota")) quota.quota = read_bound(inside.take("quota"), unit, inside.where());
    if (inside.has("limit")) quota.limit = read_bound(inside.take("limit"), unit, inside.where());
    inside.read("weight", quota.over_quota_weight);
    inside.finish();
  } else {
    quota.quota = read_bound(node, unit, fields.where());
  }
  pool.dimensions.push_back({dimension, quota});
}

model::PoolQuota read_pool_quota(Fields& fields, const std::string& name) {
  model::PoolQuota pool;
  pool.pool = name;
  fields.read("priority", pool.priority);
  for (const auto& [key, value] : Fields(fields).entries())
    if (key == "gpu" || key.starts_with("gpu/")) read_dimension(fields, key, 1000, pool);
  read_dimension(fields, "cpu", 1000, pool);
  read_dimension(fields, "memory", 1e9, pool);
  return pool;
}

model::Event read_queue(const std::string& name, Fields fields, base::Time at) {
  model::Queue queue;
  queue.name = name;
  queue.uid = name;
  fields.read("parent", queue.parent);
  read_time(fields, "created", queue.created);
  read_duration(fields, "preempt_min_runtime", queue.preempt_min_runtime);
  read_duration(fields, "reclaim_min_runtime", queue.reclaim_min_runtime);
  fields.read("fair_between_users", queue.fair_between_users);
  queue.pools.push_back(read_pool_quota(fields, ""));
  Fields pools = fields.inside("pools");
  for (const auto& [pool, value] : pools.entries()) {
    Fields inside(value, pools.where() + "." + pool);
    queue.pools.push_back(read_pool_quota(inside, pool));
    inside.finish();
  }
  fields.finish();
  return {at, model::QueueUpserted{std::move(queue)}};
}

model::TopologyConstraint read_topology(Fields fields) {
  model::TopologyConstraint constraint;
  fields.read("tree", constraint.topology);
  fields.read("require", constraint.required_level);
  fields.read("prefer", constraint.preferred_level);
  fields.finish();
  return constraint;
}

std::vector<model::PodAffinityTerm> read_affinity(Fields& fields, const std::string& key) {
  std::vector<model::PodAffinityTerm> terms;
  YAML::Node list = fields.take(key);
  for (std::size_t i = 0; list.IsSequence() && i < list.size(); ++i) {
    Fields inside(list[i], fields.where() + "." + key);
    model::PodAffinityTerm& term = terms.emplace_back();
    term.selector = selector_of(read_labels(inside.inside("labels")));
    term.namespaces = {"default"};
    inside.read("namespaces", term.namespaces);
    if (inside.has("namespace_labels"))
      term.namespace_selector = selector_of(read_labels(inside.inside("namespace_labels")));
    inside.read("per", term.topology_key);
    inside.read("weight", term.weight);
    inside.finish();
  }
  return terms;
}

void read_constraints(Fields& fields, model::Constraints& constraints) {
  if (fields.has("selector")) constraints.node_selector = read_labels(fields.inside("selector"));
  if (fields.has("node_affinity")) {
    constraints.required_nodes = read_terms(fields, "node_affinity");
    constraints.has_required_nodes = true;
  }
  if (fields.has("prefer_nodes"))
    for (const model::NodeSelectorTerm& term : read_terms(fields, "prefer_nodes"))
      constraints.preferred_nodes.push_back({1, term});
  for (const std::string& text : texts(fields.take("tolerations"), fields.where()))
    constraints.tolerations.push_back(read_toleration(text, fields.where()));
  if (fields.has("near")) constraints.required_affinity = read_affinity(fields, "near");
  if (fields.has("away_from")) constraints.required_anti_affinity = read_affinity(fields, "away_from");
  if (fields.has("prefer_near")) constraints.preferred_affinity = read_affinity(fields, "prefer_near");
  if (fields.has("prefer_away_from"))
    constraints.preferred_anti_affinity = read_affinity(fields, "prefer_away_from");
  if (fields.has("spread")) {
    Fields inside = fields.inside("spread");
    model::SpreadConstraint& spread = constraints.spread.emplace_back();
    inside.read("max_skew", spread.max_skew);
    inside.read("min_domains", spread.min_domains);
    inside.read("per", spread.topology_key);
    inside.read("required", spread.required);
    spread.selector = selector_of(read_labels(inside.inside("labels")));
    inside.finish();
  }
  for (const std::string& port : texts(fields.take("ports"), fields.where()))
    constraints.host_ports.push_back({"", "TCP", std::stoi(port)});
  for (const std::string& claim : texts(fields.take("volumes"), fields.where()))
    constraints.volume_claims.push_back(claim);
}

/// What a group says about all its pods, and a pod about itself.
void read_shape(Fields& fields, model::Pod& pod) {
  double amount = 0;
  using Kind = model::DeviceRequest::Kind;
  if (fields.has("gpu")) {
    fields.read("gpu", amount);
    pod.devices.kind = Kind::kWhole;
    pod.devices.resource = "nvidia.com/gpu";
    pod.devices.count = scaled(amount, 1);
  }
  fields.read("gpu_resource", pod.devices.resource);
  if (fields.has("second_gpu")) {
    fields.read("second_gpu", amount);
    pod.devices.second_resource = "other.com/gpu";
    pod.devices.second_count = scaled(amount, 1);
  }
  if (fields.has("share")) {
    fields.read("share", amount);
    pod.devices.kind = Kind::kFraction;
    pod.devices.thousandths = device_thousandths(amount);
    pod.devices.count = 1;
  }
  if (fields.has("share_memory")) {
    fields.read("share_memory", pod.devices.memory_mib);
    pod.devices.kind = Kind::kMemory;
    pod.devices.count = 1;
  }
  fields.read("share_devices", pod.devices.count);
  if (fields.has("partitions")) {
    pod.devices.partitions.clear();
    Fields partitions = fields.inside("partitions");
    for (const auto& [profile, value] : partitions.entries())
      pod.devices.partitions.push_back({"nvidia.com/mig-" + profile,
                                        Fields::convert<std::int64_t>(value, partitions.where()),
                                        (profile.front() - '0') * model::kThousandthsPerDevice});
  }
  if (fields.has("cpu")) {
    fields.read("cpu", amount);
    pod.requests.cpu_milli = millicores(amount);
  }
  if (fields.has("memory")) {
    fields.read("memory", amount);
    pod.requests.memory_bytes = bytes(amount);
  }
  if (fields.has("counted")) {
    pod.requests.counted.clear();
    Fields counted = fields.inside("counted");
    for (const auto& [key, value] : counted.entries())
      pod.requests.counted.push_back({key, Fields::convert<std::int64_t>(value, counted.where())});
  }
  if (fields.has("labels")) pod.labels = read_labels(fields.inside("labels"));
  read_constraints(fields, pod.constraints);
  fields.read("sub_group", pod.sub_group);
  fields.read("gated", pod.gated);
  fields.read("legacy_partition", pod.legacy_partition_request);
  if (fields.has("missing")) pod.missing_references = texts(fields.take("missing"), fields.where());
  read_time(fields, "checkpoint", pod.last_checkpoint);
}

/// "node", or "node/device+device".
void read_place(const std::string& text, model::Pod& pod) {
  std::vector<std::string> parts = split(text, '/');
  pod.node = parts.front();
  if (parts.size() > 1) pod.device_groups = split(parts[1], '+');
  pod.phase = model::Pod::Phase::kRunning;
}

void read_pod_details(Fields& fields, model::Pod& pod) {
  std::string text;
  fields.read("on", text);
  if (!text.empty()) read_place(text, pod);
  text.clear();
  fields.read("state", text);
  using Phase = model::Pod::Phase;
  static const std::map<std::string, Phase> kPhases = {
      {"pending", Phase::kPending}, {"binding", Phase::kBinding},     {"bound", Phase::kBound},
      {"running", Phase::kRunning}, {"succeeded", Phase::kSucceeded}, {"failed", Phase::kFailed}};
  if (text == "releasing")
    pod.releasing = true;
  else if (kPhases.count(text))
    pod.phase = kPhases.at(text);
  else if (!text.empty())
    throw TableError(fields.where() + ": \"" + text + "\" is no state of a pod");
  fields.read("nominated", pod.nominated_node);
  fields.read("task_priority", pod.task_priority);
  fields.read("leader", pod.leader);
  read_time(fields, "pod_created", pod.created);
  read_time(fields, "pod_started", pod.started);
  read_shape(fields, pod);
}

/// The pods of a group, named GROUP-0, GROUP-1 ... A number stands for so many waiting pods, a node's name
/// for a pod that runs there, a mapping for one pod with details of its own.
void read_group_pods(const YAML::Node& list, const model::Pod& shape, const std::string& where, base::Time at,
                     std::vector<model::Event>& events) {
  std::size_t index = 0;
  auto add = [&](model::Pod pod) {
    pod.name = shape.name + "-" + std::to_string(index++);
    pod.uid = pod.name;
    events.push_back({at, model::PodUpserted{std::move(pod)}});
  };
  auto add_entry = [&](const YAML::Node& entry) {
    if (entry.IsMap()) {
      model::Pod pod = shape;
      Fields fields(entry, where);
      std::int64_t times = 1;
      fields.read("times", times);
      read_pod_details(fields, pod);
      fields.finish();
      for (std::int64_t i = 0; i < times; ++i) add(pod);
      return;
    }
    auto text = Fields::convert<std::string>(entry, where);
    if (text.find_first_not_of("0123456789") == std::string::npos) {
      for (int i = std::stoi(text); i > 0; --i) add(shape);
      return;
    }
    model::Pod pod = shape;
    read_place(text, pod);
    add(pod);
  };
  if (!list.IsDefined() || list.IsNull())
    add(shape);
  else if (list.IsSequence())
    for (std::size_t i = 0; i < list.size(); ++i) add_entry(list[i]);
  else
    add_entry(list);
}

void read_group(const std::string& name, Fields fields, base::Time at, std::vector<model::Event>& events) {
  model::PodGroup group;
  group.key = "default/" + name;
  group.uid = name;
  fields.read("queue", group.queue);
  fields.read("priority", group.fallback_priority);
  fields.read("preemptible", group.preemptible);
  fields.read("min", group.min_member);
  fields.read("min_groups", group.min_sub_group);
  Fields sub_groups = fields.inside("sub_groups");
  for (const auto& [sub_name, value] : sub_groups.entries()) {
    Fields inside(value, sub_groups.where() + "." + sub_name);
    model::SubGroup& sub_group = group.sub_groups.emplace_back();
    sub_group.name = sub_name;
    inside.read("parent", sub_group.parent);
    inside.read("min", sub_group.min_member);
    inside.read("min_groups", sub_group.min_sub_group);
    sub_group.topology = read_topology(inside.inside("topology"));
    inside.finish();
  }
  group.topology = read_topology(fields.inside("topology"));
  read_time(fields, "created", group.created);
  read_time(fields, "started", group.last_start);
  read_time(fields, "stale_since", group.stale_since);
  read_duration(fields, "preemption_delay", group.preemption_delay);
  read_duration(fields, "staleness_grace", group.staleness_grace);
  group.pools = texts(fields.take("pools"), fields.where());
  fields.read("user", group.user);

  model::Pod shape;
  shape.namespace_name = "default";
  shape.name = name;
  shape.group = group.key;
  read_shape(fields, shape);
  read_group_pods(fields.take("pods"), shape, fields.where() + ".pods", at, events);
  fields.finish();
  events.push_back({at, model::GroupUpserted{std::move(group)}});
}

/// A pod of another scheduler.
model::Event read_other_pod(const std::string& name, Fields fields, base::Time at) {
  model::Pod pod;
  pod.namespace_name = "default";
  pod.name = name;
  pod.uid = name;
  pod.served = false;
  fields.read("reservation", pod.reservation);
  read_pod_details(fields, pod);
  fields.finish();
  return {at, model::PodUpserted{std::move(pod)}};
}

model::Placement read_placement(Fields& fields) {
  model::Placement placement;
  std::string text;
  auto strategy = [&](const std::string& key, model::PlacementStrategy& into) {
    text.clear();
    fields.read(key, text);
    if (text == "spread") into = model::PlacementStrategy::kSpread;
    if (!text.empty() && text != "spread" && text != "bin-pack")
      throw TableError(fields.where() + ": \"" + text + "\" is neither bin-pack nor spread");
  };
  strategy("place_devices", placement.devices);
  strategy("place_cpu", placement.cpu);
  fields.read("pack_shares", placement.pack_shares);
  return placement;
}

model::PoolConfiguration read_pool_configuration(Fields& fields, const std::string& name) {
  model::PoolConfiguration pool;
  pool.pool = name;
  pool.placement = read_placement(fields);
  std::string discipline;
  fields.read("discipline", discipline);
  if (discipline == "strict") pool.discipline = model::QueueDiscipline::kStrict;
  return pool;
}

model::Event read_configuration(Fields fields, base::Time at) {
  model::Configuration configuration;
  static const std::map<std::string, model::Action> kActions = {{"allocate", model::Action::kAllocate},
                                                                {"consolidate", model::Action::kConsolidate},
                                                                {"reclaim", model::Action::kReclaim},
                                                                {"preempt", model::Action::kPreempt},
                                                                {"stale", model::Action::kEvictStale}};
  if (fields.has("actions")) {
    configuration.actions.clear();
    for (const std::string& name : texts(fields.take("actions"), fields.where())) {
      if (!kActions.count(name)) throw TableError(fields.where() + ": \"" + name + "\" is no action");
      configuration.actions.push_back(kActions.at(name));
    }
  }
  configuration.pools.push_back(read_pool_configuration(fields, ""));
  Fields pools = fields.inside("pools");
  for (const auto& [name, value] : pools.entries()) {
    Fields inside(value, pools.where() + "." + name);
    configuration.pools.push_back(read_pool_configuration(inside, name));
    inside.finish();
  }
  read_duration(fields, "staleness_grace", configuration.staleness_grace);
  fields.read("max_consolidation_victims", configuration.max_consolidation_victims);
  fields.read("consolidating_reclaim", configuration.consolidating_reclaim);
  fields.read("full_hierarchy_fairness", configuration.full_hierarchy_fairness);
  fields.read("usage_weight", configuration.usage_weight);
  read_duration(fields, "usage_half_life", configuration.usage_half_life);
  fields.read("saturation_multiplier", configuration.saturation_multiplier);
  read_duration(fields, "preempt_min_runtime", configuration.preempt_min_runtime);
  read_duration(fields, "reclaim_min_runtime", configuration.reclaim_min_runtime);
  read_duration(fields, "restart_cost", configuration.restart_cost);
  std::string text;
  fields.read("reclaim_min_runtime_scope", text);
  if (text == "queue") configuration.reclaim_min_runtime_scope = model::MinRuntimeScope::kQueue;
  text.clear();
  fields.read("victim_order", text);
  if (text == "least lost work") configuration.victim_order = model::VictimOrder::kLeastLostWork;
  fields.read("queue_depth", configuration.queue_depth);
  fields.finish();
  return {at, model::ConfigurationChanged{std::move(configuration)}};
}

model::Event read_claim(const std::string& name, Fields fields, base::Time at) {
  model::VolumeClaim claim;
  claim.key = "default/" + name;
  std::string state = "bound";
  fields.read("state", state);
  using State = model::VolumeClaim::State;
  claim.state = state == "bound"   ? State::kBound
                : state == "waits" ? State::kWaitForFirstConsumer
                                   : State::kUnbound;
  claim.node_terms = read_terms(fields, "nodes");
  fields.finish();
  return {at, model::VolumeClaimUpserted{std::move(claim)}};
}

model::Event read_budget(const std::string& name, Fields fields, base::Time at) {
  model::DisruptionBudget budget;
  budget.key = "default/" + name;
  budget.selector = selector_of(read_labels(fields.inside("labels")));
  fields.read("allowed", budget.disruptions_allowed);
  fields.read("min_available", budget.min_available);
  fields.read("max_unavailable", budget.max_unavailable);
  fields.read("min_available_is_percent", budget.min_available_is_percent);
  fields.read("max_unavailable_is_percent", budget.max_unavailable_is_percent);
  fields.finish();
  return {at, model::DisruptionBudgetUpserted{std::move(budget)}};
}

model::Event read_usage(const std::string& queue, Fields fields, base::Time at) {
  model::UsageSampled usage;
  usage.queue = queue;
  for (const auto& [dimension, value] : fields.entries())
    usage.shares.emplace_back(dimension, Fields::convert<double>(value, fields.where()));
  return {at, std::move(usage)};
}

}  // namespace

base::Time seconds(std::int64_t since_start) { return base::Time::from_unix_seconds(since_start); }

std::vector<model::Event> read_objects(Fields& fields, base::Time at) {
  std::vector<model::Event> events;
  auto each = [&](const std::string& key, const auto& read) {
    Fields inside = fields.inside(key);
    for (const auto& [name, value] : inside.entries())
      events.push_back(read(name, Fields(value, inside.where() + "." + name), at));
  };
  if (fields.has("configuration")) events.push_back(read_configuration(fields.inside("configuration"), at));
  each("nodes", read_node);
  each("queues", read_queue);
  each("claims", read_claim);
  each("budgets", read_budget);
  each("pods", read_other_pod);
  each("namespaces", [](const std::string& name, Fields labels, base::Time time) {
    return model::Event{time, model::NamespaceUpserted{name, read_labels(std::move(labels))}};
  });
  Fields topologies = fields.inside("topologies");
  for (const auto& [name, value] : topologies.entries())
    events.push_back({at, model::TopologyUpserted{{name, texts(value, topologies.where())}}});
  Fields groups = fields.inside("groups");
  for (const auto& [name, value] : groups.entries())
    read_group(name, Fields(value, groups.where() + "." + name), at, events);
  each("usage", read_usage);
  return events;
}

}  // namespace fairlead::scenarios
