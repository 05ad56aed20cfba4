#include "model/cel/expression.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::model::cel {
namespace {

DeviceView accelerator() {
  OfferedDevice device;
  device.name = "gpu-0";
  using Kind = AttributeValue::Kind;
  device.attributes = {{"count", {Kind::kInteger, 7, false, ""}},
                       {"driverVersion", {Kind::kVersion, 0, false, "560.35.3"}},
                       {"productName", {Kind::kText, 0, false, "NVIDIA H100 80GB HBM3"}},
                       {"resource.kubernetes.io/pcieRoot", {Kind::kText, 0, false, "pci0000:01"}},
                       {"sharedReady", {Kind::kBoolean, 0, true, ""}}};
  device.capacities = {{"memory", 80LL * 1024 * 1024 * 1024 * 1000, {}}};
  return DeviceView("gpu.example.com", device);
}

std::string text_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kError:
      return "error: " + value.text;
    case Value::Kind::kBoolean:
      return value.boolean ? "true" : "false";
    case Value::Kind::kInteger:
      return std::to_string(value.integer);
    case Value::Kind::kText:
      return value.text;
    default:
      return std::string(kind_name(value.kind));
  }
}

struct Case {
  std::string expression;
  std::string result;
};

TEST(Expression, Evaluates) {
  const std::vector<Case> cases = {
      // Devices.
      {R"(device.driver == "gpu.example.com")", "true"},
      {R"(device.attributes["gpu.example.com"].productName.startsWith("NVIDIA"))", "true"},
      {R"(device.attributes["gpu.example.com"].count)", "7"},
      {R"(device.attributes["resource.kubernetes.io"].pcieRoot)", "pci0000:01"},
      {R"(device.attributes["gpu.example.com"].sharedReady)", "true"},
      {R"(device.attributes["gpu.example.com"].absent)", "error: no such key: absent"},
      {R"(device.attributes["other.example.com"].absent)", "error: no such key: absent"},
      {R"(has(device.attributes["gpu.example.com"].productName))", "true"},
      {R"(has(device.attributes["gpu.example.com"].absent))", "false"},
      {R"(has(device.attributes["other.example.com"].absent))", "false"},
      {R"("productName" in device.attributes["gpu.example.com"])", "true"},
      {R"("gpu.example.com" in device.attributes)", "true"},
      {R"("other.example.com" in device.attributes)", "false"},
      {R"(device.allowMultipleAllocations)", "false"},
      {R"(device.attributes["gpu.example.com"].?absent.orValue("none"))", "none"},
      {R"(device.attributes[?"gpu.example.com"].?count.orValue(1) == 7)", "true"},
      {R"(device.attributes["gpu.example.com"].?count.hasValue())", "true"},
      // Quantities and versions.
      {R"(device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("79Gi")))", "true"},
      {R"(device.capacity["gpu.example.com"].memory.compareTo(quantity("80Gi")) == 0)", "true"},
      {R"(device.capacity["gpu.example.com"].memory.isLessThan(quantity("80Gi")))", "false"},
      {R"(device.capacity["gpu.example.com"].memory == quantity("81920Mi"))", "true"},
      {R"(quantity("1500m").isInteger())", "false"},
      {R"(quantity("2k").asInteger())", "2000"},
      {R"(quantity("1").add(quantity("500m")).compareTo(quantity("1.5")))", "0"},
      {R"(quantity("3").sub(1).asInteger())", "2"},
      {R"(quantity("-3").sign())", "-1"},
      {R"(isQuantity("12Q"))", "false"},
      {R"(device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("550.0.0")))", "true"},
      {R"(device.attributes["gpu.example.com"].driverVersion.compareTo(semver("560.35.3")))", "0"},
      {R"(device.attributes["gpu.example.com"].driverVersion.major())", "560"},
      {R"(semver("1.0.0-alpha.9").isLessThan(semver("1.0.0-alpha.10")))", "true"},
      {R"(semver("1.0.0-alpha").isLessThan(semver("1.0.0")))", "true"},
      {R"(semver("v1.2", true).minor())", "2"},
      {R"(isSemver("1.2"))", "false"},
      {R"(semver("01.2.3"))", "error: \"01.2.3\" is not a version"},
      // Logic: what decides makes an error of the rest meaningless, on either side.
      {R"(false && device.attributes["x"].y)", "false"},
      {R"(device.attributes["x"].y && false)", "false"},
      {R"(device.attributes["x"].y || true)", "true"},
      {R"(device.attributes["x"].y || false)", "error: no such key: y"},
      {R"(!(1 == 2))", "true"},
      {R"(1 < 2 ? "a" : "b")", "a"},
      {R"(true ? 1 : device.attributes["x"].y)", "1"},
      // Comparisons.
      {"1 == 1.0", "true"},
      {R"(1 == "1")", "false"},
      {R"("a" < "b")", "true"},
      {"2 >= 2 && 3 > 2 && 1 <= 1 && 1 != 2", "true"},
      {R"(1 < "1")", "error: < does not take an integer and a text"},
      {"-9223372036854775808 < 0", "true"},
      {"9223372036854775807 + 1", "error: integer overflow"},
      {"-9223372036854775808 / -1", "error: integer overflow"},
      {"7 / 2 * 2 + 7 % 2", "7"},
      {"1 / 0", "error: division by zero"},
      {"0x1F", "31"},
      // Lists and maps.
      {R"("b" in ["a", "b"])", "true"},
      {R"(3 in [1, 2])", "false"},
      {"[1, 2][1]", "2"},
      {"[1, 2][2]", "error: index out of range"},
      {R"(size([1, 2, 3]) + size("äb"))", "5"},
      {R"({"a": 1}["a"])", "1"},
      {R"(["a", "b"].exists(x, x == "b") && ["a"].all(x, x != "b"))", "true"},
      {R"([1, 2, 3].filter(x, x > 1).size())", "2"},
      {R"([1, 2, 3].map(x, x * 2)[2])", "6"},
      {R"([1, 2, 2].exists_one(x, x == 1))", "true"},
      {R"(cel.bind(d, device.attributes["gpu.example.com"], d.count > 5 && d.sharedReady))", "true"},
      // Texts.
      {R"("abc".endsWith("bc") && "abc".contains("b"))", "true"},
      {R"("H100".lowerAscii() + " x ".trim())", "h100x"},
      {R"("a-b-c".split("-").size())", "3"},
      {R"("abc".indexOf("c"))", "2"},
      {R"('single' == "single" && r"\d" == "\\d")", "true"},
      {R"("""a "quoted" text""".size())", "15"},
      {R"("A" == "A")", "true"},
      {R"(int("42") + int(1.9))", "43"},
      {R"(string(7) + string(true))", "7true"},
      {R"("H100-80GB".matches("^H[12]00-\\d{2,3}GB$"))", "true"},
      {R"("H100".matches("h100") || "H100".matches("(?i)h100"))", "true"},
      {"1 + 1 // a comment", "2"},
  };
  const DeviceView device = accelerator();
  for (const Case& one : cases) {
    const auto compiled = Expression::compile(one.expression);
    ASSERT_TRUE(compiled.ok()) << one.expression << ": " << compiled.error().message();
    EXPECT_EQ(text_of(compiled->evaluate(device)), one.result) << one.expression;
  }
}

TEST(Expression, SaysWhatItDoesNotUnderstand) {
  const std::vector<Case> cases = {
      {"", "at character 1: the expression ends too early"},
      {"device.", "at character 8: the name of a field is missing"},
      {"device.driver ==", "at character 17: the expression ends too early"},
      {"request.driver", "at character 1: request is not known; a selector speaks of device"},
      {"device.name",
       "at character 12: a device has no name here; it has driver, attributes, capacity and "
       "allowMultipleAllocations"},
      {"duration('1h')",
       "at character 15: the function duration() is not among those that selectors have here"},
      {"'a'.reverse()",
       "at character 14: the function reverse() is not among those that selectors have here"},
      {"size()", "at character 7: the function size() takes another number of arguments"},
      {"'a", "at character 1: a text does not end"},
      {"'\\q'", "at character 2: an escape in a text is not known"},
      {"1 2", "at character 3: something follows the expression"},
      {"a#", "at character 2: a character that is not part of CEL"},
      {"99999999999999999999", "at character 1: not a number of 64 bits"},
      {"has(device)", "at character 12: has() takes a field, such as device.attributes[\"d\"].name"},
      {"'a'.matches('(')", "at character 17: the pattern has a ( without its )"},
      {"[1", "at character 3: ] is missing"},
  };
  for (const Case& one : cases) {
    const auto compiled = Expression::compile(one.expression);
    ASSERT_FALSE(compiled.ok()) << one.expression;
    EXPECT_EQ(compiled.error().message(), one.result) << one.expression;
  }
}

TEST(Expression, StaysWithinItsLimits) {
  const auto refuses = [](const std::string& text) {
    const auto compiled = Expression::compile(text);
    return !compiled.ok() && compiled.error().code() == base::Code::kResourceExhausted;
  };
  EXPECT_TRUE(refuses(std::string(Expression::kLongest + 1, ' ')));
  EXPECT_TRUE(refuses(std::string(5000, '(')));
  EXPECT_TRUE(refuses(std::string(5000, '!') + "true"));

  std::string loops = "1 == 1";
  const std::string list = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]";
  for (const char* variable : {"a", "b", "c", "d", "e", "f"})
    loops = list + ".all(" + variable + ", " + loops + ")";
  std::string doubles = "size(x)";
  for (int i = 0; i < 40; ++i) doubles = "cel.bind(x, x + x, " + doubles + ")";
  const DeviceView device = accelerator();
  for (const std::string& text :
       {loops, "cel.bind(x, ['a'], " + doubles + ") > 0", "cel.bind(x, 'a', " + doubles + ") > 0"}) {
    const auto compiled = Expression::compile(text);
    ASSERT_TRUE(compiled.ok()) << compiled.error().message();
    const auto selected = compiled->selects(device);
    ASSERT_FALSE(selected.ok());
    EXPECT_EQ(selected.error().code(), base::Code::kResourceExhausted) << selected.error().message();
  }
}

TEST(Expression, SelectsByABooleanOnly) {
  const auto compiled = Expression::compile("device.driver");
  ASSERT_TRUE(compiled.ok());
  EXPECT_EQ(compiled->selects(accelerator()).error().message(), "the selector gives a text, not a boolean");
}

struct Match {
  const char* pattern;
  const char* text;
  bool found;
};

TEST(Pattern, Finds) {
  const std::vector<Match> cases = {
      {"abc", "xabcx", true},
      {"^abc", "xabc", false},
      {"abc$", "abcx", false},
      {"a.c", "a\nc", false},
      {"a|b|cd", "xcd", true},
      {"^(a|b)*$", "abba", true},
      {"^(a|b)*$", "abc", false},
      {"^a+b?c*$", "aab", true},
      {"^a{2}$", "aa", true},
      {"^a{2}$", "aaa", false},
      {"^a{2,}$", "aaaa", true},
      {"^a{1,3}$", "aaaa", false},
      {"^a{0,2}$", "", true},
      {"^(ab){2,3}c$", "ababc", true},
      {"[^a-c]", "abc", false},
      {"[a\\-c]", "-", true},
      {"^[\\d.]+$", "1.2.3", true},
      {"\\bfoo\\b", "a foo b", true},
      {"\\bfoo\\b", "afoob", false},
      {"\\w+@\\w+", "me@here", true},
      {"^\\S+$", "a b", false},
      {"^.$", "ä", true},
      {"(?i)gpu", "GPU", true},
      {"x*", "", true},
      {"^(?:a|ab)(c|bcd)$", "abcd", true},
      {"^(a*)*$", "aaaa", true},
      {"a{,3}", "a{,3}", true},
      {"(?P<name>a)b", "ab", true},
      {"^a??b$", "b", true},
  };
  for (const Match& one : cases) {
    const auto compiled = Pattern::compile(one.pattern);
    ASSERT_TRUE(compiled.ok()) << one.pattern << ": " << compiled.error().message();
    EXPECT_EQ(compiled->found_in(one.text), one.found) << one.pattern << " in " << one.text;
  }
}

TEST(Pattern, IsRefusedWhereItIsWrongOrTooLarge) {
  for (const char* wrong : {"(", ")", "[a", "*a", "a\\", "a{3,1}", "a{2000}", "((((a{99}){99}){99}){99})",
                            "[b-a]", "\\q", "(?=a)"}) {
    EXPECT_FALSE(Pattern::compile(wrong).ok()) << wrong;
  }
}

TEST(Pattern, TakesTimeLinearInTheText) {
  const auto compiled = Pattern::compile("^(a*)*(a*)*(a*)*b$");
  ASSERT_TRUE(compiled.ok());
  EXPECT_FALSE(compiled->found_in(std::string(20000, 'a')));
}

}  // namespace
}  // namespace fairlead::model::cel
