#include "host/replica_files.h"

#include "base/json_fields.h"
#include "base/json_reader.h"

namespace fairlead::host {
namespace {

base::Result<const base::JsonValue*> read_object(base::JsonReader& reader, std::string_view json) {
  auto value = reader.read(json);
  if (value && !(*value)->is_object()) return base::invalid_argument("is not a JSON object");
  return value;
}

template <class Number>
std::optional<Number> number_field(const base::JsonValue& object, std::string_view name) {
  const auto number = integer_field(object, name);
  if (!number) return std::nullopt;
  return static_cast<Number>(*number);
}

}  // namespace

struct flock supervisor_lock() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string encode_spec(const StoredSpec& stored) {
  const ReplicaSpec& spec = stored.spec;
  std::string json;
  base::JsonWriter writer(json, 2);
  writer.begin_object();
  writer.member("uid", spec.uid);
  writer.member("folder", spec.folder);
  write_texts(writer, "command", spec.command);
  write_pairs(writer, "environment", spec.environment);
  writer.member("workingDirectory", spec.working_directory);
  if (spec.account) writer.member("account", *spec.account);
  writer.member("cpuMilli", spec.cpu_milli);
  writer.member("memoryBytes", spec.memory_bytes);
  write_texts(writer, "deviceNodes", spec.device_nodes);
  write_texts(writer, "deniedDeviceNodes", spec.denied_device_nodes);
  writer.member("logBytes", spec.log_bytes);
  writer.member("controlGroup", stored.control_group);
  writer.end_object();
  return json + "\n";
}

base::Result<StoredSpec> decode_spec(std::string_view json) {
  base::JsonReader reader;
  const auto object = read_object(reader, json);
  if (!object) return object.error();
  const base::JsonValue& value = **object;
  StoredSpec stored;
  ReplicaSpec& spec = stored.spec;
  spec.uid = text_field(value, "uid");
  spec.folder = text_field(value, "folder");
  spec.command = texts_field(value, "command");
  spec.environment = pairs_field(value, "environment");
  spec.working_directory = text_field(value, "workingDirectory");
  spec.account = number_field<std::uint32_t>(value, "account");
  spec.cpu_milli = integer_field(value, "cpuMilli").value_or(0);
  spec.memory_bytes = integer_field(value, "memoryBytes").value_or(0);
  spec.device_nodes = texts_field(value, "deviceNodes");
  spec.denied_device_nodes = texts_field(value, "deniedDeviceNodes");
  spec.log_bytes = integer_field(value, "logBytes").value_or(spec.log_bytes);
  stored.control_group = text_field(value, "controlGroup");
  if (spec.command.empty()) return base::invalid_argument("command: is missing");
  return stored;
}

std::string encode_state(const ReplicaState& state) {
  std::string json;
  base::JsonWriter writer(json, 2);
  writer.begin_object();
  writer.member("uid", state.uid);
  writer.member("bootId", state.boot_id);
  writer.member("supervisorPid", state.supervisor_pid);
  writer.member("pid", state.pid);
  writer.member("startTicks", state.start_ticks);
  writer.member("controlGroup", state.cgroup);
  writer.member("started", state.started.unix_nanoseconds());
  if (state.ended) writer.member("ended", state.ended->unix_nanoseconds());
  if (state.exit_code) writer.member("exitCode", *state.exit_code);
  if (state.exit_signal) writer.member("exitSignal", *state.exit_signal);
  if (state.memory_limit_hit) writer.member("memoryLimitHit", true);
  if (!state.error.empty()) writer.member("error", state.error);
  writer.end_object();
  return json + "\n";
}

base::Result<ReplicaState> decode_state(std::string_view json) {
  base::JsonReader reader;
  const auto object = read_object(reader, json);
  if (!object) return object.error();
  return state_from(**object);
}

ReplicaState state_from(const base::JsonValue& value) {
  ReplicaState state;
  state.uid = text_field(value, "uid");
  state.boot_id = text_field(value, "bootId");
  state.supervisor_pid = integer_field(value, "supervisorPid").value_or(0);
  state.pid = integer_field(value, "pid").value_or(0);
  state.start_ticks = integer_field(value, "startTicks").value_or(0);
  state.cgroup = text_field(value, "controlGroup");
  state.started = base::Time::from_unix_nanoseconds(integer_field(value, "started").value_or(0));
  if (const auto ended = integer_field(value, "ended")) {
    state.ended = base::Time::from_unix_nanoseconds(*ended);
  }
  state.exit_code = number_field<std::int32_t>(value, "exitCode");
  state.exit_signal = number_field<std::int32_t>(value, "exitSignal");
  state.memory_limit_hit = boolean_field(value, "memoryLimitHit");
  state.error = text_field(value, "error");
  return state;
}

std::string encode_named_values(const NamedValues& values) {
  std::string json;
  base::JsonWriter writer(json);
  writer.begin_object();
  for (const auto& [name, value] : values) writer.member(name, value);
  writer.end_object();
  return json;
}

base::Result<NamedValues> decode_named_values(std::string_view json) {
  base::JsonReader reader;
  const auto object = read_object(reader, json);
  if (!object) return object.error();
  NamedValues values;
  for (const base::JsonValue::Member& member : (*object)->members()) {
    values.emplace_back(std::string(member.key), std::string(member.value.text()));
  }
  return values;
}

}  // namespace fairlead::host
