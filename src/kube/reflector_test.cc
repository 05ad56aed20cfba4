#include "kube/reflector.h"

#include "kube/scripted_server_test.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace fairlead::kube {
namespace {

using manifest::LiveKind;

std::string node(const std::string& name, int version) {
  return fmt::format(R"({{"metadata":{{"name":"{0}","uid":"{0}","resourceVersion":"{1}"}}}})", name, version);
}
std::string event(const std::string& type, const std::string& object) {
  return fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", type, object);
}
std::string list(const std::string& items, int version, const std::string& next = {}) {
  return fmt::format(
      R"({{"kind":"NodeList","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})", version,
      next, items);
}

/// Follows nodes, and notes what comes as "+a", "-a", "begun", "listed".
class Following {
 public:
  explicit Following(const std::shared_ptr<const ApiServer>& server, LiveKind kind = LiveKind::kNode)
      : queue_([this] {
          const std::lock_guard lock(mutex_);
          changed_.notify_all();
        }) {
    ReflectorOptions options;
    options.server = server;
    options.kind = kind;
    options.source = manifest::source_of(kind);
    options.resource = manifest::resource_of(kind);
    reflector_ = std::make_unique<Reflector>(std::move(options), queue_);
  }
  ~Following() { queue_.close(); }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

  /// Waits until this many were noted; what they are, in order.
  std::vector<std::string> wait_for(std::size_t count) {
    while (noted_.size() < count) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(20));
      }
      for (const Change& change : queue_.take()) {
        if (change.kind == Change::Kind::kListBegun) noted_.emplace_back("begun");
        if (change.kind == Change::Kind::kListed) noted_.emplace_back("listed");
        if (change.kind == Change::Kind::kUpserted) noted_.push_back("+" + change.object.key);
        if (change.kind == Change::Kind::kRemoved) noted_.push_back("-" + change.object.key);
      }
    }
    return noted_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  ChangeQueue queue_;
  std::vector<std::string> noted_;
  std::unique_ptr<Reflector> reflector_;
};

using Noted = std::vector<std::string>;

TEST(Reflector, ListsInPagesAndThenWatchesFromThere) {
  std::atomic<int> watches{0};
  ScriptedServer scripted([&](const net::HttpRequest& request) {
    if (request.query_value("watch")) {
      if (watches++ > 0) return ScriptedServer::stream({});
      const std::string added = event("ADDED", node("c", 12));
      // Lines are cut anywhere on the way.
      return ScriptedServer::stream({added.substr(0, 9), added.substr(9) + event("BOOKMARK", node("", 20)),
                                     event("DELETED", node("a", 21))});
    }
    if (request.query_value("continue")) return ScriptedServer::say(200, list(node("b", 2), 10));
    return ScriptedServer::say(200, list(node("a", 1), 10, "more"));
  });
  Following following(scripted.server());
  EXPECT_EQ(following.wait_for(6), (Noted{"begun", "+a", "+b", "listed", "+c", "-a"}));
  std::vector<std::string> asked;
  while (watches < 2) asked = scripted.asked();
  asked = scripted.asked();
  EXPECT_NE(asked[2].find("resourceVersion=10&"), std::string::npos) << asked[2];
  EXPECT_NE(asked[3].find("resourceVersion=21&"), std::string::npos)
      << "resumes after the last event: " << asked[3];
}

TEST(Reflector, ListsAgainWhenItsPlaceIsForgotten) {
  std::atomic<int> lists{0};
  ScriptedServer scripted([&](const net::HttpRequest& request) {
    if (request.query_value("watch")) {
      if (lists > 1) return ScriptedServer::stream({event("ADDED", node("z", 30))});
      return ScriptedServer::stream({event("ERROR", R"({"kind":"Status","code":410,"message":"too old"})")});
    }
    return ScriptedServer::say(200, list(node(lists++ == 0 ? "a" : "b", 1), 10));
  });
  Following following(scripted.server());
  EXPECT_EQ(following.wait_for(7), (Noted{"begun", "+a", "listed", "begun", "+b", "listed", "+z"}));
}

TEST(Reflector, TakesAKindThatIsNotInstalledForNone) {
  ScriptedServer scripted([](const net::HttpRequest&) { return ScriptedServer::say(404, "{}"); });
  Following following(scripted.server(), LiveKind::kQueue);
  EXPECT_EQ(following.wait_for(2), (Noted{"begun", "listed"}));
}

TEST(Reflector, TriesAgainWhileTheServerIsUnwell) {
  std::atomic<int> calls{0};
  ScriptedServer scripted([&](const net::HttpRequest& request) {
    if (request.query_value("watch")) return ScriptedServer::stream({});
    if (calls++ < 6) return ScriptedServer::say(calls % 2 == 0 ? 500 : 429, "{}");
    return ScriptedServer::say(200, list(node("a", 1), 10));
  });
  Following following(scripted.server());
  EXPECT_EQ(following.wait_for(3), (Noted{"begun", "+a", "listed"}));
}

TEST(Reflector, WhatIsNoJsonIsAskedForAgain) {
  std::atomic<int> lists{0};
  ScriptedServer scripted([&](const net::HttpRequest& request) {
    if (request.query_value("watch")) return ScriptedServer::stream({"not json\n"});
    return ScriptedServer::say(200, lists++ == 0 ? "<html>" : list(node("a", 1), 10));
  });
  Following following(scripted.server());
  EXPECT_EQ(following.wait_for(3), (Noted{"begun", "+a", "listed"}));
}

}  // namespace
}  // namespace fairlead::kube
