#pragma once

#include "base/result.h"
#include "sim/trace/csv.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::sim {

/// A machine of the trace; its devices are of one model.
struct TraceNode {
  std::string name;
  std::int64_t cpu_milli = 0;
  std::int64_t memory_mib = 0;
  std::int32_t devices = 0;
  std::string model;
};

/// A task of the trace: cpu only, a share of one device, or whole devices.
struct TraceTask {
  std::string name = {};
  std::int64_t cpu_milli = 0;
  std::int64_t memory_mib = 0;
  std::int32_t devices = 0;
  std::int32_t thousandths = 0;          ///< of each device; below 1000 only with one device, 0 without
  std::string model_list = {};           ///< as written: "V100M16|V100M32"
  std::vector<std::string> models = {};  ///< sorted, each once; empty: any

  std::int64_t demand() const { return std::int64_t{devices} * thousandths; }
};

/// Nodes and tasks as Alibaba published them ("openb", 2023), each sorted by name.
struct OpenbTrace {
  std::vector<TraceNode> nodes;
  std::vector<TraceTask> tasks;

  /// What all devices together hold, in thousandths of a device.
  std::int64_t capacity() const;
};

/// Columns sn, cpu_milli, memory_mib, gpu, model; further ones are ignored.
/// Errors: kInvalidArgument by line and column; no node, no device at all, two nodes of one name.
base::Result<std::vector<TraceNode>> read_openb_nodes(const CsvTable& table);
/// Columns name, cpu_milli, memory_mib, num_gpu, gpu_milli and, where there is one, gpu_spec; further ones
/// are ignored. Errors as above; a share of several devices; no task with a device.
base::Result<std::vector<TraceTask>> read_openb_tasks(const CsvTable& table);
base::Result<OpenbTrace> read_openb(const std::string& nodes_path, const std::string& pods_path);

}  // namespace fairlead::sim
