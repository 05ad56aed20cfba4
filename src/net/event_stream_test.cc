#include "net/event_stream.h"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::net {
namespace {

std::vector<ServerEvent> read(std::string_view text, std::size_t piece) {
  std::vector<ServerEvent> events;
  EventStreamReader reader;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    EXPECT_TRUE(reader.feed(text.substr(at, piece), [&](const ServerEvent& event) {
      events.push_back(event);
      return true;
    }));
  }
  return events;
}

TEST(EventStream, ReadsWhatItWrites) {
  const ServerEvent plain{"", "7", "one", std::nullopt};
  const ServerEvent full{"workload", "8", "two\n\nlines ", base::Duration::milliseconds(1500)};
  const ServerEvent empty{"ping", "9", "", std::nullopt};
  const ServerEvent odd{std::string("a\0b", 3), "10", "", std::nullopt};  // only an id has no NUL
  const std::string text = write_event(plain) + write_heartbeat() + write_event(full) + write_event(empty) +
                           write_event(odd) + "data: cut off\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, text.size()}) {
    EXPECT_EQ(read(text, piece), (std::vector<ServerEvent>{plain, full, empty, odd})) << piece;
  }
}

TEST(EventStream, CannotBeMadeToSayMore) {
  const std::string text = write_event({"a\ndata: x", "1\r\n\r\ndata: y", "z\rdata: w", std::nullopt});
  const auto events = read(text, text.size());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].name, "adata: x");
  EXPECT_EQ(events[0].id, "1data: y");
  EXPECT_EQ(events[0].data, "z\ndata: w");
}

TEST(EventStream, ReadsTheStandardsForms) {
  const std::string text =
      "\xef\xbb\xbf: comment\r\ndata\r\ndata:x\r\rid: 1\rdata: a\n\nignored: 1\nretry: soon\ndata: "
      "b\nid\n\nevent: e\n\n";
  const auto events = read(text, 1);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].data, "\nx");
  EXPECT_EQ(events[1].id, "1");
  EXPECT_EQ(events[2], (ServerEvent{"", "", "b", std::nullopt}));
}

TEST(EventStream, StopsWhereItIsToldToAndBeforeAnEventWithoutEnd) {
  EventStreamReader reader(100);
  EXPECT_FALSE(reader.feed("data: 1\n\ndata: 2\n\n", [](const ServerEvent&) { return false; }));
  EventStreamReader bounded(100);
  EXPECT_FALSE(bounded.feed("data: " + std::string(200, 'x'), [](const ServerEvent&) { return true; }));
}

}  // namespace
}  // namespace fairlead::net
