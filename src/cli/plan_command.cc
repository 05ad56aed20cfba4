#include "cli/plan_command.h"

#include "base/json_reader.h"
#include "cli/diagnostics.h"
#include "cli/explain.h"
#include "cli/fair_share_command.h"
#include "cli/plan.h"
#include "cli/plan_input.h"
#include "cli/plan_json.h"
#include "cli/plan_table.h"
#include "cli/yaml_text.h"

#include <fmt/format.h>

#include <functional>
#include <ostream>
#include <string_view>
#include <utility>

namespace fairlead::cli {
namespace {

using Output = PlanOptions::Output;

int fail(const Environment& environment, const base::Error& error) {
  environment.err << "fairlead: " << error.message() << '\n';
  return kExitFailed;
}

bool has_errors(const manifest::ClusterObjects& cluster) {
  for (const manifest::Diagnostic& diagnostic : cluster.diagnostics) {
    if (diagnostic.severity == manifest::Diagnostic::Severity::kError) return true;
  }
  return false;
}

/// Diagnostics for a person beside an output for a program.
void report(const manifest::ClusterObjects& cluster, const Environment& environment) {
  for (const DiagnosticLine& line : fold_diagnostics(cluster.diagnostics)) {
    bool error = line.severity == manifest::Diagnostic::Severity::kError;
    environment.err << (error ? "error: " : "warning: ") << line_text(line) << '\n';
  }
}

int run_fair_share(const Environment& environment) {
  base::Result<std::string> text = environment.read_standard_input();
  if (!text) return fail(environment, text.error());
  std::string_view rest = *text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    base::Result<std::string> answer = answer_fair_share(line);
    if (!answer) return fail(environment, answer.error().in(fmt::format("line {}", number)));
    environment.out << *answer << '\n';
  }
  return kExitOk;
}

/// One cycle from standard input, for tests and pipelines: JSON in, JSON out.
int run_cycle(const PlanOptions& options, const Environment& environment) {
  base::Result<std::string> text = environment.read_standard_input();
  if (!text) return fail(environment, text.error());
  base::Result<manifest::ReadOptions> reading = read_options(options.scheduler_names, options.accelerators);
  if (!reading) return fail(environment, reading.error());
  base::Result<PlanInput> input = read_cycle_input(*text, std::move(*reading));
  if (!input) return fail(environment, input.error());
  text->clear();
  report(input->cluster, environment);
  auto scheduler = environment.make_scheduler();
  PlanResult result = plan(*input, *scheduler);
  for (const std::string& rejected : result.rejected) environment.err << "error: " << rejected << '\n';
  environment.out << plan_json(input->cluster, result, 0);
  return options.strict && (has_errors(input->cluster) || !result.rejected.empty()) ? kExitPartial : kExitOk;
}

std::string as_yaml(std::string_view json) {
  base::JsonReader reader;
  base::Result<const base::JsonValue*> document = reader.read(json);
  return document ? yaml_text(**document) : std::string(json);
}

class ManifestPlan {
 public:
  ManifestPlan(const PlanOptions& options, const Environment& environment)
      : options_(options), environment_(environment) {
    bool coloured = options.colour == PlanOptions::Colour::kAlways ||
                    (options.colour == PlanOptions::Colour::kAuto && environment.out_is_terminal &&
                     !environment.no_colour);
    style_ = Style(coloured);
    width_ = environment.out_is_terminal ? static_cast<std::size_t>(environment.columns) : 0;
  }

  int run() {
    base::Result<manifest::ReadOptions> reading =
        read_options(options_.scheduler_names, options_.accelerators);
    if (!reading) return fail(environment_, reading.error());
    std::optional<ClusterSource> cluster;
    if (options_.reads_cluster())
      cluster = ClusterSource{options_.kubeconfig.value_or(""), options_.context.value_or("")};
    base::Result<PlanInput> input =
        read_objects(cluster, options_.files, std::move(*reading), options_.now, environment_);
    if (!input) return fail(environment_, input.error());
    if (has_errors(input->cluster)) partial_ = true;
    bool for_program = options_.output == Output::kJson || options_.output == Output::kYaml;
    if (for_program || !options_.explain.empty()) report(input->cluster, environment_);
    if (!options_.explain.empty()) {
      // Asked before planning, so that a mistyped name costs nothing.
      base::Result<std::size_t> group = find_group(input->cluster, options_.explain);
      if (!group) return fail(environment_, group.error());
    }
    plan_cycles(std::move(*input));
    int code = options_.explain.empty() ? write_plan() : write_explanation();
    return code == kExitOk && partial_ && options_.strict ? kExitPartial : code;
  }

 private:
  void plan_cycles(PlanInput input) {
    for (int i = 0; i < options_.cycles; ++i) {
      auto scheduler = environment_.make_scheduler();
      PlanResult result = plan(input, *scheduler);
      if (!result.rejected.empty()) partial_ = true;
      bool last = i + 1 == options_.cycles;
      PlanInput next;
      if (!last) next = next_cycle(input, result);
      cycles_.push_back({std::move(input), std::move(result)});
      // The input was reported once; it is the same in each cycle.
      next.cluster.diagnostics.clear();
      next.cluster.ignored_kinds.clear();
      input = std::move(next);
    }
  }

  int write_plan() {
    if (options_.output == Output::kJson || options_.output == Output::kYaml) {
      const PlannedCycle& first = cycles_.front();
      std::string json =
          options_.cycles == 1 ? plan_json(first.input.cluster, first.result, 2) : plan_json(cycles_, 2);
      environment_.out << (options_.output == Output::kYaml ? as_yaml(json) : json);
      return kExitOk;
    }
    TableOptions table;
    table.wide = options_.output == Output::kWide;
    table.style = style_;
    table.width = width_;
    for (std::size_t i = 0; i < cycles_.size(); ++i) {
      if (cycles_.size() > 1) {
        environment_.out << (i == 0 ? "" : "\n")
                         << style_.heading(fmt::format("=== cycle {} of {} ===", i + 1, cycles_.size()))
                         << "\n\n";
      }
      environment_.out << plan_table(cycles_[i].input.cluster, cycles_[i].result, table);
    }
    return kExitOk;
  }

  int write_explanation() {
    const PlannedCycle& last = cycles_.back();
    base::Result<std::size_t> group = find_group(last.input.cluster, options_.explain);
    if (!group) return fail(environment_, group.error());
    std::function<void(std::size_t)> progress;
    if (environment_.err_is_terminal) {
      progress = [this](std::size_t plans) {
        environment_.err << "\rlooking for what would start it: " << plans << " changes tried" << std::flush;
      };
    }
    Explanation explanation = explain(last.input, last.result, *group, environment_.make_scheduler, progress);
    if (progress && explanation.changes) environment_.err << "\r\x1b[K" << std::flush;
    switch (options_.output) {
      case Output::kTable:
      case Output::kWide:
        environment_.out << explanation_text(last.input.cluster, explanation, style_, width_);
        break;
      case Output::kJson:
        environment_.out << explanation_json(last.input.cluster, explanation, 2);
        break;
      case Output::kYaml:
        environment_.out << as_yaml(explanation_json(last.input.cluster, explanation, 2));
        break;
    }
    return kExitOk;
  }

  const PlanOptions& options_;
  const Environment& environment_;
  Style style_;
  std::size_t width_ = 0;
  std::vector<PlannedCycle> cycles_;
  bool partial_ = false;
};

}  // namespace

int run_plan(const PlanOptions& options, const Environment& environment) {
  if (options.fair_share) return run_fair_share(environment);
  if (options.cycle) return run_cycle(options, environment);
  return ManifestPlan(options, environment).run();
}

}  // namespace fairlead::cli
