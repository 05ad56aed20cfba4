#include "model/claim.h"

#include "model/resources.h"

#include <algorithm>

namespace fairlead::model {

bool tolerates(const DeviceToleration& toleration, const DeviceTaint& taint) {
  if (toleration.effect && *toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  return toleration.exists || (!toleration.key.empty() && toleration.value == taint.value);
}

std::int64_t claim_thousandths(const ResourceClaim& claim,
                               const std::function<const DeviceClass*(std::string_view)>& find_class) {
  const auto mentions = [](std::string_view text) { return text.find("gpu") != std::string_view::npos; };
  std::int64_t sum = 0;
  for (const ClaimRequest& request : claim.requests) {
    if (request.choices.empty()) continue;
    // What a list or "all" will be is not known before.
    const DeviceChoice& choice = request.choices.front();
    if (choice.admin_access) continue;
    bool accelerators = mentions(choice.device_class);
    if (const DeviceClass* found = accelerators ? nullptr : find_class(choice.device_class))
      accelerators = std::any_of(found->selectors.begin(), found->selectors.end(), mentions);
    if (accelerators) sum += (choice.all ? 1 : choice.count) * kThousandthsPerDevice;
  }
  if (sum > 0 || !claim.allocation) return sum;
  for (const AllocatedDevice& device : claim.allocation->devices)
    if (!device.admin_access && mentions(device.driver)) sum += kThousandthsPerDevice;
  return sum;
}

}  // namespace fairlead::model
