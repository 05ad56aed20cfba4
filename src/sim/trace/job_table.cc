#include "sim/trace/job_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

namespace fairlead::sim {
namespace {

/// Virtual cluster and its quota in nodes. Source: the tenant study's definition (docs/pooling.md).
constexpr std::array<std::pair<std::string_view, std::int64_t>, 11> kPhillyNodes = {{{"6214e9", 64},
                                                                                     {"7f04ca", 32},
                                                                                     {"11cb48", 16},
                                                                                     {"b436b2", 64},
                                                                                     {"ee9e8c", 64},
                                                                                     {"e13805", 16},
                                                                                     {"6c71a0", 32},
                                                                                     {"2869ce", 16},
                                                                                     {"ed69ec", 8},
                                                                                     {"103959", 8},
                                                                                     {"0e4a51", 32}}};

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<base::Time> instant(const std::string& text) {
  if (const auto seconds = number(text); seconds && *seconds >= 0 && *seconds < 4e9)
    return base::Time::from_unix_nanoseconds(static_cast<std::int64_t>(std::llround(*seconds * 1e9)));
  std::string written = text;
  if (written.size() > 10 && written[10] == ' ') written[10] = 'T';
  if (!written.empty() && written.back() != 'Z' && written.find_last_of("+-") < 11) written += 'Z';
  const auto read = base::parse_time(written);
  if (!read) return std::nullopt;
  return *read;
}

/// Seconds, or [days-]hours:minutes:seconds as sacct prints them.
std::optional<double> span_seconds(std::string_view text) {
  if (const auto seconds = number(text)) return seconds;
  double days = 0;
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    const auto read = number(text.substr(0, dash));
    if (!read) return std::nullopt;
    days = *read;
    text.remove_prefix(dash + 1);
  }
  double seconds = 0;
  while (true) {
    const std::size_t colon = text.find(':');
    const auto read = number(text.substr(0, colon));
    if (!read) return std::nullopt;
    seconds = seconds * 60 + *read;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  return days * 86'400 + seconds;
}

/// A number, or "billing=4,gres/gpu=8,node=1" as sacct prints AllocTRES.
std::optional<std::int64_t> device_count(std::string_view text) {
  constexpr std::string_view kGpu = "gres/gpu=";
  if (text.empty()) return 0;
  if (const auto plain = number(text)) {
    if (*plain < 0 || *plain > 1e6 || std::floor(*plain) != *plain) return std::nullopt;
    return static_cast<std::int64_t>(*plain);
  }
  if (text.find('=') == std::string_view::npos) return std::nullopt;
  const std::size_t at = text.find(kGpu);
  if (at == std::string_view::npos) return 0;
  std::string_view rest = text.substr(at + kGpu.size());
  return device_count(rest.substr(0, rest.find(',')));
}

}  // namespace

std::vector<Tenant> philly_tenants(double scale, std::int64_t devices_per_node) {
  std::vector<Tenant> tenants;
  for (const auto& [name, nodes] : kPhillyNodes) {
    const auto scaled = static_cast<std::int64_t>(std::llround(static_cast<double>(nodes) * scale));
    tenants.push_back({std::string(name), scaled * devices_per_node});
  }
  return tenants;
}

base::Result<JobHistory> read_jobs(const CsvTable& table, const JobColumns& columns,
                                   const JobSelection& selection) {
  const auto submitted = table.column(columns.submitted);
  if (!submitted) return submitted.error();
  const auto run_time = table.column(columns.run_time);
  if (!run_time) return run_time.error();
  const auto devices = table.column(columns.devices);
  if (!devices) return devices.error();
  const auto tenant = table.column(columns.tenant);
  if (!tenant) return tenant.error();
  std::optional<std::size_t> minimum;
  if (!columns.minimum_devices.empty()) {
    const auto found = table.column(columns.minimum_devices);
    if (!found) return found.error();
    minimum = *found;
  }

  JobHistory history;
  history.tenants = selection.tenants;
  std::map<std::string, std::uint32_t, std::less<>> tenant_of_name;
  for (std::size_t i = 0; i < history.tenants.size(); ++i)
    tenant_of_name.emplace(history.tenants[i].name, static_cast<std::uint32_t>(i));
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto time = instant(table.text(row, *submitted));
    if (!time)
      return table.error_at(row, *submitted,
                            "is no instant; write 2017-10-09T07:01:55Z, or seconds since 1970");
    if ((selection.since && *time < *selection.since) || (selection.until && *time >= *selection.until))
      continue;
    const std::string& name = table.text(row, *tenant);
    auto known = tenant_of_name.find(name);
    if (known == tenant_of_name.end()) {
      if (!selection.tenants.empty()) continue;
      known = tenant_of_name.emplace(name, static_cast<std::uint32_t>(history.tenants.size())).first;
      history.tenants.push_back({name, 0});
    }
    const auto seconds = span_seconds(table.text(row, *run_time));
    if (!seconds || *seconds < 0 || *seconds > 1e9)
      return table.error_at(row, *run_time, "is no run time; write seconds, or days-hours:minutes:seconds");
    const auto count = device_count(table.text(row, *devices));
    if (!count)
      return table.error_at(row, *devices, "is no number of devices; write a whole number, or gres/gpu=8");
    HistoryJob job;
    job.tenant = known->second;
    job.submitted = *time;
    job.run_time = base::Duration::nanoseconds(static_cast<std::int64_t>(std::llround(*seconds * 1e9)));
    job.devices = *count;
    if (minimum) {
      const auto least = device_count(table.text(row, *minimum));
      if (!least || *least > *count)
        return table.error_at(row, *minimum,
                              "is no minimum of devices; write a number up to the job's devices");
      job.minimum_devices = *least;
    }
    const std::int64_t quota = history.tenants[job.tenant].quota_devices;
    if (job.devices == 0 || *seconds <= 0 || (!selection.tenants.empty() && job.devices > quota)) {
      ++history.left_out;
      continue;
    }
    history.jobs.push_back(std::move(job));
  }
  std::stable_sort(history.jobs.begin(), history.jobs.end(),
                   [](const HistoryJob& a, const HistoryJob& b) { return a.submitted < b.submitted; });
  return history;
}

}  // namespace fairlead::sim
