// Objects as YAML, whatever they say, are read or reported.
#include "manifest/objects.h"
#include "objects_hold.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace fairlead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  manifest::ObjectReader reader(manifest::ReadOptions{});
  reader.read(std::string_view(reinterpret_cast<const char*>(data), size), "input");
  manifest::ClusterObjects objects = reader.finish();
  fuzz::demand_sound(objects);
  manifest::to_events(std::move(objects), base::Time());
  return 0;
}
