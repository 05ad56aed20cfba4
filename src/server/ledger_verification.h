#pragma once

#include "base/result.h"
#include "model/scheduler.h"
#include "net/http_server.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace fairlead::server {

/// Verifies the ledger while the platform runs, one after another, on a thread of its own that yields to the
/// others. Thread: any.
class LedgerVerification {
 public:
  using SchedulerFactory = std::function<std::unique_ptr<model::Scheduler>()>;

  /// `make_scheduler` absent: begin() is refused.
  LedgerVerification(std::string path, SchedulerFactory make_scheduler)
      : path_(std::move(path)), make_scheduler_(std::move(make_scheduler)) {}
  LedgerVerification(const LedgerVerification&) = delete;
  LedgerVerification& operator=(const LedgerVerification&) = delete;
  ~LedgerVerification();  ///< gives up

  /// An answer that is sent as it goes: lines of JSON, {"done", "total"} now and then, and {"report"} or
  /// {"error"} as the last. Ends early when its reader goes away. Errors: kFailedPrecondition when another is
  /// under way, kUnimplemented.
  base::Result<net::HttpResponse> begin();

 private:
  void run(const std::shared_ptr<net::BodyStream>& out);

  const std::string path_;
  const SchedulerFactory make_scheduler_;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // guards what follows
  std::thread thread_;
};

}  // namespace fairlead::server
