#include "app/activity.h"

#include <fmt/format.h>

#include <map>
#include <ostream>
#include <string>

namespace fairlead::app {
namespace {

constexpr auto kLookAtLeastEvery = base::Duration::milliseconds(500);

std::string_view state_name(world::WorkloadState state) {
  using State = world::WorkloadState;
  switch (state) {
    case State::kPending:
      return "waits";
    case State::kStarting:
      return "starts";
    case State::kRunning:
      return "runs";
    case State::kStopping:
      return "is stopping";
    case State::kBackOff:
      return "failed, and is tried again";
    case State::kSuspended:
      return "is suspended";
    case State::kSucceeded:
      return "succeeded";
    case State::kFailed:
      return "failed";
  }
  return "";
}

std::string describe(const world::WorkloadView& workload) {
  int running = 0;
  std::int64_t thousandths = 0;
  for (const world::ReplicaView& replica : workload.replicas) {
    running += replica.state == "Running" ? 1 : 0;
    thousandths += replica.device_thousandths;
  }
  std::string text = fmt::format("{} {}", workload.spec.key(), state_name(workload.state));
  if (workload.state == world::WorkloadState::kRunning)
    text += fmt::format(": {} replica{} on {:g} devices", running, running == 1 ? "" : "s",
                        static_cast<double>(thousandths) / 1000.0);
  if (!workload.reason.empty()) text += ": " + workload.reason;
  return text;
}

std::string time_of_day(base::Time time) {
  const std::string full = base::format_time(time);  // 2026-01-31T09:00:00...
  return full.size() >= 19 ? full.substr(11, 8) : full;
}

void print_changes(const world::World& world, std::ostream& out, const std::atomic<bool>& done) {
  std::map<std::string, std::string> shown;
  std::uint64_t version = 0;
  bool first = true;
  while (!done) {
    const auto view = world.wait_for_view(version, kLookAtLeastEvery);
    if (view->version == version) continue;
    version = view->version;
    std::map<std::string, std::string> now;
    for (const auto& workload : view->workloads) now[workload->spec.key()] = describe(*workload);
    for (const auto& [key, text] : now)
      if (shown[key] != text && (!first || text.find("succeeded") == std::string::npos))
        out << fmt::format("{} {}\n", time_of_day(view->time), text);
    for (const auto& [key, text] : shown)
      if (!now.contains(key)) out << fmt::format("{} {} was deleted\n", time_of_day(view->time), key);
    out << std::flush;
    shown = std::move(now);
    first = false;
  }
}

}  // namespace

Activity::Activity(const world::World& world, std::ostream* out) {
  if (out != nullptr) thread_ = std::thread([this, &world, out] { print_changes(world, *out, done_); });
}

Activity::~Activity() {
  done_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace fairlead::app
