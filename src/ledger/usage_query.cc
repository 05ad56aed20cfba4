#include "ledger/usage_query.h"

#include "ledger/chain.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace fairlead::ledger {
namespace {

/// Thousandths of a device times nanoseconds, in device-hours.
double hours(std::int64_t thousandths, base::Duration time) {
  return static_cast<double>(thousandths) / 1000.0 * (time.in_seconds() / 3600.0);
}

const std::string& name_in(const UsageSample& sample, LedgerReader::UsageBy by) {
  switch (by) {
    case LedgerReader::UsageBy::kDepartment:
      return sample.department;
    case LedgerReader::UsageBy::kProject:
      return sample.project;
    case LedgerReader::UsageBy::kUser:
      return sample.user;
    case LedgerReader::UsageBy::kWorkload:
      break;
  }
  return sample.workload;
}

void add(LedgerReader::UsageRow& row, const UsageSample& sample, base::Duration time) {
  row.allocated_hours += hours(sample.allocated_thousandths, time);
  row.over_quota_hours += hours(sample.over_quota_thousandths, time);
  row.lost_hours += hours(sample.lost_thousandths, time);
  if (!sample.used_thousandths) return;
  row.used_hours = row.used_hours.value_or(0) + hours(*sample.used_thousandths, time);
  // Use above what was allocated is an error of measurement and not negative idleness.
  const std::int64_t idle =
      std::max<std::int64_t>(0, sample.allocated_thousandths - *sample.used_thousandths);
  row.idle_hours = row.idle_hours.value_or(0) + hours(idle, time);
}

}  // namespace

base::Result<std::vector<LedgerReader::UsageRow>> query_usage(Database& database, LedgerReader::UsageBy by,
                                                              base::Time since, base::Time until) {
  auto select =
      database.prepare(std::string(kSelectUsage) + "WHERE until>? AND since<? AND until>since ORDER BY id");
  if (!select) return select.error();
  select->bind(since.unix_nanoseconds(), until.unix_nanoseconds());
  std::map<std::pair<std::string, std::string>, LedgerReader::UsageRow> rows;
  for (;;) {
    const auto found = select->step();
    if (!found) return found.error();
    if (!*found) break;
    const UsageSample sample = usage_of(*select);
    const std::string& name = name_in(sample, by);
    LedgerReader::UsageRow& row = rows[{name, sample.device_model}];
    row.name = name;
    row.device_model = sample.device_model;
    add(row, sample, std::min(sample.until, until) - std::max(sample.since, since));
  }
  std::vector<LedgerReader::UsageRow> result;
  result.reserve(rows.size());
  for (auto& [key, row] : rows) result.push_back(std::move(row));
  return result;
}

}  // namespace fairlead::ledger
