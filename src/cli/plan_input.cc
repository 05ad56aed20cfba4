#include "cli/plan_input.h"

#include "cli/diagnostics.h"
#include "kube/api_server.h"
#include "kube/cluster_reader.h"
#include "manifest/accelerator_rules.h"
#include "manifest/cycle.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

namespace fairlead::cli {
namespace {

/// Shorter texts are read before a person has seen a line about it.
constexpr std::size_t kProgressFrom = 20'000'000;

/// The error that left nothing to plan with; none where something was read. (Queues may be there without
/// having been read: the reader adds the default ones.)
std::optional<base::Error> nothing_read(const manifest::ClusterObjects& cluster) {
  if (!cluster.nodes.empty() || !cluster.pods.empty() || !cluster.groups.empty()) return std::nullopt;
  for (const DiagnosticLine& line : fold_diagnostics(cluster.diagnostics)) {
    if (line.severity == manifest::Diagnostic::Severity::kError)
      return base::invalid_argument(line_text(line));
  }
  return std::nullopt;
}

/// Shows on one line of a terminal how far a long read has come.
class Progress {
 public:
  explicit Progress(std::ostream& err) : err_(err) {}
  ~Progress() {
    if (shown_) err_ << "\r\x1b[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::string_view source, std::size_t done, std::size_t total) {
    if (total < kProgressFrom) return;
    auto percent = static_cast<int>(done / (total / 100));
    if (shown_ && percent == percent_) return;
    shown_ = true;
    percent_ = percent;
    err_ << fmt::format("\r\x1b[Kreading {}: {} % of {} MB", source, percent, total / 1'000'000)
         << std::flush;
  }

 private:
  std::ostream& err_;
  bool shown_ = false;
  int percent_ = 0;
};

}  // namespace

base::Result<manifest::ReadOptions> read_options(const std::vector<std::string>& scheduler_names,
                                                 const std::string& accelerators) {
  manifest::ReadOptions options;
  if (!scheduler_names.empty()) options.scheduler_names = scheduler_names;
  if (accelerators.empty()) return options;
  std::ifstream file(accelerators, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    return base::not_found(fmt::format("read {}: the file cannot be opened", accelerators));
  }
  auto rules = manifest::read_accelerator_rules(text, accelerators);
  if (!rules) return rules.error();
  options.accelerators = std::move(*rules);
  return options;
}

base::Result<PlanInput> read_cycle_input(std::string_view text, manifest::ReadOptions options) {
  base::Result<manifest::CycleDocument> document = manifest::read_cycle(text, std::move(options));
  if (!document) return document.error();
  manifest::CycleState& state = document->state;
  return PlanInput{std::move(document->objects), document->now, state.limits, std::move(state.usage),
                   std::move(state.assumptions)};
}

base::Result<PlanInput> read_objects(const std::optional<ClusterSource>& cluster,
                                     std::span<const std::string> paths, manifest::ReadOptions options,
                                     std::string_view now, const Environment& environment) {
  PlanInput input;
  if (now.empty()) {
    input.now = environment.now();
  } else {
    base::Result<base::Time> time = base::parse_time(now);
    if (!time) return time.error().in("--now");
    input.now = *time;
  }
  Progress progress(environment.err);
  if (environment.err_is_terminal) {
    options.progress = [&progress](std::string_view source, std::size_t done, std::size_t total) {
      progress.show(source, done, total);
    };
  }
  manifest::ObjectReader reader(std::move(options));
  if (cluster) {
    const kube::Variable variable = [&environment](const std::string& name) {
      return environment.variable ? environment.variable(name) : std::nullopt;
    };
    auto server = kube::load_kubeconfig(cluster->kubeconfig, cluster->context, variable);
    if (!server) return server.error();
    auto unseen = kube::read_cluster(std::make_shared<const kube::ApiServer>(std::move(*server)), reader);
    if (!unseen) return unseen.error();
    for (const std::string& line : *unseen) environment.err << "warning: " << line << '\n';
  }
  for (const std::string& path : paths) {
    if (path == "-" && !environment.standard_input_path.empty()) {
      base::Result<void> read = reader.read_path(environment.standard_input_path, "standard input");
      if (!read) return read.error();
    } else if (path == "-") {
      base::Result<std::string> text = environment.read_standard_input();
      if (!text) return text.error();
      reader.read(*text, "standard input");
    } else {
      base::Result<void> read = reader.read_path(path);
      if (!read) return read.error();
    }
  }
  input.cluster = reader.finish();
  if (auto error = nothing_read(input.cluster)) return *error;
  return input;
}

}  // namespace fairlead::cli
