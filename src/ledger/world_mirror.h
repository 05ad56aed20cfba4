#pragma once

#include "model/configuration.h"
#include "model/decision.h"
#include "model/event.h"
#include "model/scheduler.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::ledger {

/// What a world has told a scheduler so far, each thing in its last state.
class WorldMirror {
 public:
  /// Takes a batch as a scheduler does; the report says which the scheduler refused.
  void apply(std::span<const model::Event> events, const model::ApplyReport& report);
  /// A Bind says where a pod is that starts before the world shows it there.
  void note(std::span<const model::Decision> decisions);

  const std::optional<model::Configuration>& configuration() const { return configuration_; }
  std::vector<model::UsageSampled> usage() const;
  /// Upserts of everything that is there, by kind and name, without configuration and usage.
  std::vector<model::Event> everything(base::Time now) const;
  base::Time now() const { return now_; }

 private:
  struct Take;
  std::optional<model::Configuration> configuration_;
  std::map<std::string, model::Queue> queues_;
  std::map<std::string, model::Topology> topologies_;
  std::map<std::string, model::PriorityClass> priority_classes_;
  std::map<std::string, model::Labels> namespaces_;
  std::map<std::string, model::Node> nodes_;
  std::map<std::string, model::PodGroup> groups_;
  std::map<std::string, model::Pod> pods_;
  std::map<std::string, model::VolumeClaim> claims_;
  std::map<std::string, model::DisruptionBudget> budgets_;
  std::map<std::string, model::DeviceClass> device_classes_;
  std::map<std::string, model::ResourceSlice> slices_;
  std::map<std::string, model::ResourceClaim> resource_claims_;
  std::map<std::pair<std::string, std::string>, std::map<std::string, double>> usage_;  ///< queue and pool
  std::map<std::string, model::Bind> binds_;                                            ///< by pod
  base::Time now_;
};

}  // namespace fairlead::ledger
