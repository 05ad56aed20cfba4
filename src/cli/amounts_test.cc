#include "cli/amounts.h"

#include <gtest/gtest.h>

#include <limits>

namespace fairlead::cli {
namespace {

TEST(Amounts, AreShortAndExactEnough) {
  EXPECT_EQ(thousandths_text(0), "0");
  EXPECT_EQ(thousandths_text(8000), "8");
  EXPECT_EQ(thousandths_text(1500), "1.5");
  EXPECT_EQ(thousandths_text(-250), "-0.25");
  EXPECT_EQ(thousandths_text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775.808");
  EXPECT_EQ(bytes_text(512), "512");
  EXPECT_EQ(bytes_text(std::int64_t{512} << 30), "512Gi");
  EXPECT_EQ(bytes_text((std::int64_t{3} << 30) / 2), "1.5Gi");
  EXPECT_EQ(bytes_text(std::numeric_limits<std::int64_t>::max()), "8192Pi");
  EXPECT_EQ(count_text(1, "pod"), "1 pod");
  EXPECT_EQ(count_text(0, "pod"), "0 pods");
}

TEST(Amounts, CarryTheUnitOfTheirDimension) {
  EXPECT_EQ(amount_text("gpu", 1000), "1 device");
  EXPECT_EQ(amount_text("gpu", 500), "0.5 devices");
  EXPECT_EQ(amount_text("gpu/H100", 2000), "2 H100 devices");
  EXPECT_EQ(amount_text("cpu", 4000), "4 CPUs");
  EXPECT_EQ(amount_text("memory", std::int64_t{16} << 30), "16Gi of memory");
  EXPECT_EQ(bound_text("gpu", model::Bound::unlimited()), "unlimited");
  EXPECT_EQ(bound_text("gpu", model::Bound::of(0)), "0");
}

TEST(Amounts, DescribeWhatAPodAsksFor) {
  model::Pod pod;
  EXPECT_EQ(request_text(pod), "nothing");
  pod.requests.cpu_milli = 500;
  EXPECT_EQ(request_text(pod), "0.5 CPUs");
  pod.devices.kind = model::DeviceRequest::Kind::kWhole;
  pod.devices.resource = "amd.com/gpu";
  pod.devices.count = 8;
  EXPECT_EQ(request_text(pod), "8 amd.com/gpu, 0.5 CPUs");
  pod.devices = {};
  pod.devices.kind = model::DeviceRequest::Kind::kFraction;
  pod.devices.count = 2;
  pod.devices.thousandths = 250;
  pod.requests.counted.push_back({"rdma/hca", 1});
  EXPECT_EQ(request_text(pod), "2 x 0.25 of a device, 0.5 CPUs, 1 rdma/hca");
  pod.devices = {};
  pod.devices.partitions.push_back({"nvidia.com/mig-1g.10gb", 3, 1000});
  EXPECT_EQ(device_request_text(pod.devices), "3 nvidia.com/mig-1g.10gb");
}

}  // namespace
}  // namespace fairlead::cli
