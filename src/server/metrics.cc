#include "server/metrics.h"

#include "server/view_json.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <utility>

namespace fairlead::server {
namespace {

using Label = std::pair<std::string_view, std::string_view>;

class Writer {
 public:
  void metric(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP fairlead_{} {}\n# TYPE fairlead_{} {}\n", name, help, name, type);
  }
  void sample(std::initializer_list<Label> labels, double value) {
    text_ += fmt::format("fairlead_{}", name_);
    char before = '{';
    for (const auto& [label, content] : labels) {
      text_ += fmt::format("{}{}=\"{}\"", before, label, escaped(content));
      before = ',';
    }
    if (before == ',') text_ += '}';
    text_ += fmt::format(" {}\n", value);
  }
  std::string take() { return std::move(text_); }

 private:
  static std::string escaped(std::string_view content) {
    std::string out;
    for (const char c : content) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    return out;
  }

  std::string_view name_;
  std::string text_;
};

double share(std::int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

template <class Value>
void write_devices(Writer& writer, const world::View& view, std::string_view name, std::string_view help,
                   Value value) {
  writer.metric(name, "gauge", help);
  for (const world::DeviceView& device : view.devices) {
    const std::optional<double> measured = value(device);
    if (!measured) continue;
    writer.sample({{"node", device.node},
                   {"device", device.identity},
                   {"vendor", device.vendor},
                   {"model", device.model},
                   {"simulated", device.simulated ? "true" : "false"}},
                  *measured);
  }
}

void write_all_devices(Writer& writer, const world::View& view) {
  using Device = world::DeviceView;
  using Value = std::optional<double>;
  write_devices(writer, view, "device_healthy", "1 when the device can be used.",
                [](const Device& device) { return Value(device.healthy ? 1 : 0); });
  write_devices(writer, view, "device_allocated", "Share of the device that is given to workloads, 0 to 1.",
                [](const Device& device) { return Value(share(device.allocated_thousandths)); });
  write_devices(writer, view, "device_utilisation", "Share of time in which the device computed, 0 to 1.",
                [](const Device& device) { return device.utilisation; });
  write_devices(writer, view, "device_memory_bytes", "Memory of the device.", [](const Device& device) {
    return Value(static_cast<double>(device.memory_mib) * 1024 * 1024);
  });
  write_devices(
      writer, view, "device_memory_used_bytes", "Memory of the device in use.", [](const Device& device) {
        return device.memory_used_mib ? Value(static_cast<double>(*device.memory_used_mib) * 1024 * 1024)
                                      : Value();
      });
  write_devices(writer, view, "device_power_watts", "Power that the device takes.",
                [](const Device& device) { return device.power_watts; });
  write_devices(writer, view, "device_temperature_celsius", "Temperature of the device.",
                [](const Device& device) { return device.temperature_celsius; });
}

void write_nodes(Writer& writer, const world::View& view) {
  writer.metric("node_ready", "gauge", "1 when the node takes work.");
  for (const world::NodeView& node : view.nodes) writer.sample({{"node", node.name}}, node.ready ? 1 : 0);
  writer.metric("node_cpu_allocated_cores", "gauge", "Cores given to workloads.");
  for (const world::NodeView& node : view.nodes) {
    writer.sample({{"node", node.name}}, share(node.cpu_allocated_milli));
  }
  writer.metric("node_memory_allocated_bytes", "gauge", "Memory given to workloads.");
  for (const world::NodeView& node : view.nodes) {
    writer.sample({{"node", node.name}}, static_cast<double>(node.memory_allocated_bytes));
  }
}

template <class Value>
void write_queues(Writer& writer, const world::View& view, std::string_view name, std::string_view help,
                  Value value) {
  writer.metric(name, "gauge", help);
  for (const auto& queue : view.queues) {
    for (const world::QueueView::Amounts& amounts : queue->amounts) {
      const double scale = amounts.dimension == "memory" ? 1 : 1000;
      writer.sample(
          {{"queue", queue->queue.name}, {"parent", queue->queue.parent}, {"resource", amounts.dimension}},
          value(amounts) / scale);
    }
  }
}

void write_workloads(Writer& writer, const world::View& view) {
  using State = world::WorkloadState;
  constexpr std::array kStates = {State::kPending, State::kStarting,  State::kRunning,   State::kStopping,
                                  State::kBackOff, State::kSuspended, State::kSucceeded, State::kFailed};
  std::array<std::uint64_t, kStates.size()> count{};
  std::int64_t preemptions = 0;
  for (const auto& workload : view.workloads) {
    ++count[static_cast<std::size_t>(workload->state)];
    preemptions += workload->preemptions;
  }
  writer.metric("workloads", "gauge", "Workloads that are kept, by state.");
  for (const State state : kStates) {
    writer.sample({{"state", state_name(state)}},
                  static_cast<double>(count[static_cast<std::size_t>(state)]));
  }
  writer.metric("workload_preemptions", "gauge", "Preemptions of the workloads that are kept.");
  writer.sample({}, static_cast<double>(preemptions));
}

}  // namespace

std::string metrics_text(const world::View& view, const RequestCounts& counts, std::string_view version) {
  using Amounts = world::QueueView::Amounts;
  Writer writer;
  writer.metric("build_info", "gauge", "1, with the version.");
  writer.sample({{"version", version}}, 1);
  write_all_devices(writer, view);
  write_nodes(writer, view);
  write_queues(writer, view, "queue_allocated", "What the queue has: devices, cores, bytes.",
               [](const Amounts& amounts) { return static_cast<double>(amounts.allocated); });
  write_queues(writer, view, "queue_requested", "What the queue has and waits for: devices, cores, bytes.",
               [](const Amounts& amounts) { return static_cast<double>(amounts.requested); });
  write_queues(writer, view, "queue_fair_share", "What the queue is entitled to now: devices, cores, bytes.",
               [](const Amounts& amounts) { return amounts.fair_share; });
  write_workloads(writer, view);
  writer.metric("http_requests_total", "counter", "Requests that were answered.");
  writer.sample({}, static_cast<double>(counts.requests));
  writer.metric("http_requests_refused_total", "counter", "Requests that were answered with status 4xx.");
  writer.sample({}, static_cast<double>(counts.refused));
  writer.metric("http_requests_failed_total", "counter", "Requests that were answered with status 5xx.");
  writer.sample({}, static_cast<double>(counts.failed));
  writer.metric("http_streams", "gauge", "Event and log streams that are open.");
  writer.sample({}, static_cast<double>(counts.streams));
  return writer.take();
}

}  // namespace fairlead::server
