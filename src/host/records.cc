#include "host/records.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "manifest/workload.h"

#include <array>
#include <charconv>

namespace fairlead::host {
namespace {

using base::JsonValue;
using base::JsonWriter;

constexpr std::array<std::string_view, 6> kStages = {"active",    "blocked",   "back-off",
                                                     "suspended", "succeeded", "failed"};
constexpr std::array<std::string_view, 7> kProgress = {"Pending",   "Binding", "Running", "Releasing",
                                                       "Succeeded", "Failed",  "Stopped"};
constexpr std::array<std::string_view, 12> kStopReasons = {
    "",     "preempted",   "suspended", "deleted",    "peer-failed", "time-limit",
    "idle", "scaled-down", "replaced",  "bad-device", "not-healthy", "shutdown"};

template <class Enumeration, std::size_t kCount>
Enumeration enumerator(const std::array<std::string_view, kCount>& names, std::string_view name) {
  for (std::size_t i = 0; i < kCount; ++i)
    if (names[i] == name) return static_cast<Enumeration>(i);
  return Enumeration{};
}

template <class Integer>
std::optional<Integer> integer(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  if (value == nullptr) return std::nullopt;
  Integer result{};
  const std::string_view digits = value->text();
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  if (digits.empty() || read.ec != std::errc()) return std::nullopt;
  return result;
}

std::string text(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value == nullptr ? std::string() : std::string(value->text());
}

bool boolean(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value != nullptr && value->boolean();
}

template <class Integer>
void read(const JsonValue& object, std::string_view key, Integer& into) {
  if (const auto value = integer<Integer>(object, key)) into = *value;
}

void read(const JsonValue& object, std::string_view key, std::optional<base::Time>& into) {
  if (const auto value = integer<std::int64_t>(object, key)) into = base::Time::from_unix_nanoseconds(*value);
}

void read(const JsonValue& object, std::string_view key, std::vector<std::string>& into) {
  if (const JsonValue* list = object.find(key))
    for (const JsonValue& item : list->items()) into.emplace_back(item.text());
}

void write(JsonWriter& writer, std::string_view key, const std::string& value) {
  if (!value.empty()) writer.member(key, value);
}
void write(JsonWriter& writer, std::string_view key, const std::optional<base::Time>& value) {
  if (value) writer.member(key, value->unix_nanoseconds());
}
template <class Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
void write(JsonWriter& writer, std::string_view key, Integer value) {
  if (value != 0) writer.member(key, value);
}
template <class Integer>
  requires(std::is_integral_v<Integer>)
void write(JsonWriter& writer, std::string_view key, const std::optional<Integer>& value) {
  if (value) writer.member(key, *value);
}
void write(JsonWriter& writer, std::string_view key, const std::vector<std::string>& list) {
  if (list.empty()) return;
  writer.key(key);
  writer.begin_array();
  for (const std::string& item : list) writer.value(item);
  writer.end_array();
}
void flag(JsonWriter& writer, std::string_view key, bool value) {
  if (value) writer.member(key, true);
}

/// A member that is an object, as JSON text of its own.
base::Result<model::Workload> nested_workload(const JsonValue& object, std::string_view key) {
  return manifest::read_workload(text(object, key));
}

}  // namespace

std::string_view stage_name(Stage stage) { return kStages[static_cast<std::size_t>(stage)]; }
std::string_view progress_name(Progress progress) { return kProgress[static_cast<std::size_t>(progress)]; }
std::string_view stop_reason_name(StopReason reason) {
  return kStopReasons[static_cast<std::size_t>(reason)];
}

std::string to_json(const WorkloadRecord& record) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.member("uid", record.uid);
  // As a text, so that the document stays one that this layer alone reads, whatever the object grows to.
  writer.member("object", manifest::write_workload(record.spec));
  write(writer, "submitted_by", record.submitted_by);
  write(writer, "account", record.account);
  write(writer, "idempotency_key", record.idempotency_key);
  writer.member("submitted", record.submitted.unix_nanoseconds());
  write(writer, "first_started", record.first_started);
  write(writer, "running_since", record.running_since);
  write(writer, "ran", record.ran.nanoseconds());
  write(writer, "ended", record.ended);
  writer.member("stage", stage_name(record.stage));
  flag(writer, "deleting", record.deleting);
  write(writer, "reason", record.reason);
  write(writer, "failures", record.failures);
  write(writer, "failures_in_a_row", record.failures_in_a_row);
  write(writer, "preemptions", record.preemptions);
  write(writer, "retry_at", record.retry_at);
  write(writer, "last_checkpoint", record.last_checkpoint);
  write(writer, "idle_since", record.idle_since);
  write(writer, "run", record.run);
  write(writer, "revision", record.revision);
  write(writer, "wanted", record.wanted);
  write(writer, "master_port", record.master_port);
  if (record.previous_spec) writer.member("previous_object", manifest::write_workload(*record.previous_spec));
  write(writer, "version", record.version);
  writer.end_object();
  return out;
}

base::Result<WorkloadRecord> workload_from_json(std::string_view json) {
  base::JsonReader reader;
  const auto value = reader.read(json);
  if (!value) return value.error();
  const JsonValue& object = **value;
  WorkloadRecord record;
  record.uid = text(object, "uid");
  auto spec = nested_workload(object, "object");
  if (!spec) return spec.error().in("workload " + record.uid);
  record.spec = std::move(*spec);
  record.submitted_by = text(object, "submitted_by");
  record.account = integer<std::uint32_t>(object, "account");
  record.idempotency_key = text(object, "idempotency_key");
  record.submitted =
      base::Time::from_unix_nanoseconds(integer<std::int64_t>(object, "submitted").value_or(0));
  read(object, "first_started", record.first_started);
  read(object, "running_since", record.running_since);
  record.ran = base::Duration::nanoseconds(integer<std::int64_t>(object, "ran").value_or(0));
  read(object, "ended", record.ended);
  record.stage = enumerator<Stage>(kStages, text(object, "stage"));
  record.deleting = boolean(object, "deleting");
  record.reason = text(object, "reason");
  read(object, "failures", record.failures);
  read(object, "failures_in_a_row", record.failures_in_a_row);
  read(object, "preemptions", record.preemptions);
  read(object, "retry_at", record.retry_at);
  read(object, "last_checkpoint", record.last_checkpoint);
  read(object, "idle_since", record.idle_since);
  read(object, "run", record.run);
  read(object, "revision", record.revision);
  read(object, "wanted", record.wanted);
  read(object, "master_port", record.master_port);
  if (object.find("previous_object") != nullptr) {
    auto previous = nested_workload(object, "previous_object");
    if (!previous) return previous.error().in("workload " + record.uid);
    record.previous_spec = std::move(*previous);
  }
  read(object, "version", record.version);
  return record;
}

std::string to_json(const ReplicaRecord& record) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.member("uid", record.uid);
  writer.member("workload", record.workload);
  writer.member("role", record.role);
  write(writer, "index", record.index);
  write(writer, "attempt", record.attempt);
  write(writer, "run", record.run);
  write(writer, "revision", record.revision);
  flag(writer, "borrowing", record.borrowing);
  writer.member("created", record.created.unix_nanoseconds());
  writer.member("progress", progress_name(record.progress));
  write(writer, "node", record.node);
  if (!record.slots.empty()) {
    writer.key("slots");
    writer.begin_array();
    for (const std::uint32_t slot : record.slots) writer.value(slot);
    writer.end_array();
  }
  write(writer, "devices", record.devices);
  write(writer, "device_groups", record.device_groups);
  write(writer, "share_thousandths", record.share_thousandths);
  write(writer, "port", record.port);
  write(writer, "rank", record.rank);
  write(writer, "world_size", record.world_size);
  write(writer, "started", record.started);
  write(writer, "ended", record.ended);
  write(writer, "exit_code", record.exit_code);
  write(writer, "exit_signal", record.exit_signal);
  if (record.stop_reason != StopReason::kNone)
    writer.member("stop_reason", stop_reason_name(record.stop_reason));
  write(writer, "stop_asked", record.stop_asked);
  write(writer, "message", record.message);
  write(writer, "pid", record.pid);
  writer.end_object();
  return out;
}

base::Result<ReplicaRecord> replica_from_json(std::string_view json) {
  base::JsonReader reader;
  const auto value = reader.read(json);
  if (!value) return value.error();
  const JsonValue& object = **value;
  ReplicaRecord record;
  record.uid = text(object, "uid");
  record.workload = text(object, "workload");
  if (record.uid.empty() || record.workload.empty())
    return base::invalid_argument("a replica without uid or workload");
  record.role = text(object, "role");
  read(object, "index", record.index);
  read(object, "attempt", record.attempt);
  read(object, "run", record.run);
  read(object, "revision", record.revision);
  record.borrowing = boolean(object, "borrowing");
  record.created = base::Time::from_unix_nanoseconds(integer<std::int64_t>(object, "created").value_or(0));
  record.progress = enumerator<Progress>(kProgress, text(object, "progress"));
  record.node = text(object, "node");
  if (const JsonValue* slots = object.find("slots"))
    for (const JsonValue& slot : slots->items()) {
      std::uint32_t number = 0;
      std::from_chars(slot.text().data(), slot.text().data() + slot.text().size(), number);
      record.slots.push_back(number);
    }
  read(object, "devices", record.devices);
  read(object, "device_groups", record.device_groups);
  read(object, "share_thousandths", record.share_thousandths);
  read(object, "port", record.port);
  read(object, "rank", record.rank);
  read(object, "world_size", record.world_size);
  read(object, "started", record.started);
  read(object, "ended", record.ended);
  record.exit_code = integer<std::int32_t>(object, "exit_code");
  record.exit_signal = integer<std::int32_t>(object, "exit_signal");
  record.stop_reason = enumerator<StopReason>(kStopReasons, text(object, "stop_reason"));
  read(object, "stop_asked", record.stop_asked);
  record.message = text(object, "message");
  read(object, "pid", record.pid);
  return record;
}

}  // namespace fairlead::host
