#include "server/stream_pump.h"

#include "server/fake_world_test.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>

namespace fairlead::server {
namespace {

class FakeBody final : public net::BodyStream {
 public:
  bool write(std::string_view bytes) override {
    std::lock_guard lock(mutex_);
    if (closed_ || full_) return false;
    text_ += bytes;
    changed_.notify_all();
    return true;
  }
  void end() override {
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  bool closed() const override {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  void on_closed(std::function<void()>) override {}
  void on_room(std::function<void()>) override {}

  void set_full(bool full) {
    std::lock_guard lock(mutex_);
    full_ = full;
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  bool wait_for(const std::string& part) {
    return wait([&] { return text_.find(part) != std::string::npos; });
  }
  bool wait_for_end() {
    return wait([&] { return ended_; });
  }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), condition);
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool full_ = false;
  bool closed_ = false;
  bool ended_ = false;
};

// A request for a stream, as the server would carry it out.
std::shared_ptr<FakeBody> follow(ApiUnderTest& test, const std::string& target,
                                 std::vector<std::pair<std::string, std::string>> headers = {}) {
  auto request = ApiUnderTest::request("GET", target);
  request.peer_account = ApiUnderTest::kOwnAccount;
  request.headers = std::move(headers);
  const auto response = test.handlers.on_request(request);
  EXPECT_EQ(response.status, 200) << response.body;
  auto body = std::make_shared<FakeBody>();
  if (response.stream) response.stream(body);
  return body;
}

TEST(StreamPump, EventsComeAsTheyHappenAndResumeWhereTheyWere) {
  ApiUnderTest test;
  test.world.past->add("old", "workload vision/a");
  const auto first = follow(test, "/api/v1/events", {{"accept", "text/event-stream"}});
  EXPECT_TRUE(first->wait_for("retry: 1000\n\n"));
  test.as_own("POST", "/api/v1/workloads", kWorkload);
  ASSERT_TRUE(first->wait_for("id: 2\nevent: workload-submitted\ndata: {\"position\":2,")) << first->text();
  EXPECT_EQ(first->text().find("old"), std::string::npos) << "a new stream begins with what comes";
  test.world.past->add("later", "workload vision/hello");
  const auto resumed = follow(test, "/api/v1/events?watch=true", {{"last-event-id", "1"}});
  EXPECT_TRUE(resumed->wait_for("event: later")) << resumed->text();
  EXPECT_LT(resumed->text().find("id: 2\n"), resumed->text().find("id: 3\n"));
  const auto all = follow(test, "/api/v1/events?watch=true&after=0");
  EXPECT_TRUE(all->wait_for("event: old"));
}

TEST(StreamPump, AReaderThatIsTooSlowIsCutOff) {
  ApiUnderTest test;
  const auto slow = follow(test, "/api/v1/events?watch=true");
  const auto quick = follow(test, "/api/v1/events?watch=true");
  slow->set_full(true);
  test.as_own("POST", "/api/v1/workloads", kWorkload);
  EXPECT_TRUE(slow->wait_for_end());
  EXPECT_TRUE(quick->wait_for("workload-submitted"));
}

TEST(StreamPump, SubjectsAreFiltered) {
  ApiUnderTest test;
  const auto one = follow(test, "/api/v1/events?watch=true&subject=workload vision/hello");
  test.world.past->add("other", "workload vision/b");
  test.as_own("POST", "/api/v1/workloads", kWorkload);
  EXPECT_TRUE(one->wait_for("workload-submitted"));
  EXPECT_EQ(one->text().find("other"), std::string::npos);
}

TEST(StreamPump, ManyStreamsShareOneThread) {
  ApiUnderTest test;
  std::vector<std::shared_ptr<FakeBody>> bodies;
  for (int i = 0; i < 500; ++i) bodies.push_back(follow(test, "/api/v1/events?watch=true"));
  EXPECT_NE(test.as_own("GET", "/metrics").body.find("fairlead_http_streams 500\n"), std::string::npos);
  test.as_own("POST", "/api/v1/workloads", kWorkload);
  for (const auto& body : bodies) ASSERT_TRUE(body->wait_for("workload-submitted"));
  for (const auto& body : bodies) body->close();
}

TEST(StreamPump, ALogIsFollowedToItsEndAndThroughASlowReader) {
  ApiUnderTest test;
  test.world.add_workload("vision", "a", "ada");
  test.world.log = "one\n";
  test.world.log_ended = false;
  const auto body = follow(test, "/api/v1/workloads/vision/a/logs?follow=true");
  EXPECT_TRUE(body->wait_for("one\n"));
  body->set_full(true);
  test.world.append_log("two\n", false);
  body->set_full(false);
  EXPECT_TRUE(body->wait_for("one\ntwo\n")) << body->text();
  test.world.append_log("three\n", true);
  test.world.change_workload("vision", "a", [](world::WorkloadView& workload) {
    workload.state = world::WorkloadState::kSucceeded;
    workload.ended = test_time(1);
    workload.replicas[0].ended = test_time(1);
  });
  EXPECT_TRUE(body->wait_for_end());
  EXPECT_EQ(body->text(), "one\ntwo\nthree\n");
}

TEST(StreamPump, ALogGoesOnWithTheNextAttempt) {
  ApiUnderTest test;
  test.world.add_workload("vision", "a", "ada");
  test.world.log = "try\n";
  const auto body = follow(test, "/api/v1/workloads/vision/a/logs?follow=true");
  EXPECT_TRUE(body->wait_for("try\n"));
  test.world.change_workload("vision", "a", [](world::WorkloadView& workload) {
    world::ReplicaView next = workload.replicas[0];
    next.uid = "uid-a-worker-0-1";
    next.attempt = 1;
    workload.replicas.insert(workload.replicas.begin(), next);
  });
  EXPECT_TRUE(body->wait_for("try\ntry\n")) << body->text();
}

}  // namespace
}  // namespace fairlead::server
