#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace fairlead::cli {

/// The text of src/cli/testdata/NAME, which `actual` is to equal. With FAIRLEAD_UPDATE_GOLDEN set the file is
/// written with `actual` first: read the difference before committing it. Tests run in the project's folder.
inline std::string golden(std::string_view name, const std::string& actual) {
  std::string path = "src/cli/testdata/" + std::string(name);
  if (std::getenv("FAIRLEAD_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  std::ifstream file(path);
  std::stringstream expected;
  if (file) expected << file.rdbuf();
  return expected.str();
}

}  // namespace fairlead::cli
