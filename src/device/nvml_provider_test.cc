#include "device/nvml_provider.h"

#include "device/nvml_faults.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fairlead::device {
namespace {

using base::Duration;

// A machine whose NVIDIA library is a stand-in, steered by a script.
class NvmlProviderTest : public testing::Test {
 protected:
  NvmlProviderTest() {
    std::string pattern = "/tmp/fairlead-nvml-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    setenv("FAIRLEAD_NVML_SCRIPT", (folder_ + "/script").c_str(), 1);
  }
  ~NvmlProviderTest() override {
    provider_.reset();
    unsetenv("FAIRLEAD_NVML_SCRIPT");
    std::filesystem::remove_all(folder_);
  }

  void script(const std::string& text) {
    std::ofstream(folder_ + "/script.new") << text;
    std::filesystem::rename(folder_ + "/script.new", folder_ + "/script");
  }
  DeviceProvider& open(const std::string& library = FAIRLEAD_NVML_CURRENT) {
    NvmlOptions options;
    options.program = "/proc/self/exe";
    options.library = library;
    options.device = Duration::milliseconds(500);
    options.clock = [this] { return now_; };
    provider_ = make_nvml_provider(options);
    return *provider_;
  }
  std::vector<DeviceReading> read() {
    auto readings = provider_->read();
    EXPECT_TRUE(readings.ok()) << readings.error().message();
    return readings ? *readings : std::vector<DeviceReading>();
  }
  void pass(Duration time) { now_ = now_ + time; }

  std::string folder_;
  Duration now_ = Duration::seconds(1000);
  std::unique_ptr<DeviceProvider> provider_;
};

TEST_F(NvmlProviderTest, FindsDevicesAndHowTheyAreLinked) {
  script(
      "gpus 3\n"
      "gpu.0.uuid GPU-aaa\ngpu.0.links 1 1 1 1\ngpu.0.ancestor.2 40\ngpu.0.numa 1\n"
      "gpu.1.uuid GPU-bbb\ngpu.1.links 0 0 0 0\ngpu.1.ancestor.2 10\ngpu.1.minor 7\n"
      "gpu.2.uuid GPU-ccc\ngpu.2.name NVIDIA A100-SXM4-40GB\ngpu.2.memory 40960\ngpu.2.mig 1g.5gb 2g.10gb\n");
  const auto devices = open().discover();
  ASSERT_TRUE(devices.ok()) << devices.error().message();
  ASSERT_EQ(devices->size(), 3U);
  const DiscoveredDevice& first = (*devices)[0];
  EXPECT_EQ(first.identity, "GPU-aaa");
  EXPECT_EQ(first.vendor, "nvidia");
  EXPECT_EQ(first.model, "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(first.memory_mib, 81559);
  EXPECT_EQ(first.pci_address, "0000:1b:00.0");
  EXPECT_EQ(first.numa_node, 1);
  EXPECT_EQ(first.visibility_variable, "CUDA_VISIBLE_DEVICES");
  EXPECT_EQ(first.visibility_value, "GPU-aaa");
  EXPECT_EQ(first.driver_version, "580.65.06");
  EXPECT_FALSE(first.simulated);
  EXPECT_EQ((*devices)[1].device_nodes, std::vector<std::string>{"/dev/nvidia7"});
  ASSERT_EQ(first.links.size(), 2U);
  EXPECT_EQ(first.links[0].to, "GPU-bbb");
  EXPECT_EQ(first.links[0].kind, "nvlink");
  EXPECT_EQ(first.links[0].width, 4);
  EXPECT_EQ(first.links[1].kind, "numa");
  EXPECT_EQ((*devices)[1].links[1].kind, "pcie-switch");
  EXPECT_EQ((*devices)[2].links[0].kind, "system");
  ASSERT_EQ((*devices)[2].partitions.size(), 2U);
  EXPECT_EQ((*devices)[2].partitions[1].profile, "2g.10gb");
  EXPECT_EQ((*devices)[2].partitions[1].memory_mib, 9856);
  EXPECT_EQ((*devices)[2].partitions[1].identity.substr(0, 4), "MIG-");
}

TEST_F(NvmlProviderTest, ThroughSwitchesEveryDeviceReachesEveryOther) {
  script("gpus 3\ngpu.0.links switch switch\ngpu.1.links switch switch switch\n");
  const auto devices = open().discover();
  ASSERT_TRUE(devices.ok());
  EXPECT_EQ((*devices)[0].links[0].kind, "nvlink");
  EXPECT_EQ((*devices)[0].links[0].width, 2);
  EXPECT_EQ((*devices)[0].links[1].kind, "system") << "the third has no link to the switch";
}

TEST_F(NvmlProviderTest, ReadsWhatDevicesSayAndLeavesOutWhatTheyDoNot) {
  script(
      "gpus 2\ngpu.0.busy 42\ngpu.0.used 1000\ngpu.0.power 300500\ngpu.0.temperature 61\ngpu.0.pids 12 34\n");
  open();
  const auto readings = read();
  ASSERT_EQ(readings.size(), 2U);
  EXPECT_EQ(readings[0].identity, "GPU-0");
  EXPECT_DOUBLE_EQ(*readings[0].utilisation, 0.42);
  EXPECT_EQ(readings[0].memory_used_mib, 1000);
  EXPECT_DOUBLE_EQ(*readings[0].power_watts, 300.5);
  EXPECT_DOUBLE_EQ(*readings[0].temperature_celsius, 61);
  EXPECT_EQ(readings[0].uncorrected_errors, 0);
  EXPECT_EQ(readings[0].pids, (std::vector<std::int64_t>{12, 34}));
  EXPECT_TRUE(readings[0].healthy);
  EXPECT_FALSE(readings[1].utilisation.has_value());
  EXPECT_FALSE(readings[1].power_watts.has_value());
  EXPECT_TRUE(readings[1].healthy);
}

TEST_F(NvmlProviderTest, WorksWithAnOldDriver) {
  script("gpus 2\ngpu.0.busy 10\ngpu.0.used 5\ngpu.0.links 1\ngpu.1.links 0\n");
  const auto devices = open(FAIRLEAD_NVML_OLD).discover();
  ASSERT_TRUE(devices.ok()) << devices.error().message();
  EXPECT_EQ((*devices)[0].memory_mib, 81559);
  EXPECT_EQ((*devices)[0].numa_node, -1);
  EXPECT_EQ((*devices)[0].links[0].kind, "nvlink");
  const auto readings = read();
  EXPECT_EQ(readings[0].memory_used_mib, 5);
  EXPECT_TRUE(readings[0].pids.empty());
  EXPECT_TRUE(readings[0].healthy);
}

TEST_F(NvmlProviderTest, SaysWhyThereIsNone) {
  script("gpus 1\n");
  const auto absent = open("/nowhere/libnvidia-ml.so.1").discover();
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code(), base::Code::kNotFound);
  script("fail nvmlInit_v2 9\n");
  const auto unloaded = open().discover();
  ASSERT_FALSE(unloaded.ok());
  EXPECT_EQ(unloaded.error().code(), base::Code::kNotFound);
  EXPECT_NE(unloaded.error().message().find("Driver Not Loaded"), std::string::npos);
  script("crash nvmlInit_v2\n");
  const auto crashed = open().discover();
  ASSERT_FALSE(crashed.ok());
  EXPECT_NE(crashed.error().message().find("crashed"), std::string::npos) << crashed.error().message();
}

TEST_F(NvmlProviderTest, ADeviceThatHangsIsIllAndTheOthersAreRead) {
  script("gpus 3\ngpu.2.used 7\n");
  open();
  ASSERT_EQ(read().size(), 3U);
  script("gpus 3\ngpu.2.used 7\nhang.1 nvmlDeviceGetUtilizationRates\n");
  auto readings = read();
  EXPECT_TRUE(readings[0].healthy);
  EXPECT_FALSE(readings[1].healthy);
  EXPECT_NE(readings[1].message.find("does not answer"), std::string::npos) << readings[1].message;
  EXPECT_TRUE(readings[2].healthy);
  EXPECT_EQ(readings[2].memory_used_mib, 7);
  // It is left alone for a while, and asked again then.
  script("gpus 3\n");
  readings = read();
  EXPECT_FALSE(readings[1].healthy);
  pass(Duration::seconds(61));
  readings = read();
  EXPECT_TRUE(readings[1].healthy) << readings[1].message;
}

TEST_F(NvmlProviderTest, ADeviceThatCrashesTheLibraryIsIll) {
  script("gpus 2\n");
  open();
  ASSERT_EQ(read().size(), 2U);
  script("gpus 2\ncrash.0 nvmlDeviceGetPowerUsage\n");
  const auto readings = read();
  EXPECT_FALSE(readings[0].healthy);
  EXPECT_NE(readings[0].message.find("crashed"), std::string::npos) << readings[0].message;
  EXPECT_TRUE(readings[1].healthy);
}

TEST_F(NvmlProviderTest, WithoutALibraryDevicesAreUnmonitoredFirstAndIllLater) {
  script("gpus 1\ngpu.0.busy 5\n");
  open();
  ASSERT_TRUE(read()[0].healthy);
  script("fail nvmlInit_v2 999\nhang.0 nvmlDeviceGetUtilizationRates\n");
  read();  // ends the probe
  pass(Duration::seconds(61));
  auto readings = read();
  EXPECT_FALSE(readings[0].healthy);
  script("gpus 1\n");
  readings = read();
  EXPECT_TRUE(readings[0].healthy) << readings[0].message;
}

TEST_F(NvmlProviderTest, ALostDeviceIsIllUntilItIsBack) {
  script("gpus 2\n");
  open();
  read();
  script("gpus 2\nfail.1 nvmlDeviceGetUtilizationRates 15\n");
  auto readings = read();
  EXPECT_TRUE(readings[0].healthy);
  EXPECT_FALSE(readings[1].healthy);
  EXPECT_EQ(readings[1].message, "GPU is lost");
  script("gpus 1\n");  // the library that starts anew does not find it
  readings = read();
  ASSERT_EQ(readings.size(), 2U);
  EXPECT_FALSE(readings[1].healthy);
  EXPECT_NE(readings[1].message.find("does not list it"), std::string::npos) << readings[1].message;
}

TEST_F(NvmlProviderTest, TheDriversRecoveryActionDecides) {
  script("gpus 1\ngpu.0.recovery 0\n");
  open();
  ASSERT_TRUE(read()[0].healthy);
  script("gpus 1\ngpu.0.recovery 1\ngpu.0.errors 3\nevent 0 48\n");
  auto readings = read();
  EXPECT_FALSE(readings[0].healthy);
  EXPECT_NE(readings[0].message.find("reset"), std::string::npos);
  script("gpus 1\ngpu.0.recovery 0\ngpu.0.errors 3\n");
  readings = read();
  EXPECT_TRUE(readings[0].healthy) << readings[0].message;
}

TEST_F(NvmlProviderTest, AnOlderDriversFaultsMakeADeviceIllUntilTheyFade) {
  script("gpus 1\n");
  open();
  ASSERT_TRUE(read()[0].healthy);
  script("gpus 1\nevent 0 13\nevent 0 31\n");
  EXPECT_TRUE(read()[0].healthy) << "a program's own fault";
  script("gpus 1\nevent 0 13\nevent 0 31\nevent 0 79\nevent 0 79\n");
  auto readings = read();
  EXPECT_FALSE(readings[0].healthy);
  EXPECT_NE(readings[0].message.find("XID 79"), std::string::npos);
  EXPECT_FALSE(read()[0].healthy);
  pass(Duration::seconds(601));
  EXPECT_TRUE(read()[0].healthy);
}

TEST_F(NvmlProviderTest, NewUncorrectedErrorsMakeADeviceIllUntilItIsReset) {
  script("gpus 1\ngpu.0.errors 2\n");
  open();
  EXPECT_TRUE(read()[0].healthy) << "what it had when it was found is history";
  script("gpus 1\ngpu.0.errors 5\n");
  auto readings = read();
  EXPECT_FALSE(readings[0].healthy);
  EXPECT_NE(readings[0].message.find("3 new uncorrectable"), std::string::npos);
  script("gpus 1\ngpu.0.errors 0\n");
  EXPECT_TRUE(read()[0].healthy);
  script("gpus 1\ngpu.0.wornOut 1\n");
  EXPECT_FALSE(read()[0].healthy);
}

TEST(NvmlFaults, AreClassedAsTheCatalogueSays) {
  const struct {
    std::int64_t xid;
    FaultClass kind;
  } cases[] = {{13, FaultClass::kApplication}, {43, FaultClass::kApplication}, {48, FaultClass::kDevice},
               {79, FaultClass::kBus},         {74, FaultClass::kFabric},      {120, FaultClass::kDevice},
               {149, FaultClass::kFabric},     {157, FaultClass::kRetirement}, {1, FaultClass::kUnknown},
               {999, FaultClass::kUnknown}};
  for (const auto& c : cases) EXPECT_EQ(classify_fault(c.xid), c.kind) << c.xid;
}

}  // namespace
}  // namespace fairlead::device
