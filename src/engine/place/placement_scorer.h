#pragma once

#include "model/resources.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::engine {

/// Device models as bits: bit i is the model that the caller numbered i. With more than 64 models the caller
/// gives bit 63 to all that are left; a score may be coarse, feasibility is never decided here.
using DeviceModelSet = std::uint64_t;
inline constexpr DeviceModelSet kEveryDeviceModel = ~DeviceModelSet{0};
inline constexpr std::int32_t kDeviceModelBits = 64;

/// What a task asks for, as far as scores see it. Equal shapes have equal scores on the same node.
struct TaskShape {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int32_t device_count = 0;  ///< 0: cpu only
  std::int32_t device_thousandths =
      0;  ///< of each device: [1, 999] a share, 1000 whole devices, 0 without devices
  DeviceModelSet device_models = kEveryDeviceModel;

  bool shares_a_device() const {
    return device_count > 0 && device_thousandths < model::kThousandthsPerDevice;
  }
  std::int64_t total_thousandths() const { return std::int64_t{device_count} * device_thousandths; }
  friend auto operator<=>(const TaskShape&, const TaskShape&) = default;
};

/// Sets of device-count classes as bits: bit 0 is shares, bit k tasks of k whole devices (bit 63: 63 and
/// more).
using DeviceCountClasses = std::uint64_t;
constexpr DeviceCountClasses device_count_class(const TaskShape& shape) {
  if (shape.device_count == 0) return 0;
  if (shape.shares_a_device()) return 1;
  return DeviceCountClasses{1} << (shape.device_count < 63 ? shape.device_count : 63);
}

/// A node as it is before the task is placed. Free is what the caller lets the task use (idle, or idle and
/// releasing). The spans and the name stay valid for the duration of one call only.
struct NodeState {
  std::string_view name = {};
  std::int64_t cpu_milli = 0;  ///< allocatable
  std::int64_t memory_bytes = 0;
  std::int64_t free_cpu_milli = 0;  ///< below 0 where the world has overcommitted the node
  std::int64_t free_memory_bytes = 0;
  std::span<const std::int32_t> free_thousandths = {};  ///< per healthy device, in any order, [0, 1000]
  std::int32_t device_model = 0;                        ///< [0, 63], see DeviceModelSet
  /// Of the tasks with devices that run here; left 0 for scorers without reads_running_classes().
  DeviceCountClasses running_classes = 0;
};

/// How good a node is, and which of its devices the scorer would take.
struct NodeScore {
  static constexpr std::int32_t kNoPreference = -1;
  /// Higher is better; only comparable between nodes for the same task and the same scorer.
  double value = 0;
  /// For a share, the index in NodeState::free_thousandths of the device it belongs on. kNoPreference where
  /// the scorer does not care, and always for whole devices (the caller takes any free ones).
  std::int32_t device = kNoPreference;

  friend bool operator==(const NodeScore&, const NodeScore&) = default;
};

/// A kind of task that is expected to arrive, and how often.
struct ExpectedTask {
  TaskShape shape = {};
  std::int64_t count = 0;  ///< relative frequency, at least 1
};

/// A placement strategy as the engine asks it: how good is this node for this task?
///
/// A score is a function of the shape, of the state of that one node, and of the expected workload, so the
/// caller may keep it until one of these changes (the node's version, and version() below). The order of a
/// node's devices changes neither the score nor how much is left on the device that is chosen. Scorers never
/// say whether a task fits: the caller asks only about nodes on which it does, and breaks ties (by node
/// name). Thread: one. Deterministic: integers, or doubles with + - * / in a stated order.
class PlacementScorer {
 public:
  virtual ~PlacementScorer() = default;

  /// The word people use for it: "bin-pack".
  virtual std::string_view name() const = 0;
  /// True when the score also depends on the identity of the pod (random): it must not be kept for its class.
  virtual bool depends_on_pod() const { return false; }
  /// The value of score() where it follows from names alone, for scorers with depends_on_pod(): the caller
  /// then need not describe each node. Nothing: it does not.
  virtual std::optional<double> value_by_names(std::string_view /*node*/, std::string_view /*pod*/) const {
    return std::nullopt;
  }
  /// True when NodeState::running_classes must be filled in.
  virtual bool reads_running_classes() const { return false; }
  /// Goes up when every score given before is void, because of set_expected_workload.
  virtual std::uint64_t version() const { return 0; }
  /// Tells what is expected to arrive. Scorers that do not look ahead ignore it. Cost: O(n log n).
  virtual void set_expected_workload(std::span<const ExpectedTask> /*tasks*/) {}
  /// `pod` is the pod's UID; only scorers with depends_on_pod() read it. The task fits on the node.
  virtual NodeScore score(const TaskShape& shape, const NodeState& node, std::string_view pod) const = 0;
};

/// Makes a scorer by a name under which a Placement can ask for it. A host gives these to the engine for
/// strategies that are not the engine's own, such as the simulator's baselines.
struct NamedScorerFactory {
  std::string name;
  std::function<std::unique_ptr<PlacementScorer>()> make;
};

}  // namespace fairlead::engine
