#include "cli/yaml_text.h"

#include "base/json_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::cli {
namespace {

std::string yaml_of(const std::string& json) {
  base::JsonReader reader;
  auto document = reader.read(json);
  return document ? yaml_text(**document) : document.error().message();
}

TEST(YamlText, WritesBlocks) {
  EXPECT_EQ(
      yaml_of(
          R"({"binds":[{"pod":"ml/a-0","devices":[0,-7]},[true,null]],"none":[],"empty":{},"last":{"x":3}})"),
      "binds:\n"
      "- pod: ml/a-0\n"
      "  devices:\n"
      "  - 0\n"
      "  - -7\n"
      "- - true\n"
      "  - null\n"
      "none: []\n"
      "empty: {}\n"
      "last:\n"
      "  x: 3\n");
  EXPECT_EQ(yaml_of("{}"), "{}\n");
}

TEST(YamlText, QuotesWhatAReaderCouldTakeForSomethingElse) {
  struct Case {
    std::string text;
    std::string yaml;
  };
  const Case cases[] = {
      {"plain words (3)", "plain words (3)"},
      {"yes", "\"yes\""},
      {"Null", "\"Null\""},
      {"1e3", "\"1e3\""},
      {"", "\"\""},
      {"a: b", "\"a: b\""},
      {"N", "\"N\""},
      {"tail ", "\"tail \""},
      {"# note", "\"# note\""},
      {"-1", "\"-1\""},
      {"node-a", "node-a"},
      {"a\\nb", "\"a\\nb\""},
      {"2026-01-01", "\"2026-01-01\""},
  };
  for (const Case& c : cases) EXPECT_EQ(yaml_of("[\"" + c.text + "\"]"), "- " + c.yaml + "\n");
}

}  // namespace
}  // namespace fairlead::cli
