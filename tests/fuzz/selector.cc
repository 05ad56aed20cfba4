// A selector is understood or refused, and evaluating it ends with the same result each time.
#include "demand.h"
#include "model/cel/expression.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace fairlead;

namespace {

model::OfferedDevice make_device() {
  using Kind = model::AttributeValue::Kind;
  model::OfferedDevice device;
  device.name = "gpu-0";
  device.attributes = {{"count", {Kind::kInteger, 7, false, ""}},
                       {"model", {Kind::kText, 0, false, "H100 80GB"}},
                       {"other.example.com/ready", {Kind::kBoolean, 0, true, ""}},
                       {"version", {Kind::kVersion, 0, false, "1.2.3-rc.1"}}};
  device.capacities = {{"memory", std::int64_t{80} << 40U, {}}};
  return device;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const model::cel::DeviceView device("gpu.example.com", make_device());
  if (const auto compiled = model::cel::Expression::compile(text)) {
    const auto once = compiled->selects(device);
    const auto again = compiled->selects(device);
    fuzz::demand(once.ok() == again.ok());
    if (once.ok()) fuzz::demand(*once == *again);
  } else {
    fuzz::demand(!compiled.error().message().empty());
  }
  if (const auto pattern = model::cel::Pattern::compile(text))
    fuzz::demand(pattern->found_in("H100 80GB") == pattern->found_in("H100 80GB"));
  return 0;
}
