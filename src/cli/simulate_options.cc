#include "cli/history_command.h"
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
    "  fairlead simulate --nodes N.csv --pods P.csv -o json > curve.json   all points, for a program\n"
    "  fairlead simulate --trace philly --jobs philly.csv --policy one-pool,borrow\n"
    "  fairlead simulate --trace csv --jobs jobs.csv --tenants vision=64,speech=32 --policy static,borrow";

void add_history_options(Command& command, HistoryOptions& history) {
  command.option("--jobs", history.jobs, "FILE", "philly, csv: the site's jobs, one line a job").takes_path =
      true;
  command.option("--policy", history.policies, "LIST",
                 "How tenants share: one-pool, static, borrow, reclaim, consolidate, time-fair "
                 "[static,borrow,reclaim]");
  command.choice<std::string>("--discipline", history.discipline,
                              {{"skip", "skip"}, {"strict", "strict"}, {"both", "both"}},
                              "Whether what does not fit is passed over [skip]");
  command.option("--tenants", history.tenants, "LIST", "Quotas: vision=64,speech=32 [philly: the study's]");
  command.option("--quota-scale", history.quota_scale, "FACTOR", "philly: of the study's quotas [0.25]");
  command.option("--pool-nodes", history.pool_nodes, "COUNT", "Nodes of a shared pool [as the quotas]")
      .range = {{1, 1'000'000}};
  command.option("--devices-per-node", history.devices_per_node, "COUNT", "[8]").range = {{1, 1024}};
  command.option("--since", history.since, "TIME",
                 "Only jobs submitted from then on, 2017-10-01 or RFC 3339");
  command.option("--until", history.until, "TIME", "Only jobs submitted before");
  command.option("--checkpoint-every", history.checkpoint_every, "DURATION", "0s, 30m ... or never [30m]");
  command.option("--restart-cost", history.restart_cost, "DURATION", "Of each start after the first [60s]");
  command.option("--submit-column", history.submit_column, "NAME", "Instant of submission [timestamp]");
  command.option("--run-time-column", history.run_time_column, "NAME", "Seconds, or days-h:m:s [duration]");
  command.option("--devices-column", history.devices_column, "NAME", "Number, or gres/gpu=8 [num_gpus]");
  command.option("--tenant-column", history.tenant_column, "NAME", "[cluster]");
  command.option("--minimum-column", history.minimum_column, "NAME", "Devices it can start with [none]");
}

}  // namespace

Command simulate_command() {
  using Output = SimulateOptions::Output;
  auto options = std::make_shared<SimulateOptions>();
  Command command;
  command.name = "simulate";
  command.description = "Replay a recorded trace of a cluster and show how much of its devices is used";
  command.more = kMore;
  command.examples = kExamples;
  auto history = std::make_shared<HistoryOptions>();
  command.choice<std::string>("--trace", options->trace,
                              {{"openb", "openb"}, {"philly", "philly"}, {"csv", "csv"}},
                              "openb fills a cluster; philly and csv replay jobs with time [openb]");
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
  add_history_options(command, *history);
  command.run = [options, history](const Environment& environment) {
    if (options->trace == "openb") return run_simulate(*options, environment);
    history->philly = options->trace == "philly";
    if (options->output == Output::kJson) history->output = HistoryOptions::Output::kJson;
    return run_history(*history, environment);
  };
  return command;
}

}  // namespace fairlead::cli
