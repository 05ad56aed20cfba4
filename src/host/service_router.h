#pragma once

#include "base/time.h"
#include "host/autoscaler.h"
#include "host/services.h"
#include "net/http_server.h"

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

namespace fairlead::host {

/// Sends requests for services to their replicas: to the one with the fewest of them, among those that are
/// healthy and not draining. A request that finds none is held until one is healthy, or is refused with 503
/// and Retry-After at its deadline. It asks replicas for their health, and from what it sees it says how many
/// are wanted. Thread: any; one thread of its own looks after time, and some ask for health.
class ServiceRouter {
 public:
  struct Callbacks {
    std::function<void(const std::string& key, std::int32_t replicas)> wants;
    std::function<void(const std::string& uid, bool healthy)> health;
    std::function<void(const std::string& uid)> drained;  ///< a replica that drains has no request any more
  };
  /// What it has around it; tests replace these.
  struct Options {
    std::function<base::Duration()> now;  ///< a clock that does not jump
    /// Whether a replica answers well; may take its time. On threads of the router.
    std::function<bool(std::uint16_t port, const std::string& path)> is_healthy;
    int health_threads = 4;
  };

  explicit ServiceRouter(Options options);
  ~ServiceRouter();
  ServiceRouter(const ServiceRouter&) = delete;
  ServiceRouter& operator=(const ServiceRouter&) = delete;

  /// Callbacks are called on the router's threads, without its lock.
  void start(Callbacks callbacks);
  /// The same without threads: who calls it calls tick() and check_health().
  void set_callbacks(Callbacks callbacks) { callbacks_ = std::move(callbacks); }
  void stop();
  /// The services as they are now.
  void follow(const std::vector<ServiceState>& services);

  /// Whether there is a service (or workspace) of that key.
  bool knows(const std::string& key) const;
  bool is_workspace(const std::string& key) const;
  /// Sends a request on: `answer` or `refuse` is called once, now or later, on any thread.
  /// `port`: of a workspace, one of its ports; 0: the replica's first. `path`: what the replica is asked for.
  /// `closed` tells that the client has gone.
  void route(const std::string& key, std::uint16_t port, std::string path, std::function<bool()> closed,
             std::function<void(net::ProxyTarget)> answer, std::function<void(net::ProxyRefusal)> refuse);

  /// What reached each service since this was last asked.
  struct Traffic {
    std::int32_t in_flight = 0;  ///< at replicas now
    std::int32_t held = 0;       ///< that wait for a replica now
    double requests_per_second = 0;
    std::optional<double> latency_p95_milliseconds;  ///< to the first byte; none: nothing was answered
  };
  std::map<std::string, Traffic> take_traffic();

  /// Deadlines, scaling and health that are due. Called by its own thread; by tests themselves.
  void tick();
  /// Asks for the health that tick() found due. Likewise.
  void check_health();

 private:
  struct Replica {
    std::uint16_t port = 0;
    bool draining = false;
    bool healthy = false;
    bool checking = false;
    int failures_in_a_row = 0;
    base::Duration check_at;
    std::int32_t in_flight = 0;
    std::uint64_t last_used = 0;
  };
  struct Held {
    base::Duration deadline;
    std::uint16_t port = 0;  ///< 0: the replica's first
    std::string path;
    std::function<bool()> closed;
    std::function<void(net::ProxyTarget)> answer;
    std::function<void(net::ProxyRefusal)> refuse;
  };
  struct Service {
    ServiceState state;
    std::map<std::string, Replica> replicas;
    std::deque<Held> held;
    ScalingMemory memory;
    double in_flight_seconds = 0;  ///< since the last decision
    base::Duration counted_until;
    base::Duration decided;
    std::int64_t arrived = 0;
    std::vector<double> latencies;  ///< milliseconds, since the last decision
    base::Duration asked;           ///< when its traffic was asked for, and since then:
    std::int64_t arrived_since = 0;
    std::vector<double> latencies_since;
  };
  struct Check {
    std::string key;
    std::string uid;
    std::uint16_t port = 0;
    std::string path;
  };
  using Actions = std::vector<std::function<void()>>;

  void count(Service& service, base::Duration now);
  std::int32_t in_flight(const Service& service) const;
  Replica* least_busy(Service& service);
  void send(const std::string& key, const std::string& uid, Service& service, Held request, Actions& actions);
  void dispatch(const std::string& key, Service& service, Actions& actions);
  void finished(const std::string& key, const std::string& uid, int status, base::Duration first_byte);
  void scale(const std::string& key, Service& service, base::Duration now, Actions& actions);
  void keep_time();
  static void run(const Actions& actions);

  Options options_;
  Callbacks callbacks_;
  mutable std::mutex mutex_;
  std::condition_variable due_;
  std::condition_variable checks_due_;
  std::map<std::string, Service> services_;  // guarded by mutex_, as are those below
  std::deque<Check> checks_;
  std::uint64_t uses_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fairlead::host
