#include "base/json_write_again_test.h"
#include "base/json_writer.h"
#include "manifest/yaml_reader.h"
#include "manifest/yaml_scalar.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::manifest {
namespace {

using base::JsonValue;

/// Each object as JSON; items of a List with their index and the List's kind in front.
struct Collector : YamlObjects {
  std::vector<std::string> seen;
  void object(const JsonValue& value, std::optional<std::size_t> item, std::string_view kind,
              std::string_view version) override {
    std::string text;
    if (item) text = std::to_string(*item) + " " + std::string(version) + " " + std::string(kind) + " ";
    base::JsonWriter writer(text);
    base::write_again(value, writer);
    seen.push_back(std::move(text));
  }
  void progress(std::size_t) override {}
};

std::vector<std::string> read(std::string_view text) {
  YamlReader reader;
  Collector collector;
  while (!text.empty()) {
    const auto document = next_yaml_document(text);
    if (is_empty_yaml(document)) continue;
    const auto result = reader.read(document, collector);
    if (!result) collector.seen.push_back("error: " + result.error().message());
  }
  return collector.seen;
}

using Texts = std::vector<std::string>;

TEST(Yaml, ReadsAnObject) {
  EXPECT_EQ(
      read("kind: Pod\nmetadata:\n  name: a\n  labels: {x: 'y', \"n\": 1}\nlist:\n- 1\n- [a, b]\n- "
           "{}\nempty:\n"),
      (Texts{
          R"({"kind":"Pod","metadata":{"name":"a","labels":{"x":"y","n":1}},"list":[1,["a","b"],{}],"empty":null})"}));
  EXPECT_EQ(read("text: |\n  one\n  ---two\n"), (Texts{R"({"text":"one\n---two\n"})"}));
}

TEST(Yaml, ResolvesScalarsAsKubectlDoes) {
  const struct {
    const char* text;
    const char* json;
  } cases[] = {
      {"true", "true"},
      {"yes", "true"},
      {"On", "true"},
      {"y", "true"},
      {"FALSE", "false"},
      {"no", "false"},
      {"off", "false"},
      {"tRUE", "\"tRUE\""},
      {"null", "null"},
      {"~", "null"},
      {"12", "12"},
      {"-3", "-3"},
      {"+3", "3"},
      {"0x1f", "31"},
      {"0b101", "5"},
      {"0o17", "15"},
      {"017", "15"},
      {"1_000", "1000"},
      {"1.5", "1.5"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"1e3", "1e3"},
      {"+1.5", "1.5"},
      {"1.", "1"},
      {"08", "8"},
      {"500m", "\"500m\""},
      {"1.2.3", "\"1.2.3\""},
      {".inf", "\".inf\""},
      {"-inf", "\"-inf\""},
      {"2026-01-01T00:00:00Z", "\"2026-01-01T00:00:00Z\""},
      {"10.0.0.1", "\"10.0.0.1\""},
      {"0x", "\"0x\""},
      {"+", "\"+\""},
      {"--5", "\"--5\""},
      {"1e999", "1e999"},
      {"nan", "\"nan\""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(read("- " + std::string(c.text)), (Texts{"[" + std::string(c.json) + "]"})) << c.text;
    const std::string quoted = read("- \"" + std::string(c.text) + "\"").at(0);
    EXPECT_EQ(quoted, "[\"" + std::string(c.text) + "\"]");
  }
  EXPECT_EQ(read("- !!str 5\n- !!int \"7\"\n- !custom true"), (Texts{R"(["5",7,"true"])"}));
}

TEST(Yaml, TakesDocumentsOneByOne) {
  EXPECT_EQ(read("---\na: 1\n---\n# nothing\n--- \nb: 2\n...\n---\n"), (Texts{R"({"a":1})", R"({"b":2})"}));
  EXPECT_EQ(read("%YAML 1.1\n---\na: 1\n"), (Texts{R"({"a":1})"}));
  EXPECT_EQ(read("a: ---b\nc: 1\n"), (Texts{R"({"a":"---b","c":1})"}));
}

TEST(Yaml, TakesTheItemsOfAListOneByOne) {
  EXPECT_EQ(read("apiVersion: v1\nitems:\n- a: 1\n- b: [2]\nkind: PodList\nmetadata: {}\n"),
            (Texts{R"(0 v1 PodList {"a":1})", R"(1 v1 PodList {"b":[2]})"}));
  EXPECT_EQ(read("kind: List\nitems: []\n"), Texts{});
  EXPECT_EQ(read("spec:\n  items:\n  - 1\n"), (Texts{R"({"spec":{"items":[1]}})"}));
}

TEST(Yaml, FollowsAliasesWithinAnObject) {
  EXPECT_EQ(read("a: &x {k: 1}\nb: *x\nc: &y 2\nd: *y\n"),
            (Texts{R"({"a":{"k":1},"b":{"k":1},"c":2,"d":2})"}));
  EXPECT_EQ(read("a: &x {k: 1, l: 2}\nb:\n  k: 3\n  <<: *x\n"),
            (Texts{R"({"a":{"k":1,"l":2},"b":{"k":3,"l":2}})"}));
  EXPECT_TRUE(read("items:\n- &x 1\n- *x\n").at(1).starts_with("error: "));
}

TEST(Yaml, RefusesWhatIsTooMuch) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) bomb += "," + last;
    bomb += "]\n";
  }
  EXPECT_NE(read(bomb).at(0).find("aliases that stand for too much"), std::string::npos);
  EXPECT_NE(read(std::string(200, '[') + std::string(200, ']')).at(0).find("too deep"), std::string::npos);
  EXPECT_TRUE(read(std::string(100'000, '[')).at(0).starts_with("error: "));
}

TEST(Yaml, SaysWhereItIsWrong) {
  const std::string error = read("a: 1\nb: [1, 2\nc: 3\n").at(0);
  EXPECT_NE(error.find("line "), std::string::npos) << error;
  EXPECT_EQ(read("? [a]\n: 1\n").at(0).substr(0, 6), "error:");
  // The parser would make empty documents of these for ever.
  for (const char* stray : {"}", "]", ",", "a: 1\n}", "{a: 1}}", "- 1\n]"}) {
    EXPECT_TRUE(read(stray).back().starts_with("error: ")) << stray;
  }
  // One document that is wrong does not spoil the next.
  EXPECT_EQ(read("a: [\n---\nb: 2\n").at(1), R"({"b":2})");
}

}  // namespace
}  // namespace fairlead::manifest
