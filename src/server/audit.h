#pragma once

#include "base/result.h"
#include "base/time.h"
#include "world/world.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::server {

/// One line of the audit log: who did what about access, from where, and whether it was allowed. What happens
/// to workloads and queues stands in the ledger's history.
struct AuditEntry {
  std::string id;  ///< ascending
  base::Time time;
  std::string actor;
  std::string peer;
  std::string action;   ///< "sign-in", "create-token", "put-user" ...
  std::string subject;  ///< "user ada"
  bool allowed = true;
};

/// The audit log: records of the world, the newest kMostKept of them. Thread: any.
class Audit {
 public:
  static constexpr std::size_t kMostKept = 10'000;

  Audit(world::World& world, std::function<base::Time()> now) : world_(world), now_(std::move(now)) {}

  /// Durable on return. Errors: those of the world.
  base::Result<void> note(std::string_view actor, std::string_view peer, std::string_view action,
                          std::string_view subject, bool allowed);
  /// Newest first, at most `limit`, older than the entry `before` (empty: all).
  base::Result<std::vector<AuditEntry>> newest(std::size_t limit, std::string_view before) const;

 private:
  world::World& world_;
  std::function<base::Time()> now_;
  std::mutex mutex_;  // guards what follows
  std::int64_t last_nanoseconds_ = 0;
  std::size_t until_trimmed_ = 0;
};

}  // namespace fairlead::server
