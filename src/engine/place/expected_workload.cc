#include "engine/place/expected_workload.h"

#include <algorithm>
#include <map>

namespace fairlead::engine {

std::vector<ExpectedTask> most_frequent(std::span<const ExpectedTask> tasks, double coverage,
                                        std::size_t most) {
  std::map<TaskShape, std::int64_t> counts;
  std::int64_t total = 0;
  for (const ExpectedTask& task : tasks) {
    if (task.count < 1) continue;
    TaskShape shape = task.shape;
    shape.memory_bytes = 0;
    counts[shape] += task.count;
    total += task.count;
  }
  std::vector<ExpectedTask> sorted;
  sorted.reserve(counts.size());
  for (const auto& [shape, count] : counts) sorted.push_back({.shape = shape, .count = count});
  std::sort(sorted.begin(), sorted.end(), [](const ExpectedTask& a, const ExpectedTask& b) {
    return a.count != b.count ? a.count > b.count : a.shape > b.shape;
  });

  std::int64_t covered = 0;
  std::size_t kept = 0;
  while (kept < sorted.size() && kept < most &&
         static_cast<double>(covered) < coverage * static_cast<double>(total)) {
    covered += sorted[kept].count;
    ++kept;
  }
  sorted.resize(kept);
  return sorted;
}

}  // namespace fairlead::engine
