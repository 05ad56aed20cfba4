// resource.k8s.io objects in their three versions, and pods with the claims that they name.

#include "manifest/objects.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fairlead::manifest {
namespace {

ClusterObjects read(std::string_view text) {
  ObjectReader reader({});
  reader.read(text, "test");
  return reader.finish();
}

constexpr std::string_view kPod = R"(
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: ns, uid: p}
spec:
  schedulerName: fairlead
  resourceClaims:
  - {name: gpu, resourceClaimTemplateName: one}
  - {name: shared, resourceClaimName: shared}
  containers:
  - name: main
    resources: {claims: [{name: gpu}, {name: shared}]}
)";

TEST(Claims, AreReadInEveryVersion) {
  const ClusterObjects objects = read(R"(
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu.example.com}
spec:
  selectors: [{cel: {expression: 'device.driver == "gpu.example.com"'}}]
  config: [{opaque: {driver: gpu.example.com, parameters: {mode: "a", sizes: [1, 2.5, true, null]}}}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: new, namespace: ns, labels: {kai.scheduler/queue: team}}
spec:
  devices:
    requests:
    - name: gpu
      firstAvailable:
      - {name: large, deviceClassName: gpu.example.com, selectors: [{cel: {expression: "true"}}]}
      - {name: small, deviceClassName: gpu.example.com, count: 2, capacity: {requests: {memory: 10Gi}}}
    - name: all
      exactly:
        deviceClassName: gpu.example.com
        allocationMode: All
        adminAccess: true
        tolerations: [{key: broken, operator: Exists, effect: NoSchedule}]
    constraints: [{requests: [gpu], matchAttribute: example.com/root}, {distinctAttribute: example.com/id}]
status:
  allocation:
    devices:
      results: [{request: gpu/small, driver: gpu.example.com, pool: n1, device: gpu-0, shareID: s, consumedCapacity: {memory: 10Gi}}]
    nodeSelector: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]}
  reservedFor: [{resource: pods, name: p, uid: p}]
---
apiVersion: resource.k8s.io/v1beta1
kind: ResourceClaim
metadata: {name: old, namespace: ns}
spec:
  devices:
    requests: [{name: gpu, deviceClassName: gpu.example.com, allocationMode: ExactCount, count: 3}]
)");
  EXPECT_TRUE(objects.diagnostics.empty());
  ASSERT_EQ(objects.device_classes.size(), 1u);
  EXPECT_EQ(objects.device_classes.front().configurations.front().parameters,
            R"({"mode":"a","sizes":[1,2.5,true,null]})");
  ASSERT_EQ(objects.resource_claims.size(), 2u);
  const model::ResourceClaim& claim = objects.resource_claims[0];
  EXPECT_EQ(claim.queue, "team");
  ASSERT_EQ(claim.requests.size(), 2u);
  EXPECT_TRUE(claim.requests[0].prioritized);
  EXPECT_EQ(claim.requests[0].choices[1].count, 2);
  EXPECT_EQ(claim.requests[0].choices[1].capacities.front().amount, 10LL * 1024 * 1024 * 1024 * 1000);
  EXPECT_TRUE(claim.requests[1].choices[0].all);
  EXPECT_TRUE(claim.requests[1].choices[0].admin_access);
  EXPECT_TRUE(claim.requests[1].choices[0].tolerations.front().exists);
  ASSERT_EQ(claim.constraints.size(), 2u);
  EXPECT_FALSE(claim.constraints[0].distinct);
  EXPECT_TRUE(claim.constraints[1].distinct);
  ASSERT_TRUE(claim.allocation.has_value());
  EXPECT_EQ(claim.allocation->devices.front().device, "gpu-0");
  EXPECT_EQ(claim.allocation->devices.front().consumed.front().name, "memory");
  EXPECT_EQ(claim.allocation->nodes.front().fields.front().values.front(), "n1");
  EXPECT_EQ(claim.reserved_for, std::vector<std::string>{"p"});
  EXPECT_EQ(objects.resource_claims[1].requests.front().choices.front().count, 3);
}

TEST(Claims, SlicesSayWhatTheirDevicesAre) {
  for (const bool old : {false, true}) {
    const std::string body = R"(
    attributes: {model: {string: H100}, driverVersion: {version: 1.2.3}, index: {int: 4}, ready: {bool: true}}
    capacity: {memory: {value: 80Gi, requestPolicy: {default: 8Gi, validRange: {min: 1Gi, max: 80Gi, step: 1Gi}}}}
    consumesCounters: [{counterSet: s, counters: {slices: {value: "2"}}}]
    taints: [{key: broken, value: "yes", effect: NoExecute}]
    allowMultipleAllocations: true)";
    std::string indented;
    for (char c : body) {
      indented += c;
      if (old && c == '\n') indented += "  ";
    }
    const ClusterObjects objects =
        read("apiVersion: resource.k8s.io/" + std::string(old ? "v1beta1" : "v1") + R"(
kind: ResourceSlice
metadata: {name: s}
spec:
  driver: gpu.example.com
  pool: {name: n1, generation: 3, resourceSliceCount: 2}
  nodeName: n1
  sharedCounters: [{name: s, counters: {slices: {value: "7"}}}]
  devices:
  - name: gpu-0)" +
             (old ? "\n    basic:" : "") + (old ? indented : body));
    EXPECT_TRUE(objects.diagnostics.empty());
    ASSERT_EQ(objects.resource_slices.size(), 1u);
    const model::ResourceSlice& slice = objects.resource_slices.front();
    EXPECT_EQ(slice.generation, 3);
    EXPECT_EQ(slice.slice_count, 2);
    EXPECT_EQ(slice.reach.node, "n1");
    EXPECT_EQ(slice.shared_counters.front().counters.front().amount, 7000);
    ASSERT_EQ(slice.devices.size(), 1u);
    const model::OfferedDevice& device = slice.devices.front();
    ASSERT_EQ(device.attributes.size(), 4u) << old;
    EXPECT_EQ(device.attributes[0].name, "driverVersion");
    EXPECT_EQ(device.attributes[0].value.kind, model::AttributeValue::Kind::kVersion);
    EXPECT_EQ(device.attributes[1].value.integer, 4);
    EXPECT_EQ(device.capacities.front().policy->step, 1024LL * 1024 * 1024 * 1000);
    EXPECT_EQ(device.consumes.front().counters.front().amount, 2000);
    EXPECT_EQ(device.taints.front().effect, model::DeviceTaint::Effect::kNoExecute);
    EXPECT_TRUE(device.shared);
  }
}

TEST(Claims, APodHasTheClaimsThatItNamesAndThoseOfItsTemplates) {
  const ClusterObjects objects = read(std::string(kPod) + R"(
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: one, namespace: ns}
spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.example.com}}]}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: shared, namespace: ns}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.example.com}}]}}
)");
  ASSERT_EQ(objects.pods.size(), 1u);
  EXPECT_EQ(objects.pods.front().claims, (std::vector<std::string>{"ns/p-gpu", "ns/shared"}));
  EXPECT_TRUE(objects.pods.front().missing_references.empty());
  ASSERT_EQ(objects.resource_claims.size(), 2u);
  EXPECT_FALSE(objects.resource_claims[0].from_template);
  EXPECT_EQ(objects.resource_claims[1].key, "ns/p-gpu");
  EXPECT_TRUE(objects.resource_claims[1].from_template);
}

TEST(Claims, WhatIsMissingIsSaid) {
  const ClusterObjects objects = read(kPod);
  EXPECT_EQ(objects.pods.front().missing_references,
            (std::vector<std::string>{"resource claim template ns/one", "resource claim ns/shared"}));
}

TEST(Claims, WhatIsWrongIsSaid) {
  const ClusterObjects objects = read(R"(
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: c}
spec: {selectors: [{cel: {expression: "device.name"}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: a, namespace: ns}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: c, allocationMode: Some}}]}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: b, namespace: ns}
spec: {devices: {requests: [{name: gpu, exactly: {}}]}}
)");
  EXPECT_EQ(objects.device_classes.size(), 1u);
  EXPECT_TRUE(objects.resource_claims.empty());
  ASSERT_GE(objects.diagnostics.size(), 3u);
  EXPECT_EQ(objects.diagnostics[0].field, "spec.selectors[0].cel");
  EXPECT_EQ(objects.diagnostics[0].severity, Diagnostic::Severity::kWarning);
  EXPECT_EQ(objects.diagnostics[1].field, "spec.devices.requests[0].exactly.allocationMode");
  EXPECT_EQ(objects.diagnostics[2].field, "spec.devices.requests[0].exactly.deviceClassName");
}

}  // namespace
}  // namespace fairlead::manifest
