#include "device/sysfs_provider.h"

#include "device/device_provider.h"
#include "device/pci_accelerators.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fairlead::device {
namespace {

namespace fs = std::filesystem;

// A recorded tree of /sys and /proc.
class SysfsProviderTest : public testing::Test {
 protected:
  SysfsProviderTest() {
    std::string pattern = "/tmp/fairlead-sysfs-XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~SysfsProviderTest() override { fs::remove_all(root_); }

  void file(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  // A device below bridges ("pci0000:00/0000:00:01.0"); returns its folder.
  std::string pci(const std::string& bridges, const std::string& address, const std::string& vendor,
                  const std::string& device, const std::string& kind, const std::string& numa = "0") const {
    const std::string folder = "sys/devices/" + bridges + "/" + address;
    file(folder + "/vendor", vendor);
    file(folder + "/device", device);
    file(folder + "/class", kind);
    file(folder + "/numa_node", numa);
    fs::create_directories(root_ / "sys/bus/pci/devices");
    fs::create_symlink("../../../devices/" + bridges + "/" + address,
                       root_ / "sys/bus/pci/devices" / address);
    return folder;
  }
  void driver(const std::string& folder, const std::string& name, const std::string& version) const {
    fs::create_symlink("/sys/bus/pci/drivers/" + name, root_ / folder / "driver");
    if (!version.empty()) file("sys/module/" + name + "/version", version);
  }
  std::vector<DiscoveredDevice> discover() {
    provider_ = make_sysfs_provider(root_.string());
    auto devices = provider_->discover();
    EXPECT_TRUE(devices.ok());
    return devices ? *devices : std::vector<DiscoveredDevice>();
  }

  fs::path root_;
  std::unique_ptr<DeviceProvider> provider_;
};

TEST_F(SysfsProviderTest, FindsAmdDevicesWithTheirFabric) {
  int node = 1;
  for (const char* address : {"0000:05:00.0", "0000:26:00.0"}) {
    const std::string folder = pci("pci0000:00/0000:00:0" + std::to_string(node) + ".0", address, "0x1002",
                                   "0x74a1", "0x120000", std::to_string(node - 1));
    driver(folder, "amdgpu", "6.8.5");
    file(folder + "/unique_id", "aaaa00000000000" + std::to_string(node));
    file(folder + "/product_name", "AMD Instinct MI300X OAM");
    file(folder + "/mem_info_vram_total", "206141652992");
    file(folder + "/drm/card" + std::to_string(node) + "/dev", "226:1");
    file(folder + "/drm/renderD12" + std::to_string(node) + "/dev", "226:129");
    const std::string kfd = "sys/class/kfd/kfd/topology/nodes/" + std::to_string(node);
    file(kfd + "/properties", "location_id " + std::to_string(node == 1 ? 0x0500 : 0x2600) + "\ndomain 0");
    file(kfd + "/io_links/0/properties", "type 2\nnode_to 0");
    file(kfd + "/io_links/1/properties", "type 11\nnode_to " + std::to_string(3 - node));
    ++node;
  }
  file("sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 96\nlocation_id 0");
  const auto devices = discover();
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0].identity, "GPU-aaaa000000000001");
  EXPECT_EQ(devices[0].vendor, "amd");
  EXPECT_EQ(devices[0].model, "AMD-Instinct-MI300X-OAM");
  EXPECT_EQ(devices[0].memory_mib, 196592);
  EXPECT_EQ(devices[0].driver_version, "6.8.5");
  EXPECT_EQ(devices[0].visibility_variable, "ROCR_VISIBLE_DEVICES");
  EXPECT_EQ(devices[0].visibility_value, "GPU-aaaa000000000001");
  EXPECT_EQ(devices[0].device_nodes, (std::vector<std::string>{"/dev/dri/card1", "/dev/dri/renderD121"}));
  ASSERT_EQ(devices[0].links.size(), 1U);
  EXPECT_EQ(devices[0].links[0].kind, "xgmi");
  EXPECT_EQ(devices[0].links[0].to, devices[1].identity);
  EXPECT_EQ(devices[1].numa_node, 1);
}

TEST_F(SysfsProviderTest, ReadsAmdDevicesAndNoticesErrors) {
  const std::string folder = pci("pci0000:00/0000:00:01.0", "0000:05:00.0", "0x1002", "0x740f", "0x038000");
  driver(folder, "amdgpu", "");
  file(folder + "/gpu_busy_percent", "73");
  file(folder + "/mem_info_vram_used", "1073741824");
  file(folder + "/hwmon/hwmon3/power1_average", "215000000");
  file(folder + "/hwmon/hwmon3/temp1_input", "51000");
  file(folder + "/ras/umc_err_count", "ue: 1\nce: 7");
  file(folder + "/ras/gfx_err_count", "ue: 0\nce: 0");
  discover();
  auto reading = provider_->read();
  ASSERT_TRUE(reading.ok());
  EXPECT_DOUBLE_EQ(*(*reading)[0].utilisation, 0.73);
  EXPECT_EQ((*reading)[0].memory_used_mib, 1024);
  EXPECT_DOUBLE_EQ(*(*reading)[0].power_watts, 215);
  EXPECT_DOUBLE_EQ(*(*reading)[0].temperature_celsius, 51);
  EXPECT_EQ((*reading)[0].uncorrected_errors, 1);
  EXPECT_TRUE((*reading)[0].healthy);
  file(folder + "/ras/gfx_err_count", "ue: 2\nce: 0");
  reading = provider_->read();
  EXPECT_FALSE((*reading)[0].healthy);
  EXPECT_NE((*reading)[0].message.find("2 new uncorrectable"), std::string::npos);
  file(folder + "/ras/gfx_err_count", "ue: 0\nce: 0");
  file(folder + "/ras/umc_err_count", "ue: 0\nce: 0");
  EXPECT_TRUE((*provider_->read())[0].healthy);
  fs::remove_all(root_ / folder);
  reading = provider_->read();
  EXPECT_FALSE((*reading)[0].healthy);
  EXPECT_NE((*reading)[0].message.find("does not list it"), std::string::npos);
}

TEST_F(SysfsProviderTest, TellsApartHowDevicesAreNear) {
  pci("pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0", "0000:03:00.0", "0x10de", "0x2330", "0x030200",
      "0");
  pci("pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0", "0000:04:00.0", "0x10de", "0x2330", "0x030200",
      "0");
  pci("pci0000:00/0000:00:02.0", "0000:07:00.0", "0x10de", "0x2330", "0x030200", "0");
  pci("pci0000:80/0000:80:01.0", "0000:81:00.0", "0x10de", "0x2330", "0x030200", "1");
  const auto devices = discover();
  ASSERT_EQ(devices.size(), 4U);
  EXPECT_EQ(devices[0].links[0].kind, "pcie-switch");
  EXPECT_EQ(devices[0].links[1].kind, "numa");
  EXPECT_EQ(devices[0].links[2].kind, "system");
}

TEST_F(SysfsProviderTest, FindsNvidiaDevicesWithoutTheirLibrary) {
  pci("pci0000:00/0000:00:01.0", "0000:01:00.0", "0x10de", "0x20b2", "0x030200");
  pci("pci0000:00/0000:00:01.0", "0000:01:00.1", "0x10de", "0x1aef", "0x040300");  // its audio function
  const std::string with_driver =
      pci("pci0000:00/0000:00:02.0", "0000:02:00.0", "0x10de", "0x9999", "0x030000");
  driver(with_driver, "nvidia", "580.65.06");
  file("proc/driver/nvidia/gpus/0000:02:00.0/information",
       "Model: \t\t NVIDIA New One\nIRQ: 11\nGPU UUID: \t GPU-1234\nDevice Minor: \t 3");
  const auto devices = discover();
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0].model, "NVIDIA-A100-SXM4-80GB");
  EXPECT_EQ(devices[0].memory_mib, 80 * 1024);
  EXPECT_EQ(devices[0].identity, "0000:01:00.0");
  EXPECT_EQ(devices[0].driver_version, "");
  EXPECT_EQ(devices[1].model, "NVIDIA-New-One");
  EXPECT_EQ(devices[1].identity, "GPU-1234");
  EXPECT_EQ(devices[1].device_nodes, std::vector<std::string>{"/dev/nvidia3"});
  EXPECT_EQ(devices[1].driver_version, "580.65.06");
  const auto readings = provider_->read();
  EXPECT_FALSE((*readings)[0].healthy);
  EXPECT_EQ((*readings)[0].message, "its driver is not loaded");
  EXPECT_TRUE((*readings)[1].healthy);
  SysfsOptions options;
  options.root = root_.string();
  options.with_driver_only = true;
  EXPECT_EQ(make_sysfs_provider(options)->discover()->size(), 1U);
  options.without_vendor = "nvidia";
  EXPECT_EQ(make_sysfs_provider(options)->discover()->size(), 0U);
}

TEST_F(SysfsProviderTest, FindsIntelDevicesAndLeavesOutBuiltInGraphics) {
  pci("pci0000:00", "0000:00:02.0", "0x8086", "0xa780", "0x030000");
  pci("pci0000:00", "0000:00:1f.6", "0x8086", "0x1a1c", "0x020000");
  const std::string flex = pci("pci0000:00/0000:00:03.0", "0000:03:00.0", "0x8086", "0x56c0", "0x038000");
  file(flex + "/drm/card0/lmem_total_bytes", "17179869184");
  const std::string battlemage =
      pci("pci0000:00/0000:00:04.0", "0000:04:00.0", "0x8086", "0xffff", "0x030000");
  file(battlemage + "/tile0/physical_vram_size_bytes", "0x600000000");
  driver(battlemage, "xe", "");
  const auto devices = discover();
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0].model, "Intel-Flex-170");
  EXPECT_EQ(devices[0].memory_mib, 16 * 1024);
  EXPECT_EQ(devices[0].visibility_variable, "ZE_AFFINITY_MASK");
  EXPECT_EQ(devices[0].visibility_value, "0");
  EXPECT_EQ(devices[1].model, "intel-ffff");
  EXPECT_EQ(devices[1].memory_mib, 24 * 1024);
  EXPECT_EQ(devices[1].driver_version, "xe");
}

TEST_F(SysfsProviderTest, FindsGaudiAndAscendAndOthers) {
  const std::string gaudi = pci("pci0000:00/0000:00:01.0", "0000:01:00.0", "0x1da3", "0x1020", "0x120000");
  driver(gaudi, "habanalabs", "1.20");
  file(gaudi + "/accel/accel0/device/status", "Operational");
  pci("pci0000:00/0000:00:02.0", "0000:02:00.0", "0x19e5", "0xd802", "0x120000");
  pci("pci0000:00/0000:00:03.0", "0000:03:00.0", "0x19e5", "0x0222", "0x020000");  // a network card
  pci("pci0000:00/0000:00:04.0", "0000:04:00.0", "0xcabc", "0x0590", "0x120000");
  pci("pci0000:00/0000:00:05.0", "0000:05:00.0", "0x1ed5", "0x0323", "0x030000");
  pci("pci0000:00/0000:00:06.0", "0000:06:00.0", "0x1d0f", "0xec20", "0x020000");  // a network card
  const auto devices = discover();
  std::vector<std::string> models;
  for (const DiscoveredDevice& device : devices) models.push_back(device.vendor + "/" + device.model);
  EXPECT_EQ(models, (std::vector<std::string>{"habana/Gaudi2", "huawei/Ascend910B", "cambricon/MLU590",
                                              "mthreads/mthreads-0323"}));
  EXPECT_EQ(devices[0].device_nodes, std::vector<std::string>{"/dev/accel/accel0"});
  EXPECT_EQ(devices[0].memory_mib, 96 * 1024);
  EXPECT_EQ(devices[1].device_nodes, std::vector<std::string>{"/dev/davinci0"});
  EXPECT_EQ(devices[1].visibility_variable, "ASCEND_RT_VISIBLE_DEVICES");
  EXPECT_TRUE((*provider_->read())[0].healthy);
  file(gaudi + "/accel/accel0/device/status", "Malfunction");
  const auto readings = provider_->read();
  EXPECT_FALSE((*readings)[0].healthy);
  EXPECT_NE((*readings)[0].message.find("Malfunction"), std::string::npos);
}

TEST_F(SysfsProviderTest, AVirtualFunctionIsNotASecondDevice) {
  pci("pci0000:00/0000:00:01.0", "0000:01:00.0", "0x1002", "0x74a1", "0x120000");
  const std::string function = pci("pci0000:00/0000:00:01.0", "0000:01:02.0", "0x1002", "0x74a1", "0x120000");
  fs::create_symlink("../0000:01:00.0", root_ / function / "physfn");
  EXPECT_EQ(discover().size(), 1U);
}

TEST_F(SysfsProviderTest, AnEmptyOrDamagedTreeHasNoDevices) {
  EXPECT_TRUE(discover().empty());
  const std::string folder = pci("pci0000:00", "0000:01:00.0", "not a number", "0x2330", "0x030200");
  EXPECT_TRUE(discover().empty());
  file(folder + "/vendor", "");
  EXPECT_TRUE(discover().empty());
}

}  // namespace
}  // namespace fairlead::device
