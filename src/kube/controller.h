#pragma once

#include "kube/leader_lease.h"
#include "kube/metrics.h"
#include "kube/reflector.h"
#include "kube/writer.h"
#include "manifest/live_cluster.h"
#include "model/scheduler.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace fairlead::kube {

struct ControllerOptions {
  std::shared_ptr<const ApiServer> server;
  manifest::ReadOptions reading;
  model::Configuration configuration;
  model::RoundRequest limits;
  bool observe = false;  ///< decide and write nothing
  int binders = 16;
  base::Duration write_timeout = base::Duration::seconds(5);
  /// Nothing is decided or written but while it is held; null: nobody else schedules. Outlives the
  /// controller.
  const LeaderLease* lease = nullptr;
  std::function<base::Time()> clock;  ///< never goes back
  std::function<std::unique_ptr<model::Scheduler>()> make_scheduler;
  /// What a verdict says to people, on one line.
  std::function<std::string(const model::Verdict& verdict)> describe;
  std::function<void(const std::string& line)> log;
};

/// Figures for metrics and for the end of a run.
struct ControllerCounts {
  std::uint64_t rounds = 0;
  std::uint64_t events = 0;
  std::uint64_t rejected = 0;
  std::uint64_t binds = 0;
  std::uint64_t evictions = 0;
  base::Duration engine_time;  ///< applying events and running rounds
  Histogram round_times;       ///< of each application of events with its round
  Histogram bind_times;        ///< from a decision to the API server's answer
  std::size_t pods = 0;
  std::size_t nodes = 0;
  std::size_t waiting_groups = 0;
  bool leads = false;
};

/// The world of a Kubernetes cluster: what its API server says goes to the engine as events; the engine's
/// decisions go to the API server as bindings, evictions and status. Nothing is kept: a start reads
/// everything from the API server, and no round is run before all of it was seen.
///
/// Threads: one for each kind of object, those of the writer, and the caller's, which joins, decides and
/// hands out.
class Controller {
 public:
  explicit Controller(ControllerOptions options);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Works until `stop` is called, or the lease is lost: then another process may lead, and this controller's
  /// view of what is under way is worth nothing; false.
  bool run();
  /// From any thread.
  void stop();
  ControllerCounts counts() const;
  const WriterCounts& writes() const { return writer_->counts(); }
  /// For Prometheus, in its text format: the names of KAI where it has them.
  std::string metrics() const;
  /// From any thread: something outside may have changed.
  void wake();

 private:
  void follow(manifest::LiveKind kind);
  void follow_owner(const std::string& group, const std::string& kind);
  void take_changes();
  void take_outcomes(std::vector<model::Event>& events);
  void note_verdicts(const std::vector<model::Event>& events);
  void turn();
  void decided(const model::Decision& decision);
  void bind(std::uint64_t number, const model::Bind& bind);
  void evict(std::uint64_t number, const model::Evict& evict);
  void nominate(const std::string& uid, const std::string& node);
  void verdict(const model::VerdictChanged& change);
  void refuse(const std::string& uid);
  /// That a pod waits, for this reason; written when it is new, but not too often.
  void say_waits(const std::string& uid, std::string_view reason, const std::string& message);
  void flush_status();
  void say(const manifest::LiveCluster::Pod& pod, bool warning, std::string_view reason, std::string message);
  std::optional<manifest::PodIdentity> identity(const std::string& uid) const;
  std::optional<base::Time> due() const;
  bool leads();
  /// Reads the pods that have a node, as the API server has them now: what an earlier leader wrote last.
  base::Result<void> read_assigned();

  struct Saying {
    std::string reason;
    std::string message;
    base::Time not_before;
  };

  ControllerOptions options_;
  manifest::LiveCluster cluster_;
  std::unique_ptr<model::Scheduler> scheduler_;
  base::Time now_;
  std::optional<base::Time> wake_at_;
  std::optional<base::Time> cluster_wake_at_;
  bool more_ = false;
  bool confirmed_ = false;  ///< leads, and has seen what the leader before wrote
  bool lost_ = false;
  std::set<manifest::LiveSource> unseen_;  ///< sources that have not been listed yet
  std::map<manifest::LiveSource, std::pair<std::string, std::string>> owner_sources_;
  std::unordered_map<std::string, std::pair<std::string, std::string>> verdicts_;  ///< group: reason, message
  std::unordered_map<std::string, Saying> sayings_;  ///< pods that wait: to write
  std::unordered_map<std::string, Saying> said_;     ///< the same, written last
  std::uint64_t event_number_ = 0;
  std::string event_suffix_;
  ControllerCounts counts_;

  mutable std::mutex mutex_;
  std::condition_variable awake_;
  bool woken_ = false;
  bool stopping_ = false;
  std::vector<Outcome> outcomes_;
  ControllerCounts published_;

  ChangeQueue queue_;
  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<Reflector>> reflectors_;
};

}  // namespace fairlead::kube
