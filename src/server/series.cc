#include "server/series.h"

#include "manifest/workload.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

namespace fairlead::server {
namespace {

using base::JsonWriter;

constexpr std::size_t kFinePoints = 360;
constexpr std::size_t kCoarsePoints = 720;

template <typename Number>
void write_known(JsonWriter& json, std::string_view key, const std::optional<Number>& value) {
  json.key(key);
  if (value) {
    json.value(*value);
  } else {
    json.null();
  }
}

double devices_of(std::int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

const world::QueueView::Amounts* devices_in(const world::QueueView& queue) {
  for (const auto& amounts : queue.amounts) {
    if (amounts.dimension == "gpu") return &amounts;
  }
  return nullptr;
}

bool is_over(const world::WorkloadView& workload) {
  return workload.state == world::WorkloadState::kSucceeded ||
         workload.state == world::WorkloadState::kFailed;
}

SeriesPoint fleet_point(const world::View& view) {
  SeriesPoint point;
  std::int64_t healthy = 0;
  for (const world::DeviceView& device : view.devices) {
    healthy += device.healthy ? 1 : 0;
    point.allocated += devices_of(device.allocated_thousandths);
    if (device.utilisation) point.used = point.used.value_or(0) + *device.utilisation;
  }
  point.capacity = static_cast<double>(healthy);
  for (const auto& queue : view.queues) {
    if (!queue->queue.parent.empty()) continue;
    if (const auto* amounts = devices_in(*queue)) point.requested += devices_of(amounts->requested);
  }
  return point;
}

SeriesPoint queue_point(const world::QueueView& queue) {
  SeriesPoint point;
  if (const auto* amounts = devices_in(queue)) {
    point.allocated = devices_of(amounts->allocated);
    point.requested = devices_of(amounts->requested);
    point.fair_share = amounts->fair_share / 1000;
  }
  return point;
}

// A device that several share counts for each by its part of what is given away.
void add_device(SeriesPoint& point, const world::DeviceView& device, std::int64_t held) {
  const double part =
      device.allocated_thousandths > 0
          ? std::min(1.0, static_cast<double>(held) / static_cast<double>(device.allocated_thousandths))
          : 0;
  if (device.utilisation) point.used = point.used.value_or(0) + *device.utilisation * part;
  if (device.memory_used_mib) {
    point.memory_used_mib = point.memory_used_mib.value_or(0) +
                            static_cast<std::int64_t>(static_cast<double>(*device.memory_used_mib) * part);
  }
}

}  // namespace

void write_point(JsonWriter& json, const SeriesPoint& point) {
  json.begin_object();
  json.member("time", base::format_time(point.time));
  write_known(json, "capacity", point.capacity);
  json.member("allocated", point.allocated);
  json.member("requested", point.requested);
  write_known(json, "fairShare", point.fair_share);
  write_known(json, "used", point.used);
  write_known(json, "memoryUsedMiB", point.memory_used_mib);
  write_known(json, "replicas", point.replicas);
  write_known(json, "replicasWanted", point.replicas_wanted);
  std::optional<std::int32_t> in_flight;
  std::optional<std::int32_t> held;
  std::optional<double> rate;
  std::optional<double> latency;
  if (point.traffic) {
    in_flight = point.traffic->in_flight;
    held = point.traffic->held;
    rate = point.traffic->requests_per_second;
    latency = point.traffic->latency_p95_milliseconds;
  }
  write_known(json, "requestsInFlight", in_flight);
  write_known(json, "requestsHeld", held);
  write_known(json, "requestsPerSecond", rate);
  write_known(json, "latencyP95Milliseconds", latency);
  json.end_object();
}

void Series::append(Track& track, const SeriesPoint& point) {
  track.fine.push_back(point);
  if (track.fine.size() > kFinePoints) track.fine.pop_front();
  if (!track.coarse.empty() && point.time - track.coarse.back().time < kCoarseStep) return;
  track.coarse.push_back(point);
  if (track.coarse.size() > kCoarsePoints) track.coarse.pop_front();
}

void Series::forget(Tracks& tracks, base::Time now) {
  const base::Duration day = base::Duration::seconds(86'400);
  std::erase_if(tracks, [&](const auto& entry) { return now - entry.second.fine.back().time > day; });
}

void Series::add(const world::View& view, base::Time now, const Traffic& traffic) {
  std::map<std::string_view, const world::DeviceView*> devices;
  for (const world::DeviceView& device : view.devices) devices[device.identity] = &device;
  std::lock_guard lock(mutex_);
  ++count_;
  SeriesPoint point = fleet_point(view);
  point.time = now;
  append(fleet_, point);
  for (const auto& queue : view.queues) {
    point = queue_point(*queue);
    point.time = now;
    append(queues_[queue->queue.name], point);
  }
  for (const auto& workload : view.workloads) {
    if (is_over(*workload)) continue;
    point = SeriesPoint{};
    point.time = now;
    std::int32_t running = 0;
    std::int32_t wanted = 0;
    for (const model::WorkloadRole& role : workload->spec.roles) wanted += role.replicas;
    for (const world::ReplicaView& replica : workload->replicas) {
      point.allocated += devices_of(replica.device_thousandths);
      if (replica.state != "Running") continue;
      ++running;
      if (replica.devices.empty()) continue;
      const auto each = replica.device_thousandths / static_cast<std::int64_t>(replica.devices.size());
      for (const std::string& identity : replica.devices) {
        const auto found = devices.find(identity);
        if (found != devices.end()) add_device(point, *found->second, each);
      }
    }
    point.replicas = running;
    point.replicas_wanted = wanted;
    point.requested = point.allocated;
    const auto seen = traffic.find(workload->spec.key());
    if (seen != traffic.end()) point.traffic = seen->second;
    append(workloads_[workload->spec.key()], point);
  }
  forget(queues_, now);
  forget(workloads_, now);
}

std::vector<SeriesPoint> Series::after(const Track& track, base::Time since) {
  const bool reaches = track.fine.size() < kFinePoints || track.fine.front().time <= since + kStep;
  const std::deque<SeriesPoint>& points = reaches ? track.fine : track.coarse;
  std::vector<SeriesPoint> found;
  std::copy_if(points.begin(), points.end(), std::back_inserter(found),
               [&](const SeriesPoint& point) { return point.time > since; });
  return found;
}

std::vector<SeriesPoint> Series::after(const Tracks& tracks, std::string_view name, base::Time since) {
  const auto found = tracks.find(name);
  return found == tracks.end() ? std::vector<SeriesPoint>() : after(found->second, since);
}

std::vector<SeriesPoint> Series::fleet(base::Time since) const {
  std::lock_guard lock(mutex_);
  return after(fleet_, since);
}
std::vector<SeriesPoint> Series::queue(std::string_view name, base::Time since) const {
  std::lock_guard lock(mutex_);
  return after(queues_, name, since);
}
std::vector<SeriesPoint> Series::workload(std::string_view key, base::Time since) const {
  std::lock_guard lock(mutex_);
  return after(workloads_, key, since);
}
std::uint64_t Series::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

std::string Series::newest_json(const QueueSet& visible) const {
  std::lock_guard lock(mutex_);
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  if (!fleet_.fine.empty()) {
    json.key("fleet");
    write_point(json, fleet_.fine.back());
  }
  json.key("queues");
  json.begin_object();
  for (const auto& [name, track] : queues_) {
    if (fleet_.fine.empty() || track.fine.back().time != fleet_.fine.back().time) continue;
    if (!visible.contains(name) && !visible.leads_to(name)) continue;
    json.key(name);
    write_point(json, track.fine.back());
  }
  json.end_object();
  json.end_object();
  return text;
}

Sampler::Sampler(world::World& world, Series& series, std::function<base::Time()> now,
                 std::function<Traffic()> traffic)
    : world_(world), series_(series), now_(std::move(now)), traffic_(std::move(traffic)), thread_([this] {
        run();
      }) {}

Sampler::~Sampler() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Sampler::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    series_.add(*world_.view(), now_(), traffic_ ? traffic_() : Traffic());
    lock.lock();
    wake_.wait_for(lock, std::chrono::nanoseconds(Series::kStep.nanoseconds()), [this] { return stopping_; });
  }
}

}  // namespace fairlead::server
