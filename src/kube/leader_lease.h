#pragma once

#include "kube/api_client.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::kube {

struct LeaderLeaseOptions {
  std::shared_ptr<const ApiServer> server;
  std::string namespace_name;
  std::string name;
  std::string identity;                                ///< of this process, unlike that of any other
  base::Duration length = base::Duration::seconds(4);  ///< others wait so long after the last renewal
  base::Duration renew_every = base::Duration::seconds(1);
  base::Duration give_up_after = base::Duration::milliseconds(2500);  ///< since the last renewal
  base::Duration write_timeout = base::Duration::seconds(1);
  std::function<void(const std::string& line)> log;
  std::function<void()> on_change;  ///< from the lease's thread
};

/// Which of several equal processes leads, by a Lease of the API server. All times are spans of this
/// machine's steady clock, so that clocks need not agree: another process's lease has ended when it was seen
/// unchanged for its length. A leader's last write ends `give_up_after + write_timeout` after the renewal
/// that it rests on, which is before anybody else can lead.
class LeaderLease {
 public:
  enum class State : std::uint8_t { kWaiting, kLeading, kLost };

  explicit LeaderLease(LeaderLeaseOptions options);
  /// Gives the lease back when it is held, so that the next one need not wait.
  ~LeaderLease();
  LeaderLease(const LeaderLease&) = delete;
  LeaderLease& operator=(const LeaderLease&) = delete;

  State state() const;
  /// Whether a write that starts now is over before another process can lead. Cost: an atomic load.
  bool may_write() const;

 private:
  void run();
  /// One try; true when the lease is held afterwards.
  bool renew(ApiClient& client);
  bool going() const { return !stop_.stopped(); }
  void enter(State state, const std::string& why);

  LeaderLeaseOptions options_;
  std::atomic<State> state_{State::kWaiting};
  std::atomic<std::int64_t> valid_until_{0};  ///< monotonic nanoseconds; writes may start before
  std::string seen_version_;
  std::string seen_holder_;
  base::Duration seen_at_;
  base::Duration seen_length_;
  StopSignal stop_;
  std::thread thread_;
};

/// Whether another scheduler than Fairlead serves one of these names now: the name of a Lease that is called
/// like it and is being renewed. Empty: none.
std::string other_scheduler(ApiClient& client, const std::vector<std::string>& scheduler_names,
                            base::Time now);

}  // namespace fairlead::kube
