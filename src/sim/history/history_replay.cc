#include "sim/history/history_replay.h"

#include "engine/fair_share.h"
#include "engine/usage.h"
#include "sim/history/running_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

namespace fairlead::sim {
namespace {

constexpr std::string_view kNamespace = "history";
constexpr std::string_view kDeviceResource = "nvidia.com/gpu";
constexpr std::int64_t kPodCapacity = 1'000'000;
constexpr std::size_t kEndsPerProgress = 256;
/// Often enough for a sample never to go stale in the engine.
constexpr auto kUsageEvery = base::Duration::seconds(240);

struct PodState {
  std::uint32_t job = 0;
  std::int32_t index = 0;
  std::int32_t node = -1;  ///< -1: waits
};

struct JobState {
  explicit JobState(RunningJob running) : progress(std::move(running)) {}
  RunningJob progress;
  std::vector<std::string> pods;  ///< uid by index
  std::int32_t attempts = 0;
  std::uint64_t version = 0;  ///< of its end in the calendar
  bool arrived = false;
  bool ended = false;
};

struct Entry {
  enum class Kind : std::uint8_t { kEnd, kOutageBegins, kOutageEnds, kUsage, kSample, kWake };
  base::Time time;
  std::uint64_t order = 0;  ///< of entry: breaks ties
  Kind kind = Kind::kWake;
  std::uint32_t index = 0;
  std::uint64_t version = 0;
  friend bool operator>(const Entry& a, const Entry& b) {
    return std::tie(a.time, a.order) > std::tie(b.time, b.order);
  }
};

class HistoryWorld {
 public:
  HistoryWorld(const JobHistory& history, const HistoryRequest& request, model::Scheduler& scheduler,
               const Progress& progress)
      : history_(history), request_(request), scheduler_(scheduler), progress_(progress) {
    outcome_.jobs.resize(history.jobs.size());
    allocated_.resize(history.tenants.size());
    waiting_devices_.resize(history.tenants.size());
    waiting_sizes_.resize(history.tenants.size());
    if (request.policy.usage_half_life) usage_.emplace(*request.policy.usage_half_life, 1);
  }

  base::Result<HistoryOutcome> run() {
    if (history_.jobs.empty()) return base::invalid_argument("the history has no job");
    now_ = outcome_.begin = history_.jobs.front().submitted;
    last_change_ = now_;
    if (auto done = set_up(); !done) return done.error();
    for (const HistoryJob& job : history_.jobs)
      jobs_.emplace_back(RunningJob(job, request_.fleet.devices_per_node));
    plan(now_, Entry::Kind::kSample);
    if (usage_) plan(now_, Entry::Kind::kUsage);
    while (ended_ < history_.jobs.size()) {
      if (!next_instant()) break;
      if (auto done = live_through(); !done) return done.error();
    }
    outcome_.unfinished = history_.jobs.size() - ended_;
    outcome_.end = last_end_;
    return std::move(outcome_);
  }

 private:
  base::Result<void> set_up() {
    tell(model::ConfigurationChanged{configuration_of(request_.policy, history_.tenants)});
    for (const model::Queue& queue : queues_of(request_.policy, history_.tenants))
      tell(model::QueueUpserted{queue});
    const std::int64_t per_node = request_.fleet.devices_per_node;
    if (request_.policy.pool_per_tenant) {
      for (const Tenant& tenant : history_.tenants)
        for (std::int64_t i = 0; i < tenant.quota_devices / per_node; ++i)
          add_node(pool_of(request_.policy, tenant));
    } else {
      for (std::int64_t i = 0; i < request_.fleet.nodes; ++i) add_node("");
    }
    if (nodes_.empty()) return base::invalid_argument("there is no node; give quotas of at least one node");
    for (std::size_t i = 0; i < history_.outages.size(); ++i) {
      const NodeOutage& outage = history_.outages[i];
      if (outage.node >= nodes_.size()) continue;
      plan(outage.since, Entry::Kind::kOutageBegins, static_cast<std::uint32_t>(i));
      plan(outage.until, Entry::Kind::kOutageEnds, static_cast<std::uint32_t>(i));
      outages_to_come_ += 2;
    }
    return {};
  }

  void add_node(std::string pool) {
    model::Node node;
    node.name = fmt::format("node-{:05}", nodes_.size());
    node.uid = node.name;
    node.pool = std::move(pool);
    node.allocatable = {.cpu_milli = 1, .memory_bytes = 1, .counted = {}};
    node.pod_capacity = kPodCapacity;
    node.devices.push_back({.resource = std::string(kDeviceResource),
                            .vendor = "nvidia",
                            .model = "device",
                            .count = request_.fleet.devices_per_node,
                            .memory_mib = 0,
                            .devices = {}});
    node_of_name_.emplace(node.name, static_cast<std::int32_t>(nodes_.size()));
    free_.push_back(node.devices.front().count);
    available_ += node.devices.front().count;
    tell(model::NodeUpserted{node});
    nodes_.push_back(std::move(node));
  }

  // ---- the calendar

  void plan(base::Time time, Entry::Kind kind, std::uint32_t index = 0, std::uint64_t version = 0) {
    calendar_.push({std::max(time, now_), ++entries_, kind, index, version});
  }
  bool stale(const Entry& entry) const {
    if (entry.kind == Entry::Kind::kEnd) return jobs_[entry.index].version != entry.version;
    return entry.kind == Entry::Kind::kWake && entry.version != wake_version_;
  }
  /// Moves the clock to the next instant at which something happens, and tells what does. False: nothing
  /// will.
  bool next_instant() {
    while (!calendar_.empty() && stale(calendar_.top())) calendar_.pop();
    const bool arrivals = next_arrival_ < history_.jobs.size();
    // Without work that runs or arrives only time could change something, which it does through wake_at.
    if (!arrivals && running_jobs_ == 0 && !wake_planned_ && outages_to_come_ == 0) return false;
    if (calendar_.empty() && !arrivals) return false;
    base::Time next = calendar_.empty() ? history_.jobs[next_arrival_].submitted : calendar_.top().time;
    if (arrivals) next = std::min(next, history_.jobs[next_arrival_].submitted);
    account_until(next);
    now_ = next;
    tell(model::ClockAdvanced{});
    while (!calendar_.empty() && calendar_.top().time == now_) {
      const Entry entry = calendar_.top();
      calendar_.pop();
      if (!stale(entry)) happen(entry);
    }
    while (next_arrival_ < history_.jobs.size() && history_.jobs[next_arrival_].submitted == now_)
      arrive(static_cast<std::uint32_t>(next_arrival_++));
    return true;
  }
  void happen(const Entry& entry) {
    switch (entry.kind) {
      case Entry::Kind::kEnd:
        return end(entry.index);
      case Entry::Kind::kOutageBegins:
        --outages_to_come_;
        return set_ready(history_.outages[entry.index].node, false);
      case Entry::Kind::kOutageEnds:
        --outages_to_come_;
        return set_ready(history_.outages[entry.index].node, true);
      case Entry::Kind::kUsage:
        plan(now_ + kUsageEvery, Entry::Kind::kUsage);
        return sample_usage();
      case Entry::Kind::kSample:
        plan(now_ + request_.sample_every, Entry::Kind::kSample);
        return sample();
      case Entry::Kind::kWake:
        wake_planned_ = false;
        return;
    }
  }

  // ---- what happens to jobs

  const HistoryJob& job(std::uint32_t index) const { return history_.jobs[index]; }
  std::string group_key(std::uint32_t index) const { return fmt::format("{}/{:07}", kNamespace, index); }

  void arrive(std::uint32_t index) {
    JobState& state = jobs_[index];
    state.arrived = true;
    model::PodGroup group;
    group.key = group_key(index);
    group.uid = group.key;
    group.created = now_;
    group.queue = queue_of(request_.policy, history_.tenants[job(index).tenant]);
    group.min_member = state.progress.minimum_pods();
    group.preemptible = true;
    if (request_.policy.pool_per_tenant)
      group.pools = {pool_of(request_.policy, history_.tenants[job(index).tenant])};
    tell(model::GroupUpserted{group});
    ++waiting_jobs_;
    for (std::int32_t i = 0; i < state.progress.pods(); ++i) {
      state.pods.emplace_back();
      add_pod(index, i);
    }
  }

  /// A pod of the job (again): it waits.
  void add_pod(std::uint32_t index, std::int32_t pod_index) {
    JobState& state = jobs_[index];
    std::string uid = fmt::format("{:07}-{}-{}", index, pod_index, state.attempts++);
    state.pods[static_cast<std::size_t>(pod_index)] = uid;
    model::Pod pod;
    pod.uid = uid;
    pod.namespace_name = kNamespace;
    pod.name = uid;
    pod.created = job(index).submitted;
    pod.group = group_key(index);
    pod.devices = {.kind = model::DeviceRequest::Kind::kWhole,
                   .resource = std::string(kDeviceResource),
                   .count = state.progress.devices_per_pod(),
                   .partitions = {},
                   .second_resource = {}};
    pods_.emplace(std::move(uid), PodState{index, pod_index, -1});
    note_waiting(index, state.progress.devices_per_pod());
    tell(model::PodUpserted{std::move(pod)});
  }
  void note_waiting(std::uint32_t index, std::int64_t devices) {
    const std::uint32_t tenant = job(index).tenant;
    waiting_devices_[tenant] += devices;
    const std::int64_t size = devices > 0 ? devices : -devices;
    waiting_sizes_[tenant][size] += devices > 0 ? 1 : -1;
  }

  base::Result<void> bind(std::uint64_t decision, const model::Bind& bound) {
    const auto found = pods_.find(bound.pod);
    const auto node = node_of_name_.find(bound.node);
    if (found == pods_.end() || node == node_of_name_.end() || found->second.node >= 0)
      return broken(fmt::format("decision {} binds {} to {}", decision, bound.pod, bound.node));
    PodState& pod = found->second;
    JobState& state = jobs_[pod.job];
    const std::int64_t devices = state.progress.devices_per_pod();
    std::int64_t& free = free_[static_cast<std::size_t>(node->second)];
    if (free < devices)
      return broken(fmt::format("{} got {} devices of node {}, which has {} left", bound.pod, devices,
                                bound.node, free));
    free -= devices;
    pod.node = node->second;
    allocated_[job(pod.job).tenant] += devices;
    allocated_sum_ += devices;
    note_waiting(pod.job, -devices);
    note_change(pod.job, 1);
    tell(model::BindSucceeded{decision});
    tell(model::PodStarted{bound.pod});
    return {};
  }

  void release(PodState& pod) {
    const std::int64_t devices = jobs_[pod.job].progress.devices_per_pod();
    free_[static_cast<std::size_t>(pod.node)] += devices;
    allocated_[job(pod.job).tenant] -= devices;
    allocated_sum_ -= devices;
    pod.node = -1;
  }

  /// The pod leaves its node and waits again.
  void stop(const std::string& uid) {
    PodState pod = pods_.at(uid);
    release(pod);
    note_change(pod.job, -1);
    tell(model::PodRemoved{uid});
    pods_.erase(uid);
    add_pod(pod.job, pod.index);
  }

  base::Result<void> evict(std::uint64_t decision, const model::Evict& evicted) {
    const auto found = pods_.find(evicted.pod);
    if (found == pods_.end() || found->second.node < 0)
      return broken(fmt::format("decision {} evicts {}, which does not run", decision, evicted.pod));
    tell(model::EvictionAccepted{decision});
    if (evicted.rule == model::EvictionRule::kConsolidate) moved_now_.push_back(found->second.job);
    const std::string uid = evicted.pod;
    stop(uid);
    return {};
  }

  /// Notes that the job has so many pods more (or fewer), to be counted once the instant is over: what an
  /// instant takes and gives back at once is no eviction.
  void note_change(std::uint32_t index, std::int32_t by) {
    const auto [entry, is_new] = changed_.try_emplace(index, 0);
    entry->second += by;
    if (by < 0) interrupted_[index] = true;
  }

  /// The effect of the instant on the progress of jobs.
  void settle_jobs() {
    for (const auto& [index, by] : changed_) {
      JobState& state = jobs_[index];
      JobOutcome& outcome = outcome_.jobs[index];
      const bool ran = state.progress.progresses();
      const bool interrupted = interrupted_.contains(index);
      double lost = 0;
      if (interrupted && by == 0) {  // all pods that it lost came back elsewhere
        const std::int32_t pods = state.progress.running_pods();
        lost += state.progress.change(now_, -pods, request_.cost);
        lost += state.progress.change(now_, pods, request_.cost);
      } else if (by != 0) {
        lost += state.progress.change(now_, by, request_.cost);
      }
      const bool runs = state.progress.progresses();
      if (interrupted && ran) {
        ++outcome.evictions;
        ++outcome_.evictions;
      }
      outcome.lost_device_seconds += lost / 1e9;
      outcome_.lost_device_seconds += lost / 1e9;
      if (runs && !outcome.started) outcome.started = now_;
      running_jobs_ += runs ? 1 : 0;
      running_jobs_ -= ran ? 1 : 0;
      waiting_jobs_ += ran ? 1 : 0;
      waiting_jobs_ -= runs ? 1 : 0;
      ++state.version;
      if (runs) plan(state.progress.end(), Entry::Kind::kEnd, index, state.version);
    }
    changed_.clear();
    interrupted_.clear();
    outcome_.moves += static_cast<std::int64_t>(moved_now_.size());
    moved_now_.clear();
  }

  void end(std::uint32_t index) {
    JobState& state = jobs_[index];
    for (const std::string& uid : state.pods) {
      const auto found = pods_.find(uid);
      if (found->second.node >= 0) {
        release(found->second);
        tell(model::PodFinished{uid, true});
      } else {
        note_waiting(index, -state.progress.devices_per_pod());
      }
      tell(model::PodRemoved{uid});
      pods_.erase(found);
    }
    tell(model::GroupRemoved{group_key(index)});
    state.ended = true;
    ++state.version;
    --running_jobs_;
    ++ended_;
    last_end_ = now_;
    outcome_.jobs[index].ended = now_;
    if (progress_ && ended_ % kEndsPerProgress == 0) progress_(ended_, history_.jobs.size());
  }

  void set_ready(std::uint32_t index, bool ready) {
    model::Node& node = nodes_[index];
    if (node.ready == ready) return;
    node.ready = ready;
    available_ += ready ? request_.fleet.devices_per_node : -request_.fleet.devices_per_node;
    tell(model::NodeUpserted{node});
    if (ready) return;
    std::vector<std::string> lost;
    for (const auto& [uid, pod] : pods_)
      if (pod.node == static_cast<std::int32_t>(index)) lost.push_back(uid);
    std::sort(lost.begin(), lost.end());
    for (const std::string& uid : lost) stop(uid);
  }

  // ---- rounds

  base::Result<void> live_through() {
    for (bool decided = true; decided;) {
      if (auto done = deliver(); !done) return done;
      decided = false;
      const model::Round round = scheduler_.run({});
      ++outcome_.rounds;
      for (const model::Decision& decision : round.decisions) {
        base::Result<void> done;
        if (const auto* bound = std::get_if<model::Bind>(&decision.body)) {
          done = bind(decision.number, *bound);
        } else if (const auto* evicted = std::get_if<model::Evict>(&decision.body)) {
          done = evict(decision.number, *evicted);
        } else {
          continue;
        }
        if (!done) return done;
        decided = true;
      }
      decided = decided || round.more;
      if (!decided) plan_wake(round.wake_at);
    }
    settle_jobs();
    return {};
  }
  void plan_wake(const std::optional<base::Time>& time) {
    // Samples of use come by their own calendar, and each of them wakes the scheduler.
    ++wake_version_;
    wake_planned_ = time.has_value() && *time > now_ && !usage_;
    if (wake_planned_) plan(*time, Entry::Kind::kWake, 0, wake_version_);
  }

  template <class Body>
  void tell(Body body) {
    events_.push_back({.time = now_, .body = std::move(body)});
  }
  base::Result<void> deliver() {
    const model::ApplyReport report = scheduler_.apply(events_);
    events_.clear();
    if (report.rejected.empty()) return {};
    return broken(fmt::format("it refused an event of the history: {}", report.rejected.front().reason));
  }
  static base::Error broken(std::string_view what) {
    return base::Error(base::Code::kInternal,
                       fmt::format("the scheduler is at fault: {}; please report this", what));
  }

  // ---- the record

  void account_until(base::Time next) {
    const double seconds = (next - last_change_).in_seconds();
    last_change_ = next;
    if (seconds <= 0) return;
    outcome_.allocated_device_seconds += seconds * static_cast<double>(allocated_sum_);
    if (ended_ == history_.jobs.size()) return;
    outcome_.available_device_seconds += seconds * static_cast<double>(available_);
    outcome_.fragmented_device_seconds += seconds * static_cast<double>(fragmented());
  }
  /// Devices that are free while somebody who may have them asks for no more than that.
  std::int64_t fragmented() const {
    if (waiting_jobs_ == 0) return 0;
    if (!request_.policy.pool_per_tenant) {
      const std::int64_t free = available_ - allocated_sum_;
      std::int64_t wanted = 0;
      for (const auto& sizes : waiting_sizes_)
        for (const auto& [size, count] : sizes)
          if (size <= free) wanted += size * count;
      return std::min(free, wanted);
    }
    std::int64_t sum = 0;
    for (std::size_t tenant = 0; tenant < history_.tenants.size(); ++tenant) {
      const std::int64_t free = history_.tenants[tenant].quota_devices - allocated_[tenant];
      std::int64_t wanted = 0;
      for (const auto& [size, count] : waiting_sizes_[tenant])
        if (size <= free) wanted += size * count;
      sum += std::max<std::int64_t>(std::min(free, wanted), 0);
    }
    return sum;
  }

  void sample_usage() {
    std::vector<std::int64_t> allocated(allocated_.begin(), allocated_.end());
    const std::int64_t capacity = available_;
    usage_->sample(now_, allocated, {&capacity, 1});
    for (std::size_t i = 0; i < history_.tenants.size(); ++i)
      tell(model::UsageSampled{history_.tenants[i].name, "", {{"gpu", usage_->share(i, 0)}}});
  }

  void sample() {
    HistorySample sample;
    sample.time = now_;
    sample.available = available_;
    sample.waiting_jobs = waiting_jobs_;
    sample.allocated = allocated_;
    sample.waiting = waiting_devices_;
    std::vector<engine::Sibling> siblings;
    for (std::size_t i = 0; i < history_.tenants.size(); ++i) {
      const Tenant& tenant = history_.tenants[i];
      siblings.push_back(
          {.deserved = model::Bound::of(tenant.quota_devices * model::kThousandthsPerDevice),
           .request = (allocated_[i] + waiting_devices_[i]) * model::kThousandthsPerDevice,
           .over_quota_weight = static_cast<double>(std::max<std::int64_t>(tenant.quota_devices, 1)),
           .created = {},
           .uid = tenant.name});
    }
    std::vector<std::int64_t> shares(siblings.size());
    engine::divide_fairly(siblings, available_ * model::kThousandthsPerDevice, model::kThousandthsPerDevice,
                          0, scratch_, shares);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      const double share = static_cast<double>(shares[i]) / model::kThousandthsPerDevice;
      sample.fair_share.push_back(share);
      sample.owed += std::max(0.0, share - static_cast<double>(allocated_[i]));
    }
    outcome_.samples.push_back(std::move(sample));
  }

  const JobHistory& history_;
  const HistoryRequest& request_;
  model::Scheduler& scheduler_;
  const Progress& progress_;
  HistoryOutcome outcome_;

  std::vector<model::Node> nodes_;
  std::vector<std::int64_t> free_;  ///< devices, by node
  std::unordered_map<std::string, std::int32_t> node_of_name_;
  std::vector<JobState> jobs_;
  std::unordered_map<std::string, PodState> pods_;  ///< by uid; never walked into an order that matters
  std::map<std::uint32_t, std::int32_t> changed_;   ///< pods more or fewer in this instant, by job
  std::map<std::uint32_t, bool> interrupted_;
  std::vector<std::uint32_t> moved_now_;

  base::Time now_;
  base::Time last_change_;
  base::Time last_end_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> calendar_;
  std::uint64_t entries_ = 0;
  std::uint64_t wake_version_ = 0;
  bool wake_planned_ = false;
  std::int64_t outages_to_come_ = 0;
  std::size_t next_arrival_ = 0;
  std::size_t ended_ = 0;
  std::int64_t running_jobs_ = 0;
  std::int64_t waiting_jobs_ = 0;
  std::int64_t available_ = 0;
  std::int64_t allocated_sum_ = 0;
  std::vector<std::int64_t> allocated_;                              ///< devices, by tenant
  std::vector<std::int64_t> waiting_devices_;                        ///< by tenant
  std::vector<std::map<std::int64_t, std::int64_t>> waiting_sizes_;  ///< pods by size, by tenant
  std::optional<engine::DecayedUsage> usage_;
  engine::FairShareScratch scratch_;
  std::vector<model::Event> events_;
};

}  // namespace

base::Result<HistoryOutcome> replay_history(const JobHistory& history, const HistoryRequest& request,
                                            model::Scheduler& scheduler, const Progress& progress) {
  return HistoryWorld(history, request, scheduler, progress).run();
}

}  // namespace fairlead::sim
