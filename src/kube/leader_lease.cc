#include "kube/leader_lease.h"

#include "base/clock.h"
#include "manifest/api_writes.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::kube {
namespace {

constexpr auto kTryAgain = base::Duration::milliseconds(250);

std::string leases_path(const std::string& namespace_name) {
  return fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases", namespace_name);
}

}  // namespace

LeaderLease::LeaderLease(LeaderLeaseOptions options) : options_(std::move(options)) {
  thread_ = std::thread([this] { run(); });
}

LeaderLease::~LeaderLease() {
  stop_.stop();
  thread_.join();
}

LeaderLease::State LeaderLease::state() const {
  const State state = state_;
  // The thread may be stopped with all others; time goes on.
  if (state == State::kLeading && base::monotonic_time().nanoseconds() >= valid_until_) return State::kLost;
  return state;
}

bool LeaderLease::may_write() const {
  return state_ == State::kLeading && base::monotonic_time().nanoseconds() < valid_until_;
}

void LeaderLease::enter(State state, const std::string& why) {
  if (state_.exchange(state) == state) return;
  if (options_.log) options_.log(why);
  if (options_.on_change) options_.on_change();
}

void LeaderLease::run() {
  ApiClient client(options_.server);
  base::Duration next = base::monotonic_time();
  while (going()) {
    const base::Duration begun = base::monotonic_time();
    const bool held = renew(client);
    if (held) {
      const bool lapsed =
          state_ == State::kLeading && base::monotonic_time().nanoseconds() >= valid_until_.load();
      if (lapsed) {
        // It was stopped, or cut off, for so long that another one may have led in between.
        enter(State::kLost, "the lease had lapsed before it was renewed");
        return;
      }
      valid_until_ = (begun + options_.give_up_after).nanoseconds();
      enter(State::kLeading, fmt::format("leads by lease {}/{}", options_.namespace_name, options_.name));
      next = begun + options_.renew_every;
    } else {
      if (state_ == State::kLeading && base::monotonic_time().nanoseconds() >= valid_until_.load()) {
        enter(State::kLost, "the lease could not be renewed in time");
        return;
      }
      next = base::monotonic_time() + kTryAgain;
    }
    stop_.wait(next - base::monotonic_time());
  }
  if (state_ != State::kLeading) return;
  // Given back.
  valid_until_ = 0;
  state_ = State::kLost;
  manifest::Lease lease;
  lease.name = options_.name;
  lease.namespace_name = options_.namespace_name;
  lease.resource_version = seen_version_;
  lease.duration_seconds = 1;
  static_cast<void>(client.call({.method = "PUT",
                                 .path = leases_path(options_.namespace_name) + "/" + options_.name,
                                 .body = manifest::lease_json(lease),
                                 .timeout = options_.write_timeout}));
}

bool LeaderLease::renew(ApiClient& client) {
  const std::string path = leases_path(options_.namespace_name);
  base::JsonReader reader;
  manifest::Lease lease;
  const auto answer = client.call({.path = path + "/" + options_.name, .timeout = options_.write_timeout});
  if (!answer || (!answer->ok() && answer->status != 404)) return false;
  const bool exists = answer->status != 404;
  if (exists) {
    reader.skip_arrays_named("managedFields");
    const auto object = reader.read(answer->body);
    if (!object) return false;
    lease = manifest::decode_lease(**object);
  }
  const base::Duration now = base::monotonic_time();
  if (lease.resource_version != seen_version_ || seen_holder_ != lease.holder) {
    seen_version_ = lease.resource_version;
    seen_holder_ = lease.holder;
    seen_at_ = now;
    seen_length_ = base::Duration::seconds(std::max<std::int64_t>(lease.duration_seconds, 1));
  }
  const bool ours = lease.holder == options_.identity;
  if (ours && state_ != State::kLeading) return false;  // it would be another process of the same name
  if (!ours && state_ == State::kLeading) {
    enter(State::kLost, fmt::format("{} holds the lease now", lease.holder));
    stop_.stop();
    return false;
  }
  if (!ours && !lease.holder.empty() && now - seen_at_ < seen_length_) return false;
  const base::Time wall = base::system_time();
  lease.name = options_.name;
  lease.namespace_name = options_.namespace_name;
  lease.duration_seconds = options_.length.nanoseconds() / 1'000'000'000;
  if (!ours) {
    lease.acquired = wall;
    lease.transitions += exists ? 1 : 0;
  }
  lease.holder = options_.identity;
  lease.renewed = wall;
  const auto written = client.call({.method = exists ? "PUT" : "POST",
                                    .path = exists ? path + "/" + options_.name : path,
                                    .body = manifest::lease_json(lease),
                                    .timeout = options_.write_timeout});
  if (!written || !written->ok()) return false;
  const auto object = reader.read(written->body);
  if (object) {
    seen_version_ = manifest::decode_lease(**object).resource_version;
    seen_holder_ = options_.identity;
    seen_at_ = now;
  }
  return true;
}

std::string other_scheduler(ApiClient& client, const std::vector<std::string>& scheduler_names,
                            base::Time now) {
  const auto answer = client.call_again({.path = "/apis/coordination.k8s.io/v1/leases"}, 3);
  if (!answer || !answer->ok()) return {};
  base::JsonReader reader;
  reader.skip_arrays_named("managedFields");
  const auto list = reader.read(answer->body);
  if (!list) return {};
  const base::JsonValue* items = (*list)->find("items");
  if (items == nullptr) return {};
  for (const base::JsonValue& item : items->items()) {
    const manifest::Lease lease = manifest::decode_lease(item);
    if (lease.holder.empty() || lease.holder.starts_with("fairlead-") || !lease.renewed) continue;
    if (std::find(scheduler_names.begin(), scheduler_names.end(), lease.name) == scheduler_names.end())
      continue;
    constexpr std::int64_t kLeeway = 15;
    if (now - *lease.renewed < base::Duration::seconds(lease.duration_seconds + kLeeway))
      return fmt::format("{}/{} (held by {})", lease.namespace_name, lease.name, lease.holder);
  }
  return {};
}

}  // namespace fairlead::kube
