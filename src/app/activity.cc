#include "app/activity.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>

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

bool comes_before(const world::WorkloadView& a, const world::WorkloadView& b) {
  return std::tie(a.spec.project, a.spec.name) < std::tie(b.spec.project, b.spec.name);
}

/// What of `view` is not in `before`. Views of workloads that have not changed are the same objects in both,
/// so that thousands that wait cost a comparison each.
void print_difference(const world::View& before, const world::View& view, std::ostream& out) {
  const std::string time = time_of_day(view.time);
  const auto& then = before.workloads;
  const auto& now = view.workloads;
  const bool first = before.version == 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < then.size() || j < now.size()) {
    if (j == now.size() || (i < then.size() && comes_before(*then[i], *now[j]))) {
      out << fmt::format("{} {} was deleted\n", time, then[i++]->spec.key());
      continue;
    }
    const bool is_new = i == then.size() || comes_before(*now[j], *then[i]);
    const world::WorkloadView& workload = *now[j++];
    std::string old;
    if (!is_new) {
      const world::WorkloadView& last = *then[i++];
      if (&last == &workload) continue;
      old = describe(last);
    }
    const std::string text = describe(workload);
    if (text != old && (!first || workload.state != world::WorkloadState::kSucceeded))
      out << fmt::format("{} {}\n", time, text);
  }
}

void print_changes(const world::World& world, std::ostream& out, const std::atomic<bool>& done) {
  std::shared_ptr<const world::View> shown = std::make_shared<world::View>();
  while (!done) {
    auto view = world.wait_for_view(shown->version, kLookAtLeastEvery);
    if (view->version == shown->version) continue;
    print_difference(*shown, *view, out);
    out << std::flush;
    shown = std::move(view);
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
