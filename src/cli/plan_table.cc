#include "cli/plan_table.h"

#include "base/time.h"
#include "cli/amounts.h"
#include "cli/cluster_summary.h"
#include "cli/diagnostics.h"
#include "cli/fair_shares.h"
#include "cli/reason_text.h"
#include "cli/text_table.h"
#include "cli/waiting.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

/// More rows than this in one section are folded, or left out with a count, unless the output is wide.
constexpr std::size_t kRows = 30;
constexpr std::size_t kNodesListed = 6;
constexpr std::size_t kIndent = 2;

using Align = TextTable::Align;

/// Pods of one group that share a fate, with the nodes concerned.
struct PodsOfGroup {
  std::string group;
  std::string queue;
  std::string request;  ///< of the first pod
  std::string note;     ///< what belongs in the row besides: rule and beneficiary
  std::size_t groups = 1;
  std::size_t pods = 0;
  std::map<std::string, std::size_t> nodes;
};

std::string nodes_text(const std::map<std::string, std::size_t>& nodes, bool all) {
  std::string text;
  std::size_t listed = 0;
  bool counts = nodes.size() > 1;
  for (const auto& [node, pods] : nodes) {
    if (!all && listed == kNodesListed) {
      return fmt::format("{} and {}", text,
                         count_text(static_cast<std::int64_t>(nodes.size() - listed), "more node"));
    }
    if (listed++ > 0) text += ", ";
    text += node;
    if (counts) text += fmt::format(" ({})", pods);
  }
  return text;
}

/// The vendor is said only where the model's name does not begin with it, as most labels' do.
std::string kind_text(const DeviceLine& line) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  bool named = line.model == line.resource || line.model.size() < line.vendor.size() ||
               std::equal(
                   line.vendor.begin(), line.vendor.end(), line.model.begin(),
                   [&](char a, char b) { return lower(a) == lower(b); });
  return named ? line.model : fmt::format("{} {}", line.vendor, line.model);
}

class PlanTable {
 public:
  PlanTable(const manifest::ClusterObjects& cluster, const PlanResult& result, const TableOptions& options)
      : cluster_(cluster), result_(result), options_(options), summary_(summarise(cluster, result)) {
    for (std::size_t i = 0; i < cluster.groups.size(); ++i) groups_.emplace(cluster.groups[i].key, i);
    add_fair_shares(cluster, summary_);
    keep_waiting();
  }

  std::string run() {
    write_title();
    write_devices();
    write_queues();
    write_binds();
    write_evictions();
    write_nominations();
    write_waiting();
    write_diagnostics();
    write_summary();
    return std::move(out_);
  }

 private:
  /// Groups whose waiting pods all have a place that is being freed are told of once, where they start.
  void keep_waiting() {
    std::vector<std::size_t> nominated(cluster_.groups.size());
    for (const PlannedNomination& nomination : result_.nominations) {
      auto group = groups_.find(cluster_.pods[nomination.pod].group);
      if (group != groups_.end()) ++nominated[group->second];
    }
    for (const WaitingGroup& waiting : result_.waiting) {
      if (nominated[waiting.group] < waiting.pods) waiting_.push_back(waiting);
    }
  }

  void heading(std::string_view text, std::string_view detail = "") {
    if (!out_.empty()) out_ += '\n';
    out_ += options_.style.heading(text);
    if (!detail.empty()) out_ += fmt::format("  {}", detail);
    out_ += '\n';
  }
  void write(const TextTable& table) { table.write(out_, options_.style, kIndent, options_.width); }
  void left_out(std::size_t count, std::string_view noun) {
    if (count == 0) return;
    out_ += options_.style.faint(
        fmt::format("  and {}; -o wide lists all", count_text(static_cast<std::int64_t>(count), noun)));
    out_ += '\n';
  }

  void write_title() {
    std::string nodes = count_text(static_cast<std::int64_t>(summary_.nodes), "node");
    if (summary_.not_ready > 0) nodes += fmt::format(", {} not ready", summary_.not_ready);
    if (summary_.unschedulable > 0) nodes += fmt::format(", {} marked unschedulable", summary_.unschedulable);
    std::string pods =
        fmt::format("{} placed", count_text(static_cast<std::int64_t>(summary_.running_pods), "pod"));
    if (summary_.foreign_pods > 0) pods += fmt::format(" ({} of other schedulers)", summary_.foreign_pods);
    heading("CLUSTER", fmt::format("{}; {}, {} waiting", nodes, pods, summary_.waiting_pods));
  }

  void write_devices() {
    if (summary_.devices.empty()) {
      heading("DEVICES", "no node offers any");
      return;
    }
    heading("DEVICES");
    std::vector<TextTable::Column> columns = {{"KIND"},
                                              {"NODES", Align::kRight},
                                              {"TOTAL", Align::kRight},
                                              {"USED", Align::kRight},
                                              {"FREE", Align::kRight},
                                              {"FREE AFTER", Align::kRight}};
    if (options_.wide) {
      columns.push_back({"MEMORY", Align::kRight});
      columns.push_back({"RESOURCE"});
    }
    TextTable table(std::move(columns));
    for (const DeviceLine& line : summary_.devices) {
      std::string kind = kind_text(line);
      std::vector<std::string> cells = {kind,
                                        std::to_string(line.nodes),
                                        thousandths_text(line.total),
                                        thousandths_text(line.used),
                                        thousandths_text(line.total - line.used),
                                        thousandths_text(line.total - line.used_after)};
      if (options_.wide) {
        cells.push_back(line.memory_mib > 0 ? bytes_text(line.memory_mib << 20) : "");
        cells.push_back(line.resource);
      }
      table.add_row(std::move(cells));
    }
    write(table);
  }

  void write_queues() {
    if (summary_.queues.empty()) {
      heading("QUEUES", "none");
      return;
    }
    heading("QUEUES", "in devices");
    std::vector<TextTable::Column> columns = {{"QUEUE"}};
    bool pools = std::any_of(summary_.queues.begin(), summary_.queues.end(),
                             [](const QueueLine& queue) { return !queue.pool.empty(); });
    if (pools) columns.push_back({"POOL"});
    for (std::string_view right : {"QUOTA", "LIMIT", "FAIR SHARE", "ALLOCATED", "REQUESTED", "AFTER"}) {
      columns.push_back({std::string(right), Align::kRight});
    }
    if (options_.wide) {
      for (std::string_view right :
           {"WEIGHT", "PRIORITY", "WAITING PODS", "CPU QUOTA", "CPU", "MEMORY QUOTA", "MEMORY"}) {
        columns.push_back({std::string(right), Align::kRight});
      }
    }
    TextTable table(std::move(columns));
    bool hide_idle = !options_.wide && summary_.queues.size() > kRows;
    std::size_t hidden = 0;
    for (const QueueLine& queue : summary_.queues) {
      if (hide_idle && queue.requested.gpu == 0 && queue.waiting_pods == 0) {
        ++hidden;
        continue;
      }
      table.add_row(queue_cells(queue, pools));
    }
    write(table);
    left_out(hidden, "idle queue");
  }

  std::vector<std::string> queue_cells(const QueueLine& queue, bool pools) const {
    const model::Quota gpu = quota_of(queue, "gpu");
    std::string name = std::string(2 * queue.depth, ' ') + queue.name;
    std::vector<std::string> cells = {std::move(name)};
    if (pools) cells.push_back(queue.pool.empty() ? "default" : queue.pool);
    cells.push_back(bound_text("gpu", gpu.quota));
    cells.push_back(gpu.limit.is_unlimited() ? "-" : bound_text("gpu", gpu.limit));
    cells.push_back(queue.fair_share ? thousandths_text(queue.fair_share->gpu) : "-");
    cells.push_back(thousandths_text(queue.allocated.gpu));
    cells.push_back(thousandths_text(queue.requested.gpu));
    cells.push_back(thousandths_text(queue.allocated_after.gpu));
    if (options_.wide) {
      cells.push_back(fmt::format("{:g}", gpu.over_quota_weight));
      cells.push_back(std::to_string(queue.priority));
      cells.push_back(std::to_string(queue.waiting_pods));
      cells.push_back(bound_text("cpu", quota_of(queue, "cpu").quota));
      cells.push_back(amount_number("cpu", queue.allocated.cpu));
      cells.push_back(bound_text("memory", quota_of(queue, "memory").quota));
      cells.push_back(amount_number("memory", queue.allocated.memory));
    }
    return cells;
  }

  std::string queue_of(std::string_view group) const {
    auto found = groups_.find(group);
    return found == groups_.end() ? "" : cluster_.groups[found->second].queue;
  }

  /// Rows in the order of their first decision, one per group and note.
  class Rows {
   public:
    PodsOfGroup& row(const std::string& group, const std::string& note) {
      auto [entry, inserted] = index_.try_emplace({group, note}, rows_.size());
      if (inserted) {
        PodsOfGroup row;
        row.group = group;
        row.note = note;
        rows_.push_back(std::move(row));
      }
      return rows_[entry->second];
    }
    std::vector<PodsOfGroup> take() { return std::move(rows_); }

   private:
    std::map<std::pair<std::string, std::string>, std::size_t> index_;
    std::vector<PodsOfGroup> rows_;
  };

  void add_pod(Rows& rows, std::size_t index, const std::string& node, const std::string& note) {
    const model::Pod& pod = cluster_.pods[index];
    PodsOfGroup& row = rows.row(pod.group.empty() ? pod.display_name() : pod.group, note);
    if (row.pods++ == 0) {
      row.queue = queue_of(pod.group);
      row.request = request_text(pod);
    }
    ++row.nodes[node];
  }

  /// Puts groups of one queue with the same request and note into one row when there are too many rows.
  std::vector<PodsOfGroup> folded(std::vector<PodsOfGroup> rows) const {
    if (options_.wide || rows.size() <= kRows) return rows;
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> index;
    std::vector<PodsOfGroup> merged;
    for (PodsOfGroup& row : rows) {
      auto [entry, inserted] = index.try_emplace({row.queue, row.request, row.note}, merged.size());
      if (inserted) {
        merged.push_back(std::move(row));
        continue;
      }
      PodsOfGroup& first = merged[entry->second];
      first.groups += row.groups;
      first.pods += row.pods;
      for (const auto& [node, pods] : row.nodes) first.nodes[node] += pods;
    }
    return merged;
  }

  static std::string group_cell(const PodsOfGroup& row) {
    return row.groups == 1 ? row.group : fmt::format("{} and {} more", row.group, row.groups - 1);
  }

  void write_placements(std::string_view title, Rows& rows) {
    std::vector<PodsOfGroup> all = rows.take();
    std::size_t groups = all.size();
    std::size_t pods = 0;
    for (const PodsOfGroup& row : all) pods += row.pods;
    heading(title, fmt::format("{} in {}", count_text(static_cast<std::int64_t>(pods), "pod"),
                               count_text(static_cast<std::int64_t>(groups), "group")));
    TextTable table({{"GROUP"}, {"QUEUE"}, {"PODS", Align::kRight}, {"EACH"}, {"WHERE"}});
    std::vector<PodsOfGroup> shown = folded(std::move(all));
    std::size_t count = options_.wide ? shown.size() : std::min(shown.size(), kRows);
    std::size_t hidden = 0;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const PodsOfGroup& row = shown[i];
      if (i >= count) {
        hidden += row.groups;
        continue;
      }
      table.add_row({group_cell(row), row.queue, std::to_string(row.pods), row.request,
                     nodes_text(row.nodes, options_.wide)});
    }
    write(table);
    left_out(hidden, "more group");
  }

  void write_binds() {
    if (result_.binds.empty()) {
      heading("STARTS", "nothing");
      return;
    }
    Rows rows;
    for (const PlannedBind& bind : result_.binds) add_pod(rows, bind.pod, bind.node, "");
    write_placements("STARTS", rows);
  }

  void write_evictions() {
    if (result_.evictions.empty()) return;
    boost::unordered_flat_map<std::size_t, const std::string*> moves;
    for (const PlannedNomination& nomination : result_.nominations)
      moves.emplace(nomination.pod, &nomination.node);
    Rows rows;
    for (const PlannedEviction& eviction : result_.evictions) {
      std::string note(rule_name(eviction.rule));
      note += '\n';
      note += eviction.beneficiary;
      note += '\n';
      auto move = moves.find(eviction.pod);
      note += move == moves.end() ? "waits again" : fmt::format("moves to {}", *move->second);
      add_pod(rows, eviction.pod, cluster_.pods[eviction.pod].node, note);
    }
    std::vector<PodsOfGroup> shown = folded(rows.take());
    heading("EVICTED", count_text(static_cast<std::int64_t>(result_.evictions.size()), "pod"));
    TextTable table({{"GROUP"}, {"QUEUE"}, {"PODS", Align::kRight}, {"BY"}, {"FOR"}, {"THEN"}, {"FROM"}});
    std::size_t count = options_.wide ? shown.size() : std::min(shown.size(), kRows);
    for (std::size_t i = 0; i < count; ++i) {
      const PodsOfGroup& row = shown[i];
      std::size_t first = row.note.find('\n');
      std::size_t second = row.note.find('\n', first + 1);
      std::string beneficiary = row.note.substr(first + 1, second - first - 1);
      if (beneficiary.empty()) {
        beneficiary = "-";
      } else if (std::string queue = queue_of(beneficiary); !queue.empty()) {
        beneficiary += fmt::format(" ({})", queue);
      }
      table.add_row({group_cell(row), row.queue, std::to_string(row.pods), row.note.substr(0, first),
                     beneficiary, row.note.substr(second + 1), nodes_text(row.nodes, options_.wide)});
    }
    write(table);
    left_out(shown.size() - count, "more line");
  }

  void write_nominations() {
    std::vector<bool> evicted(cluster_.pods.size());
    for (const PlannedEviction& eviction : result_.evictions) evicted[eviction.pod] = true;
    Rows rows;
    bool any = false;
    for (const PlannedNomination& nomination : result_.nominations) {
      if (evicted[nomination.pod]) continue;
      any = true;
      ++later_;
      add_pod(rows, nomination.pod, nomination.node, "");
    }
    if (any) write_placements("STARTS WHEN PODS HAVE LEFT", rows);
  }

  void write_waiting() {
    if (waiting_.empty()) {
      heading("WAITS", "nothing");
      return;
    }
    const WaitingContexts contexts(cluster_, result_);
    std::size_t pods = 0;
    for (const WaitingGroup& waiting : waiting_) pods += waiting.pods;
    heading("WAITS", fmt::format("{} in {}", count_text(static_cast<std::int64_t>(pods), "pod"),
                                 count_text(static_cast<std::int64_t>(waiting_.size()), "group")));
    TextTable table({{"GROUP"}, {"QUEUE"}, {"NEEDS"}, {"WHY"}});
    const std::vector<WaitingLine> lines = fold_waiting(cluster_, waiting_, contexts);
    std::size_t count = options_.wide ? lines.size() : std::min(lines.size(), kRows);
    std::size_t hidden = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const WaitingLine& line = lines[i];
      if (i >= count) {
        hidden += line.entries.size();
        continue;
      }
      std::string name = cluster_.groups[waiting_[line.entries.front()].group].key;
      if (line.entries.size() > 1) name += fmt::format(" and {} more", line.entries.size() - 1);
      std::string needs = line.needs;
      if (line.entries.size() > 1) needs += " each";
      table.add_row({std::move(name), line.queue, std::move(needs), line.why});
    }
    write(table);
    left_out(hidden, "more group");
  }

  void write_diagnostics() {
    using Severity = manifest::Diagnostic::Severity;
    const std::vector<DiagnosticLine> lines = fold_diagnostics(cluster_.diagnostics);
    auto errors = std::count_if(cluster_.diagnostics.begin(), cluster_.diagnostics.end(),
                                [](const manifest::Diagnostic& d) { return d.severity == Severity::kError; });
    auto warnings = static_cast<std::int64_t>(cluster_.diagnostics.size()) - errors;
    errors += static_cast<std::int64_t>(result_.rejected.size());
    std::string counts =
        errors > 0 ? fmt::format("{}; what is wrong was left out", count_text(errors, "error")) : "";
    if (warnings > 0) counts += (counts.empty() ? "" : "; ") + count_text(warnings, "warning");
    if (errors + warnings > 0 || !cluster_.ignored_kinds.empty()) heading("INPUT", counts);
    std::size_t count = options_.wide ? lines.size() : std::min(lines.size(), kRows);
    for (std::size_t i = 0; i < count; ++i) {
      bool error = lines[i].severity == Severity::kError;
      write_note(error ? options_.style.bad("error") : options_.style.warning("warning"), error ? 5 : 7,
                 line_text(lines[i]));
    }
    left_out(lines.size() - count, "more line");
    if (!result_.rejected.empty()) {
      std::string text = fmt::format("the scheduler refused {}", result_.rejected.front());
      if (result_.rejected.size() > 1)
        text += fmt::format(" (and {} more objects)", result_.rejected.size() - 1);
      write_note(options_.style.bad("error"), 5, text);
    }
    std::string ignored;
    for (const auto& [kind, number] : cluster_.ignored_kinds) {
      ignored += fmt::format("{}{} {}", ignored.empty() ? "" : ", ", number, kind);
    }
    if (!ignored.empty()) write_note("ignored", 7, ignored);
  }
  void write_note(std::string_view styled_label, std::size_t label_width, std::string_view text) {
    std::size_t indent = kIndent + label_width + 2;
    std::size_t width = options_.width > indent + 24 ? options_.width - indent : 0;
    bool first = true;
    for (const std::string& line : wrap(printable(text), width)) {
      out_ +=
          first ? fmt::format("  {}  {}\n", styled_label, line) : fmt::format("{:{}}{}\n", "", indent, line);
      first = false;
    }
  }
  void write_summary() {
    auto pods = [](std::size_t count) { return count_text(static_cast<std::int64_t>(count), "pod"); };
    std::string text =
        fmt::format("{} {} now", pods(result_.binds.size()), result_.binds.size() == 1 ? "starts" : "start");
    if (later_ > 0) text += fmt::format(", {} when others have left", later_);
    if (!result_.evictions.empty()) {
      text += fmt::format("; {} {} evicted", pods(result_.evictions.size()),
                          result_.evictions.size() == 1 ? "is" : "are");
    }
    text += fmt::format("; {} {}.", count_text(static_cast<std::int64_t>(waiting_.size()), "group"),
                        waiting_.size() == 1 ? "waits" : "wait");
    if (!waiting_.empty()) text += " --explain GROUP says more about one of them.";
    if (result_.more) text += " A work limit was reached: another cycle has more to decide.";
    out_ += fmt::format("\n{}\n", text);
  }

  const manifest::ClusterObjects& cluster_;
  const PlanResult& result_;
  const TableOptions& options_;
  ClusterSummary summary_;
  std::vector<WaitingGroup> waiting_;  ///< without those that are told of elsewhere
  std::size_t later_ = 0;              ///< pods that start once others have left
  boost::unordered_flat_map<std::string_view, std::size_t> groups_;
  std::string out_;
};

}  // namespace

std::string plan_table(const manifest::ClusterObjects& cluster, const PlanResult& result,
                       const TableOptions& options) {
  return PlanTable(cluster, result, options).run();
}

}  // namespace fairlead::cli
