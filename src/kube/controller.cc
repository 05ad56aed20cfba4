#include "kube/controller.h"

#include "base/clock.h"
#include "kube/object_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <variant>

namespace fairlead::kube {
namespace {

using manifest::LiveKind;

constexpr auto kShortestWait = base::Duration::milliseconds(10);
/// A pod's waiting is written again after so long when only the numbers in the message have changed.
constexpr auto kSameReason = base::Duration::seconds(10);
/// How long an eviction that is only observed is not thought of again.
constexpr auto kObservedEviction = base::Duration::seconds(600);
constexpr const char* kComponent = "fairlead";
constexpr const char* kStrategicMerge = "application/strategic-merge-patch+json";
constexpr const char* kMerge = "application/merge-patch+json";
constexpr const char* kWaiting = "Unschedulable";

}  // namespace

Controller::Controller(ControllerOptions options)
    : options_(std::move(options)),
      cluster_(options_.configuration),
      scheduler_(options_.make_scheduler()),
      queue_([this] { wake(); }) {
  WriterOptions writing;
  writing.server = options_.server;
  writing.binders = options_.binders;
  writing.timeout = options_.write_timeout;
  if (options_.lease != nullptr) writing.may_write = [lease = options_.lease] { return lease->may_write(); };
  writing.log = options_.log;
  writing.on_outcome = [this](Outcome outcome) {
    {
      const std::lock_guard lock(mutex_);
      outcomes_.push_back(std::move(outcome));
    }
    wake();
  };
  writer_ = std::make_unique<Writer>(std::move(writing));
  now_ = options_.clock();
  event_suffix_ = fmt::format("{:x}", now_.unix_nanoseconds());
  for (std::size_t i = 0; i < manifest::kLiveKinds; ++i) {
    const auto kind = static_cast<LiveKind>(i);
    if (kind != LiveKind::kOwner) follow(kind);
  }
}

Controller::~Controller() {
  queue_.close();
  for (const auto& reflector : reflectors_) reflector->ask_to_stop();
  reflectors_.clear();
  writer_.reset();
}

void Controller::follow(LiveKind kind) {
  ReflectorOptions reflecting;
  reflecting.server = options_.server;
  reflecting.reading = options_.reading;
  reflecting.kind = kind;
  reflecting.source = manifest::source_of(kind);
  reflecting.resource = manifest::resource_of(kind);
  reflecting.log = options_.log;
  unseen_.insert(reflecting.source);
  reflectors_.push_back(std::make_unique<Reflector>(std::move(reflecting), queue_));
}

void Controller::follow_owner(const std::string& group, const std::string& kind) {
  ReflectorOptions reflecting;
  reflecting.server = options_.server;
  reflecting.reading = options_.reading;
  reflecting.kind = LiveKind::kOwner;
  reflecting.source = static_cast<manifest::LiveSource>(manifest::kLiveKinds + owner_sources_.size());
  reflecting.resource.group = group;
  reflecting.resource.kind = kind;
  reflecting.log = options_.log;
  owner_sources_.emplace(reflecting.source, std::pair(group, kind));
  reflectors_.push_back(std::make_unique<Reflector>(std::move(reflecting), queue_));
}

void Controller::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  awake_.notify_one();
}

void Controller::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  awake_.notify_one();
}

ControllerCounts Controller::counts() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::optional<base::Time> Controller::due() const {
  std::optional<base::Time> due = wake_at_;
  const auto earlier = [&due](std::optional<base::Time> time) {
    if (time && (!due || *time < *due)) due = time;
  };
  earlier(cluster_wake_at_);
  for (const auto& [uid, saying] : sayings_) earlier(saying.not_before);
  return due;
}

bool Controller::run() {
  while (!lost_) {
    {
      std::unique_lock lock(mutex_);
      const auto ready = [this] { return woken_ || stopping_; };
      if (!more_) {
        // Looks about at least each second, in case it may write again.
        base::Duration wait = base::Duration::seconds(1);
        if (const auto at = due()) wait = std::min(wait, std::max(*at - now_, kShortestWait));
        awake_.wait_for(lock, std::chrono::nanoseconds(wait.nanoseconds()), ready);
      }
      if (stopping_) return true;
      woken_ = false;
    }
    turn();
    counts_.pods = cluster_.pods().size();
    counts_.nodes = cluster_.node_count();
    counts_.waiting_groups = verdicts_.size();
    counts_.leads = confirmed_;
    const std::lock_guard lock(mutex_);
    published_ = counts_;
  }
  return false;
}

void Controller::take_changes() {
  for (Change& change : queue_.take()) {
    switch (change.kind) {
      case Change::Kind::kListBegun:
        cluster_.begin_list(change.source);
        break;
      case Change::Kind::kUpserted:
        cluster_.upsert(change.source, std::move(change.object));
        break;
      case Change::Kind::kRemoved:
        cluster_.remove(change.source, change.object);
        break;
      case Change::Kind::kListed: {
        cluster_.end_list(change.source);
        unseen_.erase(change.source);
        const auto owner = owner_sources_.find(change.source);
        if (owner != owner_sources_.end()) cluster_.owners_listed(owner->second.first, owner->second.second);
        if (unseen_.empty() && options_.log && counts_.rounds == 0)
          options_.log(fmt::format("the cluster was read: {} nodes, {} pods", cluster_.node_count(),
                                   cluster_.pods().size()));
        break;
      }
    }
  }
}

void Controller::take_outcomes(std::vector<model::Event>& events) {
  std::vector<Outcome> outcomes;
  {
    const std::lock_guard lock(mutex_);
    outcomes.swap(outcomes_);
  }
  for (const Outcome& outcome : outcomes) {
    const auto* pod = cluster_.pod(outcome.pod.uid);
    if (outcome.kind == Write::Kind::kBind) {
      counts_.bind_times.add(outcome.took);
      if (outcome.done) {
        events.push_back({now_, model::BindSucceeded{outcome.decision}});
        if (pod != nullptr)
          say(*pod, false, "Scheduled",
              fmt::format("Successfully assigned {}/{} to {}", outcome.pod.namespace_name, outcome.pod.name,
                          outcome.node));
        continue;
      }
      events.push_back({now_, model::BindFailed{outcome.decision,
                                                outcome.node_to_blame ? model::BindFailed::Scope::kNode
                                                                      : model::BindFailed::Scope::kPod,
                                                now_ + outcome.retry_after}});
      if (pod != nullptr)
        say(*pod, true, "FailedBinding", fmt::format("binding to {} failed: {}", outcome.node, outcome.why));
      continue;
    }
    if (outcome.done) {
      events.push_back({now_, model::EvictionAccepted{outcome.decision}});
    } else {
      events.push_back({now_, model::EvictionRefused{outcome.decision, now_ + outcome.retry_after}});
      if (pod != nullptr) say(*pod, true, "EvictionRefused", outcome.why);
    }
  }
}

void Controller::turn() {
  now_ = std::max(now_, options_.clock());
  take_changes();
  if (!unseen_.empty()) return;
  const bool leading = leads();
  if (lost_) return;
  manifest::LiveChanges changes = cluster_.take(now_);
  cluster_wake_at_ = changes.wake_at;
  for (const auto& [group, kind] : changes.owner_kinds) follow_owner(group, kind);
  for (const manifest::Diagnostic& diagnostic : changes.diagnostics)
    if (options_.log) options_.log(manifest::format(diagnostic));
  // What the world says comes before the outcomes, so that a pod that is gone is not one that failed.
  std::vector<model::Event> events = std::move(changes.events);
  take_outcomes(events);
  for (const std::string& uid : changes.refused) refuse(uid);
  if (!leading) {
    // A standby's engine is told everything, so that it can decide at once when it leads.
    for (const model::RejectedEvent& rejected : scheduler_->apply(events).rejected)
      if (options_.log) options_.log("the engine refused an event: " + rejected.reason);
    return;
  }
  const bool due = wake_at_ && *wake_at_ <= now_;
  if (!events.empty() || due || more_ || counts_.rounds == 0) {
    if (events.empty()) events.push_back({now_, model::ClockAdvanced{}});
    const base::Duration begun = base::monotonic_time();
    const model::ApplyReport report = scheduler_->apply(events);
    counts_.events += events.size();
    counts_.rejected += report.rejected.size();
    for (const model::RejectedEvent& rejected : report.rejected)
      if (options_.log) options_.log("the engine refused an event: " + rejected.reason);
    model::Round round = scheduler_->run(options_.limits);
    const base::Duration took = base::monotonic_time() - begun;
    counts_.engine_time = counts_.engine_time + took;
    counts_.round_times.add(took);
    ++counts_.rounds;
    more_ = round.more;
    wake_at_.reset();
    if (round.wake_at) wake_at_ = std::max(*round.wake_at, now_ + kShortestWait);
    for (const model::Decision& decision : round.decisions) decided(decision);
    note_verdicts(events);
  }
  flush_status();
}

bool Controller::leads() {
  if (options_.lease == nullptr) {
    confirmed_ = true;
    return true;
  }
  const LeaderLease::State state = options_.lease->state();
  if (state == LeaderLease::State::kLost) lost_ = true;
  if (state != LeaderLease::State::kLeading) return false;
  if (confirmed_) return true;
  const auto read = read_assigned();
  if (!read) {
    if (options_.log) options_.log("the pods that have a node cannot be read: " + read.error().message());
    return false;
  }
  confirmed_ = true;
  return true;
}

base::Result<void> Controller::read_assigned() {
  ApiClient client(options_.server);
  base::JsonReader reader;
  reader.skip_arrays_named("managedFields");
  const manifest::LiveDecoder decoder(options_.reading);
  const manifest::ApiResource& pods = manifest::resource_of(LiveKind::kPod);
  ListRequest request;
  request.path = pods.path();
  request.filter = "&fieldSelector=spec.nodeName%21%3D";
  const auto version = list_objects(
      client, request, reader,
      [&](const base::JsonValue& object) {
        cluster_.upsert(manifest::source_of(LiveKind::kPod), decoder.decode(LiveKind::kPod, pods, object));
      },
      []() -> base::Result<void> { return {}; });
  if (!version) return version.error();
  return {};
}

std::string Controller::metrics() const {
  const ControllerCounts counts = this->counts();
  const WriterCounts& writes = writer_->counts();
  std::string out;
  counts.round_times.write(out, "kai_e2e_scheduling_latency_milliseconds",
                           "Time to take in a batch of events and decide, in milliseconds");
  counts.bind_times.write(out, "kai_task_bind_latency_milliseconds",
                          "Time from a decision to bind to the answer of the API server, in milliseconds");
  write_counter(out, "kai_pod_group_evicted_pods_total", "Pods evicted", writes.evicted);
  write_counter(out, "fairlead_rounds_total", "Rounds of the engine", counts.rounds);
  write_counter(out, "fairlead_events_total", "Events that the engine was told", counts.events);
  write_counter(out, "fairlead_rejected_events_total", "Events that the engine refused", counts.rejected);
  write_counter(out, "fairlead_bind_decisions_total", "Decisions to bind a pod", counts.binds);
  write_counter(out, "fairlead_binds_total", "Pods bound", writes.bound);
  write_counter(out, "fairlead_bind_failures_total", "Bindings that failed", writes.bind_failures);
  write_counter(out, "fairlead_eviction_decisions_total", "Decisions to evict a pod", counts.evictions);
  write_counter(out, "fairlead_evictions_refused_total", "Evictions that were refused",
                writes.evictions_refused);
  write_counter(out, "fairlead_reports_total", "Writes of status and events", writes.reports);
  write_counter(out, "fairlead_reports_dropped_total", "Writes of status and events left out under load",
                writes.reports_dropped);
  write_gauge(out, "fairlead_pods", "Pods known", static_cast<double>(counts.pods));
  write_gauge(out, "fairlead_nodes", "Nodes known", static_cast<double>(counts.nodes));
  write_gauge(out, "fairlead_waiting_groups", "Groups that wait", static_cast<double>(counts.waiting_groups));
  write_gauge(out, "fairlead_writes_waiting", "Bindings and evictions that wait for a connection",
              static_cast<double>(writer_->waiting()));
  write_gauge(out, "fairlead_leader", "1 when this process schedules", counts.leads ? 1 : 0);
  return out;
}

std::optional<manifest::PodIdentity> Controller::identity(const std::string& uid) const {
  const auto* pod = cluster_.pod(uid);
  if (pod == nullptr) return std::nullopt;
  return manifest::PodIdentity{pod->live.pod.namespace_name, pod->live.pod.name, uid, pod->resource_version};
}

void Controller::decided(const model::Decision& decision) {
  std::visit(
      [&](const auto& body) {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, model::Bind>) {
          bind(decision.number, body);
        } else if constexpr (std::is_same_v<Body, model::Evict>) {
          evict(decision.number, body);
        } else if constexpr (std::is_same_v<Body, model::Nominate>) {
          nominate(body.pod, body.node);
        } else if constexpr (std::is_same_v<Body, model::WithdrawNomination>) {
          nominate(body.pod, "");
        } else {
          verdict(body);
        }
      },
      decision.body);
}

void Controller::bind(std::uint64_t number, const model::Bind& bind) {
  ++counts_.binds;
  sayings_.erase(bind.pod);
  said_.erase(bind.pod);
  auto pod = identity(bind.pod);
  // The world's removal of the pod is on its way to the engine; this is its outcome.
  if (!pod) return;
  if (options_.observe) {
    // It stays assumed until the world shows where the pod went.
    if (options_.log)
      options_.log(fmt::format("would bind {}/{} to {}", pod->namespace_name, pod->name, bind.node));
    return;
  }
  Write write;
  write.kind = Write::Kind::kBind;
  write.decision = number;
  write.pod = std::move(*pod);
  write.node = bind.node;
  const auto* known = cluster_.pod(bind.pod);
  if (known->live.pod.devices.kind == model::DeviceRequest::Kind::kWhole)
    write.annotations.emplace_back("received-resource-type", "Regular");
  writer_->post(std::move(write));
}

void Controller::evict(std::uint64_t number, const model::Evict& evict) {
  ++counts_.evictions;
  auto pod = identity(evict.pod);
  if (!pod) return;
  if (options_.observe) {
    if (options_.log)
      options_.log(fmt::format("would evict {}/{}: {}", pod->namespace_name, pod->name, evict.reason));
    const std::lock_guard lock(mutex_);
    Outcome refused;
    refused.kind = Write::Kind::kEvict;
    refused.decision = number;
    refused.pod = std::move(*pod);
    refused.retry_after = kObservedEviction;
    outcomes_.push_back(std::move(refused));
    woken_ = true;
    return;
  }
  const auto* known = cluster_.pod(evict.pod);
  say(*known, true, "Evicted", evict.reason);
  if (const auto* group = cluster_.group_object(known->group)) {
    const auto [namespace_name, name] =
        std::pair(pod->namespace_name, group->group.key.substr(group->group.key.find('/') + 1));
    manifest::ApiEvent event{"PodGroup",       "scheduling.run.ai/v2alpha2",
                             namespace_name,   name,
                             group->group.uid, true,
                             "Evicted",        fmt::format("pod {} {}", pod->name, evict.reason)};
    Write write;
    write.kind = Write::Kind::kCreate;
    write.path = fmt::format("/api/v1/namespaces/{}/events", namespace_name);
    write.body = manifest::event_json(event, kComponent,
                                      fmt::format("{}.{}.{}", name, event_suffix_, ++event_number_), now_);
    writer_->post(std::move(write));
  }
  Write write;
  write.kind = Write::Kind::kEvict;
  write.decision = number;
  write.pod = std::move(*pod);
  writer_->post(std::move(write));
}

void Controller::nominate(const std::string& uid, const std::string& node) {
  const auto pod = identity(uid);
  if (!pod || options_.observe) return;
  Write write;
  write.kind = Write::Kind::kPatch;
  write.path = manifest::resource_of(LiveKind::kPod).path(pod->namespace_name, pod->name) + "/status";
  write.body = manifest::nomination_patch(*pod, node);
  write.content_type = kMerge;
  writer_->post(std::move(write));
}

void Controller::verdict(const model::VerdictChanged& change) {
  const bool waits = !change.verdict.reasons.empty();
  const std::string text = waits ? options_.describe(change.verdict) : std::string();
  const std::string_view reason =
      waits ? manifest::group_reason(change.verdict.reasons.front().code) : std::string_view();
  if (waits) {
    verdicts_[change.group] = {std::string(reason), text};
  } else {
    verdicts_.erase(change.group);
  }
  for (const std::string& uid : cluster_.members(change.group)) {
    if (waits) {
      say_waits(uid, reason, text);
    } else {
      sayings_.erase(uid);
    }
  }
  const auto* group = cluster_.group_object(change.group);
  if (group == nullptr || options_.observe) return;
  manifest::GroupStatus status{std::string(reason), text,
                               group->group.pools.empty() ? "" : group->group.pools.front()};
  if (manifest::group_status_key(status) == group->status) return;
  const std::size_t slash = change.group.find('/');
  Write write;
  write.kind = Write::Kind::kPatch;
  write.path = manifest::resource_of(LiveKind::kPodGroup)
                   .path(change.group.substr(0, slash), change.group.substr(slash + 1)) +
               "/status";
  write.body = manifest::group_status_patch(status, now_, ++event_number_);
  write.content_type = kMerge;
  writer_->post(std::move(write));
}

void Controller::note_verdicts(const std::vector<model::Event>& events) {
  for (const model::Event& event : events) {
    if (const auto* upserted = std::get_if<model::PodUpserted>(&event.body)) {
      if (upserted->pod.phase != model::Pod::Phase::kPending) {
        sayings_.erase(upserted->pod.uid);
        said_.erase(upserted->pod.uid);
        continue;
      }
      const auto verdict = verdicts_.find(upserted->pod.group);
      if (verdict != verdicts_.end())
        say_waits(upserted->pod.uid, verdict->second.first, verdict->second.second);
    } else if (const auto* removed = std::get_if<model::PodRemoved>(&event.body)) {
      sayings_.erase(removed->uid);
      said_.erase(removed->uid);
    } else if (const auto* group = std::get_if<model::GroupRemoved>(&event.body)) {
      verdicts_.erase(group->key);
    }
  }
}

void Controller::refuse(const std::string& uid) {
  const auto* pod = cluster_.pod(uid);
  if (pod != nullptr) say_waits(uid, "NotSupported", "the pod " + pod->live.refusal);
}

void Controller::say_waits(const std::string& uid, std::string_view reason, const std::string& message) {
  const auto* pod = cluster_.pod(uid);
  if (pod == nullptr || pod->live.pod.phase != model::Pod::Phase::kPending || pod->live.pod.gated ||
      pod->live.pod.releasing || options_.observe)
    return;
  const auto said = said_.find(uid);
  // After a start the pod itself says what was said.
  const bool same = said != said_.end() ? said->second.reason == reason && said->second.message == message
                                        : pod->live.scheduled_message == message;
  if (same) {
    sayings_.erase(uid);
    return;
  }
  const bool only_numbers = said != said_.end() && said->second.reason == reason;
  sayings_[uid] = {std::string(reason), message, only_numbers ? said->second.not_before + kSameReason : now_};
}

void Controller::flush_status() {
  for (auto saying = sayings_.begin(); saying != sayings_.end();) {
    if (saying->second.not_before > now_) {
      ++saying;
      continue;
    }
    const std::string& uid = saying->first;
    const auto pod = identity(uid);
    if (pod) {
      const auto* known = cluster_.pod(uid);
      const bool unsupported = saying->second.reason == "NotSupported";
      Write write;
      write.kind = Write::Kind::kPatch;
      write.path = manifest::resource_of(LiveKind::kPod).path(pod->namespace_name, pod->name) + "/status";
      // Autoscalers look for this one word; ours stands in front of the message.
      write.body = manifest::pod_status_patch(*pod, "PodScheduled", false,
                                              unsupported ? std::string_view("NotSupported") : kWaiting,
                                              saying->second.message, now_, std::nullopt);
      write.content_type = kStrategicMerge;
      writer_->post(std::move(write));
      const auto said = said_.find(uid);
      if (said == said_.end() || said->second.reason != saying->second.reason)
        say(*known, true, "FailedScheduling", saying->second.message);
      said_[uid] = {saying->second.reason, saying->second.message, now_};
    }
    saying = sayings_.erase(saying);
  }
}

void Controller::say(const manifest::LiveCluster::Pod& pod, bool warning, std::string_view reason,
                     std::string message) {
  if (options_.observe) return;
  const model::Pod& about = pod.live.pod;
  const manifest::ApiEvent event{"Pod",     "v1",    about.namespace_name, about.name,
                                 about.uid, warning, std::string(reason),  std::move(message)};
  Write write;
  write.kind = Write::Kind::kCreate;
  write.path = fmt::format("/api/v1/namespaces/{}/events", about.namespace_name);
  write.body = manifest::event_json(
      event, kComponent, fmt::format("{}.{}.{}", about.name, event_suffix_, ++event_number_), now_);
  writer_->post(std::move(write));
}

}  // namespace fairlead::kube
