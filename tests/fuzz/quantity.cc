// A text is a quantity or an error, and what it is in thousandths agrees with what it is in whole units.
#include "base/quantity.h"

#include "demand.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace fairlead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = base::parse_quantity(text);
  const auto milli = base::parse_quantity_milli(text);
  // A text outside the grammar is so in every unit; only a number that is too large may be so in one of them.
  if (!whole) fuzz::demand(!milli);
  if (!milli && milli.error().code() == base::Code::kInvalidArgument) fuzz::demand(!whole);
  if (whole && milli) {
    const __int128 exact = *milli;
    const __int128 rounded = static_cast<__int128>(*whole) * 1000;
    const bool negative = *whole < 0 || *milli < 0;
    fuzz::demand(negative ? rounded <= exact && rounded > exact - 1000
                          : rounded >= exact && rounded < exact + 1000);
  }
  return 0;
}
