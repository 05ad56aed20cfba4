#include "cli/workload_text.h"

#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace fairlead::cli {
namespace {

// What one replica asks for; `part` is a role, or the spec itself when it is written in short.
std::string devices_of(const base::JsonValue& part) {
  const base::JsonValue& devices = at(part, "devices");
  const std::int64_t count = integer_at(devices, "count");
  if (!devices.is_object() || count == 0) return {};
  const std::string fraction = text_at(devices, "fraction");
  const std::string memory = text_at(devices, "memory");
  std::string each = fmt::format("{}", count);
  if (!fraction.empty()) each = count == 1 ? fraction : fmt::format("{}x{}", count, fraction);
  if (!memory.empty()) each = count == 1 ? memory : fmt::format("{}x{}", count, memory);
  const std::int64_t replicas = at(part, "replicas").is_null() ? 1 : integer_at(part, "replicas");
  return replicas == 1 ? each : fmt::format("{} x {}", replicas, each);
}

void line(std::string& out, const Style& style, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  out += style.faint(fmt::format("{:<14}", fmt::format("{}:", label)));
  out += printable(value) + "\n";
}

std::string words(const base::JsonValue& list) {
  std::string out;
  for (const base::JsonValue& word : list.items()) {
    if (!out.empty()) out += ' ';
    const bool plain =
        word.text().find_first_of(" \t\n\"'\\$") == std::string_view::npos && !word.text().empty();
    out += plain ? std::string(word.text()) : "'" + std::string(word.text()) + "'";
  }
  return out;
}

std::string end_of(const base::JsonValue& replica) {
  if (!text_at(replica, "exitSignal").empty()) return "signal " + text_at(replica, "exitSignal");
  if (!text_at(replica, "exitCode").empty()) return "exit code " + text_at(replica, "exitCode");
  return {};
}

}  // namespace

std::string workload_name(const base::JsonValue& workload) {
  return text_at(workload, "spec.project") + "/" + text_at(workload, "metadata.name");
}

std::string workload_devices(const base::JsonValue& workload) {
  const base::JsonValue& spec = at(workload, "spec");
  const base::JsonValue& roles = at(spec, "roles");
  std::string all;
  if (roles.is_array()) {
    for (const base::JsonValue& role : roles.items()) {
      const std::string one = devices_of(role);
      if (!one.empty()) all += (all.empty() ? "" : " + ") + one;
    }
  } else {
    all = devices_of(spec);
  }
  return all.empty() ? "-" : all;
}

std::string coloured_state(const base::JsonValue& workload, const Style& style) {
  const std::string state = text_at(workload, "status.state");
  if (state == "running" || state == "succeeded") return style.good(state);
  if (state == "failed") return style.bad(state);
  if (state == "pending" || state == "back-off" || state == "stopping") return style.warning(state);
  return state;
}

std::string workload_description(const base::JsonValue& workload, const Environment& environment) {
  const Style style = style_of(environment);
  const base::JsonValue& spec = at(workload, "spec");
  const base::JsonValue& status = at(workload, "status");
  std::string out = style.heading("Workload " + printable(workload_name(workload))) + "\n";
  out += style.faint(fmt::format("{:<14}", "State:")) + coloured_state(workload, style) + "\n";
  line(out, style, "Reason", text_at(status, "reason"));
  line(out, style, "Kind", text_at(spec, "kind"));
  line(out, style, "Submitted",
       fmt::format("{} by {}", text_at(status, "submitted"), text_at(status, "submittedBy")));
  line(out, style, "Started", text_at(status, "firstStarted"));
  line(out, style, "Ended", text_at(status, "ended"));
  line(out, style, "Priority",
       fmt::format("{}, {}", text_at(status, "priority"),
                   at(status, "preemptible").boolean() ? "preemptible" : "not preemptible"));
  line(out, style, "Command", words(at(spec, "command")) + " " + words(at(spec, "arguments")));
  line(out, style, "Devices", workload_devices(workload));
  line(out, style, "Held",
       number_text(number_at(status, "devicesHeld")) +
           (at(status, "simulated").boolean() ? " (simulated)" : ""));
  line(out, style, "Failures", text_at(status, "failures"));
  line(out, style, "Preemptions", text_at(status, "preemptions"));
  line(out, style, "Checkpoint", text_at(status, "lastCheckpoint"));
  line(out, style, "Address", text_at(status, "address"));
  const auto replicas = at(status, "replicas").items();
  if (replicas.empty()) return out;
  out += "\n";
  TextTable table({{"REPLICA"},
                   {"TRY", TextTable::Align::kRight},
                   {"STATE"},
                   {"NODE"},
                   {"DEVICES"},
                   {"ENDED"},
                   {"MESSAGE"}});
  for (const base::JsonValue& replica : replicas) {
    table.add_row({text_at(replica, "role") + "-" + text_at(replica, "index"), text_at(replica, "attempt"),
                   text_at(replica, "state"), text_at(replica, "node"), words(at(replica, "devices")),
                   end_of(replica), text_at(replica, "message")});
  }
  table.write(out, style, 0,
              environment.out_is_terminal ? static_cast<std::size_t>(std::max(environment.columns, 0)) : 0);
  return out;
}

}  // namespace fairlead::cli
