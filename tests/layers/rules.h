#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::layers {

/// One breach of the architecture's rules.
struct Breach {
  std::string file;  ///< relative to the repository, with '/'
  int line = 0;      ///< from 1; 0 when the file as a whole is meant
  std::string what;  ///< the rule and what breaks it, in one sentence without a full stop

  friend bool operator==(const Breach&, const Breach&) = default;
};

/// Checks one source file of src/ or tests/reference/.
/// @param file     its path below the repository, "src/engine/fit.h": names the layer, and whether it is a
/// header or a test
/// @param content  the whole text
/// @return what it includes and uses without leave, in the order of lines. Comments and string literals do
/// not count.
std::vector<Breach> check_source(std::string_view file, std::string_view content);

/// Checks the layers that a layer's CMakeLists.txt links (USES ...) against the same table.
std::vector<Breach> check_cmake(std::string_view file, std::string_view content);

/// Checks every .h, .cc and CMakeLists.txt below root/src, in the order of their paths. A missing src/ is a
/// breach.
std::vector<Breach> check_tree(const std::filesystem::path& root);

}  // namespace fairlead::layers
