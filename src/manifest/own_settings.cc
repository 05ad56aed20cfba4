#include "manifest/own_settings.h"

#include "manifest/plugins.h"

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

void decode_discipline(Fields& fields, const Value& parent, std::string_view key,
                       model::PoolConfiguration& pool) {
  const std::string_view name = fields.text(parent, key);
  if (name.empty()) return;
  if (name == "skip" || name == "strict") {
    pool.discipline = name == "strict" ? model::QueueDiscipline::kStrict : model::QueueDiscipline::kSkip;
  } else {
    fields.left_out(*parent.find(key), "is not a queue discipline", "write skip or strict");
  }
}

void decode_victim_order(Fields& fields, const Value& parent, std::string_view key,
                         model::Configuration& configuration) {
  const std::string_view name = fields.text(parent, key);
  if (name.empty()) return;
  if (name == "newest-first" || name == "least-lost-work") {
    configuration.victim_order =
        name == "least-lost-work" ? model::VictimOrder::kLeastLostWork : model::VictimOrder::kNewestFirst;
  } else {
    fields.left_out(*parent.find(key), "is not an order of victims", "write newest-first or least-lost-work");
  }
}

void decode_restart_cost(Fields& fields, const Value& parent, std::string_view key,
                         model::Configuration& configuration) {
  const auto cost = fields.duration(parent, key);
  if (!cost) return;
  if (*cost >= base::Duration()) {
    configuration.restart_cost = *cost;
  } else {
    fields.left_out(*parent.find(key), "is negative", "write a duration such as 10m");
  }
}

}  // namespace

void decode_run_settings(Fields& fields, const Value& run, model::Configuration& configuration) {
  if (run.find("queue_discipline") != nullptr)
    decode_discipline(fields, run, "queue_discipline", pool_configuration(configuration, ""));
  decode_victim_order(fields, run, "victim_order", configuration);
  decode_restart_cost(fields, run, "restart_cost", configuration);
}

void decode_shard_settings(Fields& fields, const Value& annotations, std::string_view pool,
                           model::Configuration& configuration) {
  decode_discipline(fields, annotations, "fairlead.dev/queue-discipline",
                    pool_configuration(configuration, pool));
  if (!pool.empty()) return;
  decode_victim_order(fields, annotations, kVictimOrderAnnotation, configuration);
  decode_restart_cost(fields, annotations, kRestartCostAnnotation, configuration);
}

}  // namespace fairlead::manifest
