#include "cli/submit_flags.h"

#include "base/quantity.h"
#include "manifest/fields.h"
#include "manifest/workload.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace fairlead::cli {
namespace {

base::Error wrong(std::string_view flag, std::string_view value, std::string_view remedy) {
  return base::invalid_argument(fmt::format("{}: \"{}\" cannot be used; {}", flag, value, remedy));
}

/// Reads flags one after another and keeps the first thing that is wrong.
class Reading {
 public:
  std::optional<base::Error> failed;

  std::int64_t thousandths(std::string_view flag, const std::string& text) {
    return number(flag, text, base::parse_quantity_milli(text), "write a number such as 2 or 500m");
  }
  std::int64_t bytes(std::string_view flag, const std::string& text) {
    return number(flag, text, base::parse_quantity(text), "write an amount such as 16Gi");
  }
  std::optional<base::Duration> duration(std::string_view flag, const std::string& text) {
    if (text.empty()) return std::nullopt;
    const auto parsed = base::parse_duration(text);
    if (parsed) return *parsed;
    fail(wrong(flag, text, "write a time such as 90s, 30m or 12h"));
    return std::nullopt;
  }
  std::vector<std::pair<std::string, std::string>> pairs(std::string_view flag,
                                                         const std::vector<std::string>& texts,
                                                         std::string_view remedy) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string& text : texts) {
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos || equals == 0) {
        fail(wrong(flag, text, remedy));
      } else {
        all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
      }
    }
    return all;
  }
  void fail(base::Error error) {
    if (!failed) failed = std::move(error);
  }

 private:
  std::int64_t number(std::string_view flag, const std::string& text,
                      const base::Result<std::int64_t>& parsed, std::string_view remedy) {
    if (text.empty()) return 0;
    if (parsed && *parsed >= 0) return *parsed;
    fail(wrong(flag, text, remedy));
    return 0;
  }
};

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20U;

void read_devices(const SubmitFlags& flags, Reading& reading, model::DeviceDemand& devices) {
  const std::int64_t thousandths = reading.thousandths("--gpu-devices-request", flags.devices);
  const bool fraction = thousandths % 1000 != 0;
  if (fraction && thousandths > 1000) {
    reading.fail(wrong("--gpu-devices-request", flags.devices, "write whole devices, or a part of one: 0.5"));
  }
  devices.count = fraction ? 1 : thousandths / 1000;
  if (fraction) devices.thousandths = thousandths;
  if (flags.portion) {
    if (!(*flags.portion > 0 && *flags.portion <= 1)) {
      reading.fail(
          wrong("--gpu-portion-request", fmt::format("{}", *flags.portion), "write more than 0, up to 1"));
    }
    devices.thousandths = std::llround(*flags.portion * 1000);
  }
  const std::int64_t memory = reading.bytes("--gpu-memory-request", flags.device_memory);
  devices.memory_mib = memory > 0 ? (memory + kMebibyte - 1) / kMebibyte : 0;
  const bool shared = flags.portion.has_value() || devices.memory_mib > 0;
  if (shared && devices.count == 0) devices.count = 1;
  if (flags.portion && devices.memory_mib > 0) {
    reading.fail(base::invalid_argument("--gpu-portion-request and --gpu-memory-request exclude each other"));
  }
  devices.model = flags.device_model;
  devices.vendor = flags.device_vendor;
  if ((!devices.model.empty() || !devices.vendor.empty()) && devices.count == 0) devices.count = 1;
}

void read_service(const SubmitFlags& flags, Reading& reading, model::Workload& workload) {
  if (workload.kind != model::WorkloadKind::kInference) {
    if (flags.maximum_replicas || flags.target || !flags.metric.empty() || !flags.scale_to_zero.empty()) {
      reading.fail(base::invalid_argument(
          "--max-replicas, --metric, --metric-threshold and --scale-to-zero go with --type inference"));
    }
    return;
  }
  model::ServiceSpec& service = workload.service.emplace();
  const model::WorkloadRole& role = workload.roles.front();
  service.minimum_replicas = role.minimum_replicas;
  service.initial_replicas = std::max(role.replicas, role.minimum_replicas);
  service.maximum_replicas =
      static_cast<std::int32_t>(flags.maximum_replicas.value_or(std::max(1, service.initial_replicas)));
  if (!workload.ports.empty()) service.port = workload.ports.front();
  workload.ports.clear();
  if (flags.metric == "requests-per-second") service.metric = model::ScaleMetric::kRequestsPerSecond;
  if (flags.metric == "latency-p95") service.metric = model::ScaleMetric::kLatencyP95;
  service.target = flags.target.value_or(1);
  service.scale_to_zero_retention =
      reading.duration("--scale-to-zero", flags.scale_to_zero).value_or(base::Duration());
}

// Lower-case digits of base 36, so that names differ from one second to the next.
std::string base36(std::int64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string text;
  for (; number > 0; number /= 36) text.insert(text.begin(), kDigits[static_cast<std::size_t>(number % 36)]);
  return text;
}

}  // namespace

void add_submit_flags(Command& command, SubmitFlags& flags) {
  command.option("--name", flags.name, "NAME", "Its name [made from its kind and the time]");
  command.option("--type", flags.kind, "KIND", "workspace, training or inference [training]").choices = {
      "workspace", "training", "inference"};
  command.option("-i,--image", flags.image, "IMAGE", "Run in this image, where the server has podman");
  command.option("-g,--gpu-devices-request", flags.devices, "N",
                 "Devices of each replica: whole ones, or a part of one such as 0.5 [0]");
  command.option("--gpu-portion-request", flags.portion, "PART", "Share of each device, up to 1");
  command.option("--gpu-memory-request", flags.device_memory, "AMOUNT",
                 "Memory on each device, such as 20Gi");
  command.option("--device-model", flags.device_model, "MODEL",
                 "Only devices of this model, as 'fairlead device list' shows it");
  command.option("--device-vendor", flags.device_vendor, "VENDOR", "Only devices of this vendor");
  command.option("--cpu-core-request", flags.cpu, "N", "Cores of each replica");
  command.option("--cpu-memory-request", flags.memory, "AMOUNT", "Memory of each replica, such as 16Gi");
  command.option("--replicas,--workers", flags.replicas, "N", "Replicas that it wants [1]").range = {0,
                                                                                                     100'000};
  command
      .option("--min-replicas", flags.minimum_replicas, "N",
              "It starts, and goes on, only with so many [all; of inference 1]")
      .range = {0, 100'000};
  command.option("--max-replicas", flags.maximum_replicas, "N", "Most replicas that inference scales to")
      .range = {1, 100'000};
  command.option("--priority", flags.priority, "NAME", "Priority class [by kind]");
  command.option("--preemptibility", flags.preemptibility, "WORD", "[by priority]").choices = {
      "preemptible", "non-preemptible"};
  command.option("-e,--environment-variable", flags.environment, "NAME=VALUE",
                 "A variable of its environment; may be repeated");
  command.option("--secret", flags.secrets, "NAME=SECRET",
                 "A variable that gets the value of a stored secret; may be repeated");
  command.option("--working-dir", flags.working_directory, "DIR", "Where it runs [a folder of its own]");
  command.option("--after", flags.after, "NAME",
                 "Start only when this workload of the project has succeeded; may be repeated");
  command.option("--retries,--backoff-limit", flags.retries, "N", "Restarts after failures [6]").range = {
      0, 10'000};
  command.option("--time-limit", flags.time_limit, "TIME", "Stop it after so long, such as 12h");
  command.option("--idle-limit", flags.idle_limit, "TIME", "Stop it when its devices were idle for so long");
  command.option("--grace-period", flags.grace_period, "TIME",
                 "Time to end by itself when it is stopped [30s]");
  command.option("--time-to-live", flags.time_to_live, "TIME", "Forget it so long after its end");
  command.option("--checkpoint-signal", flags.checkpoint_signal, "SIGNAL",
                 "Sent before it is stopped, such as SIGUSR1 [SIGTERM]");
  command.option("--checkpoint-file", flags.checkpoint_file, "FILE", "Changes with each checkpoint");
  command.option("--port,--serving-port", flags.ports, "PORT",
                 "Where a workspace or a replica of inference listens; may be repeated [$PORT]");
  command
      .option("--metric", flags.metric, "METRIC",
              "What inference scales by: concurrency, requests-per-second or latency-p95 [concurrency]")
      .choices = {"concurrency", "requests-per-second", "latency-p95"};
  command.option("--metric-threshold", flags.target, "X", "Target of the metric for each replica [1]");
  command.option("--scale-to-zero", flags.scale_to_zero, "TIME",
                 "Idle for so long before the last replica of inference ends; with --min-replicas 0");
  command.flag("--suspended", flags.suspended, "Keep it without starting it");
  command.rest = &flags.command;
}

base::Result<model::Workload> workload_of(const SubmitFlags& flags, const std::string& project,
                                          base::Time now) {
  Reading reading;
  model::Workload workload;
  workload.kind = manifest::workload_kind_named(flags.kind).value_or(model::WorkloadKind::kTraining);
  workload.name = flags.name.empty()
                      ? fmt::format("{}-{}", flags.kind, base36(now.unix_nanoseconds() / 10'000'000))
                      : flags.name;
  workload.project = project;
  workload.image = flags.image;
  workload.priority = flags.priority;
  if (!flags.preemptibility.empty()) workload.preemptible = flags.preemptibility == "preemptible";
  workload.working_directory = flags.working_directory;
  workload.secrets = reading.pairs("--secret", flags.secrets, "write VARIABLE=SECRET");
  workload.after = flags.after;
  workload.suspended = flags.suspended;
  workload.checkpoint = {flags.checkpoint_signal, flags.checkpoint_file};
  if (flags.retries) workload.retries = static_cast<std::int32_t>(*flags.retries);
  workload.time_limit = reading.duration("--time-limit", flags.time_limit);
  workload.idle_device_limit = reading.duration("--idle-limit", flags.idle_limit);
  workload.time_to_live = reading.duration("--time-to-live", flags.time_to_live);
  if (const auto grace = reading.duration("--grace-period", flags.grace_period))
    workload.grace_period = *grace;
  for (const std::string& port : flags.ports) {
    const auto number = manifest::parse_integer(port);
    if (!number || *number < 1 || *number > 65'535) reading.fail(wrong("--port", port, "write 1 to 65535"));
    workload.ports.push_back(static_cast<std::int32_t>(number.value_or(0)));
  }
  model::WorkloadRole& role = workload.roles.emplace_back();
  role.name = "worker";
  role.command = flags.command;
  role.environment = reading.pairs("--environment-variable", flags.environment, "write NAME=VALUE");
  role.replicas = static_cast<std::int32_t>(flags.replicas.value_or(flags.minimum_replicas.value_or(1)));
  const bool inference = workload.kind == model::WorkloadKind::kInference;
  role.minimum_replicas =
      static_cast<std::int32_t>(flags.minimum_replicas.value_or(inference ? 1 : role.replicas));
  role.cpu_milli = reading.thousandths("--cpu-core-request", flags.cpu);
  role.memory_bytes = reading.bytes("--cpu-memory-request", flags.memory);
  read_devices(flags, reading, role.devices);
  read_service(flags, reading, workload);
  if (reading.failed) return *reading.failed;
  if (const auto problem = manifest::problem_of(workload)) return base::invalid_argument(problem->text());
  return workload;
}

}  // namespace fairlead::cli
