#include "base/json_reader.h"
#include "base/json_write_again_test.h"
#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace fairlead::base {
namespace {

std::string round_trip(std::string_view json) {
  JsonReader reader;
  const auto value = reader.read(json);
  if (!value) return "error: " + value.error().message();
  std::string out;
  JsonWriter writer(out);
  write_again(**value, writer);
  return out;
}

TEST(Json, ReadsAndWritesTheSame) {
  for (const char* text :
       {R"({})", R"([])", R"({"a":[1,2.50,-3e7,true,false,null,"x"],"b":{"c":{}}})", R"(["\"\\\n\t"])",
        R"({"a":1,"a":2})", R"([123456789012345678901234567890])", "[\"\u00e9\"]"}) {
    EXPECT_EQ(round_trip(text), text);
  }
  EXPECT_EQ(round_trip(" { \"a\" : [ 1 , 2 ] } \n"), R"({"a":[1,2]})");
  EXPECT_EQ(round_trip(R"(["\u0041\ud83d\ude00"])"), "[\"A\xf0\x9f\x98\x80\"]");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text :
       {"", "{", "}", "[1,]", "{\"a\"}", "{\"a\":}", "[01]", "[1.]", "[nul]", "[tru]", "[\"a]", "[1] 2",
        "[1]]", "{\"a\":1,}", "[\"\x80\"]", "nothing", "[+1]", "[.5]", "{a:1}"}) {
    EXPECT_TRUE(round_trip(text).starts_with("error: ")) << text << " gave " << round_trip(text);
  }
  EXPECT_TRUE(round_trip(std::string(200, '[') + std::string(200, ']')).starts_with("error: "));
  EXPECT_FALSE(round_trip(std::string(100, '[') + std::string(100, ']')).starts_with("error: "));
}

TEST(Json, FindsTheLastMemberOfAName) {
  JsonReader reader;
  const auto value = reader.read(R"({"a":1,"b":2,"a":3})");
  EXPECT_EQ((*value)->find("a")->text(), "3");
  EXPECT_EQ((*value)->find("c"), nullptr);
  EXPECT_EQ((*value)->find("b")->find("a"), nullptr);
}

TEST(Json, PassesOverArraysThatNobodyReads) {
  JsonReader reader;
  reader.skip_arrays_named("managedFields");
  const auto value = reader.read(R"({"managedFields":[{"x":1}],"labels":{"managedFields":"kept"}})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ((*value)->find("managedFields"), nullptr);
  EXPECT_EQ((*value)->find("labels")->find("managedFields")->text(), "kept");
}

TEST(Json, ScansValuesWithoutReadingThem) {
  JsonScanner scanner(R"( {"a]\"}":[1,{"b":"\\"}]} , 17 )");
  EXPECT_EQ(*scanner.value(), R"({"a]\"}":[1,{"b":"\\"}]})");
  scanner.skip_space();
  EXPECT_TRUE(scanner.take(','));
  EXPECT_EQ(*scanner.value(), "17");
  scanner.skip_space();
  EXPECT_TRUE(scanner.at_end());
  for (const char* text : {"", "\"abc", "[1,2", "{\"a\":\"", ","})
    EXPECT_FALSE(JsonScanner(text).value().ok()) << text;
}

TEST(JsonWriter, WritesNumbersShortAndExact) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_array();
  writer.value(0.1);
  writer.value(1e300);
  writer.value(2.0);
  writer.value(std::numeric_limits<double>::infinity());
  writer.value(std::numeric_limits<std::int64_t>::min());
  writer.value(std::numeric_limits<std::uint64_t>::max());
  writer.end_array();
  EXPECT_EQ(out, "[0.1,1e+300,2,null,-9223372036854775808,18446744073709551615]");
}

TEST(JsonWriter, IndentsWhereItIsToldTo) {
  std::string out;
  JsonWriter writer(out, 2);
  writer.begin_object();
  writer.member("name", "a\x01");
  writer.key("list");
  writer.begin_array();
  writer.value(1);
  writer.end_array();
  writer.key("empty");
  writer.begin_object();
  writer.end_object();
  writer.end_object();
  EXPECT_EQ(out, "{\n  \"name\": \"a\\u0001\",\n  \"list\": [\n    1\n  ],\n  \"empty\": {}\n}");
}

}  // namespace
}  // namespace fairlead::base
