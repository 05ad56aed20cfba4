#include "host/inventory.h"

#include <gtest/gtest.h>

namespace fairlead::host {
namespace {

device::DiscoveredDevice device(const std::string& identity, const std::string& vendor,
                                const std::string& model) {
  device::DiscoveredDevice one;
  one.identity = identity;
  one.vendor = vendor;
  one.model = model;
  one.memory_mib = 81'559;
  return one;
}

TEST(Inventory, EqualDevicesAreANodeAndShareTheMachineByTheirNumber) {
  const Inventory inventory = make_inventory(
      {"box", 64'000, 256'000}, {device("n0", "nvidia", "H100"), device("a0", "amd", "MI300X"),
                                 device("n1", "nvidia", "H100"), device("n2", "nvidia", "H100")});
  ASSERT_EQ(inventory.nodes.size(), 2U);
  EXPECT_EQ(inventory.nodes[0].name, "box-h100");
  EXPECT_EQ(inventory.nodes[0].allocatable.cpu_milli, 48'000);
  EXPECT_EQ(inventory.nodes[0].devices.front().resource, "nvidia.com/gpu");
  EXPECT_EQ(inventory.nodes[0].devices.front().count, 3);
  EXPECT_EQ(inventory.nodes[0].devices.front().memory_mib, 81'500);
  EXPECT_EQ(inventory.nodes[1].name, "box-mi300x");
  EXPECT_EQ(inventory.nodes[1].allocatable.memory_bytes, 64'000);
  EXPECT_EQ(inventory.find("n1")->slot, 1U);
}

TEST(Inventory, AMachineWithoutDevicesIsOneNode) {
  const Inventory inventory = make_inventory({"box", 4'000, 1 << 30}, {});
  ASSERT_EQ(inventory.nodes.size(), 1U);
  EXPECT_EQ(inventory.nodes[0].name, "box");
  EXPECT_TRUE(inventory.nodes[0].devices.empty());
}

TEST(Inventory, ADemandIsCountedInOneKindOfDevices) {
  const Inventory inventory = make_inventory(
      {"box", 64'000, 256'000}, {device("n0", "nvidia", "H100"), device("a0", "amd", "MI300X"),
                                 device("n1", "nvidia", "H100"), device("i0", "intel", "Max 1550")});
  struct Case {
    const char* vendor;
    const char* model;
    const char* node;
    const char* resource;
  };
  const Case cases[] = {
      {"", "", "", "nvidia.com/gpu"},            // the kind that there are most of
      {"amd", "", "", "amd.com/gpu"},            // what the demand allows
      {"", "MI300X", "", "amd.com/gpu"},         // by its model alone
      {"", "", "box-mi300x", "amd.com/gpu"},     // where it is placed
      {"huawei", "", "", ""},                    // none such
      {"nvidia", "", "gone", "nvidia.com/gpu"},  // placed on what is no more
  };
  for (const Case& one : cases) {
    model::DeviceDemand demand;
    demand.count = 1;
    demand.vendor = one.vendor;
    demand.model = one.model;
    EXPECT_EQ(resource_of_demand(inventory, demand, one.node), one.resource)
        << one.vendor << '/' << one.model << '/' << one.node;
  }
}

TEST(ChooseSlots, TakesFreeHealthyOnesAndJoinsSharedOnes) {
  Inventory inventory =
      make_inventory({"box", 4'000, 1 << 30}, {device("0", "nvidia", "H100"), device("1", "nvidia", "H100"),
                                               device("2", "nvidia", "H100"), device("3", "nvidia", "H100")});
  const std::vector<HeldDevices> held = {{{0}, {}}, {{2}, {"g"}}};
  using Slots = std::vector<std::uint32_t>;
  EXPECT_EQ(choose_slots(inventory, "box", 2, {}, held), (Slots{1, 3}));
  EXPECT_EQ(choose_slots(inventory, "box", 3, {}, held), std::nullopt);
  const std::vector<std::string> groups = {"g", "new"};
  EXPECT_EQ(choose_slots(inventory, "box", 2, groups, held), (Slots{2, 1}));
  inventory.find("1")->healthy = false;
  EXPECT_EQ(choose_slots(inventory, "box", 1, {}, held), (Slots{3}));
}

}  // namespace
}  // namespace fairlead::host
