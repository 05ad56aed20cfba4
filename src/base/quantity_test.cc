#include "base/quantity.h"

#include <gtest/gtest.h>

namespace fairlead::base {
namespace {

struct Case {
  const char* text;
  std::int64_t milli;
  std::int64_t whole;
};

TEST(Quantity, ReadsEveryFormOfTheGrammarAndRoundsUp) {
  const Case cases[] = {
      {"0", 0, 0},
      {"1", 1000, 1},
      {"500m", 500, 1},
      {"1500m", 1500, 2},
      {"0.5", 500, 1},
      {".5", 500, 1},
      {"5.", 5000, 5},
      {"+2", 2000, 2},
      {"-2", -2000, -2},
      {"-0.5", -500, -1},
      {"1k", 1'000'000, 1000},
      {"2Ki", 2'048'000, 2048},
      {"1.5Gi", 1'610'612'736'000, 1'610'612'736},
      {"20G", 20'000'000'000'000, 20'000'000'000},
      {"1e3", 1'000'000, 1000},
      {"1E3", 1'000'000, 1000},
      {"12e-1", 1200, 2},
      {"1n", 1, 1},
      {"1u", 1, 1},
      {"100u", 1, 1},
      {"0.0000000000000000000000000001", 1, 1},
      {"123456789.123456789", 123'456'789'124, 123'456'790},
      {"00012", 12'000, 12},
      {"1e-999999999999", 1, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto milli = parse_quantity_milli(c.text);
    const auto whole = parse_quantity(c.text);
    ASSERT_TRUE(milli.ok()) << milli.error().message();
    ASSERT_TRUE(whole.ok()) << whole.error().message();
    EXPECT_EQ(*milli, c.milli);
    EXPECT_EQ(*whole, c.whole);
  }
}

TEST(Quantity, RefusesWhatIsOutsideTheGrammar) {
  for (const char* text :
       {"",     "-",  "+",   ".",     "m",     "Ki",   "1 ",  " 1",  "1x",   "1KI", "1ki", "1K",
        "1Mii", "1e", "1e+", "1.2.3", "1e3Ki", "0x10", "1,5", "--1", "1 Gi", "NaN", "inf"}) {
    SCOPED_TRACE(text);
    const auto result = parse_quantity(text);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), Code::kInvalidArgument);
  }
}

TEST(Quantity, SaysWhatIsTooLarge) {
  for (const char* text :
       {"9223372036854775808", "8Ei", "10E", "1e19", "1e999999999999", "99999999999999999999999999"}) {
    SCOPED_TRACE(text);
    const auto result = parse_quantity(text);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), Code::kOutOfRange);
  }
  EXPECT_EQ(*parse_quantity("7Ei"), std::int64_t{7} << 60U);
  EXPECT_FALSE(parse_quantity_milli("7Ei").ok());
}

}  // namespace
}  // namespace fairlead::base
