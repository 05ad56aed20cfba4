#include "layers/rules.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::layers {
namespace {

std::string describe(const std::vector<Breach>& breaches) {
  std::string text;
  for (const Breach& breach : breaches) {
    text += breach.file + ":" + std::to_string(breach.line) + ": " + breach.what + "\n";
  }
  return text;
}

TEST(Layers, SourcesFollowTheRules) {
  const auto breaches = check_tree(FAIRLEAD_SOURCE_DIR);
  EXPECT_TRUE(breaches.empty()) << describe(breaches);
}

struct Case {
  std::string file;
  std::string content;
  std::string breach;  // part of the only breach; empty: allowed
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.file << ": " << c.content; }

class SourceRule : public testing::TestWithParam<Case> {};

TEST_P(SourceRule, Holds) {
  const auto breaches = check_source(GetParam().file, GetParam().content);
  if (GetParam().breach.empty()) {
    EXPECT_TRUE(breaches.empty()) << describe(breaches);
    return;
  }
  ASSERT_EQ(breaches.size(), 1U) << describe(breaches);
  EXPECT_NE(breaches[0].what.find(GetParam().breach), std::string::npos) << describe(breaches);
}

INSTANTIATE_TEST_SUITE_P(
    LayerMayUse, SourceRule,
    testing::Values(
        Case{"src/engine/fit.h", "#include \"model/node.h\"", ""},
        Case{"src/engine/fit.h", "#include \"base/result.h\"", ""},
        Case{"src/engine/fit.h", "#include \"engine/order.h\"", ""},
        Case{"src/engine/fit.h", "#include \"manifest/objects.h\"", "engine may not use manifest"},
        Case{"src/engine/fit_test.cc", "#include \"sim/world.h\"", "engine may not use sim"},
        Case{"src/model/node.h", "#include \"engine/fit.h\"", "model may not use engine"},
        Case{"src/base/time.cc", "#include \"model/node.h\"", "base may not use model"},
        Case{"src/manifest/queue.cc", "#include \"engine/fit.h\"", "manifest may not use engine"},
        Case{"src/cli/plan.cc", "#include \"engine/fit.h\"", ""},
        Case{"src/app/main.cc", "#include \"sim/world.h\"", ""},
        Case{"src/sim/world.cc", "#include \"cli/plan.h\"", "sim may not use cli"},
        Case{"src/engine/fit.cc", "#include \"fit.h\"", "does not name a header of ours"},
        Case{"src/engine/fit.cc", "#include \"../cli/plan.h\"", "does not name a header of ours"},
        Case{"src/engine/fit.cc", "  #  include \"cli/plan.h\"", "engine may not use cli"},
        Case{"src/engine/fit.cc", "// #include \"cli/plan.h\"", ""},
        Case{"tests/reference/fit.cc", "#include \"model/node.h\"", ""},
        Case{"tests/reference/fit.cc", "#include \"reference/order.h\"", ""},
        Case{"tests/reference/fit.cc", "#include \"engine/fit.h\"", "reference may not use engine"},
        Case{"src/common/strings.h", "", "\"common\" is none"}));

INSTANTIATE_TEST_SUITE_P(
    Libraries, SourceRule,
    testing::Values(Case{"src/manifest/yaml.cc", "#include <yaml-cpp/eventhandler.h>", ""},
                    Case{"src/cli/plan.cc", "#include <yaml-cpp/yaml.h>", "may not be included in cli"},
                    Case{"src/cli/plan.cc", "#include <CLI/CLI.hpp>", ""},
                    Case{"src/sim/world.cc", "#include <CLI/CLI.hpp>", "may not be included in sim"},
                    Case{"src/base/json.cc", "#include <simdjson.h>", ""},
                    Case{"src/engine/fit.cc", "#include <simdjson.h>", "may not be included in engine"},
                    Case{"src/base/map.h", "#include <absl/strings/str_cat.h>",
                         "may not be included in base"},
                    Case{"src/engine/fit.h", "#include <boost/unordered/unordered_flat_map.hpp>", ""},
                    Case{"src/kube/api.cc", "#include <boost/beast/core.hpp>", "may not be included in kube"},
                    Case{"src/engine/fit.cc", "#include <unistd.h>", "may not be included in engine"},
                    Case{"src/cli/plan.cc", "#include <unistd.h>", ""},
                    Case{"src/engine/fit.cc", "#include <gtest/gtest.h>", "belongs in a _test.cc file"},
                    Case{"src/engine/fit_test.cc", "#include <gtest/gtest.h>", ""},
                    Case{"src/engine/fit.cc", "#include <fstream>", "engine is pure"},
                    Case{"src/manifest/read.cc", "#include <fstream>", ""},
                    Case{"src/cli/plan.h", "#include <iostream>", "in a header"},
                    Case{"src/cli/plan.cc", "#include <iostream>", ""},
                    Case{"src/cli/plan.cc", "#include <regex>", "<regex>"}));

INSTANTIATE_TEST_SUITE_P(
    Words, SourceRule,
    testing::Values(
        Case{"src/net/http.cc", "co_await read();", "co_await"},
        Case{"src/net/http.cc", "int co_awaited = 0;", ""},
        Case{"src/net/http.cc", "// co_await read();\n/* co_await */ int x;", ""},
        Case{"src/net/http.cc", "const char* s = \"co_await\";", ""},
        Case{"src/net/http.cc", "auto s = R\"x(co_await \" )x\"; co_await s;", "co_await"},
        Case{"src/sim/world.cc", "std::this_thread::sleep_for(delay);", "sleep_for"},
        Case{"src/sim/world.cc", "auto t = std::chrono::system_clock::now();", "system_clock::now"},
        Case{"src/cli/plan.cc", "auto t = std::chrono::system_clock::now();", ""},
        Case{"src/sim/world.cc", "auto t = std::chrono::steady_clock::now();", ""},
        Case{"src/engine/round.cc", "auto t = std::chrono::steady_clock::now();", "read no clock"},
        Case{"src/sim/world.cc", "int i = std::rand();", "rand("},
        Case{"src/sim/world.cc", "int i = operand(2);", ""},
        Case{"src/cli/plan.cc", "std::regex pattern;", "std::regex"},
        Case{"src/cli/plan.cc", "const char c = '\"'; co_await x; const char d = '\"';", "co_await"},
        Case{"src/cli/plan.cc", "int n = 1'000'000; co_await x;", "co_await"},
        Case{"src/engine/fit.cc", "if (resource == \"nvidia.com/gpu\") {", "no vendor"},
        Case{"src/engine/fit_test.cc", "request(\"nvidia.com/gpu\");", ""},
        Case{"src/manifest/devices.cc", "{\"nvidia.com/gpu\", Vendor::kNvidia},", ""}));

TEST(Layers, BreachNamesItsLine) {
  const std::vector<Breach> expected = {{"src/sim/world.cc", 3, "co_await: g++ 12 miscompiles coroutines"}};
  EXPECT_EQ(check_source("src/sim/world.cc", "/* one\n two */\nco_await x;\n"), expected);
}

TEST(Layers, LinkedLayersFollowTheSameTable) {
  EXPECT_TRUE(check_cmake("src/sim/CMakeLists.txt", "fairlead_layer(sim USES engine manifest)").empty());
  const auto breaches =
      check_cmake("src/engine/CMakeLists.txt", "fairlead_layer(engine USES model sim LINKS fmt)");
  ASSERT_EQ(breaches.size(), 1U) << describe(breaches);
  EXPECT_EQ(breaches[0].what, "engine may not use sim, but links it");
}

TEST(Layers, TreeIsSearchedToTheBottom) {
  const auto root =
      std::filesystem::temp_directory_path() / ("fairlead-layers-" + std::to_string(::getpid()));
  std::filesystem::create_directories(root / "src/engine/place");
  std::ofstream(root / "src/engine/place/topology.h") << "#pragma once\n#include \"cli/plan.h\"\n";
  std::ofstream(root / "src/engine/CMakeLists.txt") << "fairlead_layer(engine USES cli)\n";
  const auto breaches = check_tree(root);
  std::filesystem::remove_all(root);
  ASSERT_EQ(breaches.size(), 2U) << describe(breaches);
  EXPECT_EQ(breaches[0].file, "src/engine/CMakeLists.txt");
  EXPECT_EQ(breaches[1].file, "src/engine/place/topology.h");
  EXPECT_EQ(breaches[1].line, 2);
}

TEST(Layers, MissingSourcesAreABreach) { EXPECT_EQ(check_tree("/nonexistent").size(), 1U); }

}  // namespace
}  // namespace fairlead::layers
