// Objects as JSON, whatever they say, are read or reported.
#include "manifest/objects.h"
#include "objects_hold.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace fairlead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // What begins otherwise is YAML and has a target of its own.
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) return -1;
  manifest::ObjectReader reader(manifest::ReadOptions{});
  reader.read(text, "input");
  manifest::ClusterObjects objects = reader.finish();
  fuzz::demand_sound(objects);
  manifest::to_events(std::move(objects), base::Time());
  return 0;
}
