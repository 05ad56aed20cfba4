#include "device/device_provider.h"

#include <gtest/gtest.h>

#include <string_view>

// The test program is the program of the probes that it starts, so that these are tested as they are built
// here.
int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "device-probe")
    return fairlead::device::run_nvml_probe(argv[3]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
