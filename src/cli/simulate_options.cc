#include "cli/offline_commands.h"
#include "cli/simulate_command.h"
#include "sim/simulation.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr const char* kMore =
    "The trace is the one that Alibaba published in 2023; tasks are drawn from it until their demand "
    "reaches the load,\narrive one by one and never leave (docs/simulate.md).";

constexpr const char* kExamples =
    "  fairlead simulate --nodes openb_node_list_gpu_node.csv --pods openb_pod_list_default.csv\n"
    "  fairlead simulate --nodes N.csv --pods P.csv --placement best-fit --load 1 --seed 7\n"
    "  fairlead simulate --nodes N.csv --pods P.csv --seeds 42-51          the mean of ten replays\n"
    "  fairlead simulate --nodes N.csv --pods P.csv -o json > curve.json   all points, for a program";

}  // namespace

Command simulate_command() {
  using Output = SimulateOptions::Output;
  auto options = std::make_shared<SimulateOptions>();
  Command command;
  command.name = "simulate";
  command.description = "Replay a recorded trace of a cluster and show how much of its devices is used";
  command.more = kMore;
  command.examples = kExamples;
  command.choice<std::string>("--trace", options->trace, {{"openb", "openb"}}, "Format of the trace [openb]");
  command.option("--nodes", options->nodes, "FILE", "The trace's nodes as CSV").takes_path = true;
  command.option("--pods", options->pods, "FILE", "The trace's tasks as CSV").takes_path = true;
  std::vector<std::pair<std::string, std::string>> placements;
  for (const std::string_view name : sim::placement_names()) placements.emplace_back(name, name);
  command.choice<std::string>(
      "--placement", options->placement, placements,
      "How nodes are chosen [fragmentation: the best that there is, now the gradient]");
  command.option("--load", options->load, "LOAD",
                 "Demand that arrives, in parts of the devices: 1.3 is 130 % [1.3]");
  command.option("--seed,--seeds", options->seeds, "SEEDS",
                 "Numbers and ranges, such as 42 or 42-51: one replay each, and their mean [42]");
  command.choice<Output>("-o,--output", options->output, {{"table", Output::kTable}, {"json", Output::kJson}},
                         "How the outcome is printed [table]");
  command.run = [options](const Environment& environment) { return run_simulate(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
