#include "manifest/workload.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace fairlead::manifest {
namespace {

constexpr const char* kDistributed = R"(
apiVersion: fairlead.dev/v1alpha1
kind: Workload
metadata: {name: llama}
spec:
  project: research
  kind: training
  priority: medium
  command: [python3, train.py]
  arguments: [--epochs, "3"]
  environment: {OMP_NUM_THREADS: "4"}
  secrets: {TOKEN: hub}
  replicas: 4
  minimumReplicas: 2
  devices: {count: 2, vendor: nvidia, model: H100-80GB}
  cpu: 500m
  memory: 2Gi
  retryDelay: 20s
  timeLimit: 1h30m
  after: [prepare]
  checkpoint: {signal: SIGUSR1, file: state.ckpt}
)";

TEST(Workload, IsReadFromYamlInShort) {
  const WorkloadReading reading = read_workloads(kDistributed, "llama.yaml");
  ASSERT_FALSE(reading.failed()) << format(reading.diagnostics.front());
  ASSERT_EQ(reading.workloads.size(), 1U);
  const model::Workload& workload = reading.workloads.front();
  EXPECT_EQ(workload.key(), "research/llama");
  ASSERT_EQ(workload.roles.size(), 1U);
  const model::WorkloadRole& role = workload.roles.front();
  EXPECT_EQ(role.name, "worker");
  EXPECT_EQ(role.command, (std::vector<std::string>{"python3", "train.py"}));
  EXPECT_EQ(role.replicas, 4);
  EXPECT_EQ(role.minimum_replicas, 2);
  EXPECT_EQ(role.devices.count, 2);
  EXPECT_EQ(role.devices.model, "H100-80GB");
  EXPECT_EQ(role.cpu_milli, 500);
  EXPECT_EQ(role.memory_bytes, std::int64_t{2} << 30);
  EXPECT_EQ(workload.retry_delay, base::Duration::seconds(20));
  EXPECT_EQ(workload.time_limit, base::Duration::seconds(5400));
  EXPECT_EQ(workload.checkpoint.signal, "SIGUSR1");
}

TEST(Workload, WhatIsWrittenReadsBackTheSame) {
  const WorkloadReading reading = read_workloads(kDistributed, "");
  ASSERT_EQ(reading.workloads.size(), 1U);
  const auto again = read_workload(write_workload(reading.workloads.front()));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, reading.workloads.front());

  const auto service = read_workload(R"({"metadata":{"name":"chat"},"spec":{"project":"p","kind":"inference",
    "command":["serve"],"devices":{"count":1,"fraction":0.5},
    "service":{"minimumReplicas":0,"maximumReplicas":3,"metric":"requests-per-second","target":20}}})");
  ASSERT_TRUE(service) << service.error().message();
  EXPECT_EQ(service->service->initial_replicas, 0);
  const auto service_again = read_workload(write_workload(*service, 2));
  ASSERT_TRUE(service_again) << service_again.error().message();
  EXPECT_EQ(*service_again, *service);
}

TEST(Workload, RolesAreReadWhereTheyStand) {
  const auto read = read_workload(R"({"metadata":{"name":"two"},"spec":{"project":"p","roles":[
    {"name":"launcher","command":["a"]},{"name":"worker","command":["b"],"replicas":3,"devices":1}]}})");
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->roles.size(), 2U);
  EXPECT_EQ(read->roles[0].name, "launcher");
  EXPECT_EQ(read->roles[0].devices.count, 0);
  EXPECT_EQ(read->roles[1].minimum_replicas, 3);
  EXPECT_EQ(read->roles[1].devices.count, 1);
}

struct Refusal {
  const char* spec;
  const char* says;
};
class WorkloadRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(WorkloadRefusal, NamesFieldValueAndRemedy) {
  const auto read = read_workload(std::string(R"({"metadata":{"name":"w"},"spec":)") + GetParam().spec + "}");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message().find(GetParam().says), std::string::npos) << read.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Specs, WorkloadRefusal,
    testing::Values(
        Refusal{R"({"project":"p","command":["a"],"comand":1})",
                "spec.comand: \"1\" has a name that is not known"},
        Refusal{R"({"project":"p"})", "spec.command is missing; write the program"},
        Refusal{R"({"command":["a"]})", "spec.project is missing"},
        Refusal{R"({"project":"p","command":["a"],"priority":"urgent"})",
                "spec.priority: \"urgent\" is not a priority; write very-low"},
        Refusal{R"({"project":"p","command":["a"],"kind":"job"})", "spec.kind: \"job\" is not a kind"},
        Refusal{R"({"project":"p","command":["a"],"replicas":2,"minimumReplicas":3})",
                "is more than the 2 replicas"},
        Refusal{R"({"project":"p","command":["a"],"devices":{"count":1,"fraction":1.5}})",
                "spec.devices.fraction: \"1.5\" is not a share of a device"},
        Refusal{R"({"project":"p","command":["a"],"gracePeriod":"10m"})",
                "spec.gracePeriod: \"10m\" is out of range; write a duration from 0s to 5m0s"},
        Refusal{R"({"project":"p","command":["a"],"service":{}})",
                "stands in a workload that is not inference"},
        Refusal{R"({"project":"p","command":["a"],"cpu":"lots"})", "spec.cpu: \"lots\" is not a quantity"},
        Refusal{R"({"project":"p","command":["a"],"replicas":-1})", "spec.replicas: \"-1\" is out of range"},
        Refusal{R"({"project":"p","command":["a"],"roles":[{"name":"x","command":["b"]}]})",
                "spec.command: stands beside roles"},
        Refusal{R"({"project":"p","kind":"inference","command":["a"],
                    "service":{"minimumReplicas":0,"metric":"latency-p95"}})",
                "cannot wake a service"}));

TEST(Workload, OtherKindsAndVersionsAreRefused) {
  EXPECT_FALSE(read_workload(R"({"kind":"Pod","metadata":{"name":"w"},"spec":{}})"));
  EXPECT_FALSE(read_workload(R"({"apiVersion":"fairlead.dev/v9","metadata":{"name":"w"},"spec":{}})"));
  EXPECT_FALSE(read_workload("[]"));
  EXPECT_FALSE(read_workload("{"));
  EXPECT_FALSE(read_workload(""));
}

TEST(Workload, KindDecidesPriorityAndPreemptibility) {
  model::Workload workload;
  workload.kind = model::WorkloadKind::kTraining;
  EXPECT_EQ(priority_value(workload), 40);
  EXPECT_TRUE(is_preemptible(workload));
  workload.kind = model::WorkloadKind::kWorkspace;
  EXPECT_EQ(priority_value(workload), 125);
  EXPECT_FALSE(is_preemptible(workload));
  workload.preemptible = true;
  EXPECT_TRUE(is_preemptible(workload));
}

TEST(Workload, ThePublishedSchemaIsTheTables) {
  std::ifstream file("api/workload.schema.json");  // tests run in the root of the source
  const std::string published(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(published, workload_schema())
      << "write it with: fairlead schema workload > api/workload.schema.json";
}

}  // namespace
}  // namespace fairlead::manifest
