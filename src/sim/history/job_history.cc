#include "sim/history/job_history.h"

namespace fairlead::sim {

std::int64_t JobHistory::quota_devices() const {
  std::int64_t sum = 0;
  for (const Tenant& tenant : tenants) sum += tenant.quota_devices;
  return sum;
}

double JobHistory::work() const {
  double sum = 0;
  for (const HistoryJob& job : jobs) sum += job.run_time.in_seconds() * static_cast<double>(job.devices);
  return sum;
}

}  // namespace fairlead::sim
