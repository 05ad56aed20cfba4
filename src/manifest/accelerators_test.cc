#include "manifest/accelerators.h"

#include "manifest/accelerator_rules.h"

#include <gtest/gtest.h>

namespace fairlead::manifest {
namespace {

using Kind = AcceleratorRule::Kind;

TEST(Accelerators, KnowsTheResourcesOfEachVendor) {
  const struct {
    const char* resource;
    const char* vendor;
    Kind kind;
  } cases[] = {
      {"nvidia.com/gpu", "nvidia", Kind::kWhole},
      {"nvidia.com/mig-1g.10gb", "nvidia", Kind::kPartition},
      {"nvidia.com/gpu.shared", "nvidia", Kind::kCounted},
      {"nvidia.com/gpumem-percentage", "nvidia", Kind::kCounted},
      {"amd.com/gpu", "amd", Kind::kWhole},
      {"amd.com/cpx_nps4", "amd", Kind::kPartition},
      {"gpu.intel.com/i915", "intel", Kind::kWhole},
      {"gpu.intel.com/xe", "intel", Kind::kWhole},
      {"gpu.intel.com/i915_monitoring", "intel", Kind::kCounted},
      {"habana.ai/gaudi", "habana", Kind::kWhole},
      {"huawei.com/Ascend910B2", "huawei", Kind::kWhole},
      {"huawei.com/Ascend910A-memory", "huawei", Kind::kCounted},
      {"huawei.com/npu", "huawei", Kind::kWhole},
      {"google.com/tpu", "google", Kind::kWhole},
      {"aws.amazon.com/neuron", "aws", Kind::kWhole},
      {"aws.amazon.com/neuroncore", "aws", Kind::kPartition},
      {"cambricon.com/mlu", "cambricon", Kind::kWhole},
      {"hygon.com/dcu", "hygon", Kind::kWhole},
      {"hygon.com/dcumem", "hygon", Kind::kCounted},
      {"iluvatar.ai/vgpu", "iluvatar", Kind::kCounted},
      {"metax-tech.com/gpu", "metax", Kind::kWhole},
      {"mthreads.com/sgpu-core", "mthreads", Kind::kCounted},
      {"enflame.com/gcu", "enflame", Kind::kWhole},
      {"kunlunxin.com/xpu", "kunlunxin", Kind::kWhole},
      {"birentech.com/gpu", "birentech", Kind::kWhole},
      {"vastaitech.com/va", "vastaitech", Kind::kWhole},
      {"qualcomm.com/qaic", "qualcomm", Kind::kWhole},
      {"newcomer.example/gpu", "newcomer", Kind::kWhole},
  };
  const Accelerators accelerators;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.resource);
    const AcceleratorRule* rule = accelerators.find(c.resource);
    ASSERT_NE(rule, nullptr);
    EXPECT_EQ(accelerators.vendor(*rule, c.resource), c.vendor);
    EXPECT_EQ(rule->kind, c.kind);
  }
}

TEST(Accelerators, LeavesOtherResourcesAlone) {
  const Accelerators accelerators;
  for (const char* resource :
       {"cpu", "memory", "ephemeral-storage", "rdma/hca", "hugepages-2Mi", "nvidia.com/other", "gpu"}) {
    EXPECT_EQ(accelerators.find(resource), nullptr) << resource;
  }
}

TEST(Accelerators, ASiteCanAddAndChangeRules) {
  const Accelerators accelerators(
      {{"example.com/npu-*", "example", Kind::kWhole}, {"nvidia.com/gpu", "site", Kind::kCounted}});
  EXPECT_EQ(accelerators.find("example.com/npu-2")->vendor, "example");
  EXPECT_EQ(accelerators.find("nvidia.com/gpu")->kind, Kind::kCounted);
}

TEST(Accelerators, PartitionsChargeByTheirName) {
  const Accelerators accelerators;
  const auto quota = [&](const char* resource) {
    return partition_quota(*accelerators.find(resource), resource);
  };
  EXPECT_EQ(quota("nvidia.com/mig-1g.10gb"), 1000);
  EXPECT_EQ(quota("nvidia.com/mig-3g.40gb"), 3000);
  EXPECT_EQ(quota("nvidia.com/mig-1g.10gb.me"), 1000);
  EXPECT_EQ(quota("amd.com/qpx_nps1"), 250);
  EXPECT_EQ(quota("aws.amazon.com/neuroncore"), 500);
  for (const char* resource :
       {"nvidia.com/mig-", "nvidia.com/mig-g", "nvidia.com/mig-x.1", "nvidia.com/mig-0g.1gb"}) {
    EXPECT_EQ(quota(resource), std::nullopt) << resource;
  }
}

TEST(Accelerators, ReadsMemoryInTheUnitsOfEachLabeller) {
  const Accelerators accelerators;
  const auto memory = [&](const char* resource, const char* label, const char* value) {
    model::Labels labels;
    labels.emplace(label, value);
    return device_memory_mib(*accelerators.find(resource), labels);
  };
  EXPECT_EQ(memory("nvidia.com/gpu", "nvidia.com/gpu.memory", "81559"), 81'500);
  EXPECT_EQ(memory("nvidia.com/gpu", "nvidia.com/gpu.memory", "100"), 100);
  EXPECT_EQ(memory("nvidia.com/gpu", "nvidia.com/gpu.memory", "99"), 0);
  EXPECT_EQ(memory("nvidia.com/gpu", "nvidia.com/gpu.memory", "85519761408"), 81'500);
  EXPECT_EQ(memory("nvidia.com/gpu", "nvidia.com/gpu.memory", "1048575"), 1'048'500);
  EXPECT_EQ(memory("nvidia.com/gpu", "nvidia.com/gpu.memory", "much"), 0);
  EXPECT_EQ(memory("nvidia.com/gpu", "nvidia.com/gpu.memory", "-5"), 0);
  EXPECT_EQ(memory("nvidia.com/gpu", "other", "81559"), 0);
  EXPECT_EQ(memory("amd.com/gpu", "amd.com/gpu.vram", "192G"), 196'600);
  EXPECT_EQ(memory("amd.com/gpu", "beta.amd.com/gpu.vram", "64Gi"), 65'500);
}

TEST(Accelerators, TellsTheModel) {
  const Accelerators accelerators;
  model::Labels labels;
  EXPECT_EQ(device_model(*accelerators.find("nvidia.com/gpu"), labels), "");
  labels.emplace("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(device_model(*accelerators.find("nvidia.com/gpu"), labels), "NVIDIA-H100-80GB-HBM3");
}

TEST(AcceleratorRules, AreReadFromASitesFile) {
  const auto rules = read_accelerator_rules(
      "accelerators:\n- resource: example.com/npu-*\n  vendor: example\n  kind: partition\n  quota: 0.25\n  "
      "modelLabels: [example.com/model]\n  memoryLabels: [example.com/memory]\n- resource: "
      "example.com/whole\n",
      "site.yaml");
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  ASSERT_EQ(rules->size(), 2U);
  EXPECT_EQ(rules->at(0).kind, Kind::kPartition);
  EXPECT_EQ(rules->at(0).quota_thousandths, 250);
  EXPECT_EQ(rules->at(0).model_labels, std::vector<std::string>{"example.com/model"});
  EXPECT_EQ(rules->at(1).kind, Kind::kWhole);
  EXPECT_TRUE(read_accelerator_rules(R"({"accelerators": []})", "site.json").ok());
}

TEST(AcceleratorRules, SayWhatIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"accelerators: 5\n", "s: accelerators: \"5\" is a number where a list is expected; write a list"},
      {"other: []\n", "s: accelerators: is missing; list the site's accelerators"},
      {"accelerators: [{resource: npu}]\n",
       "s: accelerators[0].resource: is missing; write a resource name with its domain, such as "
       "example.com/npu"},
      {"accelerators: [{resource: a/b, kind: half}]\n",
       "s: accelerators[0].kind: \"half\" is not a kind of resource; write whole, partition or counted"},
      {"accelerators: [{resource: a/b, color: red}]\n",
       "s: accelerators[0].color: \"red\" has a name that is not known; write resource, vendor, kind, quota, "
       "modelLabels, "
       "memoryLabels or linkLabels"},
      {"accelerators: [{resource: a/b, quota: 0}]\n",
       "s: accelerators[0].quota: \"0\" is not a number of devices; write a number from 0.001 to 1000"},
  };
  for (const auto& c : cases) {
    const auto rules = read_accelerator_rules(c.text, "s");
    ASSERT_FALSE(rules.ok()) << c.text;
    EXPECT_EQ(rules.error().message(), c.message);
  }
  EXPECT_FALSE(read_accelerator_rules("[", "s").ok());
}

}  // namespace
}  // namespace fairlead::manifest
