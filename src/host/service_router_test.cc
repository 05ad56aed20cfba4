#include "host/service_router.h"

#include <gtest/gtest.h>

#include <set>

namespace fairlead::host {
namespace {

/// A router whose clock the test sets and whose replicas are as healthy as it says.
class Routed : public testing::Test {
 protected:
  Routed()
      : router_(
            {.now = [this] { return now_; },
             .is_healthy = [this](std::uint16_t port, const std::string&) { return !sick_.contains(port); },
             .health_threads = 0}) {
    // Without threads: the test itself lets time pass.
    ServiceRouter::Callbacks callbacks;
    callbacks.wants = [this](const std::string&, std::int32_t replicas) { wanted_ = replicas; };
    callbacks.health = [this](const std::string& uid, bool healthy) { health_[uid] = healthy; };
    callbacks.drained = [this](const std::string& uid) { drained_.insert(uid); };
    router_.set_callbacks(std::move(callbacks));
  }

  ServiceState state(std::vector<ServiceReplica> replicas, std::int32_t wanted = 1) {
    ServiceState one;
    one.key = "p/chat";
    one.service.minimum_replicas = 0;
    one.service.maximum_replicas = 5;
    one.service.target = 2;
    one.service.request_deadline = base::Duration::seconds(10);
    one.service.scale_to_zero_retention = base::Duration::seconds(30);
    one.wanted = wanted;
    one.replicas = std::move(replicas);
    return one;
  }
  void pass(std::int64_t milliseconds) {
    now_ = now_ + base::Duration::milliseconds(milliseconds);
    router_.tick();
    for (int i = 0; i < 10; ++i) router_.check_health();
  }
  void request(bool gone = false) {
    router_.route(
        "p/chat", 0, "/x", [gone] { return gone; },
        [this](net::ProxyTarget target) { sent_.push_back(std::move(target)); },
        [this](net::ProxyRefusal refused) { refused_.push_back(refused.response.status); });
  }
  std::vector<int> ports() const {
    std::vector<int> ports;
    for (const auto& target : sent_) ports.push_back(target.port);
    return ports;
  }

  base::Duration now_ = base::Duration::seconds(100);
  std::set<std::uint16_t> sick_;
  ServiceRouter router_;
  std::int32_t wanted_ = -1;
  std::map<std::string, bool> health_;
  std::set<std::string> drained_;
  std::vector<net::ProxyTarget> sent_;
  std::vector<int> refused_;
};

TEST_F(Routed, GoesToTheLeastBusy) {
  router_.follow({state({{"a", 1}, {"b", 2}})});
  pass(1);
  request();
  request();
  request();
  EXPECT_EQ(ports(), (std::vector<int>{1, 2, 1}));
  sent_[0].on_done(200, 10, base::Duration::milliseconds(5));
  sent_[2].on_done(200, 10, base::Duration::milliseconds(5));
  request();
  EXPECT_EQ(ports().back(), 1);
}

TEST_F(Routed, HoldsRequestsUntilAReplicaIsHealthy) {
  router_.follow({state({}, 0)});
  request();
  EXPECT_EQ(wanted_, 1) << "the first request wakes it, at once";
  EXPECT_TRUE(sent_.empty());
  sick_ = {1};
  router_.follow({state({{"a", 1}})});
  pass(100);
  EXPECT_TRUE(sent_.empty());
  sick_.clear();
  pass(100);
  pass(100);
  EXPECT_EQ(ports(), std::vector<int>{1});
  EXPECT_TRUE(health_.at("a"));
}

TEST_F(Routed, TellsWhatReachedAServiceSinceItWasLastAsked) {
  router_.follow({state({{"a", 1}})});
  pass(1);
  EXPECT_EQ(router_.take_traffic().at("p/chat").requests_per_second, 0);
  request();
  request();
  sent_[0].on_done(200, 10, base::Duration::milliseconds(5));
  pass(1000);
  auto traffic = router_.take_traffic().at("p/chat");
  EXPECT_EQ(traffic.in_flight, 1);
  EXPECT_EQ(traffic.held, 0);
  EXPECT_EQ(traffic.requests_per_second, 2);
  EXPECT_EQ(traffic.latency_p95_milliseconds, 5);
  router_.follow({state({})});
  request();
  pass(1000);
  traffic = router_.take_traffic().at("p/chat");
  EXPECT_EQ(traffic.held, 1);
  EXPECT_EQ(traffic.in_flight, 0);
  EXPECT_FALSE(traffic.latency_p95_milliseconds);
}

TEST_F(Routed, RefusesAtTheDeadline) {
  router_.follow({state({}, 0)});
  request();
  pass(9'999);
  EXPECT_TRUE(refused_.empty());
  pass(1);
  EXPECT_EQ(refused_, std::vector<int>{503});
}

TEST_F(Routed, ForgetsClientsThatHaveGone) {
  router_.follow({state({}, 0)});
  request(true);
  router_.follow({state({{"a", 1}})});
  pass(100);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(Routed, DrainsBeforeItSaysSo) {
  router_.follow({state({{"a", 1}, {"b", 2}})});
  pass(1);
  request();
  router_.follow({state({{"a", 1, true}, {"b", 2}})});
  pass(1);
  EXPECT_FALSE(drained_.contains("a"));
  request();
  EXPECT_EQ(ports(), (std::vector<int>{1, 2})) << "nothing new goes to what drains";
  sent_[0].on_done(200, 1, base::Duration());
  pass(1);
  EXPECT_TRUE(drained_.contains("a"));
}

TEST_F(Routed, OneBadAnswerIsNoIllness) {
  router_.follow({state({{"a", 1}})});
  pass(1);
  sick_ = {1};
  pass(2'000);
  EXPECT_TRUE(health_.at("a"));
  pass(100);
  pass(100);
  EXPECT_FALSE(health_.at("a"));
}

TEST_F(Routed, ScalesWithWhatIsInFlightAndSleepsAgain) {
  router_.follow({state({{"a", 1}})});
  pass(1);
  for (int i = 0; i < 7; ++i) request();
  pass(500);
  pass(500);
  EXPECT_EQ(wanted_, 4);
  for (auto& target : sent_) target.on_done(200, 1, base::Duration());
  for (int i = 0; i < 10; ++i) pass(500);
  EXPECT_EQ(wanted_, 1);
  for (int i = 0; i < 70; ++i) pass(500);
  EXPECT_EQ(wanted_, 0);
}

TEST_F(Routed, SaysWhatIsNotThere) {
  request();
  EXPECT_EQ(refused_, std::vector<int>{404});
  ServiceState failed = state({});
  failed.awake = false;
  router_.follow({failed});
  request();
  EXPECT_EQ(refused_.back(), 503);
}

}  // namespace
}  // namespace fairlead::host
