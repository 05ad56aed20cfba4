#pragma once

#include "base/result.h"
#include "cli/environment.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// The command line of `fairlead simulate`.
struct SimulateOptions {
  enum class Output { kTable, kJson };
  std::string trace = "openb";  ///< the only reader so far
  std::string nodes;            ///< a file
  std::string pods;             ///< a file
  std::string placement = "fragmentation";
  double load = 1.3;         ///< demand over capacity, (0, 10]
  std::string seeds = "42";  ///< see parse_seeds
  Output output = Output::kTable;
};

inline constexpr std::size_t kMostSeeds = 1000;

/// Numbers and ranges: "42", "42-51", "1,5,7-9". Errors: kInvalidArgument for other texts, for a range that
/// runs backwards, and for more than kMostSeeds.
base::Result<std::vector<std::uint64_t>> parse_seeds(std::string_view text);

/// Runs `fairlead simulate`. Returns an ExitCode.
int run_simulate(const SimulateOptions& options, const Environment& environment);

}  // namespace fairlead::cli
