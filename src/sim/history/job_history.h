#pragma once

#include "base/time.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::sim {

/// A team of a site, as a queue of its own.
struct Tenant {
  std::string name;
  std::int64_t quota_devices = 0;
};

/// One job as a site's history has it.
struct HistoryJob {
  std::uint32_t tenant = 0;  ///< index of its tenant
  base::Time submitted;
  base::Duration run_time;           ///< with all its devices; above 0
  std::int64_t devices = 1;          ///< at least 1
  std::int64_t minimum_devices = 0;  ///< it runs with fewer, proportionally slower; 0: needs all at once
};

/// A node that was away for some time.
struct NodeOutage {
  std::uint32_t node = 0;  ///< index, from 0
  base::Time since;
  base::Time until;
};

/// What a site ran: tenants, jobs in the order of their submission, and what failed.
struct JobHistory {
  std::vector<Tenant> tenants;
  std::vector<HistoryJob> jobs;  ///< by submission, then as read
  std::vector<NodeOutage> outages;
  std::size_t left_out = 0;  ///< jobs of the input that are larger than their tenant's quota

  std::int64_t quota_devices() const;
  /// Device-seconds of all jobs.
  double work() const;
};

/// Equal nodes.
struct Fleet {
  std::int64_t nodes = 0;
  std::int64_t devices_per_node = 8;

  std::int64_t devices() const { return nodes * devices_per_node; }
};

}  // namespace fairlead::sim
