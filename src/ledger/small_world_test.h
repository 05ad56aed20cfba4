#pragma once

#include "base/time.h"
#include "ledger/ledger.h"
#include "model/event.h"
#include "model/scheduler.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::ledger {

/// A little cluster that lives by a seed: groups arrive, run, take checkpoints and end; bindings fail,
/// evictions are refused, devices break, evicted pods come back. It asks a scheduler and keeps what was said
/// as a platform does, for tests that need recorded rounds.
class SmallWorld {
 public:
  SmallWorld(std::uint64_t seed, std::unique_ptr<model::Scheduler> scheduler);

  /// The events that lead an empty scheduler to the present state, as a platform composes them after a
  /// restart.
  std::vector<model::Event> snapshot() const;
  /// Replaces the scheduler by a fresh one that is told the snapshot.
  void restart(std::unique_ptr<model::Scheduler> scheduler);
  /// Some time passes and something happens. The rounds that follow.
  std::vector<RoundRecord> step();
  base::Time now() const { return now_; }
  /// Groups of every kind come so often that they do not fit.
  static constexpr int kNodes = 3;
  static constexpr int kDevices = 4;

 private:
  std::size_t pick(std::size_t below);
  void tell(std::vector<model::Event>& events, decltype(model::Event::body) body);
  void submit(std::vector<model::Event>& events);
  void settle(std::vector<model::Event>& events);
  void live(std::vector<model::Event>& events);
  void recreate(std::vector<model::Event>& events, const std::string& uid);

  std::uint64_t state_;
  std::unique_ptr<model::Scheduler> scheduler_;
  base::Time now_;
  std::vector<model::Event> fixed_;
  std::map<std::string, model::PodGroup> groups_;
  std::map<std::string, model::Pod> pods_;
  std::vector<model::Decision> unsettled_;
  std::vector<bool> healthy_;
  int submitted_ = 0;
};

/// Writes a ledger of some segments, made by engines; returns how many rounds it has.
struct RecordedLedger {
  std::uint64_t seed = 1;
  int segments = 2;
  int steps = 40;  ///< of each segment
};
std::int64_t record(const std::string& path, const RecordedLedger& options);

}  // namespace fairlead::ledger
