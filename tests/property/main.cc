#include <gtest/gtest.h>

#include <cstdlib>

/// A fixed seed by default, so that a run can be repeated and a build does not fail by chance. For a longer
/// search: RC_PARAMS="max_success=20000 seed=7" property_test; a failure prints the parameters that repeat
/// it.
int main(int argc, char** argv) {
  setenv("RC_PARAMS", "seed=1", 0);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
