#include "cli/history_report.h"

#include "base/json_writer.h"
#include "cli/text_table.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead::cli {
namespace {

std::string seconds_text(double seconds) { return fmt::format("{:.0f} s", seconds); }

/// The policy with a pool per tenant and the same discipline: what a tenant has alone.
const sim::HistorySummary* alone_of(const std::vector<sim::HistorySummary>& summaries,
                                    const sim::HistorySummary& shared) {
  for (const sim::HistorySummary& summary : summaries)
    if (summary.policy.pool_per_tenant && summary.policy.discipline == shared.policy.discipline)
      return &summary;
  return nullptr;
}

std::string_view discipline_word(const sim::SharingPolicy& policy) {
  return policy.discipline == model::QueueDiscipline::kStrict ? "strict" : "skip";
}

void write_waits(base::JsonWriter& json, const sim::WaitSummary& waits) {
  json.member("jobs", waits.jobs);
  json.key("wait_seconds");
  json.begin_object();
  json.member("mean", waits.mean);
  json.member("p50", waits.p50);
  json.member("p95", waits.p95);
  json.member("p99", waits.p99);
  json.end_object();
  json.member("mean_slowdown", waits.mean_slowdown);
  json.member("evictions", waits.evictions);
  json.member("lost_device_hours", waits.lost_device_hours);
}

}  // namespace

std::string history_table(const sim::JobHistory& history, const std::vector<sim::HistorySummary>& summaries,
                          const Style& style) {
  using Align = TextTable::Align;
  std::string text = fmt::format("{} jobs of {} tenants, {:.0f} device-hours of work", history.jobs.size(),
                                 history.tenants.size(), history.work() / 3600);
  if (history.left_out > 0)
    text += fmt::format("; {} left out (no device, no run time, or larger than the tenant's quota)",
                        history.left_out);
  text += "\n\n";
  TextTable table({{"policy"},
                   {"devices", Align::kRight},
                   {"mean wait", Align::kRight},
                   {"p50", Align::kRight},
                   {"p95", Align::kRight},
                   {"p99", Align::kRight},
                   {"use", Align::kRight},
                   {"evictions", Align::kRight},
                   {"lost", Align::kRight},
                   {"fragmented", Align::kRight},
                   {"worse off", Align::kRight}});
  for (const sim::HistorySummary& summary : summaries) {
    const sim::HistorySummary* alone = alone_of(summaries, summary);
    table.add_row(
        {summary.policy.title(), fmt::format("{}", summary.devices), seconds_text(summary.all.mean),
         seconds_text(summary.all.p50), seconds_text(summary.all.p95), seconds_text(summary.all.p99),
         fmt::format("{:.1f} %", summary.use * 100), fmt::format("{}", summary.all.evictions),
         fmt::format("{:.0f} h", summary.lost_device_hours),
         fmt::format("{:.0f} h", summary.fragmented_device_hours),
         alone == nullptr || alone == &summary ? "-"
                                               : fmt::format("{}", sim::worse_off(*alone, summary).size())});
  }
  table.write(text, style);
  for (const sim::HistorySummary& summary : summaries) {
    if (summary.unfinished > 0)
      text += fmt::format("\n{}: {} jobs can never start\n", summary.policy.title(), summary.unfinished);
    const sim::HistorySummary* alone = alone_of(summaries, summary);
    if (alone == nullptr || alone == &summary) continue;
    for (const sim::WorseOff& worse : sim::worse_off(*alone, summary))
      text += fmt::format("\n{}: tenant {} waits {} on average, {} alone with its quota",
                          summary.policy.title(), printable(history.tenants[worse.tenant].name),
                          seconds_text(worse.shared), seconds_text(worse.alone));
  }
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

std::string history_json(const sim::JobHistory& history, const std::vector<sim::HistorySummary>& summaries) {
  std::string text;
  base::JsonWriter json(text, 2);
  json.begin_object();
  json.member("jobs", history.jobs.size());
  json.member("left_out", history.left_out);
  json.member("work_device_hours", history.work() / 3600);
  json.key("policies");
  json.begin_array();
  for (const sim::HistorySummary& summary : summaries) {
    json.begin_object();
    json.member("policy", summary.policy.name);
    json.member("discipline", discipline_word(summary.policy));
    json.member("devices", summary.devices);
    write_waits(json, summary.all);
    json.member("use", summary.use);
    json.member("idle_device_hours", summary.idle_device_hours);
    json.member("fragmented_device_hours", summary.fragmented_device_hours);
    json.member("mean_owed_devices", summary.mean_owed_devices);
    json.member("moves", summary.moves);
    json.member("rounds", summary.rounds);
    json.member("unfinished", summary.unfinished);
    json.key("tenants");
    json.begin_array();
    for (std::size_t i = 0; i < summary.tenants.size(); ++i) {
      json.begin_object();
      json.member("name", history.tenants[i].name);
      json.member("quota_devices", history.tenants[i].quota_devices);
      write_waits(json, summary.tenants[i]);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
  text += '\n';
  return text;
}

}  // namespace fairlead::cli
