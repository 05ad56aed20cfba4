// A cycle document is read or refused.
#include "manifest/cycle.h"

#include "objects_hold.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace fairlead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto document = manifest::read_cycle(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!document) return 0;
  fuzz::demand_sound(document->objects);
  manifest::to_events(std::move(document->objects), document->now);
  return 0;
}
