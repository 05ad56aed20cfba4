#include "sim/replay.h"

#include "sim/node_account.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fairlead::sim {
namespace {

constexpr std::string_view kQueue = "replay";
constexpr std::string_view kNamespace = "replay";
constexpr std::string_view kDeviceResource = "nvidia.com/gpu";
constexpr std::string_view kModelLabel = "nvidia.com/gpu.product";
/// A device of 1000 MiB holds a share of t thousandths in t MiB, so nothing is rounded.
constexpr std::int64_t kDeviceMemoryMib = 1000;
/// The method knows no limit on the number of pods of a node.
constexpr std::int64_t kPodCapacity = 1'000'000;
constexpr std::int64_t kBytesPerMib = 1 << 20;
constexpr std::size_t kArrivalsPerProgress = 256;
/// Digits of a rank in a node's name.
constexpr std::size_t kRankDigits = 7;

/// Zero-padded, so that names sort as ranks do.
std::string node_name(std::size_t rank, const TraceNode& node) {
  return fmt::format("{:0{}}-{}", rank, kRankDigits, node.name);
}

std::optional<std::size_t> rank_of(std::string_view name, std::size_t nodes) {
  std::size_t rank = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), rank);
  if (failure != std::errc() || rank >= nodes) return std::nullopt;
  return rank;
}

model::Configuration configuration(const ReplayPolicy& policy) {
  model::Configuration configuration;
  configuration.actions = {model::Action::kAllocate};
  // The order in which tasks are served does not matter, since each arrives alone. Strategies that judge a
  // node by itself decide alone, as the method says; bin-pack and spread choose as they do in a cluster.
  const bool as_in_a_cluster = policy.placement.named.empty() &&
                               policy.placement.devices != model::PlacementStrategy::kFragmentationGradient;
  configuration.policies = {.filters = true,
                            .proportion = false,
                            .priority = false,
                            .elastic = false,
                            .sub_group_order = false,
                            .task_order = false,
                            .nominated_node = false,
                            .min_runtime = false,
                            .topology = false,
                            .node_placement = true,
                            .node_availability = as_in_a_cluster,
                            .resource_type = as_in_a_cluster,
                            .pod_affinity = false,
                            .device_order = as_in_a_cluster,
                            .sharing_order = as_in_a_cluster};
  configuration.pools = {
      {.pool = "", .placement = policy.placement, .discipline = model::QueueDiscipline::kSkip}};
  configuration.expected_pods = policy.expected;
  return configuration;
}

model::Queue queue_without_limits() {
  model::Queue queue;
  queue.name = kQueue;
  queue.uid = kQueue;
  const model::Quota all{
      .quota = model::Bound::unlimited(), .limit = model::Bound::unlimited(), .over_quota_weight = 1};
  queue.pools = {
      {.pool = "", .priority = std::nullopt, .dimensions = {{"cpu", all}, {"gpu", all}, {"memory", all}}}};
  return queue;
}

model::Node node_object(std::size_t rank, const TraceNode& trace) {
  model::Node node;
  node.name = node_name(rank, trace);
  node.uid = node.name;
  node.labels.emplace(kModelLabel, trace.model);
  node.allocatable = {
      .cpu_milli = trace.cpu_milli, .memory_bytes = trace.memory_mib * kBytesPerMib, .counted = {}};
  node.pod_capacity = kPodCapacity;
  if (trace.devices > 0) {
    model::DeviceSet devices{.resource = std::string(kDeviceResource),
                             .vendor = "nvidia",
                             .model = trace.model,
                             .count = trace.devices,
                             .memory_mib = kDeviceMemoryMib,
                             .devices = {}};
    // Known one by one, so that the engine chooses them.
    for (std::int32_t slot = 0; slot < trace.devices; ++slot) {
      devices.devices.push_back({.identity = fmt::format("{}/{}", node.name, slot), .healthy = true});
    }
    node.devices.push_back(std::move(devices));
  }
  return node;
}

model::DeviceRequest device_request(const TraceTask& task) {
  model::DeviceRequest request;
  if (task.devices == 0) return request;
  request.resource = kDeviceResource;
  request.count = task.devices;
  if (task.thousandths < model::kThousandthsPerDevice) {
    request.kind = model::DeviceRequest::Kind::kFraction;
    request.thousandths = task.thousandths;
  } else {
    request.kind = model::DeviceRequest::Kind::kWhole;
  }
  return request;
}

/// The simulated world around one scheduler.
class World {
 public:
  World(const InflationWorkload& workload, model::Scheduler& scheduler)
      : workload_(workload), scheduler_(scheduler) {
    accounts_.reserve(workload.nodes.size());
    for (const TraceNode& node : workload.nodes) accounts_.emplace_back(node);
  }

  base::Result<void> set_up(const ReplayPolicy& policy) {
    tell(model::ConfigurationChanged{configuration(policy)});
    tell(model::QueueUpserted{queue_without_limits()});
    for (std::size_t rank = 0; rank < workload_.nodes.size(); ++rank) {
      tell(model::NodeUpserted{node_object(rank, workload_.nodes[rank])});
    }
    return deliver();
  }

  /// Lets the task arrive and gives it its round: the rank of its node, or Replay::kRejected.
  base::Result<std::int32_t> arrive(std::size_t index) {
    now_ = base::Time::from_unix_seconds(static_cast<std::int64_t>(index) + 1);
    const TraceTask& task = workload_.arrivals[index];
    std::string uid = fmt::format("{:0{}}", index, kRankDigits);
    std::string key = fmt::format("{}/{}", kNamespace, uid);
    tell(model::GroupUpserted{group_object(key)});
    tell(model::PodUpserted{pod_object(uid, key, task)});
    if (const base::Result<void> delivered = deliver(); !delivered) return delivered.error();

    std::int32_t rank = Replay::kRejected;
    const model::Round round = scheduler_.run({});
    for (const model::Decision& decision : round.decisions) {
      if (std::holds_alternative<model::VerdictChanged>(decision.body)) continue;
      const auto* bind = std::get_if<model::Bind>(&decision.body);
      if (bind == nullptr || bind->pod != uid || rank != Replay::kRejected) {
        return broken(fmt::format("decision {} is not the one binding of task {}", decision.number, uid));
      }
      const std::optional<std::size_t> node = rank_of(bind->node, accounts_.size());
      if (!node) return broken(fmt::format("task {} was bound to \"{}\", which is no node", uid, bind->node));
      if (const auto wrong = accounts_[*node].take(task, bind->device_groups)) {
        return broken(fmt::format("task {} was bound to node {}, but {}", uid, bind->node, *wrong));
      }
      rank = static_cast<std::int32_t>(*node);
      tell(model::BindSucceeded{decision.number});
    }
    if (rank == Replay::kRejected) {
      tell(model::PodRemoved{std::move(uid)});
      tell(model::GroupRemoved{std::move(key)});
    }
    return rank;
  }

  /// Delivers the outcome of the last arrival.
  base::Result<void> finish() { return deliver(); }

 private:
  static base::Error broken(std::string_view what) {
    return base::Error(base::Code::kInternal,
                       fmt::format("the scheduler is at fault: {}; please report this", what));
  }

  /// Remembers an event for the next delivery; outcomes go with the next arrival, which saves a batch.
  template <class Body>
  void tell(Body body) {
    events_.push_back({.time = now_, .body = std::move(body)});
  }

  base::Result<void> deliver() {
    const model::ApplyReport report = scheduler_.apply(events_);
    events_.clear();
    if (report.rejected.empty()) return {};
    return broken(fmt::format("it refused an event of the replay: {}", report.rejected.front().reason));
  }

  model::PodGroup group_object(const std::string& key) const {
    model::PodGroup group;
    group.key = key;
    group.uid = key;
    group.created = now_;
    group.queue = kQueue;
    group.min_member = 1;
    group.preemptible = true;
    return group;
  }

  model::Pod pod_object(const std::string& uid, const std::string& group, const TraceTask& task) const {
    model::Pod pod;
    pod.uid = uid;
    pod.namespace_name = kNamespace;
    pod.name = uid;
    pod.created = now_;
    pod.group = group;
    pod.requests = {
        .cpu_milli = task.cpu_milli, .memory_bytes = task.memory_mib * kBytesPerMib, .counted = {}};
    pod.devices = device_request(task);
    if (!task.models.empty()) {
      model::Requirement one_of{
          .key = std::string(kModelLabel), .op = model::Requirement::Operator::kIn, .values = task.models};
      pod.constraints.required_nodes = {{.labels = {std::move(one_of)}, .fields = {}}};
      pod.constraints.has_required_nodes = true;
    }
    return pod;
  }

  const InflationWorkload& workload_;
  model::Scheduler& scheduler_;
  std::vector<NodeAccount> accounts_;  ///< by rank
  std::vector<model::Event> events_;
  base::Time now_;
};

}  // namespace

base::Result<Replay> replay(const InflationWorkload& workload, double load, const ReplayPolicy& policy,
                            model::Scheduler& scheduler, const Progress& progress) {
  World world(workload, scheduler);
  if (const base::Result<void> ready = world.set_up(policy); !ready) return ready.error();
  Replay result;
  result.ranks.reserve(workload.arrivals.size());
  LoadCurve curve(workload.capacity, load);
  std::int64_t arrived = 0;
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    if (progress && i % kArrivalsPerProgress == 0) progress(i, workload.arrivals.size());
    const base::Result<std::int32_t> rank = world.arrive(i);
    if (!rank) return rank.error();
    const std::int64_t demand = workload.arrivals[i].demand();
    arrived += demand;
    if (*rank == Replay::kRejected) {
      ++result.failed;
    } else {
      ++result.placed;
      result.allocated += demand;
    }
    result.ranks.push_back(*rank);
    curve.add(arrived, result.allocated);
  }
  if (const base::Result<void> finished = world.finish(); !finished) return finished.error();
  if (progress) progress(workload.arrivals.size(), workload.arrivals.size());
  result.points = curve.points();
  return result;
}

}  // namespace fairlead::sim
