#include "manifest/cycle.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::manifest {
namespace {

CycleDocument read(const std::string& run, const std::string& objects) {
  auto document =
      read_cycle("{\"now\":\"2026-01-01T00:00:00Z\",\"run\":" + run + ",\"objects\":[" + objects + "]}");
  EXPECT_TRUE(document.ok()) << document.error().message();
  for (const auto& diagnostic : document->objects.diagnostics) ADD_FAILURE() << format(diagnostic);
  return std::move(*document);
}

constexpr const char* kNode = R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"node0","labels":{
  "nvidia.com/gpu.count":"4","nvidia.com/gpu.memory":"81559","node-role.kubernetes.io/mig-enabled":"false",
  "nvidia.com/mig.strategy":"","type":"node0"}},
  "status":{"allocatable":{"cpu":"20000","memory":"20G","nvidia.com/gpu":"4","pods":"110","rdma/hca":"1"}}})";

constexpr const char* kQueue =
    R"({"apiVersion":"scheduling.run.ai/v2","kind":"Queue","metadata":{"name":"q","uid":"q-uid",
  "creationTimestamp":"2026-01-01T00:01:00Z"},"spec":{"displayName":"q","priority":7,"preemptMinRuntime":"10m","resources":{
  "gpu":{"quota":2.5,"limit":-1,"overQuotaWeight":2},"cpu":{"quota":-1,"limit":4000,"overQuotaWeight":1},
  "memory":{"quota":-1,"limit":500,"overQuotaWeight":1}}}})";

constexpr const char* kGroup =
    R"({"apiVersion":"scheduling.run.ai/v2alpha2","kind":"PodGroup","metadata":{"name":"job","namespace":"team",
  "uid":"job","creationTimestamp":"2025-12-31T23:59:00Z","annotations":{"kai.scheduler/stale-podgroup-timestamp":"2025-12-31T23:58:00Z",
  "kai.scheduler/last-start-timestamp":"2025-12-31T23:57:00Z"}},"spec":{"queue":"q","priorityClassName":"priority-50",
  "preemptibility":"preemptible","minMember":3,"topologyConstraint":{"topology":"tree","requiredTopologyLevel":"rack"},
  "subGroups":[{"name":"a","minMember":2,"parent":"top"},{"name":"top"}]}})";

constexpr const char* kClass =
    R"({"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"priority-50"},"value":50})";

constexpr const char* kTopology =
    R"({"apiVersion":"kai.scheduler/v1alpha1","kind":"Topology","metadata":{"name":"tree"},
  "spec":{"levels":[{"nodeLabel":"zone"},{"nodeLabel":"rack"}]}})";

std::string pod(const std::string& metadata, const std::string& spec, const std::string& status) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"job-0","namespace":"team","uid":"job-0",
    "annotations":{"pod-group-name":"job")" +
         metadata + R"(}},"spec":{"schedulerName":"kai-scheduler")" + spec + R"(},"status":{)" + status +
         "}}";
}

std::string all(const std::string& pod_text) {
  return std::string(kNode) + "," + kQueue + "," + kClass + "," + kTopology + "," + kGroup + "," + pod_text;
}

TEST(Cycle, ReadsClusterObjects) {
  const CycleDocument document = read(
      "{}", all(pod("", R"(,"containers":[{"name":"main","resources":{"requests":{"cpu":"1","memory":"1G",
        "nvidia.com/gpu":"2"},"limits":{"nvidia.com/gpu":"2"}}}])",
                    R"("phase":"Pending")")));
  const ClusterObjects& objects = document.objects;
  ASSERT_EQ(objects.nodes.size(), 1U);
  const model::Node& node = objects.nodes[0];
  EXPECT_EQ(node.allocatable.cpu_milli, 20'000'000);
  EXPECT_EQ(node.allocatable.memory_bytes, 20'000'000'000);
  ASSERT_EQ(node.devices.size(), 1U);
  EXPECT_EQ(node.devices[0].count, 4);
  EXPECT_EQ(node.devices[0].vendor, "nvidia");
  EXPECT_EQ(node.devices[0].memory_mib, 81'500);
  ASSERT_EQ(node.allocatable.counted.size(), 1U);
  EXPECT_EQ(node.allocatable.counted[0].name, "rdma/hca");

  ASSERT_EQ(objects.queues.size(), 1U);
  const model::PoolQuota& quota = objects.queues[0].pools.at(0);
  EXPECT_EQ(quota.priority, 7);
  EXPECT_EQ(quota.dimensions[0].quota.quota, model::Bound::of(2500));
  EXPECT_TRUE(quota.dimensions[0].quota.limit.is_unlimited());
  EXPECT_EQ(quota.dimensions[1].quota.limit, model::Bound::of(4000));
  EXPECT_EQ(quota.dimensions[2].quota.limit, model::Bound::of(500'000'000));
  EXPECT_EQ(objects.queues[0].preempt_min_runtime, base::Duration::seconds(600));

  ASSERT_EQ(objects.groups.size(), 1U);
  const model::PodGroup& group = objects.groups[0];
  EXPECT_EQ(group.key, "team/job");
  EXPECT_EQ(group.min_member, 3);
  EXPECT_EQ(group.preemptible, true);
  EXPECT_EQ(group.topology.required_level, "rack");
  EXPECT_EQ(group.sub_groups.size(), 2U);
  EXPECT_EQ(document.now - *group.stale_since, base::Duration::seconds(120));
  EXPECT_EQ(document.now - *group.last_start, base::Duration::seconds(180));

  ASSERT_EQ(objects.pods.size(), 1U);
  EXPECT_EQ(objects.pods[0].group, "team/job");
  EXPECT_EQ(objects.pods[0].requests.cpu_milli, 1000);
  EXPECT_EQ(objects.pods[0].devices.kind, model::DeviceRequest::Kind::kWhole);
  EXPECT_EQ(objects.pods[0].devices.count, 2);
  EXPECT_EQ(objects.pods[0].devices.resource, "nvidia.com/gpu");
}

TEST(Cycle, ReadsStatesOfPods) {
  using Phase = model::Pod::Phase;
  const struct {
    const char* spec;
    const char* status;
    Phase phase;
    const char* node;
    const char* nominated;
  } cases[] = {
      {"", R"("phase":"Pending")", Phase::kPending, "", ""},
      {"", R"("phase":"Pending","nominatedNodeName":"node0")", Phase::kPending, "", "node0"},
      {R"(,"nodeName":"node0")", R"("phase":"Pending")", Phase::kBound, "node0", ""},
      {R"(,"nodeName":"node0")", R"("phase":"Running")", Phase::kRunning, "node0", ""},
      {R"(,"nodeName":"node0")", R"("phase":"Succeeded")", Phase::kSucceeded, "node0", ""},
      {"", R"("phase":"Failed")", Phase::kFailed, "", ""},
  };
  for (const auto& c : cases) {
    const CycleDocument document = read("{}", all(pod("", c.spec, c.status)));
    ASSERT_EQ(document.objects.pods.size(), 1U);
    EXPECT_EQ(document.objects.pods[0].phase, c.phase) << c.status;
    EXPECT_EQ(document.objects.pods[0].node, c.node);
    EXPECT_EQ(document.objects.pods[0].nominated_node, c.nominated);
  }
  EXPECT_TRUE(read("{}", all(pod("", R"(,"schedulingGates":[{"name":"g"}])", ""))).objects.pods[0].gated);
}

TEST(Cycle, ReadsSharesOfDevices) {
  using Kind = model::DeviceRequest::Kind;
  const auto request = [](const std::string& annotations) {
    return read("{}", all(pod(annotations, "", ""))).objects.pods.at(0).devices;
  };
  EXPECT_EQ(request(R"(,"gpu-fraction":"0.5")").kind, Kind::kFraction);
  EXPECT_EQ(request(R"(,"gpu-fraction":"0.5")").thousandths, 500);
  EXPECT_EQ(request(R"(,"gpu-fraction":"0.25","gpu-fraction-num-devices":"3")").count, 3);
  EXPECT_EQ(request(R"(,"gpu-memory":"4096")").kind, Kind::kMemory);
  EXPECT_EQ(request(R"(,"gpu-memory":"4096")").memory_mib, 4096);
  EXPECT_EQ(request("").kind, Kind::kNone);
}

TEST(Cycle, ReadsTheRun) {
  using model::Action;
  const model::Configuration plain =
      read(R"({"mode":"single","actions":["preempt","allocate"],"predicates_plugin":false,
    "staleness_grace_period_ns":0})",
           "")
          .configuration;
  EXPECT_EQ(plain.actions, (std::vector<Action>{Action::kAllocate, Action::kPreempt}));
  EXPECT_FALSE(plain.policies.filters);
  EXPECT_TRUE(plain.policies.proportion);
  EXPECT_EQ(plain.staleness_grace, base::Duration());

  const model::Configuration tiers =
      read(R"({"actions":["allocate"],"scheduler_conf":{"actions":"allocate","tiers":[{"plugins":[
    {"name":"nodeplacement","arguments":{"gpu":"spread","cpu":"binpack"}},{"name":"gpuspread"},{"name":"proportion"}]}]}})",
           "")
          .configuration;
  EXPECT_TRUE(tiers.policies.proportion);
  EXPECT_TRUE(tiers.policies.device_order);
  EXPECT_FALSE(tiers.policies.priority);
  EXPECT_FALSE(tiers.policies.filters);
  EXPECT_EQ(tiers.pools.at(0).placement.devices, model::PlacementStrategy::kSpread);
  EXPECT_EQ(tiers.pools.at(0).placement.cpu, model::PlacementStrategy::kBinPack);
  EXPECT_FALSE(tiers.pools.at(0).placement.pack_shares);
}

TEST(Cycle, RefusesWhatIsNoCycleDocument) {
  for (const char* text :
       {"", "[]", "{}", R"({"now":1,"objects":[]})", R"({"now":"x","objects":[]})",
        R"({"now":"2026-01-01T00:00:00Z"})", R"({"now":"2026-01-01T00:00:00Z","objects":{}})",
        R"({"now":"2026-01-01T00:00:00Z","objects":[]} x)", R"({"now":"2026-01-01T00:00:00Z","objects":[)"}) {
    EXPECT_FALSE(read_cycle(text).ok()) << text;
  }
}

}  // namespace
}  // namespace fairlead::manifest
