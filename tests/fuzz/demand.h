#pragma once

#include <cstdlib>

namespace fairlead::fuzz {

/// What must hold for every input; a fuzzer reports the input for which it does not.
inline void demand(bool holds) {
  if (!holds) std::abort();
}

}  // namespace fairlead::fuzz
