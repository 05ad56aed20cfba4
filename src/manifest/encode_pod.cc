#include "manifest/encoding.h"

#include <fmt/format.h>

namespace fairlead::manifest {
namespace {

using Phase = model::Pod::Phase;

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::kPending:
    case Phase::kBinding:
    case Phase::kBound:
      return "Pending";
    case Phase::kRunning:
      return "Running";
    case Phase::kSucceeded:
      return "Succeeded";
    case Phase::kFailed:
      break;
  }
  return "Failed";
}

model::Labels annotations_of(const model::Pod& pod) {
  using Kind = model::DeviceRequest::Kind;
  model::Labels annotations;
  if (!pod.group.empty()) annotations.emplace("pod-group-name", split_key(pod.group).second);
  if (pod.last_checkpoint)
    annotations.emplace("fairlead.dev/last-checkpoint", base::format_time(*pod.last_checkpoint));
  if (pod.reservation) annotations.emplace("run.ai/reserve_for_gpu_index", "0");
  const model::DeviceRequest& devices = pod.devices;
  if (devices.kind == Kind::kFraction)
    annotations.emplace("gpu-fraction", fmt::format("0.{:03}", devices.thousandths));
  if (devices.kind == Kind::kMemory) annotations.emplace("gpu-memory", std::to_string(devices.memory_mib));
  if (devices.shares_devices() && devices.count != 1)
    annotations.emplace("gpu-fraction-num-devices", std::to_string(devices.count));
  return annotations;
}

}  // namespace

void Encoder::container(const model::Pod& pod) {
  const auto amount = [this](std::string_view name, std::int64_t value) {
    if (value != 0) out_.member(name, std::to_string(value));
  };
  out_.begin_object();
  out_.member("name", "main");
  out_.key("resources");
  out_.begin_object();
  out_.key("requests");
  out_.begin_object();
  if (pod.requests.cpu_milli != 0) out_.member("cpu", fmt::format("{}m", pod.requests.cpu_milli));
  amount("memory", pod.requests.memory_bytes);
  if (pod.devices.kind == model::DeviceRequest::Kind::kWhole) amount(pod.devices.resource, pod.devices.count);
  if (pod.devices.second_count > 0) amount(pod.devices.second_resource, pod.devices.second_count);
  for (const model::Partition& partition : pod.devices.partitions)
    amount(partition.resource, partition.count);
  for (const model::ResourceCount& counted : pod.requests.counted) amount(counted.name, counted.count);
  out_.end_object();
  out_.end_object();
  if (!pod.constraints.host_ports.empty()) {
    out_.key("ports");
    out_.begin_array();
    for (const model::HostPort& port : pod.constraints.host_ports) {
      out_.begin_object();
      out_.member("containerPort", port.port);
      out_.member("hostPort", port.port);
      text("hostIP", port.ip);
      text("protocol", port.protocol);
      out_.end_object();
    }
    out_.end_array();
  }
  out_.end_object();
}

void Encoder::pod(const model::Pod& pod) {
  Metadata metadata{
      .name = pod.name, .namespace_name = pod.namespace_name, .uid = pod.uid, .created = pod.created};
  metadata.labels = pod.labels;
  if (!pod.sub_group.empty()) metadata.labels.emplace("kai.scheduler/subgroup-name", pod.sub_group);
  if (pod.task_priority != 0)
    metadata.labels.emplace("kai.scheduler/task-priority", std::to_string(pod.task_priority));
  const bool on_node = !pod.node.empty() && pod.phase != Phase::kPending && pod.phase != Phase::kBinding;
  if (on_node && pod.device_groups.size() == 1) {
    metadata.labels.emplace("runai-gpu-group", pod.device_groups.front());
  } else if (on_node) {
    for (const std::string& group : pod.device_groups)
      metadata.labels.emplace("runai-gpu-group/" + group, group);
  }
  metadata.annotations = annotations_of(pod);
  if (pod.releasing) metadata.deleted = pod.release_deadline.value_or(base::Time());
  begin("v1", "Pod", metadata);
  out_.key("spec");
  out_.begin_object();
  out_.member("schedulerName", pod.served ? options_.scheduler_names.front() : "default-scheduler");
  if (on_node) out_.member("nodeName", pod.node);
  if (pod.gated) {
    out_.key("schedulingGates");
    out_.begin_array();
    out_.begin_object();
    out_.member("name", "gated");
    out_.end_object();
    out_.end_array();
  }
  constraints(pod);
  if (!pod.claims.empty()) {
    out_.key("resourceClaims");
    out_.begin_array();
    for (const std::string& claim : pod.claims) {
      out_.begin_object();
      out_.member("name", split_key(claim).second);
      out_.member("resourceClaimName", split_key(claim).second);
      out_.end_object();
    }
    out_.end_array();
  }
  out_.key("containers");
  out_.begin_array();
  container(pod);
  out_.end_array();
  out_.end_object();
  out_.key("status");
  out_.begin_object();
  out_.member("phase", phase_name(pod.phase));
  text("nominatedNodeName", pod.nominated_node);
  if (pod.started) out_.member("startTime", base::format_time(*pod.started));
  out_.end_object();
  end();
  if (pod.phase == Phase::kBinding) bind_request(pod);
}

void Encoder::bind_request(const model::Pod& pod) {
  begin("scheduling.run.ai/v1alpha2", "BindRequest",
        {.name = pod.name, .namespace_name = pod.namespace_name});
  out_.key("spec");
  out_.begin_object();
  out_.member("podName", pod.name);
  out_.member("selectedNode", pod.node);
  names("selectedGPUGroups", pod.device_groups);
  out_.end_object();
  end();
}

}  // namespace fairlead::manifest
