#pragma once

#include "engine/place/placement_scorer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// Places a task where the devices that are left stay the most useful for what is expected to arrive.
///
/// A node's fragmentation F is how much of its free device share an expected task cannot use, on average: for
/// an expected task that fits on the node, what is free on devices with too little room for it; for one that
/// does not fit, and for cpu-only ones, all that is free. The score is the sigmoid of how much F falls (in
/// device-thousandths) when the task is placed, 100 / (1 + exp(-fall / 1000)), as a whole number in [0, 99];
/// on the device of the node that gives the best score, of equals the tightest. Without an expected
/// workload each task is expected to need a whole device.
///
/// Source: Weng et al., "Beware of Fragmentation" (USENIX ATC 2023); the rounding is that of its published
/// implementation, and it matters: near-ties then go to the first node, which keeps the others whole.
///
/// All arithmetic is on integers: F times the number of expected tasks is one, and so is the smallest fall
/// that reaches each score. Cost: O(devices + log expected tasks) a score, from tables made when the workload
/// is set. Memory: 8 bytes x distinct cpu requests x distinct shares for each device model that the workload
/// tells apart.
class FragmentationGradientScorer final : public PlacementScorer {
 public:
  /// Only so many expected tasks count, the most frequent ones, which bounds the tables (to 2 MB a model).
  static constexpr std::size_t kMostTasks = 512;

  FragmentationGradientScorer();

  std::string_view name() const override { return "fragmentation-gradient"; }
  std::uint64_t version() const override { return version_; }
  void set_expected_workload(std::span<const ExpectedTask> tasks) override;
  NodeScore score(const TaskShape& shape, const NodeState& node, std::string_view pod) const override;

  /// F of the node in device-thousandths, for tests and reports.
  double fragmentation(const NodeState& node) const;

 private:
  /// Expected tasks that ask for a share on each of several devices; no table holds them.
  struct SplitTask {
    std::int64_t cpu_milli;
    std::int32_t count;
    std::int32_t thousandths;
    std::int64_t weight;
  };
  /// What the expected tasks of one device model weigh. A row is what fits when so much cpu is free.
  struct ModelTable {
    /// [row x columns + column]: those that need one device of at most this share.
    std::vector<std::int64_t> one_device;
    /// [row x kWholeColumns + free devices]: those that need several whole devices, at most this many.
    std::vector<std::int64_t> several_devices;
    std::vector<SplitTask> split;
  };
  static constexpr std::size_t kWholeColumns = 65;  ///< 0 to 64 free devices; more count as 64
  struct Row {
    const std::int64_t* one_device;
    const std::int64_t* several_devices;
  };

  ModelTable make_table(std::span<const ExpectedTask> expected, const std::vector<bool>& allowed) const;
  const ModelTable& table_of(const NodeState& node) const;
  std::size_t row_of(std::int64_t free_cpu_milli) const;
  std::size_t column_of(std::int32_t thousandths) const {
    return column_of_share_[static_cast<std::size_t>(thousandths)];
  }
  Row row(const ModelTable& table, std::int64_t free_cpu_milli) const;
  // What the expected tasks can use of devices with this much left: the sum over tasks of weight x
  // thousandths.
  std::int64_t usable_by_one(const Row& row, std::int32_t free_thousandths) const;
  static std::int64_t usable_by_several(const Row& row, std::int64_t free_devices);
  static std::int64_t usable_by_split(const ModelTable& table, std::int64_t free_cpu_milli,
                                      std::span<const std::int32_t> free_thousandths);
  std::int64_t usable(const ModelTable& table, std::int64_t free_cpu_milli,
                      std::span<const std::int32_t> free_thousandths) const;
  /// The score of a fall of F x total weight.
  double sigmoid_score(std::int64_t fall) const;
  /// The same score from whole states, for shapes and workloads that the tables cannot answer.
  NodeScore score_step_by_step(const TaskShape& shape, const NodeState& node,
                               std::int64_t fall_by_taking) const;

  std::uint64_t version_ = 0;
  std::int64_t total_weight_ = 0;
  std::vector<std::int64_t> cpu_steps_;  ///< distinct cpu requests, ascending; row r: r of them fit
  std::array<std::uint16_t, 1001> column_of_share_{};
  std::size_t columns_ = 0;
  std::vector<ModelTable> tables_;
  std::array<std::uint8_t, kDeviceModelBits> table_of_model_{};
  std::array<std::int64_t, 100> smallest_fall_{};  ///< that reaches each score
};

}  // namespace fairlead::engine
