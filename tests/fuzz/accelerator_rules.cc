// A site's accelerator rules are read or refused, and those that are read can be used.
#include "manifest/accelerator_rules.h"

#include "demand.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace fairlead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto rules = manifest::read_accelerator_rules(
      std::string_view(reinterpret_cast<const char*>(data), size), "accelerators.yaml");
  if (!rules) return 0;
  for (const manifest::AcceleratorRule& rule : *rules) {
    fuzz::demand(!rule.resource.empty());
    fuzz::demand(rule.quota_thousandths >= 0);
  }
  return 0;
}
