#include "app/node_command.h"

#include "base/json_fields.h"
#include "base/json_reader.h"
#include "cli/command_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;

struct Ran {
  int code;
  std::string out;
  std::string err;
};

Ran run(std::vector<const char*> words, std::vector<cli::Command> more = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const cli::Environment environment{out, err, {}, {}, {}};
  more.insert(more.begin(), node_command());
  words.insert(words.begin(), "fairlead");
  const int code =
      cli::run_command_line(static_cast<int>(words.size()), words.data(), environment, std::move(more));
  return {code, out.str(), err.str()};
}

class NodeDescribe : public testing::Test {
 protected:
  NodeDescribe() {
    std::string pattern = "/tmp/fairlead-node-XXXXXX";
    root_ = mkdtemp(pattern.data());
    for (const char* address : {"0000:01:00.0", "0000:02:00.0"}) {
      const std::string folder = std::string("sys/bus/pci/devices/") + address;
      file(folder + "/vendor", "0x1da3");
      file(folder + "/device", "0x1020");
      file(folder + "/class", "0x120000");
      file(folder + "/numa_node", "1");
    }
    fs::create_symlink("/sys/bus/pci/drivers/habanalabs", root_ / "sys/bus/pci/devices/0000:01:00.0/driver");
  }
  ~NodeDescribe() override { fs::remove_all(root_); }
  void file(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  fs::path root_;
};

TEST_F(NodeDescribe, ShowsARecordedTreeAsATable) {
  const Ran ran = run({"node", "describe", "--sysroot", root_.c_str()});
  EXPECT_EQ(ran.code, cli::kExitOk) << ran.err;
  EXPECT_NE(ran.out.find("Gaudi2"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("96.0 GiB"), std::string::npos);
  EXPECT_NE(ran.out.find("numa to 1"), std::string::npos);
  EXPECT_NE(ran.out.find("unhealthy: its driver is not loaded"), std::string::npos);
  EXPECT_EQ(ran.out.find("isolation"), std::string::npos)
      << "another machine's guarantees cannot be tried here";
}

TEST_F(NodeDescribe, PrintsJsonAndYaml) {
  const Ran json = run({"node", "describe", "--sysroot", root_.c_str(), "-o", "json"});
  base::JsonReader reader;
  const auto document = reader.read(json.out);
  ASSERT_TRUE(document.ok()) << json.out;
  const auto devices = (*document)->find("devices")->items();
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(base::text_field(devices[0], "identity"), "0000:01:00.0");
  EXPECT_TRUE(base::boolean_field(devices[0], "healthy"));
  EXPECT_FALSE(base::boolean_field(devices[1], "healthy"));
  EXPECT_EQ(base::text_field(devices[0], "visibilityVariable"), "HABANA_VISIBLE_DEVICES");
  const Ran yaml = run({"node", "describe", "--sysroot", root_.c_str(), "-o", "yaml"});
  EXPECT_NE(yaml.out.find("model: Gaudi2"), std::string::npos) << yaml.out;
}

TEST_F(NodeDescribe, RefusesAFolderThatIsNoTree) {
  const Ran ran = run({"node", "describe", "--sysroot", "/nowhere"});
  EXPECT_EQ(ran.code, cli::kExitFailed);
  EXPECT_NE(ran.err.find("/nowhere"), std::string::npos);
}

TEST_F(NodeDescribe, SaysWhatIsEnforcedOnThisMachine) {
  const Ran ran = run({"node", "describe", "-o", "json"});
  ASSERT_EQ(ran.code, cli::kExitOk) << ran.err;
  base::JsonReader reader;
  const auto document = reader.read(ran.out);
  ASSERT_TRUE(document.ok());
  const base::JsonValue* isolation = (*document)->find("isolation");
  ASSERT_NE(isolation, nullptr);
  std::size_t missing = 0;
  for (const char* key : {"memory", "cpu", "devices", "accounts"}) {
    const std::string holds = base::text_field(*isolation, key);
    EXPECT_TRUE(holds == "enforced" || holds == "none") << key;
    missing += holds == "none" ? 1 : 0;
  }
  EXPECT_EQ(isolation->find("notEnforced")->items().size(), missing);
}

TEST_F(NodeDescribe, StandsBesideWhatOtherLayersAddToTheCommand) {
  cli::Command other;
  other.name = "node";
  other.description = "More about machines";
  cli::Command counting;
  counting.name = "count";
  counting.description = "Count machines";
  counting.run = [](const cli::Environment& environment) -> int {
    environment.out << "counted\n";
    return cli::kExitOk;
  };
  other.commands.push_back(counting);
  EXPECT_EQ(run({"node", "count"}, {other}).out, "counted\n");
  EXPECT_EQ(run({"node", "describe", "--sysroot", root_.c_str()}, {other}).code, cli::kExitOk);
}

}  // namespace
}  // namespace fairlead::app
