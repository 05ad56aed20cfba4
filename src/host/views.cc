#include "engine/fair_share.h"
#include "host/forecast.h"
#include "host/loop.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::host {
namespace {

world::WorkloadState state_of(const WorkloadRecord& record,
                              const std::vector<const ReplicaRecord*>& replicas) {
  using State = world::WorkloadState;
  bool live = false;
  bool starting = false;
  for (const ReplicaRecord* replica : replicas) {
    live = live || is_live(replica->progress);
    starting = starting || replica->progress == Progress::kBinding || replica->progress == Progress::kRunning;
  }
  if (record.deleting) return State::kStopping;
  if (record.stage != Stage::kActive && live) return State::kStopping;
  switch (record.stage) {
    case Stage::kActive:
      if (record.running_since) return State::kRunning;
      if (starting) return State::kStarting;
      return live ? State::kStopping : State::kPending;
    case Stage::kBlocked:
      return State::kPending;
    case Stage::kBackOff:
      return State::kBackOff;
    case Stage::kSuspended:
      return State::kSuspended;
    case Stage::kSucceeded:
      return State::kSucceeded;
    case Stage::kFailed:
      return State::kFailed;
  }
  return State::kPending;
}

world::ReplicaView replica_view(const ReplicaRecord& replica) {
  world::ReplicaView view;
  view.uid = replica.uid;
  view.role = replica.role;
  view.index = replica.index;
  view.attempt = replica.attempt;
  view.state = progress_name(replica.progress);
  view.node = replica.node;
  view.devices = replica.devices;
  view.device_thousandths = replica.held_thousandths();
  view.started = replica.started;
  view.ended = replica.ended;
  view.exit_code = replica.exit_code;
  view.exit_signal = replica.exit_signal;
  view.message = replica.message;
  view.pid = replica.pid;
  return view;
}

}  // namespace

std::shared_ptr<const world::WorkloadView> Loop::view_of(const WorkloadRecord& record) const {
  auto view = std::make_shared<world::WorkloadView>();
  view->uid = record.uid;
  view->spec = record.spec;
  view->version = record.version;
  view->submitted_by = record.submitted_by;
  view->submitted = record.submitted;
  view->first_started = record.first_started;
  view->ended = record.ended;
  view->reason = record.reason;
  view->failures = record.failures;
  view->preemptions = record.preemptions;
  view->last_checkpoint = record.last_checkpoint;
  std::vector<const ReplicaRecord*> replicas = replicas_of(record.spec.key());
  view->state = state_of(record, replicas);
  for (const bool ended : {false, true})
    for (const ReplicaRecord* replica : replicas)
      if (has_ended(replica->progress) == ended) view->replicas.push_back(replica_view(*replica));
  for (const bool borrowing : {false, true}) {
    const auto verdict = verdicts_.find(group_key(record, borrowing));
    if (verdict != verdicts_.end() && view->verdict.reasons.empty()) view->verdict = verdict->second;
  }
  if (view->reason.empty() && view->state == world::WorkloadState::kPending)
    view->reason = sentence(view->verdict);
  if (record.spec.service) {
    view->address = fmt::format("/serve/{}/{}/", record.spec.project, record.spec.name);
    if (record.stage == Stage::kActive && record.wanted == 0 && view->reason.empty())
      view->reason = "sleeps; a request wakes it";
  }
  return view;
}

std::vector<std::shared_ptr<const world::QueueView>> Loop::queue_views() const {
  std::map<std::string, QueueSums> sums;
  for (const auto& [project, of_project] : sums_of_project_)
    // The tree is as deep as it is; a queue that was removed ends the walk.
    for (auto at = queues_.find(project); at != queues_.end(); at = queues_.find(at->second.queue.parent)) {
      sums[at->first] += of_project;
      if (at->second.queue.parent.empty()) break;
    }
  Charge total;
  for (const model::Node& node : inventory_.present_nodes()) {
    total.cpu += node.allocatable.cpu_milli;
    total.memory += node.allocatable.memory_bytes;
    for (const model::DeviceSet& set : node.devices)
      for (const model::Device& device : set.devices)
        total.gpu += device.healthy ? model::kThousandthsPerDevice : 0;
  }
  const std::vector<const QueueRecord*> ordered = queues_from_the_root();
  std::map<std::string, std::map<std::string, std::int64_t>> shares;  // queue, dimension
  engine::FairShareScratch scratch;
  const auto divide = [&](const std::string& parent, const std::map<std::string, std::int64_t>& of_parent) {
    std::vector<const QueueRecord*> siblings;
    for (const QueueRecord* one : ordered)
      if (one->queue.parent == parent) siblings.push_back(one);
    for (const auto& [dimension, amount] : of_parent) {
      std::vector<engine::Sibling> list;
      for (const QueueRecord* one : siblings) {
        engine::Sibling sibling;
        sibling.request = sums[one->queue.name].requested.of(dimension);
        sibling.created = one->queue.created;
        sibling.uid = one->queue.uid;
        for (const model::PoolQuota& pool : one->queue.pools) {
          if (pool.priority) sibling.priority = *pool.priority;
          for (const model::DimensionQuota& quota : pool.dimensions)
            if (quota.dimension == dimension) {
              sibling.deserved = quota.quota.quota;
              sibling.limit = quota.quota.limit;
              sibling.over_quota_weight = quota.quota.over_quota_weight;
            }
        }
        list.push_back(sibling);
      }
      std::vector<std::int64_t> answer(list.size());
      engine::divide_fairly(list, amount, dimension == "gpu" ? 1000 : 1, 1.0, scratch, answer);
      for (std::size_t i = 0; i < list.size(); ++i) shares[siblings[i]->queue.name][dimension] = answer[i];
    }
  };
  divide("", {{"gpu", total.gpu}, {"cpu", total.cpu}, {"memory", total.memory}});
  std::vector<std::shared_ptr<const world::QueueView>> views;
  for (const QueueRecord* record : ordered) {
    const std::string& name = record->queue.name;
    if (!is_leaf(name)) divide(name, shares[name]);
    auto view = std::make_shared<world::QueueView>();
    view->queue = record->queue;
    view->version = record->version;
    view->leaf = is_leaf(name);
    const QueueSums& sum = sums[name];
    for (const char* dimension : {"gpu", "cpu", "memory"})
      view->amounts.push_back({dimension, sum.allocated.of(dimension), sum.requested.of(dimension),
                               sum.non_preemptible.of(dimension),
                               static_cast<double>(shares[name][dimension])});
    views.push_back(std::move(view));
  }
  return views;
}

void Loop::add_machine(world::View& view) const {
  for (const model::Node& node : inventory_.nodes) {
    world::NodeView shown;
    shown.name = node.name;
    shown.cpu_milli = node.allocatable.cpu_milli;
    shown.memory_bytes = node.allocatable.memory_bytes;
    shown.isolation = options_.isolation;
    shown.not_enforced = options_.not_enforced;
    for (const std::string& uid : live_) {
      const ReplicaRecord& replica = replicas_.at(uid);
      if (replica.node != node.name) continue;
      const WorkloadRecord* record = find_workload(replica.workload);
      if (record == nullptr) continue;
      for (const model::WorkloadRole& role : record->spec.roles)
        if (role.name == replica.role) {
          shown.cpu_allocated_milli += role.cpu_milli;
          shown.memory_allocated_bytes += role.memory_bytes;
        }
    }
    for (std::size_t i = 0; i < inventory_.devices.size(); ++i)
      if (inventory_.devices[i].node == node.name) shown.devices.push_back(static_cast<std::uint32_t>(i));
    view.nodes.push_back(std::move(shown));
  }
  for (const InventoryDevice& one : inventory_.devices) {
    world::DeviceView shown;
    shown.identity = one.device.identity;
    shown.node = one.node;
    shown.slot = one.slot;
    shown.vendor = one.device.vendor;
    shown.model = one.device.model;
    shown.memory_mib = one.device.memory_mib;
    shown.healthy = one.healthy;
    shown.simulated = one.device.simulated;
    shown.message = one.message;
    if (one.reading) {
      shown.utilisation = one.reading->utilisation;
      shown.memory_used_mib = one.reading->memory_used_mib;
      shown.power_watts = one.reading->power_watts;
      shown.temperature_celsius = one.reading->temperature_celsius;
    }
    for (const std::string& uid : live_) {
      const ReplicaRecord& replica = replicas_.at(uid);
      if (std::find(replica.devices.begin(), replica.devices.end(), one.device.identity) ==
          replica.devices.end())
        continue;
      shown.allocated_thousandths += replica.share_thousandths;
      if (std::find(shown.workloads.begin(), shown.workloads.end(), replica.workload) ==
          shown.workloads.end())
        shown.workloads.push_back(replica.workload);
    }
    view.devices.push_back(std::move(shown));
  }
}

Loop::WorkloadViews::iterator Loop::place_of(std::string_view project, std::string_view name) {
  return std::lower_bound(workload_views_.begin(), workload_views_.end(), std::pair(project, name),
                          [](const auto& one, const auto& wanted) {
                            return std::pair<std::string_view, std::string_view>(one->spec.project,
                                                                                 one->spec.name) < wanted;
                          });
}

std::shared_ptr<const world::WorkloadView> Loop::published(const std::string& key) {
  const std::size_t slash = key.find('/');
  const auto at = place_of(std::string_view(key).substr(0, slash), std::string_view(key).substr(slash + 1));
  return at == workload_views_.end() || (*at)->spec.key() != key ? nullptr : *at;
}

/// What a workload adds to its project; null: it is gone.
void Loop::sum_up(const std::string& key, const WorkloadRecord* record) {
  QueueSums now;
  if (record != nullptr)
    for (const ReplicaRecord* replica : replicas_of(key)) {
      const bool live = is_live(replica->progress);
      if (!live && replica->progress != Progress::kPending) continue;
      Charge charge;
      for (const model::WorkloadRole& role : record->spec.roles) {
        if (role.name != replica->role) continue;
        charge = {role.devices.count * role.devices.thousandths, role.cpu_milli, role.memory_bytes};
        if (live) charge.gpu = replica->held_thousandths();
      }
      now.requested += charge;
      // What is leaving is the machine's load, but no longer the queue's.
      if (!live || replica->progress == Progress::kReleasing) continue;
      now.allocated += charge;
      if (!replica->borrowing && !manifest::is_preemptible(record->spec)) now.non_preemptible += charge;
    }
  QueueSums& of_project = sums_of_project_[key.substr(0, key.find('/'))];
  const auto before = sums_of_workload_.find(key);
  if (before != sums_of_workload_.end()) of_project -= before->second;
  of_project += now;
  if (record != nullptr) {
    sums_of_workload_[key] = now;
  } else if (before != sums_of_workload_.end()) {
    sums_of_workload_.erase(before);
  }
}

void Loop::publish() {
  for (const std::string& key : std::exchange(changed_views_, {})) {
    const WorkloadRecord* record = find_workload(key);
    sum_up(key, record);
    const std::size_t slash = key.find('/');
    const auto at = place_of(std::string_view(key).substr(0, slash), std::string_view(key).substr(slash + 1));
    const bool there = at != workload_views_.end() && (*at)->spec.key() == key;
    if (record == nullptr) {
      if (there) workload_views_.erase(at);
    } else if (there) {
      *at = view_of(*record);
    } else {
      workload_views_.insert(at, view_of(*record));
    }
  }
  machine_changed_ = false;
  auto view = std::make_shared<world::View>();
  view->version = view_->version + 1;
  view->time = now_;
  view->workloads = workload_views_;
  view->queues = queue_views();
  add_machine(*view);
  view_ = std::move(view);
  if (options_.on_view) options_.on_view(view_);
}

}  // namespace fairlead::host
