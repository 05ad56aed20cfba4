#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/command.h"
#include "model/workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::cli {

/// A workload by flags; those of Run:ai's command line have their names there.
struct SubmitFlags {
  std::string name;
  std::string kind = "training";
  std::string image;
  std::string devices;  ///< "2", or "0.5" of one
  std::optional<double> portion;
  std::string device_memory;  ///< "20Gi", also "20G"
  std::string device_model;
  std::string device_vendor;
  std::string cpu;
  std::string memory;
  std::optional<std::int64_t> replicas;
  std::optional<std::int64_t> minimum_replicas;
  std::optional<std::int64_t> maximum_replicas;
  std::string priority;
  std::string preemptibility;
  std::vector<std::string> environment;  ///< NAME=VALUE
  std::vector<std::string> secrets;      ///< NAME=SECRET
  std::string working_directory;
  std::vector<std::string> after;
  std::optional<std::int64_t> retries;
  std::string time_limit;
  std::string idle_limit;
  std::string grace_period;
  std::string time_to_live;
  std::string checkpoint_signal;
  std::string checkpoint_file;
  std::vector<std::string> ports;
  std::string metric;
  std::optional<double> target;
  std::string scale_to_zero;
  bool suspended = false;
  std::vector<std::string> command;  ///< after "--"
};

void add_submit_flags(Command& command, SubmitFlags& flags);

/// The workload that flags mean; without a name it gets one from its kind and the time. Errors:
/// kInvalidArgument naming the flag, the value and what to write.
base::Result<model::Workload> workload_of(const SubmitFlags& flags, const std::string& project,
                                          base::Time now);

}  // namespace fairlead::cli
