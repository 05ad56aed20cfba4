#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

/// A fixed seed by default, so that a run can be repeated and a build does not fail by chance; and so many
/// plans that each run is thousands. For a longer search PROPERTY_PLANS=20000, with PROPERTY_SEED=7 for
/// others; a failure prints the RC_PARAMS that repeat it, which count before these.
int main(int argc, char** argv) {
  const char* plans = std::getenv("PROPERTY_PLANS");
  const char* seed = std::getenv("PROPERTY_SEED");
  const std::string parameters =
      std::string("seed=") + (seed ? seed : "1") + " max_success=" + (plans ? plans : "1000");
  setenv("RC_PARAMS", parameters.c_str(), 0);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
