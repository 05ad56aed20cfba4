#include "host/service_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace fairlead::host {
namespace {

constexpr auto kTick = std::chrono::milliseconds(50);
constexpr auto kDecideEvery = base::Duration::milliseconds(500);
constexpr auto kCheckStarting = base::Duration::milliseconds(100);
constexpr auto kCheckHealthy = base::Duration::seconds(2);
constexpr int kFailuresUntilUnhealthy = 3;
constexpr std::size_t kMostHeld = 10'000;
constexpr std::size_t kMostLatencies = 10'000;

net::ProxyRefusal refusal(int status, std::string_view title, std::string_view detail) {
  net::ProxyRefusal refused;
  refused.response.status = status;
  refused.response.content_type = "application/problem+json";
  refused.response.body = fmt::format(R"({{"title":"{}","status":{},"detail":"{}"}})", title, status, detail);
  constexpr int kUnavailable = 503;
  if (status == kUnavailable) refused.response.headers.emplace_back("Retry-After", "5");
  return refused;
}

// Reorders the values.
std::optional<double> percentile_95(std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  constexpr std::size_t kPercentile = 95;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * kPercentile / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

ServiceRouter::ServiceRouter(Options options) : options_(std::move(options)) {}

ServiceRouter::~ServiceRouter() { stop(); }

void ServiceRouter::run(const Actions& actions) {
  for (const auto& action : actions) action();
}

void ServiceRouter::start(Callbacks callbacks) {
  const std::lock_guard hold(mutex_);
  callbacks_ = std::move(callbacks);
  threads_.emplace_back([this] { keep_time(); });
  for (int i = 0; i < options_.health_threads; ++i)
    threads_.emplace_back([this] {
      while (true) {
        {
          std::unique_lock wait(mutex_);
          checks_due_.wait(wait, [&] { return stopping_ || !checks_.empty(); });
          if (stopping_) return;
        }
        check_health();
      }
    });
}

void ServiceRouter::stop() {
  std::vector<std::thread> threads;
  Actions actions;
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    for (auto& [key, service] : services_)
      for (Held& held : std::exchange(service.held, {}))
        actions.push_back([refuse = std::move(held.refuse)] {
          refuse(refusal(503, "Service Unavailable", "the platform is being stopped"));
        });
  }
  due_.notify_all();
  checks_due_.notify_all();
  run(actions);
  for (std::thread& thread : threads) thread.join();
}

void ServiceRouter::keep_time() {
  while (true) {
    {
      std::unique_lock hold(mutex_);
      if (due_.wait_for(hold, kTick, [&] { return stopping_; })) return;
    }
    tick();
  }
}

std::int32_t ServiceRouter::in_flight(const Service& service) const {
  auto sum = static_cast<std::int32_t>(service.held.size());
  for (const auto& [uid, replica] : service.replicas) sum += replica.in_flight;
  return sum;
}

void ServiceRouter::count(Service& service, base::Duration now) {
  service.in_flight_seconds += in_flight(service) * (now - service.counted_until).in_seconds();
  service.counted_until = now;
}

void ServiceRouter::follow(const std::vector<ServiceState>& services) {
  Actions actions;
  {
    const std::lock_guard hold(mutex_);
    const base::Duration now = options_.now();
    std::map<std::string, Service> next;
    for (const ServiceState& state : services) {
      const auto known = services_.find(state.key);
      Service service;
      if (known != services_.end()) {
        service = std::move(known->second);
      } else {
        service.counted_until = service.decided = service.asked = now;
      }
      service.state = state;
      std::map<std::string, Replica> replicas;
      for (const ServiceReplica& one : state.replicas) {
        Replica replica;
        if (const auto old = service.replicas.find(one.uid); old != service.replicas.end()) {
          replica = old->second;
        } else {
          replica.check_at = now;
        }
        replica.port = one.port;
        replica.draining = one.draining;
        replicas.emplace(one.uid, replica);
      }
      service.replicas = std::move(replicas);
      next.emplace(state.key, std::move(service));
    }
    for (auto& [key, service] : services_)
      if (!next.contains(key))
        for (Held& held : std::exchange(service.held, {}))
          actions.push_back([refuse = std::move(held.refuse)] {
            refuse(refusal(404, "Not Found", "the service was removed"));
          });
    services_ = std::move(next);
  }
  run(actions);
}

bool ServiceRouter::knows(const std::string& key) const {
  const std::lock_guard hold(mutex_);
  return services_.contains(key);
}

bool ServiceRouter::is_workspace(const std::string& key) const {
  const std::lock_guard hold(mutex_);
  const auto at = services_.find(key);
  return at != services_.end() && at->second.state.workspace;
}

ServiceRouter::Replica* ServiceRouter::least_busy(Service& service) {
  Replica* best = nullptr;
  for (auto& [uid, replica] : service.replicas) {
    if (!replica.healthy || replica.draining) continue;
    if (best == nullptr ||
        std::pair(replica.in_flight, replica.last_used) < std::pair(best->in_flight, best->last_used))
      best = &replica;
  }
  return best;
}

void ServiceRouter::send(const std::string& key, const std::string& uid, Service& service, Held request,
                         Actions& actions) {
  Replica& replica = service.replicas.at(uid);
  ++replica.in_flight;
  replica.last_used = ++uses_;
  net::ProxyTarget target;
  target.port = request.port != 0 ? request.port : replica.port;
  target.path = std::move(request.path);
  target.on_done = [this, key, uid](int status, std::uint64_t, base::Duration first_byte) {
    finished(key, uid, status, first_byte);
  };
  actions.push_back([answer = std::move(request.answer), target = std::move(target)] { answer(target); });
}

void ServiceRouter::dispatch(const std::string& key, Service& service, Actions& actions) {
  while (!service.held.empty()) {
    Replica* best = least_busy(service);
    if (best == nullptr) return;
    Held request = std::move(service.held.front());
    service.held.pop_front();
    if (request.closed && request.closed()) continue;
    for (const auto& [uid, replica] : service.replicas)
      if (&replica == best) {
        send(key, uid, service, std::move(request), actions);
        break;
      }
  }
}

void ServiceRouter::route(const std::string& key, std::uint16_t port, std::string path,
                          std::function<bool()> closed, std::function<void(net::ProxyTarget)> answer,
                          std::function<void(net::ProxyRefusal)> refuse) {
  Actions actions;
  {
    const std::lock_guard hold(mutex_);
    const auto at = services_.find(key);
    if (at == services_.end() || stopping_) {
      actions.push_back(
          [refuse] { refuse(refusal(404, "Not Found", "there is no service at this address")); });
    } else if (!at->second.state.awake) {
      actions.push_back(
          [refuse] { refuse(refusal(503, "Service Unavailable", "the service is suspended or failed")); });
    } else if (at->second.held.size() >= kMostHeld) {
      actions.push_back(
          [refuse] { refuse(refusal(503, "Service Unavailable", "too many requests wait already")); });
    } else {
      Service& service = at->second;
      const base::Duration now = options_.now();
      count(service, now);
      ++service.arrived;
      ++service.arrived_since;
      service.held.push_back({now + service.state.service.request_deadline, port, std::move(path),
                              std::move(closed), std::move(answer), std::move(refuse)});
      dispatch(key, service, actions);
      // Whoever sleeps is woken by the first request, not by the next look.
      if (!service.held.empty() && service.state.wanted == 0) scale(key, service, now, actions);
    }
  }
  run(actions);
}

void ServiceRouter::finished(const std::string& key, const std::string& uid, int status,
                             base::Duration first_byte) {
  const std::lock_guard hold(mutex_);
  const auto at = services_.find(key);
  if (at == services_.end()) return;
  Service& service = at->second;
  const base::Duration now = options_.now();
  count(service, now);
  if (service.latencies.size() < kMostLatencies && status > 0)
    service.latencies.push_back(first_byte.in_seconds() * 1000);
  if (service.latencies_since.size() < kMostLatencies && status > 0)
    service.latencies_since.push_back(first_byte.in_seconds() * 1000);
  const auto replica = service.replicas.find(uid);
  if (replica == service.replicas.end()) return;
  --replica->second.in_flight;
  // No answer at all: it may have died. It is asked at once.
  if (status == 0) replica->second.check_at = now;
}

void ServiceRouter::scale(const std::string& key, Service& service, base::Duration now, Actions& actions) {
  if (service.state.workspace || !service.state.awake) return;
  count(service, now);
  const double seconds = std::max((now - service.decided).in_seconds(), 1e-3);
  ServiceLoad load;
  load.waiting = static_cast<std::int32_t>(service.held.size());
  load.in_flight = std::max(service.in_flight_seconds / seconds, static_cast<double>(load.waiting));
  load.requests_per_second = static_cast<double>(service.arrived) / seconds;
  load.latency_p95_milliseconds = percentile_95(service.latencies);
  service.decided = now;
  service.in_flight_seconds = 0;
  service.arrived = 0;
  service.latencies.clear();
  const std::int32_t wanted =
      replicas_wanted(service.state.service, service.state.wanted, load, now, service.memory);
  if (wanted == service.state.wanted || !callbacks_.wants) return;
  service.state.wanted = wanted;
  actions.push_back([this, key, wanted] { callbacks_.wants(key, wanted); });
}

std::map<std::string, ServiceRouter::Traffic> ServiceRouter::take_traffic() {
  const std::lock_guard hold(mutex_);
  const base::Duration now = options_.now();
  std::map<std::string, Traffic> all;
  for (auto& [key, service] : services_) {
    if (service.state.workspace) continue;
    Traffic traffic;
    traffic.held = static_cast<std::int32_t>(service.held.size());
    traffic.in_flight = in_flight(service) - traffic.held;
    traffic.requests_per_second =
        static_cast<double>(service.arrived_since) / std::max((now - service.asked).in_seconds(), 1e-3);
    traffic.latency_p95_milliseconds = percentile_95(service.latencies_since);
    service.asked = now;
    service.arrived_since = 0;
    service.latencies_since.clear();
    all.emplace(key, traffic);
  }
  return all;
}

void ServiceRouter::tick() {
  Actions actions;
  {
    const std::lock_guard hold(mutex_);
    const base::Duration now = options_.now();
    for (auto& [key, service] : services_) {
      dispatch(key, service, actions);
      while (!service.held.empty() && service.held.front().deadline <= now) {
        actions.push_back([refuse = std::move(service.held.front().refuse)] {
          refuse(refusal(503, "Service Unavailable", "no replica became ready in time"));
        });
        service.held.pop_front();
      }
      if (now - service.decided >= kDecideEvery) scale(key, service, now, actions);
      for (auto& [uid, replica] : service.replicas) {
        if (replica.draining && replica.in_flight == 0 && callbacks_.drained)
          actions.push_back([this, uid = uid] { callbacks_.drained(uid); });
        if (replica.checking || replica.draining || replica.check_at > now) continue;
        replica.checking = true;
        checks_.push_back({key, uid, replica.port, service.state.service.health_path});
      }
    }
    if (!checks_.empty()) checks_due_.notify_all();
  }
  run(actions);
}

void ServiceRouter::check_health() {
  Check check;
  {
    const std::lock_guard hold(mutex_);
    if (checks_.empty()) return;
    check = std::move(checks_.front());
    checks_.pop_front();
  }
  const bool good = options_.is_healthy(check.port, check.path);
  Actions actions;
  {
    const std::lock_guard hold(mutex_);
    const auto at = services_.find(check.key);
    if (at == services_.end()) return;
    const auto found = at->second.replicas.find(check.uid);
    if (found == at->second.replicas.end()) return;
    Replica& replica = found->second;
    replica.checking = false;
    replica.failures_in_a_row = good ? 0 : replica.failures_in_a_row + 1;
    const bool healthy = good || (replica.healthy && replica.failures_in_a_row < kFailuresUntilUnhealthy);
    replica.check_at = options_.now() + (healthy && good ? kCheckHealthy : kCheckStarting);
    if (healthy != replica.healthy && callbacks_.health)
      actions.push_back([this, uid = check.uid, healthy] { callbacks_.health(uid, healthy); });
    replica.healthy = healthy;
    dispatch(check.key, at->second, actions);
  }
  run(actions);
}

}  // namespace fairlead::host
