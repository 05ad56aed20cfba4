#include "device/nvml_provider.h"

#include "base/json_fields.h"
#include "base/json_reader.h"
#include "device/nvml_faults.h"
#include "device/probe_process.h"
#include "device/probe_protocol.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace fairlead::device {
namespace {

// What is known of a device's health from one reading to the next.
struct Health {
  base::Duration seen;                         // when it was read last
  std::optional<base::Duration> ask_again_at;  // it did not answer
  std::string fault;                           // a critical error that was not recovered from
  base::Duration fault_at;
  std::optional<std::int64_t> errors_accepted;  // uncorrected errors that it had when it was well
};

class NvmlProvider final : public DeviceProvider {
 public:
  explicit NvmlProvider(NvmlOptions options) : options_(std::move(options)) {}

  std::string name() const override { return "nvml"; }

  base::Result<std::vector<DiscoveredDevice>> discover() override {
    std::vector<DiscoveredDevice> found;
    const auto asked = ask("discover", options_.start, [&](const base::JsonValue& answer) {
      if (const base::JsonValue* device = answer.find("device")) found.push_back(device_from(*device));
    });
    if (!asked) return asked.error().in("NVML");
    devices_ = found;
    for (const DiscoveredDevice& device : devices_) health_[device.identity].seen = options_.clock();
    return found;
  }

  base::Result<std::vector<DeviceReading>> read() override {
    if (devices_.empty()) {
      if (auto found = discover(); !found) return found.error();
    }
    std::map<std::string, ProbeReading> read;
    std::string trouble;
    // A device that does not answer takes the probe with it: the others are read by a second one.
    for (int round = 0; round < 2; ++round) {
      trouble = read_answering(read);
      if (trouble.empty()) break;
    }
    std::vector<DeviceReading> readings;
    bool lost = false;
    for (const DiscoveredDevice& device : devices_) {
      const auto found = read.find(device.identity);
      readings.push_back(found != read.end() ? judge(found->second) : missing(device.identity, trouble));
      lost = lost || (found != read.end() && !found->second.reading.healthy);
    }
    // A library that lost a device finds it again only when it starts anew.
    if (lost) probe_.reset();
    return readings;
  }

 private:
  // Starts the probe when there is none, and waits until the library is ready.
  base::Result<void> ensure_probe() {
    if (probe_) return {};
    auto started = ProbeProcess::start({options_.program, "device-probe", "nvml", options_.library});
    if (!started) return started.error();
    probe_.emplace(std::move(*started));
    return take_answers("ready", options_.start, [](const base::JsonValue&) {});
  }

  // Asks the probe, and hands on what it answers. `patience`: for each answer.
  template <class Take>
  base::Result<void> ask(const std::string& request, base::Duration patience, Take take) {
    if (auto ready = ensure_probe(); !ready) return ready;
    if (auto sent = probe_->send(request); !sent) {
      probe_.reset();
      return sent;
    }
    return take_answers("done", patience, take);
  }

  // Without its last answer the probe is of no use any more.
  template <class Take>
  base::Result<void> take_answers(const char* last, base::Duration patience, Take take) {
    base::JsonReader reader;
    for (;;) {
      const auto line = probe_->next_line(base::monotonic_time() + patience);
      if (!line) return give_up(line.error());
      const auto answer = reader.read(*line);
      if (!answer) return give_up({base::Code::kUnavailable, "answers what is no JSON"});
      if ((*answer)->find(last) != nullptr) return {};
      if ((*answer)->find("error") != nullptr) {
        const bool absent = base::text_field(**answer, "code") == "notFound";
        return give_up(
            {absent ? base::Code::kNotFound : base::Code::kUnavailable, base::text_field(**answer, "error")});
      }
      take(**answer);
    }
  }

  base::Error give_up(base::Error error) {
    probe_.reset();
    return error;
  }

  // Why some were not read; empty: all were that are expected to answer.
  std::string read_answering(std::map<std::string, ProbeReading>& read) {
    std::string request = "read";
    std::vector<std::string> expected;
    for (const DiscoveredDevice& device : devices_) {
      const Health& health = health_[device.identity];
      const bool silent = health.ask_again_at && *health.ask_again_at > options_.clock();
      if (silent || read.count(device.identity) > 0) {
        request += " " + device.identity;
      } else {
        expected.push_back(device.identity);
      }
    }
    if (auto ready = ensure_probe(); !ready) return ready.error().message();
    const auto asked = ask(request, options_.device, [&](const base::JsonValue& answer) {
      const base::JsonValue* value = answer.find("reading");
      if (value == nullptr) return;
      ProbeReading reading = reading_from(*value);
      read[reading.reading.identity] = std::move(reading);
    });
    if (asked) return {};
    // The one whose turn it was.
    for (const std::string& identity : expected) {
      if (read.count(identity) > 0) continue;
      health_[identity].ask_again_at = options_.clock() + options_.ask_again;
      silence_[identity] = asked.error().message();
      break;
    }
    return asked.error().message();
  }

  DeviceReading missing(const std::string& identity, const std::string& trouble) {
    const Health& health = health_[identity];
    DeviceReading reading;
    reading.identity = identity;
    if (health.ask_again_at) {
      reading.healthy = false;
      reading.message = "when it is read, the driver's library " + silence_[identity];
    } else if (trouble.empty()) {
      reading.healthy = false;
      reading.message = "the driver does not list it any more";
    } else {
      reading.healthy = options_.clock() - health.seen < options_.unmonitored;
      reading.message = "not monitored: the driver's library " + trouble;
    }
    return reading;
  }

  DeviceReading judge(const ProbeReading& probe) {
    DeviceReading reading = probe.reading;
    Health& health = health_[reading.identity];
    health.seen = options_.clock();
    health.ask_again_at.reset();
    for (const std::int64_t xid : probe.faults) note_fault(xid, health, reading);
    if (!reading.healthy) return reading;
    if (probe.memory_worn_out)
      return ill(reading, "its memory is worn out: failed rows can be replaced no more");
    if (probe.recovery) {
      // The driver knows best, and says so in both directions.
      if (*probe.recovery != 0) return ill(reading, describe_recovery(*probe.recovery));
      health.fault.clear();
      health.errors_accepted = reading.uncorrected_errors;
      return reading;
    }
    if (!health.fault.empty()) {
      if (health.seen - health.fault_at < options_.fault_fades) return ill(reading, health.fault);
      health.fault.clear();
    }
    if (reading.uncorrected_errors) {
      const std::int64_t errors = *reading.uncorrected_errors;
      // Fewer than before: it was reset.
      if (!health.errors_accepted || errors < *health.errors_accepted) health.errors_accepted = errors;
      if (errors > *health.errors_accepted) {
        return ill(reading, std::to_string(errors - *health.errors_accepted) +
                                " new uncorrectable memory errors; the device needs a reset");
      }
    }
    return reading;
  }

  void note_fault(std::int64_t xid, Health& health, DeviceReading& reading) const {
    const FaultClass kind = classify_fault(xid);
    if (kind == FaultClass::kApplication) return;
    if (kind == FaultClass::kDevice || kind == FaultClass::kBus) {
      health.fault = describe_fault(xid);
      health.fault_at = health.seen;
    } else if (reading.message.empty()) {
      reading.message = describe_fault(xid);
    }
  }

  static DeviceReading ill(DeviceReading reading, std::string why) {
    reading.healthy = false;
    reading.message = std::move(why);
    return reading;
  }

  NvmlOptions options_;
  std::optional<ProbeProcess> probe_;
  std::vector<DiscoveredDevice> devices_;
  std::map<std::string, Health> health_;
  std::map<std::string, std::string> silence_;  ///< how the library failed at a device
};

}  // namespace

std::unique_ptr<DeviceProvider> make_nvml_provider(NvmlOptions options) {
  return std::make_unique<NvmlProvider>(std::move(options));
}

std::unique_ptr<DeviceProvider> make_nvml_provider(std::string program, std::string library) {
  NvmlOptions options;
  options.program = std::move(program);
  options.library = std::move(library);
  return make_nvml_provider(std::move(options));
}

}  // namespace fairlead::device
