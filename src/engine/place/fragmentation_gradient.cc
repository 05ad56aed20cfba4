#include "engine/place/fragmentation_gradient.h"

#include "engine/place/device_room.h"
#include "engine/place/expected_workload.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace fairlead::engine {
namespace {

constexpr std::int32_t kWholeDevice = static_cast<std::int32_t>(model::kThousandthsPerDevice);

/// ln(s / (100 - s)) for s from 51 to 99: where the sigmoid reaches s per cent. Those below 50 mirror them.
/// Constants instead of exp() keep the scores the same on every machine.
constexpr std::array<double, 49> kLogit = {
    0.040005334613699164, 0.08004270767353643, 0.12014431184206324, 0.1603426500751794,  0.20067069546215116,
    0.24116205681688807,  0.2818511521409877,  0.322773392263051,   0.36396537720141164, 0.4054651081081644,
    0.44731221804366483,  0.4895482253187058,  0.5322168137473082,  0.5753641449035618,  0.6190392084062234,
    0.6632942174102642,   0.7081850579244858,  0.7537718023763802,  0.8001193001121132,  0.8472978603872036,
    0.8953840470548414,   0.9444616088408514,  0.994622575144062,   1.0459685551826876,  1.0986122886681098,
    1.1526795099383855,   1.2083112059245342,  1.2656663733312759,  1.3249254147435985,  1.3862943611198906,
    1.4500101755059982,   1.5163474893680884,  1.5856272637403819,  1.6582280766035324,  1.7346010553881064,
    1.8152899666382492,   1.900958761193047,   1.992430164690206,   2.0907410969337694,  2.1972245773362196,
    2.3136349291806306,   2.4423470353692043,  2.586689344097943,   2.751535313041949,   2.9444389791664403,
    3.1780538303479458,   3.4760986898352733,  3.8918202981106265,  4.59511985013459,
};
/// The sigmoid's width in device-thousandths.
constexpr double kSigmoidWidth = 1000;

double logit_of_percent(std::size_t percent) {
  if (percent == 50) return 0;
  return percent > 50 ? kLogit[percent - 51] : -kLogit[49 - percent];
}

/// Whether a device is a better choice than the best so far: by score, of equals the tightest.
bool is_better(double value, std::int32_t free, const NodeScore& best,
               std::span<const std::int32_t> devices) {
  if (best.device == NodeScore::kNoPreference || value != best.value) return value > best.value;
  return free < devices[static_cast<std::size_t>(best.device)];
}

/// The least whole number not below `value`.
std::int64_t round_up(double value) {
  const auto whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) < value ? whole + 1 : whole;
}

}  // namespace

FragmentationGradientScorer::FragmentationGradientScorer() { set_expected_workload({}); }

void FragmentationGradientScorer::set_expected_workload(std::span<const ExpectedTask> tasks) {
  ++version_;
  std::vector<ExpectedTask> expected = most_frequent(tasks, 1.0, kMostTasks);
  if (expected.empty()) {
    expected.push_back({.shape = {.device_count = 1, .device_thousandths = kWholeDevice}, .count = 1});
  }

  total_weight_ = 0;
  cpu_steps_.clear();
  std::vector<std::int32_t> shares;
  for (const ExpectedTask& task : expected) {
    total_weight_ += task.count;
    if (task.shape.device_count == 0) continue;  // cannot use any device: in F with all that is free
    cpu_steps_.push_back(task.shape.cpu_milli);
    if (task.shape.device_count == 1) shares.push_back(task.shape.device_thousandths);
  }
  const auto sort_and_keep_distinct = [](auto& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  };
  sort_and_keep_distinct(cpu_steps_);
  sort_and_keep_distinct(shares);
  columns_ = shares.size() + 1;
  for (std::size_t free = 0; free < column_of_share_.size(); ++free) {
    column_of_share_[free] = static_cast<std::uint16_t>(
        std::upper_bound(shares.begin(), shares.end(), static_cast<std::int32_t>(free)) - shares.begin());
  }

  // Models that no expected task tells apart share one table.
  tables_.clear();
  std::map<std::vector<bool>, std::uint8_t> table_of_signature;
  for (std::size_t model = 0; model < table_of_model_.size(); ++model) {
    std::vector<bool> allowed(expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      allowed[i] = (expected[i].shape.device_models >> model & 1) != 0;
    }
    const auto [known, is_new] =
        table_of_signature.emplace(std::move(allowed), static_cast<std::uint8_t>(tables_.size()));
    table_of_model_[model] = known->second;
    if (is_new) tables_.push_back(make_table(expected, known->first));
  }

  smallest_fall_[0] = std::numeric_limits<std::int64_t>::min();
  for (std::size_t percent = 1; percent < smallest_fall_.size(); ++percent) {
    smallest_fall_[percent] =
        round_up(logit_of_percent(percent) * kSigmoidWidth * static_cast<double>(total_weight_));
  }
}

FragmentationGradientScorer::ModelTable FragmentationGradientScorer::make_table(
    std::span<const ExpectedTask> expected, const std::vector<bool>& allowed) const {
  const std::size_t rows = cpu_steps_.size() + 1;
  ModelTable table;
  table.one_device.assign(rows * columns_, 0);
  table.several_devices.assign(rows * kWholeColumns, 0);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const TaskShape& shape = expected[i].shape;
    if (!allowed[i] || shape.device_count == 0) continue;
    const std::size_t row = row_of(shape.cpu_milli);
    if (shape.device_count == 1) {
      table.one_device[row * columns_ + column_of(shape.device_thousandths)] += expected[i].count;
    } else if (shape.device_thousandths == kWholeDevice) {
      const auto devices = static_cast<std::size_t>(shape.device_count);
      if (devices < kWholeColumns) table.several_devices[row * kWholeColumns + devices] += expected[i].count;
    } else {
      table.split.push_back(
          {shape.cpu_milli, shape.device_count, shape.device_thousandths, expected[i].count});
    }
  }
  // From counts at a point to counts up to it, along both axes.
  const auto accumulate = [rows](std::vector<std::int64_t>& cells, std::size_t columns) {
    for (std::size_t row = 0; row < rows; ++row) {
      std::int64_t* line = cells.data() + row * columns;
      for (std::size_t column = 1; column < columns; ++column) line[column] += line[column - 1];
    }
    for (std::size_t cell = columns; cell < rows * columns; ++cell) cells[cell] += cells[cell - columns];
  };
  accumulate(table.one_device, columns_);
  accumulate(table.several_devices, kWholeColumns);
  return table;
}

std::size_t FragmentationGradientScorer::row_of(std::int64_t free_cpu_milli) const {
  return static_cast<std::size_t>(std::upper_bound(cpu_steps_.begin(), cpu_steps_.end(), free_cpu_milli) -
                                  cpu_steps_.begin());
}

FragmentationGradientScorer::Row FragmentationGradientScorer::row(const ModelTable& table,
                                                                  std::int64_t free_cpu_milli) const {
  const std::size_t index = row_of(free_cpu_milli);
  return {table.one_device.data() + index * columns_, table.several_devices.data() + index * kWholeColumns};
}

std::int64_t FragmentationGradientScorer::usable_by_one(const Row& row, std::int32_t free_thousandths) const {
  return row.one_device[column_of(free_thousandths)] * free_thousandths;
}

std::int64_t FragmentationGradientScorer::usable_by_several(const Row& row, std::int64_t free_devices) {
  const auto column = std::min(static_cast<std::size_t>(free_devices), kWholeColumns - 1);
  return row.several_devices[column] * free_devices * kWholeDevice;
}

std::int64_t FragmentationGradientScorer::usable_by_split(const ModelTable& table,
                                                          std::int64_t free_cpu_milli,
                                                          std::span<const std::int32_t> free_thousandths) {
  std::int64_t usable = 0;
  for (const SplitTask& task : table.split) {
    if (task.cpu_milli > free_cpu_milli) continue;
    std::int64_t room = 0;
    std::int32_t devices = 0;
    for (const std::int32_t free : free_thousandths) {
      if (free < task.thousandths) continue;
      room += free;
      ++devices;
    }
    if (devices >= task.count) usable += task.weight * room;
  }
  return usable;
}

std::int64_t FragmentationGradientScorer::usable(const ModelTable& table, std::int64_t free_cpu_milli,
                                                 std::span<const std::int32_t> free_thousandths) const {
  const Row weights = row(table, free_cpu_milli);
  std::int64_t usable = 0;
  std::int64_t free_devices = 0;
  for (const std::int32_t free : free_thousandths) {
    usable += usable_by_one(weights, free);
    free_devices += free == kWholeDevice;
  }
  return usable + usable_by_several(weights, free_devices) +
         usable_by_split(table, free_cpu_milli, free_thousandths);
}

const FragmentationGradientScorer::ModelTable& FragmentationGradientScorer::table_of(
    const NodeState& node) const {
  return tables_[table_of_model_[static_cast<std::size_t>(node.device_model)]];
}

double FragmentationGradientScorer::fragmentation(const NodeState& node) const {
  const std::int64_t useless = total_weight_ * total_free_thousandths(node.free_thousandths) -
                               usable(table_of(node), node.free_cpu_milli, node.free_thousandths);
  return static_cast<double>(useless) / static_cast<double>(total_weight_);
}

double FragmentationGradientScorer::sigmoid_score(std::int64_t fall) const {
  return static_cast<double>(std::upper_bound(smallest_fall_.begin(), smallest_fall_.end(), fall) -
                             smallest_fall_.begin() - 1);
}

NodeScore FragmentationGradientScorer::score(const TaskShape& shape, const NodeState& node,
                                             std::string_view /*pod*/) const {
  const ModelTable& table = table_of(node);
  // F x total weight = total weight x free - usable; so it falls by what the task takes and what becomes
  // usable.
  const std::int64_t taken = total_weight_ * shape.total_thousandths();
  const std::int64_t usable_before = usable(table, node.free_cpu_milli, node.free_thousandths);
  const std::int64_t cpu_after = node.free_cpu_milli - shape.cpu_milli;
  const std::int64_t fall_by_taking = taken - usable_before;
  if (!table.split.empty() || (shape.shares_a_device() && shape.device_count > 1)) {
    return score_step_by_step(shape, node, fall_by_taking);
  }

  const Row after = row(table, cpu_after);
  std::int64_t usable_untouched = 0;
  std::int64_t free_devices = 0;
  for (const std::int32_t free : node.free_thousandths) {
    usable_untouched += usable_by_one(after, free);
    free_devices += free == kWholeDevice;
  }
  if (!shape.shares_a_device()) {
    const std::int64_t left = free_devices - shape.device_count;
    const std::int64_t usable_after = usable_untouched -
                                      shape.device_count * usable_by_one(after, kWholeDevice) +
                                      usable_by_several(after, left < 0 ? 0 : left);
    return {.value = sigmoid_score(fall_by_taking + usable_after)};
  }

  NodeScore best{.value = -1};
  std::int32_t tried = -1;
  for (std::size_t slot = 0; slot < node.free_thousandths.size(); ++slot) {
    const std::int32_t free = node.free_thousandths[slot];
    if (free < shape.device_thousandths || free == tried) continue;
    tried = free;
    const std::int64_t usable_after = usable_untouched - usable_by_one(after, free) +
                                      usable_by_one(after, free - shape.device_thousandths) +
                                      usable_by_several(after, free_devices - (free == kWholeDevice));
    const double value = sigmoid_score(fall_by_taking + usable_after);
    if (!is_better(value, free, best, node.free_thousandths)) continue;
    best = {.value = value, .device = static_cast<std::int32_t>(slot)};
  }
  return best;
}

NodeScore FragmentationGradientScorer::score_step_by_step(const TaskShape& shape, const NodeState& node,
                                                          std::int64_t fall_by_taking) const {
  const ModelTable& table = table_of(node);
  const std::int64_t cpu_after = node.free_cpu_milli - shape.cpu_milli;
  std::vector<std::int32_t> free(node.free_thousandths.begin(), node.free_thousandths.end());
  const auto score_of = [&] { return sigmoid_score(fall_by_taking + usable(table, cpu_after, free)); };

  if (shape.shares_a_device() && shape.device_count == 1) {
    NodeScore best{.value = -1};
    for (std::size_t slot = 0; slot < free.size(); ++slot) {
      if (free[slot] < shape.device_thousandths) continue;
      free[slot] -= shape.device_thousandths;
      const double value = score_of();
      free[slot] += shape.device_thousandths;
      if (!is_better(value, free[slot], best, node.free_thousandths)) continue;
      best = {.value = value, .device = static_cast<std::int32_t>(slot)};
    }
    return best;
  }
  // Whole devices are all alike, and shares on several devices go on the tightest ones.
  for (std::int32_t taken = 0; taken < shape.device_count; ++taken) {
    std::int32_t* tightest = nullptr;
    for (std::int32_t& candidate : free) {
      // A device that was just taken has less than it had, so it must not be asked a second time.
      const std::size_t slot = static_cast<std::size_t>(&candidate - free.data());
      if (candidate != node.free_thousandths[slot] || candidate < shape.device_thousandths) continue;
      if (tightest == nullptr || candidate < *tightest) tightest = &candidate;
    }
    if (tightest == nullptr) break;
    *tightest -= shape.device_thousandths;
  }
  return {.value = score_of()};
}

}  // namespace fairlead::engine
