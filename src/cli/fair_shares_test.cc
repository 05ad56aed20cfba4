#include "cli/fair_shares.h"

#include "cli/sample_cluster_test.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

TEST(FairShares, AreWhatARoundStartsWith) {
  SampleCluster sample;
  sample.node("a", 8);
  sample.queue("science", "", 4);
  sample.queue("vision", "science", 2);
  sample.queue("language", "science", 2);
  sample.queue("product", "", 2);
  sample.group("runs", "vision", 6, 1, "a");
  sample.group("waits", "language", 1, 2);
  const FairShares shares(sample.objects);
  EXPECT_EQ(shares.of("science", "")->gpu, 8000) << "product asks for nothing";
  EXPECT_EQ(shares.of("vision", "")->gpu, 6000);
  EXPECT_EQ(shares.of("language", "")->gpu, 2000);
  EXPECT_EQ(shares.of("product", "")->gpu, 0);
  EXPECT_FALSE(shares.of("nobody", ""));
}

}  // namespace
}  // namespace fairlead::cli
