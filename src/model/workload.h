#pragma once

#include "base/time.h"
#include "model/resources.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::model {

/// What a workload is for. The kind decides its category, priority and preemptibility where it does not say.
enum class WorkloadKind : std::uint8_t { kWorkspace, kTraining, kInference };

/// The accelerators of one replica.
struct DeviceDemand {
  std::int64_t count = 0;           ///< devices; 0: cpu only
  std::int64_t thousandths = 1000;  ///< of each device, [1, 1000]; 1000 with memory_mib 0: whole devices
  std::int64_t memory_mib = 0;      ///< of each device instead of a share; 0: not given
  std::string vendor;               ///< "nvidia", "amd" ...; empty: any
  std::string model;                ///< "H100-80GB"; empty: any

  friend bool operator==(const DeviceDemand&, const DeviceDemand&) = default;
};

/// Keys of a node that count as near, from far to near, for the replicas of one workload.
struct WorkloadTopology {
  std::string name;
  std::string required;
  std::string preferred;

  friend bool operator==(const WorkloadTopology&, const WorkloadTopology&) = default;
};

/// Replicas of one workload that run the same command: a distributed training's launcher and workers. A
/// workload without roles has one, named "worker".
struct WorkloadRole {
  std::string name;                    ///< unique within the workload
  std::vector<std::string> command;    ///< program and its first arguments; no shell unless it names one
  std::vector<std::string> arguments;  ///< appended to the command
  std::vector<std::pair<std::string, std::string>> environment;
  std::int32_t replicas = 1;          ///< wanted, at least 0
  std::int32_t minimum_replicas = 1;  ///< it starts, and goes on, only with so many
  DeviceDemand devices;
  std::int64_t cpu_milli = 0;     ///< 0: no request and no limit
  std::int64_t memory_bytes = 0;  ///< 0: no request and no limit

  friend bool operator==(const WorkloadRole&, const WorkloadRole&) = default;
};

enum class ScaleMetric : std::uint8_t { kConcurrency, kRequestsPerSecond, kLatencyP95 };

/// How an inference workload is reached and how its replicas follow the load. Bounds and names: Run:ai's.
struct ServiceSpec {
  std::int32_t port = 0;  ///< a replica listens on $PORT; 0: the platform chooses one per replica
  std::string health_path = "/";
  base::Duration start_deadline = base::Duration::seconds(600);   ///< healthy by then, or it failed
  base::Duration request_deadline = base::Duration::seconds(60);  ///< held without a replica, then 503
  std::int32_t minimum_replicas = 1;                              ///< 0: scales to zero
  std::int32_t maximum_replicas = 1;
  std::int32_t initial_replicas = 1;
  ScaleMetric metric = ScaleMetric::kConcurrency;
  double target = 1;                ///< per replica: requests in flight, requests a second, or milliseconds
  base::Duration scale_down_delay;  ///< [0, 3600 s]
  base::Duration scale_to_zero_retention;  ///< idle for so long before the last replica ends, [0, 3600 s]

  friend bool operator==(const ServiceSpec&, const ServiceSpec&) = default;
};

/// What becomes of a workload when its project must give devices back.
struct CheckpointSpec {
  std::string signal;  ///< sent before it is stopped: "SIGUSR1"; empty: SIGTERM
  std::string file;    ///< its modification time tells the last checkpoint; relative to the working directory

  friend bool operator==(const CheckpointSpec&, const CheckpointSpec&) = default;
};

/// A workload as its owner wrote it: kind `Workload` of fairlead.dev/v1alpha1. Identity is (project, name).
struct Workload {
  std::string name;     ///< DNS label, up to 63 characters
  std::string project;  ///< a leaf queue
  WorkloadKind kind = WorkloadKind::kTraining;
  std::string priority;             ///< name of a priority class; empty: by kind
  std::optional<bool> preemptible;  ///< none: by priority
  std::string working_directory;    ///< empty: a folder of its own below the state folder
  std::string image;                ///< refused where no container runtime is
  /// Variable and the stored secret whose value it gets.
  std::vector<std::pair<std::string, std::string>> secrets;
  std::vector<WorkloadRole> roles;  ///< at least one
  WorkloadTopology topology;
  std::int32_t retries = 6;  ///< restarts after failures, all replicas together
  base::Duration retry_delay = base::Duration::seconds(10);  ///< doubled each time, up to 6 minutes
  base::Duration grace_period = base::Duration::seconds(30);
  std::optional<base::Duration> time_limit;         ///< running in all
  std::optional<base::Duration> idle_device_limit;  ///< devices held without use
  std::optional<base::Duration> time_to_live;       ///< kept after its end
  std::vector<std::string> after;  ///< workloads of the project that must have succeeded before it starts
  bool restart_on_preemption = true;
  CheckpointSpec checkpoint;
  std::optional<ServiceSpec> service;  ///< inference only
  std::vector<std::int32_t> ports;     ///< workspace only: reached through the proxy
  bool suspended = false;

  std::string key() const { return project + "/" + name; }
  friend bool operator==(const Workload&, const Workload&) = default;
};

}  // namespace fairlead::model
