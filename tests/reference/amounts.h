#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace fairlead::reference {

/// Quantities by name. Towards queues the names are dimensions ("gpu" in thousandths, "cpu" in millicores,
/// "memory" in bytes, "gpu/MODEL"); on a node they are what the node hands out. A name that is absent counts
/// as 0.
using Amounts = std::map<std::string, std::int64_t>;

inline std::int64_t get(const Amounts& amounts, const std::string& name) {
  auto found = amounts.find(name);
  return found == amounts.end() ? 0 : found->second;
}
inline void add(Amounts& sum, const Amounts& more) {
  for (const auto& [name, amount] : more) sum[name] += amount;
}
inline void subtract(Amounts& sum, const Amounts& less) {
  for (const auto& [name, amount] : less) sum[name] -= amount;
}
inline Amounts plus(Amounts sum, const Amounts& more) {
  add(sum, more);
  return sum;
}

}  // namespace fairlead::reference
