#include "kube/leader_lease.h"

#include "base/json_reader.h"
#include "kube/scripted_server_test.h"
#include "manifest/api_writes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

namespace fairlead::kube {
namespace {

/// One Lease, kept as an API server keeps it: a write with an old version is refused.
class LeaseServer {
 public:
  LeaseServer() : scripted_([this](const net::HttpRequest& request) { return answer(request); }) {}

  net::HttpResponse answer(const net::HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    if (away_) return ScriptedServer::say(503, "{}");
    if (request.method == "GET")
      return there_ ? ScriptedServer::say(200, manifest::lease_json(lease_)) : ScriptedServer::say(404, "{}");
    base::JsonReader reader;
    const auto sent = reader.read(request.body);
    manifest::Lease lease = manifest::decode_lease(**sent);
    if ((request.method == "POST") == there_ || (there_ && lease.resource_version != lease_.resource_version))
      return ScriptedServer::say(409, "{}");
    there_ = true;
    lease_ = lease;
    lease_.resource_version = std::to_string(++version_);
    changed_.notify_all();
    return ScriptedServer::say(200, manifest::lease_json(lease_));
  }
  std::unique_ptr<LeaderLease> candidate(const std::string& name) {
    LeaderLeaseOptions options;
    options.server = scripted_.server();
    options.namespace_name = "ns";
    options.name = "fairlead";
    options.identity = name;
    options.length = base::Duration::seconds(1);
    options.renew_every = base::Duration::milliseconds(50);
    options.give_up_after = base::Duration::milliseconds(400);
    options.write_timeout = base::Duration::milliseconds(400);
    options.on_change = [this] {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    };
    return std::make_unique<LeaderLease>(std::move(options));
  }
  void wait_for_holder(const std::string& name) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lease_.holder == name; });
  }
  void wait_for(const LeaderLease& lease, LeaderLease::State state) {
    std::unique_lock lock(mutex_);
    while (lease.state() != state) changed_.wait_for(lock, std::chrono::milliseconds(20));
  }
  void steal(const std::string& name) {
    const std::lock_guard lock(mutex_);
    lease_.holder = name;
    lease_.resource_version = std::to_string(++version_);
  }
  void go_away(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool there_ = false;
  bool away_ = false;
  manifest::Lease lease_;
  std::uint64_t version_ = 0;
  ScriptedServer scripted_;
};

TEST(LeaderLease, OneLeadsAndTheNextFollowsWhenItGivesTheLeaseBack) {
  LeaseServer server;
  auto first = server.candidate("first");
  server.wait_for(*first, LeaderLease::State::kLeading);
  EXPECT_TRUE(first->may_write());
  auto second = server.candidate("second");
  EXPECT_FALSE(second->may_write());
  first.reset();
  server.wait_for_holder("second");
  server.wait_for(*second, LeaderLease::State::kLeading);
}

TEST(LeaderLease, ALeaderThatCannotRenewStopsWriting) {
  LeaseServer server;
  const auto lease = server.candidate("only");
  server.wait_for(*lease, LeaderLease::State::kLeading);
  server.go_away(true);
  server.wait_for(*lease, LeaderLease::State::kLost);
  EXPECT_FALSE(lease->may_write());
  // It does not lead again by itself: what it knows may be old.
  server.go_away(false);
  EXPECT_EQ(lease->state(), LeaderLease::State::kLost);
}

TEST(LeaderLease, ALeaderWhoseLeaseAnotherOneHoldsStopsWriting) {
  LeaseServer server;
  const auto lease = server.candidate("only");
  server.wait_for(*lease, LeaderLease::State::kLeading);
  server.steal("thief");
  server.wait_for(*lease, LeaderLease::State::kLost);
  EXPECT_FALSE(lease->may_write());
}

TEST(LeaderLease, ASchedulerThatRenewsALeaseOfTheSameNameIsFound) {
  const base::Time now = base::Time::from_unix_seconds(1'800'000'000);
  const auto lease = [&](const std::string& name, const std::string& holder, base::Time renewed) {
    manifest::Lease one;
    one.name = name;
    one.namespace_name = "kai";
    one.holder = holder;
    one.duration_seconds = 15;
    one.renewed = renewed;
    return manifest::lease_json(one);
  };
  const base::Time before = now - base::Duration::seconds(5);
  const struct {
    std::string leases;
    std::string found;
  } cases[] = {
      {lease("kai-scheduler", "kai-0", before), "kai/kai-scheduler (held by kai-0)"},
      {lease("kai-scheduler", "kai-0", now - base::Duration::seconds(300)), ""},
      {lease("kai-scheduler", "fairlead-1", before), ""},
      {lease("other", "kai-0", before), ""},
  };
  for (const auto& c : cases) {
    ScriptedServer scripted([&](const net::HttpRequest&) {
      return ScriptedServer::say(200, fmt::format(R"({{"items":[{}]}})", c.leases));
    });
    ApiClient client(scripted.server());
    EXPECT_EQ(other_scheduler(client, {"kai-scheduler"}, now), c.found);
  }
}

}  // namespace
}  // namespace fairlead::kube
