// Instants and durations that can be read are written back as the same ones.
#include "base/time.h"

#include "demand.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace fairlead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto time = base::parse_time(text)) {
    const auto again = base::parse_time(base::format_time(*time));
    fuzz::demand(again.ok() && *again == *time);
  }
  if (const auto duration = base::parse_duration(text)) {
    const auto again = base::parse_duration(base::format_duration(*duration));
    fuzz::demand(again.ok() && *again == *duration);
  }
  return 0;
}
