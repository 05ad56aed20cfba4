#pragma once

#include <string>
#include <vector>

namespace fairlead::model {

/// A tree of nodes by labels, from the widest level to the narrowest ("zone", "block", "rack", "host").
struct Topology {
  std::string name;
  std::vector<std::string> levels;  ///< node label keys, 1 to 16
};

}  // namespace fairlead::model
