#include "server/change_log.h"

#include "server/fake_world_test.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace fairlead::server {
namespace {

// What a stream is told to write; refuses while it is full.
class Sink final : public net::BodyStream {
 public:
  bool write(std::string_view bytes) override {
    if (full) return false;
    text += bytes;
    return true;
  }
  void end() override { ended = true; }
  bool closed() const override { return ended; }
  void on_closed(std::function<void()>) override {}
  void on_room(std::function<void()>) override {}

  std::string take() { return std::exchange(text, {}); }
  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  std::string text;
  bool full = false;
  bool ended = false;
};

// A stream of changes and what it is fed from.
struct Watched {
  FakeWorld world;
  History history{[past = world.past]() -> base::Result<std::unique_ptr<ledger::LedgerReader>> {
    return std::unique_ptr<ledger::LedgerReader>(std::make_unique<FakeReader>(past));
  }};
  ChangeLog log{"epoch"};
  Series series;
  std::shared_ptr<Sink> sink = std::make_shared<Sink>();
  std::shared_ptr<PumpedStream> stream;

  Identity viewer_of(const std::string& queue) {
    Identity identity;
    identity.user = "ada";
    identity.grants = {{Role::kViewer, queue}};
    return identity;
  }
  void refresh() {
    EXPECT_TRUE(history.refresh());
    log.follow(world.view());
  }
  void begin(const std::string& queue, std::optional<ChangePosition> after = std::nullopt) {
    refresh();
    sink = std::make_shared<Sink>();
    stream = change_stream(sink, log, history, series, viewer_of(queue), std::move(after));
    pump();
  }
  bool pump() {
    refresh();
    return stream->pump({*world.view(), std::chrono::steady_clock::now()});
  }
  ChangePosition here() const { return {"epoch", log.version(), history.newest()}; }
};

TEST(ChangeLog, TellsWhatDiffersBetweenViews) {
  FakeWorld world;
  const auto before = world.view();
  EXPECT_TRUE(changes_between(*before, *before).empty());
  world.add_workload("vision", "train", "ada");
  const auto after = world.view();
  EXPECT_EQ(changes_between(*before, *after).workloads, std::set<std::string>{"vision/train"});
  EXPECT_EQ(changes_between(*after, *before).workloads, std::set<std::string>{"vision/train"});
  world::View other = *after;
  other.devices[0].utilisation = 0.75;
  other.nodes[0].ready = false;
  other.queues.pop_back();
  const Changes changes = changes_between(*after, other);
  EXPECT_EQ(changes.devices, std::set<std::string>{"SIM-0"});
  EXPECT_EQ(changes.nodes, std::set<std::string>{"node-a"});
  EXPECT_EQ(changes.queues.size(), 1U);
  EXPECT_TRUE(changes.workloads.empty());
}

TEST(ChangeLog, APositionSurvivesItsText) {
  const auto read = parse_change_position(to_string({"a1b2", 17, 40}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->epoch, "a1b2");
  EXPECT_EQ(read->version, 17U);
  EXPECT_EQ(read->position, 40U);
  for (const char* wrong : {"", "-", "1-2", "a--", "a-1-x"}) {
    EXPECT_FALSE(parse_change_position(wrong)) << wrong;
  }
}

TEST(ChangeStream, SendsWhatChangesAsFarAsItMayBeSeen) {
  Watched watched;
  watched.begin("vision");
  EXPECT_TRUE(watched.sink->has("event: reset"));
  watched.sink->take();
  watched.world.add_workload("vision", "train", "ada");
  watched.world.add_workload("search", "secret", "bob");
  watched.world.past->add("workload-submitted", "workload vision/train", "ada");
  watched.world.past->add("workload-submitted", "workload search/secret", "bob");
  EXPECT_TRUE(watched.pump());
  EXPECT_TRUE(watched.sink->has("event: workload\ndata: {"));
  EXPECT_TRUE(watched.sink->has("event: history\ndata: {"));
  EXPECT_TRUE(watched.sink->has("event: turn\nid: epoch-"));
  EXPECT_FALSE(watched.sink->has("secret"));
  watched.sink->take();
  watched.series.add(*watched.world.view(), test_time(10), {});
  EXPECT_TRUE(watched.pump());
  EXPECT_TRUE(watched.sink->has("event: sample\ndata: {\"fleet\":{"));
}

TEST(ChangeStream, GoesOnWhereAReaderWas) {
  Watched watched;
  watched.begin("");
  const ChangePosition left = watched.here();
  watched.world.add_workload("vision", "train", "ada");
  watched.begin("", left);
  EXPECT_TRUE(watched.sink->has("event: resumed"));
  EXPECT_TRUE(watched.sink->has("\"name\":\"train\""));
  watched.begin("", watched.here());
  EXPECT_FALSE(watched.sink->has("train"));
  for (const ChangePosition& unknown :
       {ChangePosition{"earlier", 1, 0}, ChangePosition{"epoch", 9999, 0}, ChangePosition{"epoch", 0, 0}}) {
    watched.begin("", unknown);
    EXPECT_TRUE(watched.sink->has("event: reset")) << to_string(unknown);
  }
}

TEST(ChangeStream, AReaderThatWasSlowGetsTheLatestState) {
  Watched watched;
  watched.begin("");
  watched.sink->take();
  watched.sink->full = true;
  watched.world.add_workload("vision", "first", "ada");
  EXPECT_TRUE(watched.pump());
  watched.world.add_workload("vision", "second", "ada");
  EXPECT_TRUE(watched.pump());
  watched.sink->full = false;
  EXPECT_TRUE(watched.pump());
  EXPECT_TRUE(watched.sink->has("\"name\":\"first\""));
  EXPECT_TRUE(watched.sink->has("\"name\":\"second\""));
}

TEST(ChangeStream, IsServedAsServerSentEvents) {
  ApiUnderTest test;
  const auto response = test.as_own("GET", "/api/v1/changes");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/event-stream");
  EXPECT_TRUE(response.stream);
  EXPECT_EQ(test.as_own("GET", "/api/v1/changes?after=x").status, 400);
  // A program that does not ask for a stream gets what there is.
  auto sink = std::make_shared<Sink>();
  response.stream(sink);
  EXPECT_TRUE(sink->has("event: reset"));
  EXPECT_TRUE(sink->ended);
}

}  // namespace
}  // namespace fairlead::server
