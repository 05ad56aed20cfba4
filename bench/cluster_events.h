#pragma once

#include "model/event.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fairlead::bench {

inline constexpr int kNodesOfZone = 128;

std::string node_name(const std::string& name, int index);

/// Builds the events of synthetic clusters for the benchmarks, all at one instant.
class ClusterEvents {
 public:
  explicit ClusterEvents(base::Time now) : now_(now) {}

  /// `count` nodes "NAME-00000" of 8 devices, with labels for a topology of four levels (zone, block, rack,
  /// host). `change` may change each, by its number.
  void nodes(const std::string& name, int count, const std::string& pool = "",
             const std::function<void(int, model::Node&)>& change = {});
  void queue(const std::string& name, const std::string& parent, std::int64_t devices_quota,
             double weight = 1);
  struct Group {
    std::string name;
    std::string queue;
    std::int32_t pods = 1;
    std::int64_t devices = 1;  ///< whole devices each
    std::int64_t share = 0;    ///< thousandths of one device instead
    std::int32_t priority = 50;
    bool preemptible = true;
    int age_s = 0;
    std::vector<std::string> nodes;  ///< where the pods run; empty: they wait
    model::TopologyConstraint topology;
    std::vector<std::string> pools;  ///< in the order in which they are tried; empty: the default one
    std::string device_group;        ///< of a share that runs: the device
    model::Labels labels;
    model::Constraints constraints;
    std::int64_t cpu_milli = 1000;
  };
  void group(const Group& group);
  void configuration(const model::Configuration& configuration) {
    add(model::ConfigurationChanged{configuration});
  }
  template <class Body>
  void add(Body body) {
    events_.push_back({now_, std::move(body)});
  }
  const std::vector<model::Event>& events() const { return events_; }
  std::vector<model::Event> take() { return std::move(events_); }

 private:
  base::Time now_;
  std::vector<model::Event> events_;
};

/// Queues "PREFIX-0" to "PREFIX-7" under "all", which is made too.
void queues(ClusterEvents& events, const std::string& prefix, std::int64_t devices_quota);

}  // namespace fairlead::bench
