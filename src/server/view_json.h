#pragma once

#include "base/json_writer.h"
#include "base/result.h"
#include "ledger/ledger.h"
#include "model/queue.h"
#include "server/access.h"
#include "server/audit.h"
#include "server/call.h"
#include "server/directory.h"
#include "world/world.h"

#include <string>
#include <string_view>

namespace fairlead::server {

/// How objects look outside. Amounts are in units that people use: devices and cpu cores as decimal numbers,
/// memory in bytes; instants as RFC 3339; what is unknown is null or absent, never 0.

/// Names for programs, stable: "pending", "starting", "running", "stopping", "back-off", "suspended",
/// "succeeded", "failed".
std::string_view state_name(world::WorkloadState state);

/// The Workload object as its owner wrote it, with `status`.
std::string workload_json(const world::WorkloadView& workload, const world::View& view);
std::string queue_json(const world::QueueView& queue);
void write_node(base::JsonWriter& json, const world::NodeView& node, const world::View& view);
/// `visible`: workloads in other queues are counted, not named.
void write_device(base::JsonWriter& json, const world::DeviceView& device, const QueueSet& visible);
std::string forecast_json(const world::Forecast& forecast);
void write_user(base::JsonWriter& json, const User& user, const Directory& directory);
void write_token(base::JsonWriter& json, const Token& token);
void write_rule(base::JsonWriter& json, const AccessRule& rule);
void write_audit(base::JsonWriter& json, const AuditEntry& entry);
std::string history_json(const ledger::HistoryEntry& entry);
void write_usage(base::JsonWriter& json, const ledger::LedgerReader::UsageRow& row);

/// Reads a queue from a body: name, parent, displayName, priority, resources, minimum run times. What is
/// absent stays as it is in `before`.
model::Queue read_queue(Body& body, model::Queue before);
/// A queue without devices of its own, with all the cpu and memory there is, and weight 1.
model::Queue new_queue();

/// Whether any device of the world is simulated.
bool is_simulated(const world::View& view);

}  // namespace fairlead::server
