#include "sim/node_account.h"

#include <gtest/gtest.h>

namespace fairlead::sim {
namespace {

TraceTask share(std::int32_t thousandths) {
  return {.name = "t", .cpu_milli = 1000, .memory_mib = 1024, .devices = 1, .thousandths = thousandths};
}
TraceTask whole(std::int32_t devices) {
  return {.name = "t", .cpu_milli = 1000, .memory_mib = 1024, .devices = devices, .thousandths = 1000};
}
NodeAccount two_devices() {
  return NodeAccount({.name = "n", .cpu_milli = 10'000, .memory_mib = 10'240, .devices = 2, .model = "P100"});
}

TEST(NodeAccount, GivesOutWhatThereIs) {
  NodeAccount node = two_devices();
  EXPECT_EQ(node.take(share(600), {"a"}), std::nullopt);
  EXPECT_EQ(node.take(share(400), {"a"}), std::nullopt);
  EXPECT_EQ(node.take(whole(1), {}), std::nullopt);
  EXPECT_EQ(node.take(whole(1), {}), "0 devices are entirely free, the task takes 1");
}

TEST(NodeAccount, NoticesASharedDeviceThatIsGivenTwice) {
  NodeAccount node = two_devices();
  EXPECT_EQ(node.take(share(600), {"a"}), std::nullopt);
  EXPECT_EQ(node.take(share(600), {"a"}), "device a has 400 thousandths left, the task takes 600");
  EXPECT_EQ(node.take(share(600), {"b"}), std::nullopt);
  EXPECT_EQ(node.take(share(600), {"c"}), "no device is entirely free");
  EXPECT_EQ(node.take(share(100), {}), "the share was put on 0 devices instead of one");
}

TEST(NodeAccount, NoticesTooLittleCpuMemoryAndTheWrongModel) {
  NodeAccount node = two_devices();
  TraceTask task = whole(1);
  task.cpu_milli = 10'001;
  EXPECT_EQ(node.take(task, {}), "it has 10000 millicores left, the task takes 10001");
  task = whole(1);
  task.memory_mib = 10'241;
  EXPECT_EQ(node.take(task, {}), "it has 10240 MiB left, the task takes 10241");
  task = whole(1);
  task.model_list = "T4";
  task.models = {"T4"};
  EXPECT_EQ(node.take(task, {}), "its devices are P100, the task may use T4");
  EXPECT_EQ(node.take(whole(2), {}), std::nullopt) << "what was refused took nothing";
}

}  // namespace
}  // namespace fairlead::sim
