#pragma once

#include "base/json_writer.h"
#include "base/time.h"
#include "server/access.h"
#include "world/world.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fairlead::server {

/// What reached a service since the last sample.
struct ServiceTraffic {
  std::int32_t in_flight = 0;
  std::int32_t held = 0;  ///< wait for a replica
  double requests_per_second = 0;
  std::optional<double> latency_p95_milliseconds;  ///< to the first byte; none: nothing was answered
};
/// By workload key.
using Traffic = std::map<std::string, ServiceTraffic>;

/// How much there was at one instant, of the whole fleet, a queue or a workload. None: does not apply, or
/// nothing measures it.
struct SeriesPoint {
  base::Time time;
  std::optional<double> capacity;  ///< devices that are healthy
  double allocated = 0;            ///< devices
  double requested = 0;            ///< devices: allocated and waited for
  std::optional<double> fair_share;
  std::optional<double> used;  ///< devices' worth in use
  std::optional<std::int64_t> memory_used_mib;
  std::optional<std::int32_t> replicas;
  std::optional<std::int32_t> replicas_wanted;
  std::optional<ServiceTraffic> traffic;
};
void write_point(base::JsonWriter& json, const SeriesPoint& point);

/// How the platform was lately: kept in memory, from the start of the server on. Thread: any.
class Series {
 public:
  static constexpr base::Duration kStep = base::Duration::seconds(10);         ///< for an hour
  static constexpr base::Duration kCoarseStep = base::Duration::seconds(120);  ///< for a day

  void add(const world::View& view, base::Time now, const Traffic& traffic);

  /// Points after an instant, oldest first: in steps of 10 s as far as these go back, else of 2 min.
  std::vector<SeriesPoint> fleet(base::Time since) const;
  std::vector<SeriesPoint> queue(std::string_view name, base::Time since) const;
  std::vector<SeriesPoint> workload(std::string_view key, base::Time since) const;

  /// How many samples were taken.
  std::uint64_t count() const;
  /// The newest sample as one object: the fleet's point and those of queues in sight.
  std::string newest_json(const QueueSet& visible) const;

 private:
  struct Track {
    std::deque<SeriesPoint> fine;
    std::deque<SeriesPoint> coarse;
  };
  using Tracks = std::map<std::string, Track, std::less<>>;
  static void append(Track& track, const SeriesPoint& point);
  static void forget(Tracks& tracks, base::Time now);
  static std::vector<SeriesPoint> after(const Track& track, base::Time since);
  static std::vector<SeriesPoint> after(const Tracks& tracks, std::string_view name, base::Time since);

  mutable std::mutex mutex_;  // guards what follows
  Track fleet_;
  Tracks queues_;
  Tracks workloads_;  // those that ran or waited
  std::uint64_t count_ = 0;
};

/// Takes a sample of a world at each step, on a thread of its own.
class Sampler {
 public:
  Sampler(world::World& world, Series& series, std::function<base::Time()> now,
          std::function<Traffic()> traffic);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

 private:
  void run();

  world::World& world_;
  Series& series_;
  const std::function<base::Time()> now_;
  const std::function<Traffic()> traffic_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fairlead::server
