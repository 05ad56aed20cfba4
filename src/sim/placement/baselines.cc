#include "sim/placement/baselines.h"

#include "engine/place/device_room.h"
#include "model/resources.h"
#include "sim/random.h"

#include <algorithm>
#include <cstddef>
#include <memory>

namespace fairlead::sim {
namespace {

using engine::NodeScore;
using engine::NodeState;
using engine::TaskShape;

constexpr std::int32_t kWholeDevice = static_cast<std::int32_t>(model::kThousandthsPerDevice);

double share_of(std::int64_t part, std::int64_t limit) {
  return static_cast<double>(part) / static_cast<double>(limit);
}

/// The published scores are whole numbers, cut off.
double whole(double value) { return static_cast<double>(static_cast<std::int64_t>(value)); }

NodeScore on_tightest_device(double value, const TaskShape& shape, const NodeState& node) {
  return {.value = value, .device = engine::tightest_device(shape, node.free_thousandths)};
}

/// One of the devices that hold the share: counted from the tightest, so that the order of the devices does
/// not matter.
std::int32_t any_device(const TaskShape& shape, const NodeState& node, std::uint64_t chance) {
  const auto& free = node.free_thousandths;
  const auto holds_it = [&shape](std::int32_t left) { return left >= shape.device_thousandths; };
  const auto choices = static_cast<std::uint64_t>(std::count_if(free.begin(), free.end(), holds_it));
  if (choices == 0) return NodeScore::kNoPreference;
  std::uint64_t before = chance % choices;
  for (std::int32_t left = shape.device_thousandths; left <= kWholeDevice;) {
    std::int32_t next = kWholeDevice + 1;
    for (std::size_t i = 0; i < free.size(); ++i) {
      if (free[i] == left && before-- == 0) return static_cast<std::int32_t>(i);
      if (free[i] > left) next = std::min(next, free[i]);
    }
    left = next;
  }
  return NodeScore::kNoPreference;
}

}  // namespace

NodeScore BestFitScorer::score(const TaskShape& shape, const NodeState& node,
                               std::string_view /*pod*/) const {
  const std::int64_t cpu_left = node.free_cpu_milli - shape.cpu_milli;
  const std::int64_t devices_left =
      engine::total_free_thousandths(node.free_thousandths) - shape.total_thousandths();
  const double left =
      0.5 * share_of(cpu_left, limits_.cpu_milli) + 0.5 * share_of(devices_left, limits_.device_thousandths);
  return on_tightest_device(whole(100 * (1 - left)), shape, node);
}

NodeScore DotProductScorer::score(const TaskShape& shape, const NodeState& node,
                                  std::string_view /*pod*/) const {
  const std::int64_t free = engine::total_free_thousandths(node.free_thousandths);
  const double cpu =
      share_of(node.free_cpu_milli, limits_.cpu_milli) * share_of(shape.cpu_milli, limits_.cpu_milli);
  const double devices = share_of(free, limits_.device_thousandths) *
                         share_of(shape.total_thousandths(), limits_.device_thousandths);
  return on_tightest_device(whole(100 * (1 - 0.5 * (cpu + devices))), shape, node);
}

NodeScore PackingScorer::score(const TaskShape& shape, const NodeState& node,
                               std::string_view /*pod*/) const {
  if (shape.device_count == 0) return {};
  const auto free_devices =
      std::count(node.free_thousandths.begin(), node.free_thousandths.end(), kWholeDevice);
  const auto devices = static_cast<std::ptrdiff_t>(node.free_thousandths.size());
  NodeScore result = on_tightest_device(0, shape, node);
  if (free_devices == devices) {
    result.value = static_cast<double>(std::max(33 - devices, devices));
    return result;
  }
  const std::int32_t room = result.device == NodeScore::kNoPreference
                                ? kWholeDevice
                                : node.free_thousandths[static_cast<std::size_t>(result.device)];
  result.value =
      room < kWholeDevice ? std::max(50, 100 - room / 10 / 10) : std::max(33, 50 - shape.device_count);
  return result;
}

NodeScore ClusteringScorer::score(const TaskShape& shape, const NodeState& node,
                                  std::string_view /*pod*/) const {
  if (shape.device_count == 0) return {};
  const engine::DeviceCountClasses own = engine::device_count_class(shape);
  double company = 0;
  if (node.running_classes == 0) {
    company = 25;
  } else if (node.running_classes == own) {
    company = 75;
  } else if ((node.running_classes & own) != 0) {
    company = 50;
  }
  const std::int64_t used =
      limits_.device_thousandths - engine::total_free_thousandths(node.free_thousandths);
  const std::int64_t fullness = 25 * used / limits_.device_thousandths;
  return on_tightest_device(company + static_cast<double>(fullness), shape, node);
}

std::uint64_t RandomScorer::hash(std::string_view node, std::string_view pod) const {
  std::uint64_t state = seed_;
  const auto absorb = [&state](std::string_view text) {
    while (!text.empty()) {
      // Bytes by value, not by memory order, so that the hash is the same on every machine.
      std::uint64_t word = 0;
      const std::size_t taken = std::min<std::size_t>(text.size(), 8);
      for (std::size_t i = 0; i < taken; ++i) word = word << 8 | static_cast<unsigned char>(text[i]);
      state ^= word;
      state = split_mix_64(state);
      text.remove_prefix(taken);
    }
    state ^= 0xff;  // which no name holds, so that ("ab", "c") and ("a", "bc") differ
  };
  absorb(pod);
  absorb(node);
  return state;
}

std::optional<double> RandomScorer::value_by_names(std::string_view node, std::string_view pod) const {
  std::uint64_t state = hash(node, pod);
  // 53 bits are what a double holds exactly.
  return static_cast<double>(split_mix_64(state) >> 11);
}

NodeScore RandomScorer::score(const TaskShape& shape, const NodeState& node, std::string_view pod) const {
  std::uint64_t state = hash(node.name, pod);
  NodeScore result{.value = static_cast<double>(split_mix_64(state) >> 11)};
  if (shape.shares_a_device()) result.device = any_device(shape, node, split_mix_64(state));
  return result;
}

std::vector<engine::NamedScorerFactory> baseline_scorers(NodeLimits limits, std::uint64_t seed) {
  return {{"best-fit", [limits] { return std::make_unique<BestFitScorer>(limits); }},
          {"dot-product", [limits] { return std::make_unique<DotProductScorer>(limits); }},
          {"packing", [] { return std::make_unique<PackingScorer>(); }},
          {"clustering", [limits] { return std::make_unique<ClusteringScorer>(limits); }},
          {"random", [seed] { return std::make_unique<RandomScorer>(seed); }}};
}

}  // namespace fairlead::sim
