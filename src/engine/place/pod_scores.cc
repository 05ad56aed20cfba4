#include "engine/place/pod_scores.h"

#include "engine/fit/node_fit.h"
#include "engine/place/expected_workload.h"
#include "engine/place/fragmentation_gradient.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace fairlead::engine {
namespace {

/// Of the known pods, how much of them stands for what will come.
constexpr double kCoverage = 0.95;
constexpr std::size_t kMostTasks = 512;
/// Models that the workload does not tell apart share the last bit.
constexpr std::int32_t kOtherModel = kDeviceModelBits - 1;
constexpr std::int32_t kWholeDevice = static_cast<std::int32_t>(model::kThousandthsPerDevice);

using Kind = model::DeviceRequest::Kind;

/// What a class asks for, but for shares given in MiB, which depend on the node.
TaskShape shape_of(const model::PodClass& pod_class) {
  const model::DeviceRequest& devices = pod_class.key.devices;
  TaskShape shape{.cpu_milli = pod_class.key.requests.cpu_milli,
                  .memory_bytes = pod_class.key.requests.memory_bytes};
  if (devices.kind == Kind::kNone) return shape;
  shape.device_count = static_cast<std::int32_t>(devices.count);
  shape.device_thousandths =
      devices.kind == Kind::kFraction ? static_cast<std::int32_t>(devices.thousandths) : kWholeDevice;
  return shape;
}

/// MiB of a device in thousandths of it, rounded down.
std::int32_t thousandths(std::int64_t mib, std::int64_t device_mib) {
  if (device_mib <= 0) return 0;
  const std::int64_t part = mib * model::kThousandthsPerDevice / device_mib;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(part, 0, kWholeDevice));
}

}  // namespace

PlacementScorer* PodScores::find_scorer(const model::Placement& placement, bool devices) {
  if (!placement.named.empty()) {
    if (const auto known = named_.find(placement.named); known != named_.end()) return known->second.get();
    for (const NamedScorerFactory& factory : factories_) {
      if (factory.name != placement.named) continue;
      std::unique_ptr<PlacementScorer>& scorer = named_[factory.name];
      scorer = factory.make();
      scorer->set_expected_workload(workload_);
      return scorer.get();
    }
  }
  const model::PlacementStrategy strategy = devices ? placement.devices : placement.cpu;
  if (strategy != model::PlacementStrategy::kFragmentationGradient) return nullptr;
  if (!gradient_) {
    gradient_ = std::make_unique<FragmentationGradientScorer>();
    gradient_->set_expected_workload(workload_);
  }
  return gradient_.get();
}

bool PodScores::turn_to(const model::Cluster& cluster, model::PodId pod, const model::Placement& placement) {
  const model::ClassId id = cluster.pod(pod).pod_class;
  const model::PodClass& pod_class = cluster.pod_class(id);
  scorer_ = find_scorer(placement, pod_class.uses_devices);
  if (scorer_ == nullptr) return false;
  tell_workload(cluster);
  cluster_ = &cluster;
  pod_ = pod;
  pod_class_ = &pod_class;
  if (columns_.size() <= id.index()) columns_.resize(id.index() + 1);
  column_ = &columns_[id.index()];
  if (column_->generation != pod_class.generation || column_->scorer != scorer_ ||
      column_->scorer_version != scorer_->version()) {
    *column_ = {pod_class.generation, scorer_, scorer_->version(), {}};
  }
  column_->scores.resize(cluster.nodes().size());
  return true;
}

double PodScores::of(model::NodeId node) {
  if (scorer_->depends_on_pod()) {
    const auto value =
        scorer_->value_by_names(cluster_->nodes().at(node).spec.name, cluster_->pod(pod_).spec.uid);
    return value ? *value : ask(node).value;
  }
  Kept& kept = column_->scores[node.index()];
  const std::uint64_t version = cluster_->nodes().version_of(node);
  if (kept.node_version != version) kept = {version, ask(node).value};
  return kept.value;
}

std::optional<model::DeviceGroupId> PodScores::device(model::NodeId node) {
  const model::DeviceRequest& devices = pod_class_->key.devices;
  if (!devices.shares_devices() || devices.count != 1) return std::nullopt;
  const NodeScore score = ask(node);
  if (score.device == NodeScore::kNoPreference) return std::nullopt;
  // The order in which a node lists its shared devices depends on what was tried and undone, so of devices
  // with equal room the first by name is taken.
  const std::int32_t room = free_[static_cast<std::size_t>(score.device)];
  model::DeviceGroupId chosen;
  std::size_t index = 0;
  for (const model::SharedDevice& shared : cluster_->nodes().at(node).shared) {
    if (!shared.occupies_later() || free_[index++] != room) continue;
    if (!chosen.valid() || cluster_->device_group_name(shared.group) < cluster_->device_group_name(chosen)) {
      chosen = shared.group;
    }
  }
  return chosen;
}

TaskShape PodScores::shape_on(model::NodeId node) const {
  TaskShape shape = shape_of(*pod_class_);
  if (pod_class_->key.devices.kind != Kind::kMemory) return shape;
  const model::NodeTable& nodes = cluster_->nodes();
  const std::int64_t device_mib = nodes.device_memory_mib(node);
  const std::int32_t share = thousandths(nodes.share_mib(*pod_class_, node), device_mib);
  shape.device_thousandths = std::clamp(share, 1, kWholeDevice);
  return shape;
}

NodeScore PodScores::ask(model::NodeId node) {
  const model::NodeTable& nodes = cluster_->nodes();
  const model::NodeRecord& record = nodes.at(node);
  // The strategies know one kind of devices on a node, the first.
  if (pod_class_->device_column.valid() && pod_class_->device_column != record.first_devices()) return {};
  const std::int64_t device_mib = nodes.device_memory_mib(node);
  free_.clear();
  for (const model::SharedDevice& shared : record.shared) {
    if (!shared.occupies_later()) continue;
    free_.push_back(thousandths(room_on(device_mib, shared, When::kLater), device_mib));
  }
  const std::int64_t whole = std::max<std::int64_t>(0, nodes.later(model::column::kDevices)[node.index()]);
  free_.resize(free_.size() + static_cast<std::size_t>(whole), kWholeDevice);
  // The rest are taken as a whole.
  const std::int64_t all = std::max<std::int64_t>(0, nodes.capacity(model::column::kDevices)[node.index()]);
  free_.resize(std::max(free_.size(), static_cast<std::size_t>(all)), 0);

  NodeState state{.name = record.spec.name,
                  .cpu_milli = nodes.capacity(model::column::kCpu)[node.index()],
                  .memory_bytes = nodes.capacity(model::column::kMemory)[node.index()],
                  .free_cpu_milli = nodes.later(model::column::kCpu)[node.index()],
                  .free_memory_bytes = nodes.later(model::column::kMemory)[node.index()],
                  .free_thousandths = free_};
  const std::size_t name = record.device_model.valid() ? record.device_model.index() + 1 : 0;
  if (bit_of_name_.size() <= name) bit_of_name_.resize(name + 1, -1);
  if (bit_of_name_[name] < 0) {
    bit_of_name_[name] =
        record.spec.devices.empty() ? kOtherModel : model_bit(record.spec.devices.front().model);
  }
  state.device_model = bit_of_name_[name];
  if (scorer_->reads_running_classes()) {
    for (const model::NodeRecord::Entry& entry : record.pods) {
      state.running_classes |= device_count_class(shape_of(cluster_->class_of(entry.pod)));
    }
  }
  return scorer_->score(shape_on(node), state, cluster_->pod(pod_).spec.uid);
}

std::int32_t PodScores::model_bit(const std::string& model) const {
  const auto found = std::lower_bound(models_.begin(), models_.end(), model);
  if (found == models_.end() || *found != model) return kOtherModel;
  return std::min(static_cast<std::int32_t>(found - models_.begin()), kOtherModel);
}

DeviceModelSet PodScores::model_bits(const std::vector<std::string>& models) const {
  if (models.empty()) return kEveryDeviceModel;
  DeviceModelSet bits = 0;
  for (const std::string& model : models) bits |= DeviceModelSet{1} << model_bit(model);
  return bits;
}

void PodScores::tell_workload(const model::Cluster& cluster) {
  const bool configured = !cluster.configuration().expected_pods.empty();
  const bool new_configuration = configuration_version_ != cluster.configuration_version();
  if (!new_configuration && (configured || event_version_ == cluster.event_version())) return;
  configuration_version_ = cluster.configuration_version();
  event_version_ = cluster.event_version();

  std::vector<ExpectedTask> tasks;
  if (configured) {
    models_.clear();
    for (const model::ExpectedPods& pods : cluster.configuration().expected_pods) {
      models_.insert(models_.end(), pods.device_models.begin(), pods.device_models.end());
    }
    std::sort(models_.begin(), models_.end());
    models_.erase(std::unique(models_.begin(), models_.end()), models_.end());
    for (const model::ExpectedPods& pods : cluster.configuration().expected_pods) {
      tasks.push_back({.shape = {.cpu_milli = pods.cpu_milli,
                                 .memory_bytes = pods.memory_bytes,
                                 .device_count = pods.device_count,
                                 .device_thousandths = pods.device_thousandths,
                                 .device_models = model_bits(pods.device_models)},
                       .count = pods.count});
    }
    known_pods_ = 0;
  } else {
    std::uint64_t known = 0;
    for (std::size_t i = 0; i < cluster.classes().size(); ++i) {
      known += cluster.classes().at(model::ClassId(i)).references;
    }
    // Every score is worked out again for a new workload, so it is made anew only when it has changed by a
    // tenth.
    const std::uint64_t change = known > known_pods_ ? known - known_pods_ : known_pods_ - known;
    if (!new_configuration && change * 10 <= known_pods_) return;
    known_pods_ = known;
    models_.clear();
    for (std::size_t i = 0; i < cluster.classes().size(); ++i) {
      const model::PodClass& pod_class = cluster.classes().at(model::ClassId(i));
      if (pod_class.references == 0 || pod_class.key.devices.kind == Kind::kMemory) continue;
      tasks.push_back({.shape = shape_of(pod_class), .count = pod_class.references});
    }
    tasks = most_frequent(tasks, kCoverage, kMostTasks);
  }
  bit_of_name_.clear();
  workload_ = std::move(tasks);
  if (gradient_) gradient_->set_expected_workload(workload_);
  for (auto& [name, scorer] : named_) scorer->set_expected_workload(workload_);
}

}  // namespace fairlead::engine
