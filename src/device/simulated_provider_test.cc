#include "device/device_provider.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace fairlead::device {
namespace {

TEST(SimulatedProvider, ReadsADescription) {
  const auto provider = make_simulated_provider("4x H100-80GB, 2x MI300X-192GB,acme/X1-32GB", {});
  ASSERT_TRUE(provider.ok()) << provider.error().message();
  const auto devices = (*provider)->discover();
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 7U);
  EXPECT_EQ((*devices)[0].identity, "simulated-nvidia-H100-80GB-0");
  EXPECT_EQ((*devices)[0].memory_mib, 80 * 1024);
  EXPECT_EQ((*devices)[0].visibility_variable, "CUDA_VISIBLE_DEVICES");
  EXPECT_EQ((*devices)[3].visibility_value, "3");
  EXPECT_EQ((*devices)[4].vendor, "amd");
  EXPECT_EQ((*devices)[4].visibility_value, "0");
  EXPECT_EQ((*devices)[6].vendor, "acme");
  for (const DiscoveredDevice& device : *devices) EXPECT_TRUE(device.simulated);
}

TEST(SimulatedProvider, RefusesWhatIsNoDescriptionAndSaysWhatToWrite) {
  for (const char* text :
       {"", "4x", "x H100-80GB", "0x H100-80GB", "9999x H100-80GB", "4x H100", "4x H100-0GB", "4x H100-80GB,",
        "H100 80GB", "600x H100-80GB, 600x H100-80GB", "H100-99999GB", "99999999999999999999x H100-80GB"}) {
    SCOPED_TRACE(text);
    const auto provider = make_simulated_provider(text, {});
    ASSERT_FALSE(provider.ok());
    EXPECT_EQ(provider.error().code(), base::Code::kInvalidArgument);
  }
  const auto provider = make_simulated_provider("X1-32GB", {});
  ASSERT_FALSE(provider.ok());
  EXPECT_NE(provider.error().message().find("acme/X1-32GB"), std::string::npos);
}

TEST(SimulatedProvider, ShowsWhatTheProcessesDid) {
  const double cores = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  const double memory =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto provider = make_simulated_provider("2x H100-80GB", [&](const std::string& identity) {
    if (identity != "simulated-nvidia-H100-80GB-1") return ProcessUse{};
    return ProcessUse{cores / 4, static_cast<std::int64_t>(memory / 8)};
  });
  ASSERT_TRUE(provider.ok());
  const auto readings = (*provider)->read();
  ASSERT_TRUE(readings.ok());
  ASSERT_EQ(readings->size(), 2U);
  EXPECT_EQ((*readings)[0].utilisation, 0);
  EXPECT_DOUBLE_EQ(*(*readings)[1].utilisation, 0.5);
  EXPECT_NEAR(static_cast<double>(*(*readings)[1].memory_used_mib), 20 * 1024, 1);
  EXPECT_FALSE((*readings)[1].power_watts.has_value());
}

}  // namespace
}  // namespace fairlead::device
