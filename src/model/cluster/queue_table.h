#pragma once

#include "base/interner.h"
#include "model/cluster/ids.h"
#include "model/queue.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

/// The dimensions that every queue has; further ones count devices of one model.
namespace dimension {
inline constexpr std::size_t kGpu = 0;     ///< thousandths of a device
inline constexpr std::size_t kCpu = 1;     ///< millicores
inline constexpr std::size_t kMemory = 2;  ///< bytes
inline constexpr std::size_t kFixed = 3;
}  // namespace dimension

/// What a pod, or several, are charged to a queue.
struct QueueCharge {
  std::int64_t gpu = 0;
  std::int64_t cpu = 0;
  std::int64_t memory = 0;
  /// The dimension of the device's model, where a queue declares it; 0: none.
  std::size_t model_dimension = 0;
  /// The part of `gpu` that is of a second kind, whose model has a dimension of its own, or 0: none.
  std::int64_t second_gpu = 0;
  std::size_t second_model_dimension = 0;

  /// The amount in one dimension.
  std::int64_t at(std::size_t dimension) const {
    switch (dimension) {
      case dimension::kGpu:
        return gpu;
      case dimension::kCpu:
        return cpu;
      case dimension::kMemory:
        return memory;
      default:
        return dimension == model_dimension          ? gpu - second_gpu
               : dimension == second_model_dimension ? second_gpu
                                                     : 0;
    }
  }
  QueueCharge& operator+=(const QueueCharge& other) {
    gpu += other.gpu;
    cpu += other.cpu;
    memory += other.memory;
    return *this;
  }
};

/// One dimension of a queue in a pool.
struct DimensionAccount {
  bool declared = false;  ///< the queue says something about this dimension; the fixed ones always count
  Quota quota;
  std::int64_t allocated = 0;        ///< active and nominated pods
  std::int64_t non_preemptible = 0;  ///< the part of it that nobody may take away
  std::int64_t requested = 0;        ///< active pods and what waiting pods ask for
  std::int64_t fair_share = 0;       ///< computed at the start of a round and held
  double usage = 0;                  ///< decayed, as a share of the decayed capacity
};

/// A queue in one pool.
struct QueueAccount {
  bool declared = false;  ///< the queue has quotas in this pool
  std::int32_t priority = 100;
  std::vector<DimensionAccount> dimensions;
};

struct QueueRecord {
  Queue spec;
  bool known = false;             ///< an object exists
  bool attached = false;          ///< its ancestors exist up to a root, without a cycle
  bool user_leaf = false;         ///< made for one user of a queue that is fair between users
  bool inner = false;             ///< other queues, users' leaves apart, name it as their parent
  QueueId parent;                 ///< in the tree that counts for fairness
  std::vector<QueueId> children;  ///< attached ones, by creation time, then UID, then name
};

enum class Tally : std::uint8_t { kAllocated, kNonPreemptible, kRequested };

/// The tree of queues with the accounts of each pool.
class QueueTable {
 public:
  QueueTable();
  /// The id of a name, known or new.
  QueueId intern(std::string_view name);
  QueueId find(std::string_view name) const;
  std::size_t size() const { return records_.size(); }
  const QueueRecord& at(QueueId id) const { return records_[id.index()]; }
  const std::vector<QueueId>& roots() const { return roots_; }
  /// Attached, and not the parent of other queues, users' leaves apart: groups may be in it.
  bool is_leaf(QueueId id) const;

  void set(Queue queue, const std::vector<PoolId>& pools);
  void remove(std::string_view name);
  /// The leaf of one user below a queue that is fair between users.
  QueueId user_leaf(QueueId queue, std::string_view user);
  /// Flat: leaf queues compete as if under one parent, and inner queues take no part. Charges must have been
  /// given back, as for every change of parents.
  void set_flat(bool flat);

  void add_pool();
  QueueAccount& account(PoolId pool, QueueId queue) { return accounts_[pool.index()][queue.index()]; }
  const QueueAccount& account(PoolId pool, QueueId queue) const {
    return accounts_[pool.index()][queue.index()];
  }
  std::size_t dimension_count() const { return dimension_names_.size(); }
  bool has_dimension(std::string_view name) const;
  const std::string& dimension_name(std::size_t dimension) const { return dimension_names_[dimension]; }
  /// The dimension that counts a device model; 0 where no queue declares it.
  std::size_t model_dimension(std::string_view model) const;

  /// Adds (sign +1) or takes back (-1) a charge on a queue and its ancestors. O(depth).
  void charge(PoolId pool, QueueId leaf, const QueueCharge& charge, Tally tally, int sign);

  /// Goes up with every change of the tree or its quotas.
  std::uint64_t version() const { return version_; }

 private:
  QueueAccount fresh_account(bool user_leaf) const;
  void rebuild_tree();
  std::size_t intern_dimension(std::string_view name);

  base::Interner<QueueId> names_;
  std::vector<QueueRecord> records_;
  std::vector<QueueId> roots_;
  std::vector<std::vector<QueueAccount>> accounts_;  // by pool, then queue
  std::vector<std::string> dimension_names_;
  std::uint64_t version_ = 0;
  bool flat_ = false;
};

}  // namespace fairlead::model
