#include "base/time.h"

#include <gtest/gtest.h>

namespace fairlead::base {
namespace {

TEST(Time, ReadsInstantsWithFractionAndOffset) {
  const struct {
    const char* text;
    std::int64_t nanoseconds;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-01-01T00:00:00Z", 1'767'225'600'000'000'000},
      {"2026-01-01T00:00:00.5+02:00", 1'767'218'400'500'000'000},
      {"2024-02-29T23:59:59-00:30", 1'709'252'999'000'000'000},
      {"1969-12-31T23:59:59.999999999Z", -1},
      {"2000-01-01t00:00:00z", 946'684'800'000'000'000},
      {"2000-01-01T00:00:00.1234567891234Z", 946'684'800'123'456'789},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto time = parse_time(c.text);
    ASSERT_TRUE(time.ok()) << time.error().message();
    EXPECT_EQ(time->unix_nanoseconds(), c.nanoseconds);
  }
}

TEST(Time, RefusesWhatIsNoInstant) {
  for (const char* text :
       {"", "now", "2026-01-01", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-1-1T00:00:00Z",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+2:00", "2026-01-01T00:00:00Zz"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(parse_time(text).ok());
  }
  for (const char* text :
       {"9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "2150-01-01T00:00:00Z"}) {
    EXPECT_EQ(parse_time(text).error().code(), Code::kOutOfRange) << text;
  }
}

TEST(Time, WritesWhatItReads) {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2026-12-31T23:59:59.000000001Z", "1901-02-28T12:00:00.25Z",
        "2149-12-31T23:59:59.999999999Z", "1900-01-01T00:00:00Z"}) {
    EXPECT_EQ(format_time(*parse_time(text)), text);
  }
}

TEST(Duration, ReadsWhatGoWrites) {
  const struct {
    const char* text;
    std::int64_t nanoseconds;
    const char* written;
  } cases[] = {
      {"0", 0, "0s"},
      {"0s", 0, "0s"},
      {"1h30m", 5'400'000'000'000, "1h30m0s"},
      {"250ms", 250'000'000, "250ms"},
      {"-5s", -5'000'000'000, "-5s"},
      {"1.5h", 5'400'000'000'000, "1h30m0s"},
      {".5s", 500'000'000, "500ms"},
      {"1us", 1000, "1\u00b5s"},
      {"1500ns", 1500, "1.5\u00b5s"},
      {"1w", 604'800'000'000'000, "168h0m0s"},
      {"2d", 172'800'000'000'000, "48h0m0s"},
      {"1m0.25s", 60'250'000'000, "1m0.25s"},
      {"-1ns", -1, "-1ns"},
      {"876000h", 3'153'600'000'000'000'000, "876000h0m0s"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto duration = parse_duration(c.text);
    ASSERT_TRUE(duration.ok()) << duration.error().message();
    EXPECT_EQ(duration->nanoseconds(), c.nanoseconds);
    EXPECT_EQ(format_duration(*duration), c.written);
  }
}

TEST(Duration, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "-", "5", "s", "1x", "1h30", "1 h", ".s", "1..5s", "1hh", "+"}) {
    SCOPED_TRACE(text);
    ASSERT_FALSE(parse_duration(text).ok());
    EXPECT_EQ(parse_duration(text).error().code(), Code::kInvalidArgument);
  }
  for (const char* text :
       {"9223372036854775808ns", "99999999999999999999h", "5215w", "876001h", "-876001h"}) {
    EXPECT_EQ(parse_duration(text).error().code(), Code::kOutOfRange) << text;
  }
}

}  // namespace
}  // namespace fairlead::base
