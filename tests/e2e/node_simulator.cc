#include "e2e/node_simulator.h"

#include "base/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace fairlead::e2e {
namespace {

constexpr const char* kRunsFor = "e2e.fairlead.dev/runs-for";
constexpr const char* kStrategicMerge = "application/strategic-merge-patch+json";

std::string pod_path(const model::Pod& pod) {
  return fmt::format("/api/v1/namespaces/{}/pods/{}", pod.namespace_name, pod.name);
}

std::string now_text() {
  return base::format_time(
      base::Time::from_unix_seconds(base::system_time().unix_nanoseconds() / 1'000'000'000));
}

std::string phase_patch(const model::Pod& pod, std::string_view phase) {
  return fmt::format(
      R"({{"metadata":{{"uid":"{}"}},"status":{{"phase":"{}","startTime":"{}","conditions":[{{"type":"Ready","status":"{}","lastTransitionTime":"{}"}}]}}}})",
      pod.uid, phase, now_text(), phase == "Running" ? "True" : "False", now_text());
}

}  // namespace

NodeSimulator::NodeSimulator(std::shared_ptr<const kube::ApiServer> server, int workers)
    : server_(std::move(server)), queue_([this] {
        {
          const std::lock_guard lock(mutex_);
          woken_ = true;
        }
        changed_.notify_one();
      }) {
  kube::ReflectorOptions options;
  options.server = server_;
  options.kind = manifest::LiveKind::kPod;
  options.source = manifest::source_of(options.kind);
  options.resource = manifest::resource_of(options.kind);
  reflector_ = std::make_unique<kube::Reflector>(std::move(options), queue_);
  threads_.emplace_back([this] { follow(); });
  for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
}

NodeSimulator::~NodeSimulator() {
  queue_.close();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.stop();
  ready_.notify_all();
  changed_.notify_all();
  reflector_.reset();
  for (std::thread& thread : threads_) thread.join();
}

std::string NodeSimulator::add_nodes(const std::string& prefix, int count, const NodeShape& shape) {
  kube::ApiClient client(server_);
  for (int i = 1; i <= count; ++i) {
    const std::string name = fmt::format("{}{}", prefix, i);
    {
      const std::lock_guard lock(mutex_);
      capacity_[{name, shape.resource}] = shape.devices;
    }
    kube::ApiCall call;
    call.method = "POST";
    call.path = "/api/v1/nodes";
    call.body = fmt::format(
        R"({{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{0}","labels":{{"kubernetes.io/hostname":"{0}","{1}":"{2}"}}}}}})",
        name, shape.model_label, shape.model);
    auto answer = client.call_again(call, 5);
    if (!answer) return answer.error().message();
    if (!answer->ok() && answer->status != 409) return kube::refusal_text(*answer);
    const std::string amounts = fmt::format(R"({{"cpu":"{}","memory":"{}Gi","pods":"250","{}":"{}"}})",
                                            shape.cpus, shape.memory_gib, shape.resource, shape.devices);
    call.method = "PATCH";
    call.path = fmt::format("/api/v1/nodes/{}/status", name);
    call.content_type = kStrategicMerge;
    call.body = fmt::format(
        R"({{"status":{{"capacity":{0},"allocatable":{0},"conditions":[{{"type":"Ready","status":"True","reason":"Simulated","message":"a simulated kubelet","lastHeartbeatTime":"{1}","lastTransitionTime":"{1}"}}]}}}})",
        amounts, now_text());
    answer = client.call_again(call, 5);
    if (!answer) return answer.error().message();
    if (!answer->ok()) return kube::refusal_text(*answer);
  }
  return {};
}

void NodeSimulator::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  ready_.notify_one();
}

void NodeSimulator::follow() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      auto wait = std::chrono::nanoseconds(std::chrono::seconds(1));
      if (!timed_.empty())
        wait =
            std::clamp(std::chrono::nanoseconds(timed_.begin()->first - base::monotonic_time().nanoseconds()),
                       std::chrono::nanoseconds(1'000'000), wait);
      changed_.wait_for(lock, wait, [this] { return woken_ || stopping_; });
      if (stopping_) return;
      woken_ = false;
      const std::int64_t now = base::monotonic_time().nanoseconds();
      while (!timed_.empty() && timed_.begin()->first <= now) {
        tasks_.push_back(std::move(timed_.begin()->second));
        timed_.erase(timed_.begin());
        ready_.notify_one();
      }
    }
    for (kube::Change& change : queue_.take()) take(change);
  }
}

void NodeSimulator::let_go(const std::string& uid) {
  const auto held = held_.find(uid);
  if (held == held_.end()) return;
  used_[{held->second.node, held->second.resource}] -= held->second.devices;
  held_.erase(held);
}

void NodeSimulator::take(kube::Change& change) {
  using Kind = kube::Change::Kind;
  if (change.kind == Kind::kRemoved) {
    const std::lock_guard lock(mutex_);
    let_go(change.object.uid);
    return;
  }
  if (change.kind != Kind::kUpserted) return;
  auto* live = std::get_if<manifest::LivePod>(&change.object.value);
  if (live == nullptr) return;
  const model::Pod& pod = live->pod;
  using Phase = model::Pod::Phase;
  const bool finished = pod.phase == Phase::kSucceeded || pod.phase == Phase::kFailed;
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    if (!pod.node.empty()) {
      const auto before = on_.find(pod.uid);
      if (before == on_.end()) {
        on_.emplace(pod.uid, pod.node);
      } else if (before->second != pod.node) {
        broken_.push_back(
            fmt::format("pod {} was bound to {}, then to {}", pod.display_name(), before->second, pod.node));
      }
    }
    if (finished) {
      let_go(pod.uid);
    } else if (!pod.node.empty() && !held_.contains(pod.uid) && !pod.devices.resource.empty()) {
      const std::pair<std::string, std::string> place(pod.node, pod.devices.resource);
      held_.emplace(pod.uid, Held{pod.node, pod.devices.resource, pod.devices.count});
      used_[place] += pod.devices.count;
      if (used_[place] > capacity_[place])
        broken_.push_back(fmt::format("node {} has {} {}, and pods that want {}", pod.node, capacity_[place],
                                      pod.devices.resource, used_[place]));
    }
    if (pod.releasing && !pod.node.empty()) {
      if (deleted_.insert(pod.uid).second)
        tasks.push_back(
            {"DELETE", pod_path(pod) + "?gracePeriodSeconds=0",
             fmt::format(R"({{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{{"uid":"{}"}}}})",
                         pod.uid),
             "application/json"});
    } else if (pod.phase == Phase::kBound && started_.insert(pod.uid).second) {
      tasks.push_back({"PATCH", pod_path(pod) + "/status", phase_patch(pod, "Running"), kStrategicMerge});
      if (const auto seconds = model::find_label(pod.labels, kRunsFor)) {
        const double time = std::strtod(std::string(*seconds).c_str(), nullptr);
        timed_.emplace(
            base::monotonic_time().nanoseconds() + static_cast<std::int64_t>(time * 1e9),
            Task{"PATCH", pod_path(pod) + "/status", phase_patch(pod, "Succeeded"), kStrategicMerge});
      }
    }
  }
  for (Task& task : tasks) post(std::move(task));
}

void NodeSimulator::work() {
  kube::ApiClient client(server_);
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    kube::ApiCall call;
    call.method = task.method;
    call.path = task.path;
    call.body = task.body;
    call.content_type = task.content_type;
    call.stop = &stop_;
    // A server that is away comes back.
    static_cast<void>(client.call_again(call, 50));
  }
}

std::vector<std::string> NodeSimulator::broken_promises() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

std::size_t NodeSimulator::bound() const {
  const std::lock_guard lock(mutex_);
  return on_.size();
}

std::size_t NodeSimulator::running() const {
  const std::lock_guard lock(mutex_);
  return started_.size();
}

}  // namespace fairlead::e2e
