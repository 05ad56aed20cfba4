#include "cli/simulate_command.h"

#include "cli/progress_bar.h"
#include "cli/simulate_report.h"
#include "cli/style.h"
#include "sim/simulation.h"
#include "sim/trace/openb.h"
#include "sim/workload/inflation.h"

#include <fmt/format.h>

#include <charconv>
#include <ostream>
#include <utility>

namespace fairlead::cli {
namespace {

constexpr std::string_view kOpenb = "openb";

int fail(const Environment& environment, const base::Error& error, int code) {
  environment.err << "fairlead: " << error.message() << '\n';
  if (code == kExitUsage) environment.err << "Run 'fairlead simulate --help' for usage.\n";
  return code;
}

/// Reads a number off the front of the text.
bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// What can be wrong before a file is read.
base::Result<void> check(const SimulateOptions& options) {
  if (options.trace != kOpenb) {
    return base::invalid_argument(
        fmt::format("there is no trace format \"{}\"; write --trace {}", options.trace, kOpenb));
  }
  if (options.nodes.empty() || options.pods.empty()) {
    return base::invalid_argument(fmt::format("simulate needs {} FILE: the trace's {}",
                                              options.nodes.empty() ? "--nodes" : "--pods",
                                              options.nodes.empty() ? "list of nodes" : "list of tasks"));
  }
  if (!(options.load > 0 && options.load <= sim::kMostLoad)) {
    return base::invalid_argument(
        fmt::format("--load {} is not above 0 and at most {}; write 1.3 for 130 % of the devices",
                    options.load, sim::kMostLoad));
  }
  const base::Result<model::Placement> placement = sim::placement_of(options.placement);
  if (!placement) return placement.error().in("--placement");
  return {};
}

}  // namespace

base::Result<std::vector<std::uint64_t>> parse_seeds(std::string_view text) {
  const base::Error wrong = base::invalid_argument(fmt::format(
      "\"{}\" is no list of seeds; write numbers and ranges, such as 42, 42-51 or 1,5,7-9", text));
  std::vector<std::uint64_t> seeds;
  std::string_view rest = text;
  while (true) {
    std::uint64_t first = 0;
    if (!take_number(rest, first)) return wrong;
    std::uint64_t last = first;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      if (!take_number(rest, last) || last < first) return wrong;
    }
    if (last - first >= kMostSeeds - seeds.size()) {
      return base::invalid_argument(
          fmt::format("\"{}\" is more than {} seeds; ask for fewer", text, kMostSeeds));
    }
    for (std::uint64_t offset = 0; offset <= last - first; ++offset) seeds.push_back(first + offset);
    if (rest.empty()) return seeds;
    if (!rest.starts_with(',')) return wrong;
    rest.remove_prefix(1);
  }
}

int run_simulate(const SimulateOptions& options, const Environment& environment) {
  if (const base::Result<void> usable = check(options); !usable) {
    return fail(environment, usable.error(), kExitUsage);
  }
  base::Result<std::vector<std::uint64_t>> seeds = parse_seeds(options.seeds);
  if (!seeds) return fail(environment, seeds.error(), kExitUsage);
  const base::Result<sim::OpenbTrace> trace = sim::read_openb(options.nodes, options.pods);
  if (!trace) return fail(environment, trace.error(), kExitFailed);

  ProgressBar bar(environment, "replaying");
  sim::SimulationPorts ports{
      .make_scheduler = environment.make_scheduler_with_scorers, .clock = environment.now, .progress = {}};
  if (environment.err_is_terminal) {
    ports.progress = [&bar](std::size_t done, std::size_t total) { bar.show(done, total); };
  }
  const base::Result<sim::Simulation> simulation = sim::simulate(
      *trace, {.placement = options.placement, .load = options.load, .seeds = std::move(*seeds)}, ports);
  bar.remove();
  if (!simulation) {
    const bool defect = simulation.error().code() == base::Code::kInternal;
    return fail(environment, simulation.error(), defect ? kExitInternal : kExitFailed);
  }
  if (options.output == SimulateOptions::Output::kJson) {
    environment.out << simulation_json(options, *trace, *simulation);
  } else {
    const Style style(environment.out_is_terminal && !environment.no_colour);
    environment.out << simulation_table(options, *trace, *simulation, style);
  }
  return kExitOk;
}

}  // namespace fairlead::cli
