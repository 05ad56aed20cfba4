#pragma once

#include "base/interner.h"
#include "model/cel/expression.h"
#include "model/claim.h"
#include "model/cluster/claim_grant.h"
#include "model/cluster/ids.h"
#include "model/cluster/node_table.h"
#include "model/configuration.h"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

/// What a request asks of a single device, apart from amounts: class, selectors, tolerations. Interned, so
/// that a device is examined once for all claims that ask the same.
using FilterId = base::StrongId<struct FilterTag>;

enum class DeviceMatch : std::uint8_t {
  kUnknown,  ///< not examined yet
  kMatches,
  kNotSelected,
  kFailed,   ///< a selector has no value on it
  kTainted,  ///< selected, with a taint that is not tolerated
};

/// An amount now and after everything that leaves has left and every reservation is used.
struct Usage {
  std::int64_t now = 0;
  std::int64_t later = 0;
};

struct PoolCounter {
  std::string name;
  std::int64_t total = 0;
  Usage used;
};
struct PoolCounterSet {
  std::string name;
  std::vector<PoolCounter> counters;
};

/// A pool of devices, in its newest generation.
struct ClaimPool {
  std::string driver;
  std::string name;
  std::int64_t generation = 0;
  bool complete = false;                 ///< all of its slices are there
  std::string fault;                     ///< why it cannot be used at all; empty: it can
  std::vector<OfferedDeviceId> devices;  ///< by slice name, then in its order
  std::vector<PoolCounterSet> counter_sets;
  std::vector<std::string> slices;  ///< all names, also of older generations, sorted
  std::vector<std::pair<NodeId, std::int64_t>> accelerators;  ///< devices of single nodes that quotas count
};

/// What a device takes of a counter of its pool.
struct CounterUse {
  std::uint32_t set = 0;
  std::uint32_t counter = 0;
  std::int64_t amount = 0;
};

struct ClaimDevice {
  std::size_t pool = 0;
  std::string name;
  const OfferedDevice* spec = nullptr;  ///< null: it is not offered
  const NodeReach* reach = nullptr;
  NodeId node;             ///< the only one that reaches it; invalid: see reach
  std::uint32_t rank = 0;  ///< in its pool
  Usage holders;           ///< claims that have it or a part of it, without administrators
  boost::container::small_vector<std::pair<CapacityId, Usage>, 2> used;  ///< of a shared device
  boost::container::small_vector<CounterUse, 2> counters;
  bool counters_known = true;          ///< false: it takes from a counter that its pool does not have
  bool counted = false;                ///< of one node, whole, and usable: it is in the column of all devices
  std::uint64_t columns = 0;           ///< filters with a column that it matches
  std::vector<CapacityId> capacities;  ///< by the order of its spec
};

struct ClaimRecord {
  ResourceClaim spec;
  bool alive = false;
  std::vector<std::vector<FilterId>> filters;  ///< by request and choice
  std::vector<PodId> users;                    ///< pods that name it, ascending by id
  /// Devices that it has or would have, by what pods that use it do.
  struct Holding {
    GrantPointer grant;
    std::uint32_t active = 0;
    std::uint32_t leaving = 0;
    std::uint32_t reserved = 0;
    bool told = false;  ///< recorded by the world
  };
  boost::container::small_vector<Holding, 1> holdings;
  bool used_by_strangers = false;      ///< the world has reserved it for somebody who is not known here
  std::int64_t quota_thousandths = 0;  ///< devices that it counts towards quotas

  bool occupies_now(const Holding& holding) const {
    return holding.active + holding.leaving > 0 || holding.told;
  }
  bool occupies_later(const Holding& holding) const {
    return holding.active + holding.reserved > 0 ||
           (holding.told && (holding.leaving == 0 || used_by_strangers));
  }
};

/// Devices that drivers offer and the claims on them. What is free is kept, per device and for the most
/// common requests per node in columns of the node table; a change costs what it touches.
class ClaimTable {
 public:
  ClaimTable(NodeTable& nodes, base::Interner<ResourceId>& resources)
      : nodes_(nodes), resources_(resources) {}

  void set_policy(const ClaimPolicy& policy);
  void set_class(DeviceClass device_class);
  bool remove_class(std::string_view name);
  /// O(devices of the pool · filters with columns).
  void set_slice(ResourceSlice slice);
  bool remove_slice(std::string_view name);
  ClaimId intern(std::string_view key);
  ClaimId find(std::string_view key) const { return keys_.find(key).value_or(ClaimId()); }
  /// The claim's users must have been given back.
  void set_claim(ClaimId id, ResourceClaim claim);
  void remove_claim(ClaimId id);
  void add_user(ClaimId id, PodId pod);
  void remove_user(ClaimId id, PodId pod);
  /// Works out anew whether strangers use it. `uid_of` is that of a pod.
  void count_strangers(ClaimId id, const std::function<std::string_view(PodId)>& uid_of);

  std::size_t size() const { return claims_.size(); }
  bool empty() const { return claims_.empty() && devices_.empty(); }
  const ClaimRecord& at(ClaimId id) const { return claims_[id.index()]; }
  const std::string& key(ClaimId id) const { return keys_.text(id); }
  const ClaimDevice& device(OfferedDeviceId id) const { return devices_[id.index()]; }
  const ClaimPool& pool(std::size_t index) const { return pools_[index]; }
  std::size_t pool_count() const { return pools_.size(); }
  std::size_t device_count() const { return devices_.size(); }
  const std::string& capacity_name(CapacityId id) const { return capacity_names_.text(id); }
  CapacityId find_capacity(std::string_view name) const {
    return capacity_names_.find(name).value_or(CapacityId());
  }
  const DeviceClass* device_class(std::string_view name) const;

  /// Devices of a node alone, by driver, pool and rank.
  const std::vector<OfferedDeviceId>& local_devices(NodeId node);
  /// Devices that several nodes may reach, by the same order.
  const std::vector<OfferedDeviceId>& wide_devices();
  bool reaches(OfferedDeviceId device, NodeId node) const;
  /// A pool whose devices may be given to exact requests.
  bool usable(const ClaimDevice& device) const;

  /// Examines a device for a filter; known answers are kept.
  DeviceMatch match(FilterId filter, OfferedDeviceId device);
  /// Why a filter can match nothing: its class does not exist, or a selector is not understood. Empty: none.
  const std::string& fault(FilterId filter) const { return filters_[filter.index()].fault; }
  /// What a selector said on the device on which it failed last.
  const std::string& failure(FilterId filter) const { return filters_[filter.index()].failure; }

  /// What a pod with these claims needs, and what it is charged.
  ClaimNeeds needs(const ClaimIds& claims) const;
  /// Goes up when what needs() says may have changed for pods that did not.
  std::uint64_t shape_version() const { return shape_version_; }
  /// Of everything that is free; for caches of what is not a node's alone.
  std::uint64_t version() const { return version_; }
  ResourceId column(std::uint32_t slot) const { return columns_[slot].resource; }
  /// The column of all whole devices of single nodes, whatever they match: by it pods with claims are packed.
  ResourceId device_column();
  bool is_column(ResourceId resource) const;

  /// What the world has recorded for a pod's claims, else what `assumed` holds for them; null: nothing.
  PodGrantsPointer told_grants(const ClaimIds& claims, const PodGrantsPointer& assumed) const;
  /// The grant that an allocation is. `recorded`: the world has it so; else it was decided here.
  GrantPointer grant_of(ClaimId claim, const Allocation& allocation, bool recorded = true);
  /// A grant as the world writes it down.
  Allocation describe(const Grant& grant) const;
  /// Whether the world has recorded just this grant.
  bool is_told(const Grant& grant) const;

  /// A pod's use of a place begins (+1) or ends (-1).
  void charge(const PodGrants& grants, Hold hold, int sign);
  /// The columns that a grant's devices are counted in, with the node.
  void each_column(const PodGrants& grants, const std::function<void(ResourceId, NodeId)>& visit) const;

  /// Everything worked out from nothing; empty when all agrees. For tests.
  std::string check(
      const std::function<void(const std::function<void(const PodGrants&, Hold)>&)>& each) const;

 private:
  struct Filter {
    std::string key;
    std::string device_class;
    std::vector<std::string> selectors;
    std::vector<DeviceToleration> tolerations;
    std::vector<std::shared_ptr<const cel::Expression>> expressions;
    std::string fault;
    std::string failure;
    std::uint32_t references = 0;
    std::uint32_t column = kNoColumn;
    std::vector<DeviceMatch> matches;  ///< by device
  };
  /// Columns count devices of a single node.
  struct Column {
    ResourceId resource;
    FilterId filter;  ///< invalid: not in use
    std::int64_t uncountable =
        0;  ///< matching devices that several nodes reach, that are shared or take from counters
    std::int64_t many_nodes =
        0;  ///< of these, those that are not of one node or shared: the column says too little
    std::array<std::int64_t, 64> overlap{};  ///< devices that match both, by column
  };
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;
  static constexpr std::size_t kMostColumns = 64;

  std::size_t intern_pool(std::string_view driver, std::string_view pool);
  OfferedDeviceId intern_device(std::size_t pool, std::string_view name);
  void withdraw_pool(std::size_t index);
  void offer_pool(std::size_t index);
  FilterId acquire_filter(const DeviceChoice& choice);
  void release_filter(FilterId id);
  void compile(Filter& filter);
  void open_column(FilterId id);
  void close_column(Filter& filter);
  DeviceMatch examine(Filter& filter, const ClaimDevice& device) const;
  /// A device begins (+1) or ceases (-1) to be counted in its columns.
  void count_in_columns(ClaimDevice& device, int sign);
  void count_in_column(const ClaimDevice& device, std::uint32_t slot, int sign);
  void count_on_node(const ClaimDevice& device, ResourceId resource, int sign);
  void occupy(const Grant& grant, std::int64_t now, std::int64_t later);
  void occupy_holding(const ClaimRecord& record, const ClaimRecord::Holding& holding, int sign);
  void count_quota(ClaimRecord& record) const;
  void refilter(std::string_view device_class);
  static std::string qualified(std::string_view driver, std::string_view name);
  std::string share_of(const Grant& grant, std::size_t index) const;
  void add_configurations(const Grant& grant, Allocation& allocation) const;
  void count_counters(ClaimDevice& device, std::int64_t now, std::int64_t later);
  void note_shape() { ++shape_version_; }

  NodeTable& nodes_;
  base::Interner<ResourceId>& resources_;
  ClaimPolicy policy_;
  base::Interner<ClaimId> keys_;
  std::vector<ClaimRecord> claims_;
  std::map<std::string, DeviceClass, std::less<>> classes_;
  std::map<std::string, ResourceSlice, std::less<>> slices_;
  std::map<std::pair<std::string, std::string>, std::size_t> pool_ids_;
  std::vector<ClaimPool> pools_;
  std::map<std::pair<std::size_t, std::string>, OfferedDeviceId> device_ids_;
  std::vector<ClaimDevice> devices_;
  base::Interner<CapacityId> capacity_names_;
  std::vector<Filter> filters_;
  std::vector<FilterId> free_filters_;
  std::map<std::string, FilterId, std::less<>> filter_ids_;
  std::vector<Column> columns_;
  ResourceId device_column_;
  std::vector<std::vector<OfferedDeviceId>> local_;  ///< by node
  std::vector<bool> local_sorted_;
  std::vector<OfferedDeviceId> wide_;
  bool wide_sorted_ = true;
  std::uint64_t shape_version_ = 0;
  std::uint64_t version_ = 0;
};

}  // namespace fairlead::model
