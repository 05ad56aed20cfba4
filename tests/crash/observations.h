#pragma once

#include "platform/running_platform.h"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fairlead::crash_tests {

/// A process that works for a replica, by its own environment.
struct Process {
  pid_t pid = 0;
  std::string replica;
  std::vector<std::string> devices;
  bool shares = false;  ///< its devices are not wholly its own
};
/// All those that a platform with this state folder has started and that are not dead.
std::vector<Process> processes_of(const std::string& state_folder);

/// A replica as the API shows it.
struct Replica {
  std::string uid;
  std::string state;
  std::vector<std::string> devices;
  double held = 0;  ///< devices in all
  pid_t pid = 0;
  bool is_live() const { return state == "Binding" || state == "Running" || state == "Releasing"; }
};
struct Workload {
  std::string uid;
  std::string state;
  std::vector<Replica> replicas;
};
/// All workloads by name, over all pages of the list.
std::map<std::string, Workload> workloads_of(platform_tests::RunningPlatform& platform);

/// What is wrong; empty: nothing.
std::string devices_given_twice(const std::vector<Process>& processes);
std::string devices_given_twice(const std::map<std::string, Workload>& workloads);
/// Processes that no live replica accounts for, and running replicas without their process.
std::string not_accounted_for(const std::vector<Process>& processes,
                              const std::map<std::string, Workload>& workloads);
/// Folders of replicas that the platform does not know.
std::string folders_left_over(const std::string& state_folder,
                              const std::map<std::string, Workload>& workloads);
/// What the workers themselves saw: a device that was another's too, or a replica that was started twice.
std::string complaints_in_journal(const std::string& folder);

}  // namespace fairlead::crash_tests
