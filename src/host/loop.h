#pragma once

#include "device/device_provider.h"
#include "host/inventory.h"
#include "host/queue_sums.h"
#include "host/records.h"
#include "host/replicas.h"
#include "host/secrets.h"
#include "host/services.h"
#include "host/supervisor.h"
#include "ledger/ledger.h"
#include "manifest/workload.h"
#include "model/scheduler.h"
#include "world/world.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::host {

inline constexpr auto kLongestBackOff = base::Duration::seconds(360);
/// The wait before a restart: `first`, doubled for each failure in a row, up to six minutes.
base::Duration back_off(base::Duration first, std::int32_t failures);
/// The number of "SIGUSR1" (or "USR1"); 0: not a signal that a workload can ask for.
int signal_named(std::string_view name);
/// What a workload wants to be sent when its work goes on later.
int stop_signal(const WorkloadRecord* record);
/// Equal texts: equal groups for the engine.
std::string group_signature(const model::PodGroup& group);

/// What the loop has around it. Tests replace each of these.
struct LoopOptions {
  std::string state_folder;               ///< replicas, work folders and members files lie in it
  std::function<base::Time()> clock;      ///< never goes back
  std::function<std::string()> make_uid;  ///< 128 random bits in hexadecimal
  std::function<std::unique_ptr<model::Scheduler>()> make_scheduler;
  std::function<std::uint16_t()> free_port;
  /// Instant at which a file was last changed; none: it is not there.
  std::function<std::optional<base::Time>(const std::string& path)> file_time;
  /// Makes a folder with its parents for an account; none: the platform's own.
  std::function<base::Result<void>(const std::string& path, std::optional<std::uint32_t> account)>
      make_folder;
  std::function<base::Result<void>(const std::string& path, const std::string& text)> write_file;
  std::function<void(const std::string& path)> remove_folder;
  std::vector<std::pair<std::string, std::string>>
      environment;  ///< every workload gets these: PATH, LANG ...
  SecretBox* secrets = nullptr;
  std::string isolation;                  ///< "cgroup v2", "cgroup v1", "session"
  std::vector<std::string> not_enforced;  ///< for people
  /// Told each view when its turn is durable, before anybody is answered.
  std::function<void(std::shared_ptr<const world::View>)> on_view;
};

/// The platform of one machine: takes commands and observations, and in each turn makes one transaction of
/// them: events for the engine, its decisions, changed documents and history. Nothing happens outside, and
/// nobody is answered, before that transaction is durable. When it cannot be made durable the state is read
/// back from the ledger, the callers get the error, and turns are tried again.
///
/// Thread: one. It waits for nothing; commands and observations are taken between turns.
class Loop {
 public:
  template <class T>
  using Answer = std::function<void(base::Result<T>)>;
  using WorkloadAnswer = Answer<std::shared_ptr<const world::WorkloadView>>;
  using QueueAnswer = Answer<std::shared_ptr<const world::QueueView>>;

  /// `ledger` and `supervisors` outlive the loop.
  Loop(LoopOptions options, Inventory inventory, ledger::Ledger& ledger, Supervisors& supervisors);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Reads the documents, makes the first queues where there are none, begins a segment, and finds the
  /// processes again that were started before.
  base::Result<void> start();

  // Commands. Each is answered once: at once when refused, else in the turn that makes it durable.
  void submit(const world::Submission& submission, WorkloadAnswer answer);
  void change(const std::string& project, const std::string& name, const world::WorkloadChange& change,
              const world::Actor& actor, WorkloadAnswer answer);
  void put_queue(const model::Queue& queue, std::optional<std::uint64_t> if_version,
                 const world::Actor& actor, QueueAnswer answer);
  void remove_queue(const std::string& name, const world::Actor& actor, Answer<void> answer);
  void put_secret(const std::string& project, const std::string& name, const std::string& value,
                  const world::Actor& actor, Answer<void> answer);
  void records(std::string_view kind, Answer<std::vector<world::Record>> answer);
  void put_record(std::string_view kind, const world::Record& record, Answer<void> answer);
  void remove_record(std::string_view kind, std::string_view key, Answer<void> answer);
  /// The events that bring an empty scheduler to the present state, for forecasts on other threads ...
  std::vector<model::Event> snapshot() const;
  /// ... with a workload besides, or with a queue changed. Errors: what submitting it would meet.
  base::Result<std::vector<model::Event>> state_with(const model::Workload& workload) const;
  base::Result<std::vector<model::Event>> state_with(const model::Queue& queue) const;

  // Observations.
  void replica_started(const ReplicaState& state);
  void replica_ended(const ReplicaState& state);
  void devices_read(const std::vector<device::DeviceReading>& readings);
  /// A service's load asks for so many replicas.
  void service_wants(const std::string& key, std::int32_t replicas);
  void replica_healthy(const std::string& uid, bool healthy);
  /// The proxy has no request on it any more, and sends it no further one.
  void replica_drained(const std::string& uid);

  /// Begins another segment of the ledger from here, with a fresh scheduler; so its rows stay few.
  void rotate_segment();

  /// Everything that was taken since the last turn, and what is due by the clock, as one transaction.
  void turn();
  /// When the clock alone will give a turn something to do.
  std::optional<base::Time> wake_at() const;
  std::shared_ptr<const world::View> view() const { return view_; }
  /// Asks every process of every workload to end, as `fairlead down` does, without changing what is wanted.
  /// Nothing is placed from then on.
  void stop_everything();
  std::size_t live_replicas() const { return live_.size(); }
  /// What is held of each device by processes: for simulated devices, whose use is that of the processes.
  std::vector<std::pair<std::string, std::vector<std::string>>> holders()
      const;  ///< identity and replica uids

  /// Services and workspaces with their replicas, for the proxy.
  std::vector<ServiceState> services() const;

  const WorkloadRecord* find_workload(const std::string& key) const;
  const std::map<std::string, ReplicaRecord>& replicas() const { return replicas_; }
  const std::map<std::string, WorkloadRecord>& workloads() const { return workloads_; }

 private:
  struct StopEffect {
    int signal = 15;
    base::Duration grace;
  };
  /// What is done outside once a transaction is durable.
  struct Effects {
    std::set<std::string> starts;
    std::map<std::string, StopEffect> stops;
    std::vector<std::string> forgotten;  ///< replicas that have ended
    std::vector<std::string> erased;     ///< replicas whose record is gone
    std::set<std::string> members_changed;
    std::vector<std::function<void(const base::Result<void>&)>> answers;
  };

  // loop.cc: turns
  template <class Body>
  void tell(Body body) {
    events_.push_back({now_, std::move(body)});
  }
  void run_engine();
  void commit();
  void act();
  void publish();
  void after_commit(std::function<void(const base::Result<void>&)> action);
  void note(std::string_view kind, const std::string& subject, const std::string& actor,
            std::vector<std::pair<std::string, std::string>> details = {});
  void give_up(const base::Error& error);
  base::Result<void> come_back();

  // recovery.cc
  base::Result<void> load();
  void make_first_queues();
  base::Result<void> begin_segment();
  void adopt();

  // lifecycle.cc
  WorkloadRecord* workload(const std::string& key);
  /// By role, index and attempt.
  std::vector<ReplicaRecord*> replicas_of(const std::string& key);
  std::vector<const ReplicaRecord*> replicas_of(const std::string& key) const;
  std::size_t live_replicas_of(const std::string& key) const;
  base::Duration grace_of(const ReplicaRecord& replica) const;
  void changed(WorkloadRecord& record);
  void changed(ReplicaRecord& record);
  void set_progress(ReplicaRecord& replica, Progress progress);
  /// Files the record where it is looked for: among services and among those that wait for others.
  void file(const WorkloadRecord& record);
  void reconcile(const std::string& key);
  void reconcile_active(WorkloadRecord& record);
  void check_dependencies(WorkloadRecord& record);
  void retire(WorkloadRecord& record, StopReason reason);
  void settle_bind(const std::string& uid);
  void begin_stop(ReplicaRecord& replica, StopReason reason);
  void end_replica(ReplicaRecord& replica, const ReplicaState& state);
  void replica_failed(WorkloadRecord& record, ReplicaRecord& replica);
  void enter(WorkloadRecord& record, Stage stage, std::string reason);
  void create_replica(WorkloadRecord& record, const ReplicaSlot& slot);
  void erase_replica(const std::string& uid);
  void erase_workload(const std::string& key);
  void follow_running(WorkloadRecord& record);
  void wake_dependents(const std::string& project);

  // decisions.cc
  void sync_engine(const std::string& key);
  std::vector<const ReplicaRecord*> members_for_engine(const WorkloadRecord& record, bool borrowing) const;
  model::PodGroup group_of(const WorkloadRecord& record, bool borrowing) const;
  void decided(const model::Decision& decision);
  void bind(std::uint64_t number, const model::Bind& decision);
  void evict(std::uint64_t number, const model::Evict& decision);
  void assign_ranks();
  std::vector<HeldDevices> held_on(std::string_view node) const;

  // timers.cc
  std::optional<base::Time> due(const WorkloadRecord& record) const;
  void schedule(const std::string& key);
  void schedule_none(const std::string& key);
  void run_timers();
  void timed(WorkloadRecord& record);
  void look_for_checkpoint(WorkloadRecord& record);
  void sample_usage();
  void sample_usage_of(const ReplicaRecord& replica);
  std::int64_t over_quota_of(const std::string& project) const;
  void fill_owner(ledger::UsageSample& sample, const WorkloadRecord& record) const;
  void account_for_lost_work(WorkloadRecord& record, const ReplicaRecord& replica);
  void follow_idleness(WorkloadRecord& record);

  // launch.cc
  base::Result<void> launch(const ReplicaRecord& replica);
  std::string replica_folder(const std::string& uid) const;
  std::string working_folder(const WorkloadRecord& record) const;
  std::string members_file(const WorkloadRecord& record) const;
  void write_members(const std::string& key);

  // views.cc
  using WorkloadViews = std::vector<std::shared_ptr<const world::WorkloadView>>;
  /// Where a workload's view stands, or is to stand.
  WorkloadViews::iterator place_of(std::string_view project, std::string_view name);
  std::shared_ptr<const world::WorkloadView> published(const std::string& key);
  void sum_up(const std::string& key, const WorkloadRecord* record);
  std::shared_ptr<const world::WorkloadView> view_of(const WorkloadRecord& record) const;
  std::vector<std::shared_ptr<const world::QueueView>> queue_views() const;
  void add_machine(world::View& view) const;

  // commands.cc
  std::optional<base::Error> cannot_write() const;
  base::Result<void> check_submission(const model::Workload& workload) const;
  base::Result<void> check_queue(const model::Queue& queue) const;
  bool is_leaf(const std::string& queue) const;
  base::Result<void> scale(WorkloadRecord& record, std::int32_t replicas);
  base::Result<void> replace(WorkloadRecord& record, const model::Workload& spec);
  void answer_with(const std::string& key, WorkloadAnswer answer);

  // service_update.cc
  bool is_healthy(const std::string& uid) const;
  void reconcile_service(WorkloadRecord& record);
  void roll_back(WorkloadRecord& record, const std::string& why);

  struct QueueRecord {
    model::Queue queue;
    std::uint64_t version = 0;
  };
  /// Parents before children, siblings by name.
  std::vector<const QueueRecord*> queues_from_the_root() const;
  void write_queue(const QueueRecord& record);

  LoopOptions options_;
  Inventory inventory_;
  ledger::Ledger& ledger_;
  Supervisors& supervisors_;
  base::Time now_;

  // The documents, as the ledger will have them after this turn.
  std::map<std::string, WorkloadRecord> workloads_;  ///< by key
  std::map<std::string, ReplicaRecord> replicas_;    ///< by uid
  std::map<std::string, std::set<std::string>> replicas_by_workload_;
  std::map<std::string, QueueRecord> queues_;
  std::map<std::string, std::string> secrets_;  ///< "project/name" and what it is encrypted to
  std::uint64_t last_version_ = 0;
  // Parts of them, so that no turn goes through all of thousands that wait.
  std::set<std::string> live_;      ///< replicas
  std::set<std::string> services_;  ///< workloads that the proxy reaches
  std::set<std::string> blocked_;   ///< workloads that may wait for others
  std::map<std::string, QueueSums> sums_of_workload_;
  std::map<std::string, QueueSums> sums_of_project_;

  // What this turn has changed.
  std::set<std::string> to_reconcile_;
  std::set<std::string> changed_workloads_;
  std::set<std::string> changed_replicas_;
  std::set<std::string> changed_views_;
  ledger::Batch batch_;
  Effects effects_;
  std::vector<ReplicaState> started_now_;  ///< observations of this turn, in case it fails
  std::vector<ReplicaState> ended_now_;

  // The engine and what it was told.
  std::unique_ptr<model::Scheduler> scheduler_;
  std::vector<model::Event> events_;
  std::uint64_t round_number_ = 0;
  std::optional<base::Time> engine_wake_at_;
  std::map<std::string, std::string> told_groups_;  ///< key and what was told, to tell changes only
  std::set<std::string> told_pods_;
  std::map<std::string, std::uint64_t> open_binds_;  ///< replica and number of the decision without outcome
  std::map<std::string, model::Verdict> verdicts_;   ///< by group
  std::set<std::string> newly_bound_;                ///< workloads with replicas bound in this turn

  std::set<std::pair<base::Time, std::string>> timers_;
  std::map<std::string, base::Time> timer_of_;
  std::optional<base::Time> next_sample_;
  std::map<std::string, base::Time> sampled_until_;  ///< replica
  std::set<std::string> launched_;       ///< replicas whose supervisor was asked for by this process
  std::map<std::string, bool> healthy_;  ///< replicas of services
  std::set<std::string> draining_;       ///< replicas that are told to end once nobody uses them
  std::string trouble_;                  ///< why nothing can be written now; empty: all is well
  base::Time write_again_at_;
  bool closing_ = false;
  std::vector<ReplicaState> not_started_;  ///< tries whose supervisor could not be started
  std::set<std::string> preempted_now_;    ///< workloads, in this turn
  bool machine_changed_ = false;           ///< nodes, devices or queues, so that the view has to follow

  WorkloadViews workload_views_;  ///< by project, then name
  std::shared_ptr<const world::View> view_;
};

}  // namespace fairlead::host
