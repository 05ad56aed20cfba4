#include "engine/gang/plain_scan.h"

#include <algorithm>
#include <array>

namespace fairlead::engine {
namespace {

constexpr std::size_t kMostAmounts = 12;

/// A column that a pod takes from.
struct Need {
  const std::int64_t* now;
  const std::int64_t* later;
  std::int64_t amount;
};

}  // namespace

bool is_plain(const model::PodClass& pod_class) {
  if (pod_class.key.devices.shares_devices() || !pod_class.key.devices.partitions.empty()) return false;
  if (pod_class.amounts.size() > kMostAmounts) return false;
  if (pod_class.key.claims.kind == model::ClaimNeeds::Kind::kSearched) return false;
  return std::any_of(pod_class.amounts.begin(), pod_class.amounts.end(),
                     [&](const model::ResourceAmount& amount) {
                       return amount.resource == pod_class.packed && amount.amount > 0;
                     });
}

std::optional<PlainChoice> best_plain_node(const model::Cluster& cluster,
                                           const std::vector<StaticFit::Entry>& entries,
                                           const model::PodClass& pod_class, const NodeSet& set,
                                           model::PlacementStrategy strategy,
                                           model::NodeId nominated_before) {
  const model::NodeTable& nodes = cluster.nodes();
  const model::Policies& policies = cluster.configuration().policies;
  std::array<Need, kMostAmounts> needs{};
  std::size_t count = 0;
  std::int64_t packed_amount = 0;
  const model::ResourceId packed = pod_class.packed;
  // The scarcest column first, so that most nodes are refused by one comparison.
  for (const model::ResourceAmount& amount : pod_class.amounts) {
    if (amount.amount <= 0) continue;
    needs[count++] = {nodes.now(amount.resource).data(), nodes.later(amount.resource).data(), amount.amount};
    if (amount.resource != packed) continue;
    packed_amount = amount.amount;
    std::swap(needs[0], needs[count - 1]);
  }
  const std::int64_t* free = nodes.later(packed).data();
  const std::int64_t* capacity = nodes.capacity(packed).data();
  const std::int64_t* devices = nodes.capacity(model::column::kDevices).data();
  const bool spread = strategy == model::PlacementStrategy::kSpread;
  const bool rank_cpu_only = policies.resource_type && !pod_class.uses_devices;
  // Without preferences a node that starts the pod at once and is filled up by it cannot be beaten.
  const bool simple = !nominated_before.valid() && set.scores.empty() && pod_class.uses_devices && !spread &&
                      pod_class.key.constraints.preferred_nodes.empty();

  model::NodeId best;
  std::int64_t best_band = -1;
  std::int64_t best_free = 0;
  double best_part = 0;
  bool best_now = false;
  for (std::size_t i = 0; i < set.nodes.size(); ++i) {
    const model::NodeId node = set.nodes[i];
    const std::size_t row = node.index();
    bool fits = entries[row].refusal == 0;
    for (std::size_t n = 0; fits && n < count; ++n) fits = needs[n].later[row] >= needs[n].amount;
    if (!fits) continue;
    bool now = true;
    for (std::size_t n = 0; now && n < count; ++n) now = needs[n].now[row] >= needs[n].amount;
    // The bands of the general score in one number, the most important in the highest bits.
    std::int64_t band = std::int64_t{entries[row].preference} << 24;
    band |= std::int64_t{255 - std::min(255, entries[row].untolerated)} << 8;
    if (!set.scores.empty()) band |= std::int64_t{set.scores[i]} << 4;
    if (policies.nominated_node && node == nominated_before) band |= std::int64_t{1} << 62;
    if (policies.node_availability && now) band |= 2;
    if (rank_cpu_only && devices[row] == 0 && nodes.at(node).spec.partitions.empty() &&
        nodes.at(node).claim_devices == 0)
      band |= 1;
    if (band < best_band) continue;
    if (spread) {
      const double part = static_cast<double>(free[row]) / static_cast<double>(capacity[row]);
      if (band == best_band && !(part > best_part)) continue;
      best_part = part;
    } else if (band == best_band && free[row] >= best_free) {
      continue;
    }
    best = node;
    best_band = band;
    best_free = free[row];
    best_now = now;
    if (simple && now && best_free == packed_amount && entries[row].untolerated == 0) break;
  }
  if (!best.valid()) return std::nullopt;
  return PlainChoice{best, best_now};
}

}  // namespace fairlead::engine
