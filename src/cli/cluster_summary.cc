#include "cli/cluster_summary.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace fairlead::cli {
namespace {

using Phase = model::Pod::Phase;

/// Where each pod is before and after the plan: an index of a node, or nowhere.
struct PodPlace {
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  std::size_t before = kNowhere;
  std::size_t after = kNowhere;
  bool waits = false;
};

bool holds_capacity(const model::Pod& pod) {
  return pod.phase == Phase::kBinding || pod.phase == Phase::kBound || pod.phase == Phase::kRunning;
}

/// A share of a device by memory, rounded up to a hundredth of the device as the engine does.
std::int64_t memory_share_thousandths(std::int64_t memory_mib, std::int64_t device_memory_mib) {
  if (device_memory_mib <= 0 || memory_mib >= device_memory_mib) return model::kThousandthsPerDevice;
  return (memory_mib * 100 + device_memory_mib - 1) / device_memory_mib * 10;
}

/// Sums and products stop at the largest number: an input may ask for anything.
std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}
void add(std::int64_t& sum, std::int64_t amount) {
  if (__builtin_add_overflow(sum, amount, &sum)) sum = std::numeric_limits<std::int64_t>::max();
}

std::int64_t device_thousandths(const model::DeviceRequest& request, std::int64_t device_memory_mib) {
  using Kind = model::DeviceRequest::Kind;
  switch (request.kind) {
    case Kind::kNone:
      return 0;
    case Kind::kWhole:
      return product(request.count, model::kThousandthsPerDevice);
    case Kind::kFraction:
      return product(request.count, request.thousandths);
    case Kind::kMemory:
      return product(request.count, memory_share_thousandths(request.memory_mib, device_memory_mib));
  }
  return 0;
}

std::int64_t second_thousandths(const model::DeviceRequest& request) {
  return product(request.second_count, model::kThousandthsPerDevice);
}

class Summariser {
 public:
  Summariser(const manifest::ClusterObjects& cluster, const PlanResult& result)
      : cluster_(cluster), result_(result) {}

  ClusterSummary run() {
    read_claims();
    read_nodes();
    locate_pods();
    add_devices();
    add_queues();
    return std::move(summary_);
  }

 private:
  using DeviceKey = std::tuple<std::string_view, std::string_view, std::string_view>;

  void read_claims() {
    boost::unordered_flat_map<std::string_view, const model::DeviceClass*> classes;
    for (const model::DeviceClass& one : cluster_.device_classes) classes.emplace(one.name, &one);
    for (const model::ResourceClaim& claim : cluster_.resource_claims) {
      claims_.emplace(
          claim.key, model::claim_thousandths(claim, [&](std::string_view name) -> const model::DeviceClass* {
            const auto found = classes.find(name);
            return found == classes.end() ? nullptr : found->second;
          }));
    }
  }

  std::int64_t claimed(const model::Pod& pod) const {
    std::int64_t sum = 0;
    for (const std::string& key : pod.claims)
      if (const auto found = claims_.find(key); found != claims_.end()) add(sum, found->second);
    return sum;
  }

  /// Devices that drivers offer to claims, by driver: all of the newest generation, and those that claims
  /// have.
  void add_claim_devices() {
    std::map<std::pair<std::string_view, std::string_view>, std::int64_t> newest;
    for (const model::ResourceSlice& slice : cluster_.resource_slices) {
      const auto [entry, fresh] = newest.try_emplace({slice.driver, slice.pool}, slice.generation);
      if (!fresh) entry->second = std::max(entry->second, slice.generation);
    }
    std::map<std::string_view, std::set<std::string_view>> nodes;
    const auto line = [&](std::string_view driver) -> DeviceLine& {
      model::DeviceSet set;
      set.resource = driver;
      return lines_[device_line(set)];
    };
    for (const model::ResourceSlice& slice : cluster_.resource_slices) {
      if (newest[{slice.driver, slice.pool}] != slice.generation || slice.devices.empty()) continue;
      add(line(slice.driver).total,
          product(static_cast<std::int64_t>(slice.devices.size()), model::kThousandthsPerDevice));
      if (!slice.reach.node.empty()) nodes[slice.driver].insert(slice.reach.node);
    }
    for (const auto& [driver, names] : nodes) line(driver).nodes = names.size();
    const auto count = [&](const std::optional<model::Allocation>& allocation,
                           std::int64_t DeviceLine::* column, std::int64_t sign) {
      if (!allocation) return;
      for (const model::AllocatedDevice& device : allocation->devices)
        if (!device.admin_access && newest.contains({device.driver, device.pool}))
          add(line(device.driver).*column, sign * model::kThousandthsPerDevice);
    };
    for (const model::ResourceClaim& claim : cluster_.resource_claims) {
      count(claim.allocation, &DeviceLine::used, 1);
      count(claim.allocation, &DeviceLine::used_after, 1);
    }
    for (const PlannedClaim& claim : result_.claims) {
      count(cluster_.resource_claims[claim.claim].allocation, &DeviceLine::used_after, -1);
      count(claim.allocation, &DeviceLine::used_after, 1);
    }
  }

  void read_nodes() {
    for (std::size_t i = 0; i < cluster_.nodes.size(); ++i) {
      const model::Node& node = cluster_.nodes[i];
      node_index_.emplace(node.name, i);
      ++summary_.nodes;
      if (!node.ready) ++summary_.not_ready;
      if (node.unschedulable) ++summary_.unschedulable;
      for (const model::DeviceSet& set : node.devices) {
        if (set.memory_mib > 0 && (smallest_memory_ == 0 || set.memory_mib < smallest_memory_)) {
          smallest_memory_ = set.memory_mib;
        }
      }
    }
  }

  std::size_t node_of(std::string_view name) const {
    auto found = node_index_.find(name);
    return found == node_index_.end() ? PodPlace::kNowhere : found->second;
  }

  void locate_pods() {
    places_.resize(cluster_.pods.size());
    for (std::size_t i = 0; i < cluster_.pods.size(); ++i) {
      const model::Pod& pod = cluster_.pods[i];
      if (holds_capacity(pod)) {
        places_[i].before = node_of(pod.node);
        if (!pod.releasing) places_[i].after = places_[i].before;
        ++summary_.running_pods;
        if (!pod.served && !pod.reservation) ++summary_.foreign_pods;
      } else if (pod.phase == Phase::kPending && pod.served && !pod.releasing) {
        places_[i].waits = true;
        ++summary_.waiting_pods;
      }
    }
    for (const PlannedEviction& eviction : result_.evictions)
      places_[eviction.pod].after = PodPlace::kNowhere;
    for (const PlannedBind& bind : result_.binds) places_[bind.pod].after = node_of(bind.node);
    for (const PlannedNomination& nomination : result_.nominations) {
      places_[nomination.pod].after = node_of(nomination.node);
    }
  }

  /// The index of the line for a node's devices; the model counts where a label tells it.
  std::size_t device_line(const model::DeviceSet& set) {
    std::string_view model = set.model.empty() ? std::string_view(set.resource) : set.model;
    auto [entry, inserted] =
        device_lines_.try_emplace(DeviceKey(set.vendor, model, set.resource), lines_.size());
    if (inserted) {
      DeviceLine line;
      line.vendor = set.vendor;
      line.model = model;
      line.resource = set.resource;
      line.memory_mib = set.memory_mib;
      lines_.push_back(std::move(line));
    }
    return entry->second;
  }
  std::size_t partition_line(const model::Partition& partition) {
    auto [entry, inserted] =
        device_lines_.try_emplace(DeviceKey("", partition.resource, partition.resource), lines_.size());
    if (inserted) {
      DeviceLine line;
      line.model = partition.resource;
      line.resource = partition.resource;
      line.partitions = true;
      lines_.push_back(std::move(line));
    }
    return entry->second;
  }

  void add_devices() {
    std::vector<std::vector<std::int64_t>> free(cluster_.nodes.size());  // by node, then device set
    for (std::size_t i = 0; i < cluster_.nodes.size(); ++i) {
      const model::Node& node = cluster_.nodes[i];
      for (const model::DeviceSet& set : node.devices) {
        const std::int64_t devices = product(set.count, model::kThousandthsPerDevice);
        free[i].push_back(node.ready && !node.unschedulable ? devices : 0);
        if (!node.ready) continue;
        DeviceLine& line = lines_[device_line(set)];
        ++line.nodes;
        add(line.total, devices);
      }
      for (const model::Partition& partition : node.partitions) {
        if (!node.ready) continue;
        DeviceLine& line = lines_[partition_line(partition)];
        ++line.nodes;
        add(line.total, product(partition.count, model::kThousandthsPerDevice));
      }
    }
    for (std::size_t i = 0; i < cluster_.pods.size(); ++i) {
      const model::Pod& pod = cluster_.pods[i];
      if (pod.reservation) continue;
      use(pod, places_[i].before, &DeviceLine::used);
      use(pod, places_[i].after, &DeviceLine::used_after);
      if (places_[i].after == PodPlace::kNowhere) continue;
      const model::Node& node = cluster_.nodes[places_[i].after];
      if (const model::DeviceSet* set = device_set(pod, node)) {
        auto index = static_cast<std::size_t>(set - node.devices.data());
        add(free[places_[i].after][index], -device_thousandths(pod.devices, set->memory_mib));
      }
      if (const model::DeviceSet* set = second_set(pod, node)) {
        auto index = static_cast<std::size_t>(set - node.devices.data());
        add(free[places_[i].after][index], -second_thousandths(pod.devices));
      }
    }
    for (std::size_t i = 0; i < cluster_.nodes.size(); ++i) {
      for (std::size_t set = 0; set < free[i].size(); ++set) {
        std::int64_t& largest = summary_.largest_free[cluster_.nodes[i].devices[set].resource];
        largest = std::max(largest, free[i][set] / model::kThousandthsPerDevice);
      }
    }
    add_claim_devices();
    for (const auto& [key, index] : device_lines_) summary_.devices.push_back(std::move(lines_[index]));
  }

  /// What a pod's devices are counted on: the set that it names, else the first.
  static const model::DeviceSet* device_set(const model::Pod& pod, const model::Node& node) {
    for (const model::DeviceSet& set : node.devices) {
      if (set.resource == pod.devices.resource) return &set;
    }
    return node.devices.empty() ? nullptr : &node.devices.front();
  }

  static const model::DeviceSet* second_set(const model::Pod& pod, const model::Node& node) {
    if (pod.devices.second_count == 0) return nullptr;
    for (const model::DeviceSet& set : node.devices) {
      if (set.resource == pod.devices.second_resource) return &set;
    }
    return nullptr;
  }

  void use(const model::Pod& pod, std::size_t place, std::int64_t DeviceLine::* column) {
    if (place == PodPlace::kNowhere || !cluster_.nodes[place].ready) return;
    const model::Node& node = cluster_.nodes[place];
    if (const model::DeviceSet* set = device_set(pod, node)) {
      add(lines_[device_line(*set)].*column, device_thousandths(pod.devices, set->memory_mib));
    }
    if (const model::DeviceSet* set = second_set(pod, node)) {
      add(lines_[device_line(*set)].*column, second_thousandths(pod.devices));
    }
    for (const model::Partition& partition : pod.devices.partitions) {
      add(lines_[partition_line(partition)].*column, product(partition.count, model::kThousandthsPerDevice));
    }
  }

  void add_queues() {
    boost::unordered_flat_map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < cluster_.queues.size(); ++i) index.emplace(cluster_.queues[i].name, i);
    std::vector<std::vector<std::size_t>> children(cluster_.queues.size());
    std::vector<std::size_t> roots;
    std::vector<std::size_t> parents(cluster_.queues.size(), PodPlace::kNowhere);
    for (std::size_t i = 0; i < cluster_.queues.size(); ++i) {
      auto parent = index.find(cluster_.queues[i].parent);
      if (parent == index.end() || parent->second == i) {
        roots.push_back(i);
      } else {
        children[parent->second].push_back(i);
        parents[i] = parent->second;
      }
    }
    add_charges(index, parents);
    auto by_name = [&](std::size_t a, std::size_t b) {
      return cluster_.queues[a].name < cluster_.queues[b].name;
    };
    for (auto& siblings : children) std::sort(siblings.begin(), siblings.end(), by_name);
    std::sort(roots.begin(), roots.end(), by_name);
    std::vector<std::pair<std::size_t, std::size_t>> stack;  // queue, depth
    for (auto root = roots.rbegin(); root != roots.rend(); ++root) stack.emplace_back(*root, 0);
    while (!stack.empty()) {
      auto [queue, depth] = stack.back();
      stack.pop_back();
      add_queue_lines(cluster_.queues[queue], charges_[queue], depth);
      for (auto child = children[queue].rbegin(); child != children[queue].rend(); ++child) {
        stack.emplace_back(*child, depth + 1);
      }
    }
  }

  struct QueueCharge {
    Charge allocated;
    Charge requested;
    Charge allocated_after;
    std::size_t waiting_pods = 0;
  };
  /// By pool, so that a queue with settings per pool shows what it holds in each.
  using PoolCharges = std::map<std::string_view, QueueCharge>;

  void add_charges(const boost::unordered_flat_map<std::string_view, std::size_t>& index,
                   const std::vector<std::size_t>& parents) {
    boost::unordered_flat_map<std::string_view, const model::PodGroup*> groups;
    for (const model::PodGroup& group : cluster_.groups) groups.emplace(group.key, &group);
    charges_.resize(cluster_.queues.size());
    for (std::size_t i = 0; i < cluster_.pods.size(); ++i) {
      const model::Pod& pod = cluster_.pods[i];
      auto group = groups.find(pod.group);
      if (!pod.served || group == groups.end()) continue;
      auto queue = index.find(group->second->queue);
      if (queue == index.end()) continue;
      bool allocated = places_[i].before != PodPlace::kNowhere && !pod.releasing;
      bool allocated_after = places_[i].after != PodPlace::kNowhere;
      bool requested = places_[i].waits && !pod.gated;
      if (!allocated && !allocated_after && !places_[i].waits) continue;
      std::size_t place = allocated_after ? places_[i].after : places_[i].before;
      std::int64_t memory = smallest_memory_;
      std::string_view pool =
          group->second->pools.empty() ? std::string_view() : group->second->pools.front();
      if (place != PodPlace::kNowhere) {
        const model::Node& node = cluster_.nodes[place];
        pool = node.pool;
        if (const model::DeviceSet* set = device_set(pod, node)) memory = set->memory_mib;
      }
      Charge charge = charge_of(pod, memory);
      add(charge.gpu, claimed(pod));
      std::size_t steps = 0;  // a cycle of queues, which the reader reports, must not hang this
      for (std::size_t at = queue->second; at != PodPlace::kNowhere && steps <= parents.size();
           at = parents[at]) {
        QueueCharge& sums = charges_[at][pool];
        if (allocated) sums.allocated += charge;
        if (allocated_after) sums.allocated_after += charge;
        if (allocated || requested) sums.requested += charge;
        if (places_[i].waits) ++sums.waiting_pods;
        ++steps;
      }
    }
  }

  void add_queue_lines(const model::Queue& queue, PoolCharges& charges, std::size_t depth) {
    std::map<std::string_view, const model::PoolQuota*> pools;
    for (const model::PoolQuota& pool : queue.pools) pools.emplace(pool.pool, &pool);
    for (const auto& [pool, charge] : charges) pools.try_emplace(pool, nullptr);
    if (pools.empty()) pools.emplace("", nullptr);
    for (const auto& [pool, quota] : pools) {
      QueueLine line;
      line.name = queue.name;
      line.display_name = queue.display_name;
      line.pool = pool;
      line.depth = depth;
      if (quota != nullptr) {
        line.priority = quota->priority.value_or(100);
        line.dimensions = quota->dimensions;
      }
      const QueueCharge& sums = charges[pool];
      line.allocated = sums.allocated;
      line.requested = sums.requested;
      line.allocated_after = sums.allocated_after;
      line.waiting_pods = sums.waiting_pods;
      summary_.queues.push_back(std::move(line));
    }
  }

  const manifest::ClusterObjects& cluster_;
  const PlanResult& result_;
  ClusterSummary summary_;
  boost::unordered_flat_map<std::string_view, std::size_t> node_index_;
  boost::unordered_flat_map<std::string_view, std::int64_t> claims_;  ///< thousandths, by key
  std::int64_t smallest_memory_ = 0;
  std::vector<PodPlace> places_;
  std::map<DeviceKey, std::size_t> device_lines_;
  std::vector<DeviceLine> lines_;
  std::vector<PoolCharges> charges_;
};

}  // namespace

Charge& Charge::operator+=(const Charge& other) {
  add(gpu, other.gpu);
  add(cpu, other.cpu);
  add(memory, other.memory);
  return *this;
}

Charge charge_of(const model::Pod& pod, std::int64_t device_memory_mib) {
  Charge charge;
  charge.gpu = device_thousandths(pod.devices, device_memory_mib);
  add(charge.gpu, second_thousandths(pod.devices));
  for (const model::Partition& partition : pod.devices.partitions) {
    add(charge.gpu, product(partition.count, partition.quota_thousandths));
  }
  charge.cpu = pod.requests.cpu_milli;
  charge.memory = pod.requests.memory_bytes;
  return charge;
}

model::Quota quota_of(const QueueLine& queue, std::string_view dimension) {
  for (const model::DimensionQuota& entry : queue.dimensions) {
    if (entry.dimension == dimension) return entry.quota;
  }
  return {};
}

ClusterSummary summarise(const manifest::ClusterObjects& cluster, const PlanResult& result) {
  return Summariser(cluster, result).run();
}

}  // namespace fairlead::cli
