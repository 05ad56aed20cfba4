#include "cli/history_command.h"

#include "cli/history_report.h"
#include "cli/progress_bar.h"
#include "cli/style.h"
#include "sim/history/history_replay.h"
#include "sim/history/history_summary.h"
#include "sim/history/sharing_policy.h"
#include "sim/trace/job_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

/// The months of the Philly study.
constexpr std::string_view kPhillySince = "2017-10-01";
constexpr std::string_view kPhillyUntil = "2017-12-01";

int fail(const Environment& environment, const base::Error& error, int code) {
  environment.err << "fairlead: " << error.message() << '\n';
  if (code == kExitUsage) environment.err << "Run 'fairlead simulate --help' for usage.\n";
  return code;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return parts;
}

base::Result<std::optional<base::Time>> instant(const std::string& flag, std::string text) {
  if (text.empty()) return std::optional<base::Time>();
  if (text.size() == 10) text += "T00:00:00Z";
  const auto time = base::parse_time(text);
  if (!time) return time.error().in(flag);
  return std::optional<base::Time>(*time);
}

base::Result<std::vector<sim::Tenant>> tenants_of(const std::string& text) {
  std::vector<sim::Tenant> tenants;
  for (const std::string_view part : parts_of(text)) {
    const std::size_t equals = part.find('=');
    std::int64_t devices = 0;
    const std::string_view number = equals == std::string_view::npos ? "" : part.substr(equals + 1);
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), devices);
    if (failure != std::errc() || end != number.data() + number.size() || devices < 1 || equals == 0)
      return base::invalid_argument(
          fmt::format("--tenants: \"{}\" is not NAME=DEVICES; write for example vision=64,speech=32", part));
    tenants.push_back({std::string(part.substr(0, equals)), devices});
  }
  return tenants;
}

base::Result<std::vector<sim::SharingPolicy>> policies_of(const HistoryOptions& options) {
  std::vector<model::QueueDiscipline> disciplines;
  if (options.discipline != "strict") disciplines.push_back(model::QueueDiscipline::kSkip);
  if (options.discipline != "skip") disciplines.push_back(model::QueueDiscipline::kStrict);
  std::vector<sim::SharingPolicy> policies;
  for (const model::QueueDiscipline discipline : disciplines) {
    for (const std::string_view name : parts_of(options.policies)) {
      auto policy = sim::sharing_policy(name, discipline);
      if (!policy) return policy.error().in("--policy");
      policies.push_back(std::move(*policy));
    }
  }
  if (policies.empty()) return base::invalid_argument("--policy: no policy is named");
  return policies;
}

base::Result<sim::RestartCost> cost_of(const HistoryOptions& options) {
  sim::RestartCost cost;
  if (options.checkpoint_every == "never") {
    cost.checkpoint_every.reset();
  } else {
    const auto every = base::parse_duration(options.checkpoint_every);
    if (!every) return every.error().in("--checkpoint-every");
    cost.checkpoint_every = *every;
  }
  const auto restart = base::parse_duration(options.restart_cost);
  if (!restart) return restart.error().in("--restart-cost");
  cost.restart = *restart;
  if (cost.restart < base::Duration() || (cost.checkpoint_every && *cost.checkpoint_every < base::Duration()))
    return base::invalid_argument(
        "--checkpoint-every and --restart-cost cannot be below 0; write 0s for none");
  return cost;
}

struct Study {
  sim::JobColumns columns;
  sim::JobSelection selection;
  std::vector<sim::SharingPolicy> policies;
  sim::RestartCost cost;
};

base::Result<Study> study_of(const HistoryOptions& options) {
  Study study;
  if (options.jobs.empty())
    return base::invalid_argument("simulate needs --jobs FILE: the site's jobs as CSV, one line a job");
  const auto set = [](std::string& column, const std::string& given) {
    if (!given.empty()) column = given;
  };
  set(study.columns.submitted, options.submit_column);
  set(study.columns.run_time, options.run_time_column);
  set(study.columns.devices, options.devices_column);
  set(study.columns.tenant, options.tenant_column);
  set(study.columns.minimum_devices, options.minimum_column);
  const bool months = options.philly && options.since.empty() && options.until.empty();
  const auto since = instant("--since", months ? std::string(kPhillySince) : options.since);
  if (!since) return since.error();
  const auto until = instant("--until", months ? std::string(kPhillyUntil) : options.until);
  if (!until) return until.error();
  study.selection.since = *since;
  study.selection.until = *until;
  auto tenants = tenants_of(options.tenants);
  if (!tenants) return tenants.error();
  study.selection.tenants = std::move(*tenants);
  if (study.selection.tenants.empty() && options.philly)
    study.selection.tenants = sim::philly_tenants(options.quota_scale, options.devices_per_node);
  if (study.selection.tenants.empty())
    return base::invalid_argument("simulate --trace csv needs --tenants NAME=DEVICES,...: the teams' quotas");
  auto policies = policies_of(options);
  if (!policies) return policies.error();
  study.policies = std::move(*policies);
  auto cost = cost_of(options);
  if (!cost) return cost.error();
  study.cost = *cost;
  return study;
}

}  // namespace

int run_history(const HistoryOptions& options, const Environment& environment) {
  auto study = study_of(options);
  if (!study) return fail(environment, study.error(), kExitUsage);
  const auto table = sim::CsvTable::read(options.jobs);
  if (!table) return fail(environment, table.error(), kExitFailed);
  const auto history = sim::read_jobs(*table, study->columns, study->selection);
  if (!history) return fail(environment, history.error(), kExitFailed);
  if (history->jobs.empty()) {
    return fail(environment,
                base::invalid_argument(fmt::format(
                    "{} has no job of these tenants and this time; check --tenants, --since and --until",
                    options.jobs)),
                kExitFailed);
  }
  const std::int64_t quota_nodes = history->quota_devices() / options.devices_per_node;
  std::vector<sim::HistorySummary> summaries;
  for (const sim::SharingPolicy& policy : study->policies) {
    ProgressBar bar(environment, policy.title());
    sim::HistoryRequest request;
    request.policy = policy;
    request.cost = study->cost;
    request.fleet.devices_per_node = options.devices_per_node;
    request.fleet.nodes =
        options.pool_nodes > 0 && !policy.pool_per_tenant ? options.pool_nodes : quota_nodes;
    sim::Progress progress;
    if (environment.err_is_terminal)
      progress = [&bar](std::size_t done, std::size_t total) { bar.show(done, total); };
    const auto scheduler = environment.make_scheduler();
    const auto outcome = sim::replay_history(*history, request, *scheduler, progress);
    bar.remove();
    if (!outcome) {
      const bool defect = outcome.error().code() == base::Code::kInternal;
      return fail(environment, outcome.error(), defect ? kExitInternal : kExitFailed);
    }
    summaries.push_back(sim::summarise(*history, policy, request.fleet.devices(), *outcome));
  }
  if (options.output == HistoryOptions::Output::kJson) {
    environment.out << history_json(*history, summaries);
  } else {
    environment.out << history_table(*history, summaries,
                                     Style(environment.out_is_terminal && !environment.no_colour));
  }
  return kExitOk;
}

}  // namespace fairlead::cli
