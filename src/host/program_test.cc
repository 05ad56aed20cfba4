#include "host/supervisor.h"

#include <gtest/gtest.h>

#include <string_view>

// The test program is the program of the supervisors that it starts, so that these are tested as they are
// built here, with the same sanitizers.
int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "supervise") return fairlead::host::run_supervisor(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
