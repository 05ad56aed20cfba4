#pragma once

#include "ledger/ledger.h"
#include "server/api.h"
#include "world/world.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::server {

inline constexpr std::int64_t kTestNow = 1'767'225'600;  // 2026-01-01T00:00:00Z

inline base::Time test_time(std::int64_t seconds) {
  return base::Time::from_unix_seconds(kTestNow + seconds);
}

/// History in memory, shared by all readers of a test.
struct FakeHistory {
  std::mutex mutex;
  std::vector<ledger::HistoryEntry> entries;

  void add(std::string kind, std::string subject, std::string actor = {}) {
    std::lock_guard lock(mutex);
    entries.push_back({entries.size() + 1, test_time(0), std::move(kind), std::move(subject),
                       std::move(actor), R"({"node":"node-a"})"});
  }
};

class FakeReader final : public ledger::LedgerReader {
 public:
  explicit FakeReader(std::shared_ptr<FakeHistory> history) : history_(std::move(history)) {}
  base::Result<std::vector<ledger::HistoryEntry>> history(std::uint64_t after, std::size_t limit,
                                                          std::string_view subject) override {
    std::lock_guard lock(history_->mutex);
    std::vector<ledger::HistoryEntry> found;
    for (const ledger::HistoryEntry& entry : history_->entries) {
      if (entry.position <= after || found.size() >= limit) continue;
      if (subject.empty() || entry.subject == subject) found.push_back(entry);
    }
    return found;
  }
  base::Result<std::vector<UsageRow>> usage(UsageBy, base::Time, base::Time) override {
    return std::vector<UsageRow>{{"vision", "H100-80GB", 12, 6, 6, 2, 0.5},
                                 {"speech", "H100-80GB", 1, {}, {}, 0, 0}};
  }

 private:
  std::shared_ptr<FakeHistory> history_;
};

/// A world without an engine: workloads that are submitted wait, and what is asked for is noted down.
class FakeWorld final : public world::World {
 public:
  FakeWorld() : view_(std::make_shared<world::View>()) {
    world::View view;
    view.time = test_time(0);
    add_queue(view, "research", "");
    add_queue(view, "products", "");
    add_queue(view, "vision", "research");
    add_queue(view, "speech", "research");
    add_queue(view, "search", "products");
    view.nodes.push_back(
        {"node-a", true, 64'000, std::int64_t{256} << 30, 1000, 1 << 30, "cgroup v2", {}, {0}});
    world::DeviceView device;
    device.identity = "SIM-0";
    device.node = "node-a";
    device.vendor = "nvidia";
    device.model = "H100-80GB";
    device.memory_mib = 81'920;
    device.simulated = true;
    device.allocated_thousandths = 500;
    device.workloads = {"vision/train"};
    device.utilisation = 0.25;
    view.devices.push_back(device);
    publish(std::move(view));
  }

  // What tests look at.
  std::shared_ptr<FakeHistory> past = std::make_shared<FakeHistory>();
  std::vector<std::string> calls;
  std::string log = "hello\n";
  bool log_ended = true;

  /// A running workload with one replica.
  void add_workload(const std::string& project, const std::string& name, const std::string& user) {
    world::WorkloadView made;
    made.uid = "uid-" + name;
    made.spec.name = name;
    made.spec.project = project;
    model::WorkloadRole role;
    role.name = "worker";
    role.command = {"true"};
    role.devices.count = 1;
    made.spec.roles.push_back(role);
    made.submitted_by = user;
    made.submitted = test_time(-60);
    made.first_started = test_time(-50);
    made.state = world::WorkloadState::kRunning;
    world::ReplicaView replica;
    replica.uid = made.uid + "-worker-0-0";
    replica.role = "worker";
    replica.state = "Running";
    replica.node = "node-a";
    replica.devices = {"SIM-0"};
    replica.device_thousandths = 1000;
    replica.started = test_time(-50);
    replica.pid = 4242;
    made.replicas.push_back(replica);
    put(std::move(made));
  }
  void change_workload(const std::string& project, const std::string& name,
                       const std::function<void(world::WorkloadView&)>& change) {
    world::WorkloadView copy = *view()->find(project, name);
    change(copy);
    put(std::move(copy));
  }

  std::shared_ptr<const world::View> view() const override {
    std::lock_guard lock(mutex_);
    return view_;
  }
  std::shared_ptr<const world::View> wait_for_view(std::uint64_t version,
                                                   base::Duration timeout) const override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::nanoseconds(timeout.nanoseconds()),
                      [&] { return view_->version > version; });
    return view_;
  }

  base::Result<std::shared_ptr<const world::WorkloadView>> submit(
      const world::Submission& submission) override {
    calls.push_back("submit " + submission.workload.key() + " by " + submission.actor.user + " key " +
                    submission.idempotency_key);
    if (view()->find(submission.workload.project, submission.workload.name) != nullptr) {
      return base::Error(base::Code::kAlreadyExists,
                         "workload " + submission.workload.key() + " is there already");
    }
    world::WorkloadView made;
    made.uid = "uid-" + submission.workload.name;
    made.spec = submission.workload;
    made.submitted_by = submission.actor.user;
    made.submitted = test_time(0);
    made.reason = "no devices are free";
    put(std::move(made));
    past->add("workload-submitted", "workload " + submission.workload.key(), submission.actor.user);
    return find(submission.workload.project, submission.workload.name);
  }
  base::Result<world::Forecast> forecast(const model::Workload&) override {
    world::Forecast forecast;
    forecast.reason = "no devices are free";
    forecast.remedies = {"the quota of vision were 2"};
    return forecast;
  }
  base::Result<std::shared_ptr<const world::WorkloadView>> change(const std::string& project,
                                                                  const std::string& name,
                                                                  const world::WorkloadChange& change,
                                                                  const world::Actor& actor) override {
    calls.push_back("change " + project + "/" + name + " by " + actor.user);
    const auto now = find(project, name);
    if (now == nullptr) return base::not_found("there is no workload " + project + "/" + name);
    if (change.if_version && *change.if_version != now->version) {
      return base::Error(base::Code::kFailedPrecondition, "it was changed meanwhile");
    }
    world::WorkloadView copy = *now;
    if (change.kind == world::WorkloadChange::Kind::kReplace) copy.spec = *change.workload;
    if (change.kind == world::WorkloadChange::Kind::kScale) copy.spec.roles[0].replicas = change.replicas;
    put(std::move(copy));
    return find(project, name);
  }
  base::Result<world::Forecast> explain(const std::string&, const std::string&) override {
    return forecast(model::Workload{});
  }
  base::Result<std::shared_ptr<const world::QueueView>> put_queue(const model::Queue& queue,
                                                                  std::optional<std::uint64_t> if_version,
                                                                  const world::Actor& actor) override {
    calls.push_back("put queue " + queue.name + " by " + actor.user);
    const world::QueueView* now = view()->find_queue(queue.name);
    if (if_version && (now == nullptr || now->version != *if_version)) {
      return base::Error(base::Code::kFailedPrecondition, "it was changed meanwhile");
    }
    world::View next = *view();
    std::erase_if(next.queues, [&](const auto& other) { return other->queue.name == queue.name; });
    world::QueueView made;
    made.queue = queue;
    made.version = next.version + 1;
    next.queues.push_back(std::make_shared<world::QueueView>(made));
    publish(std::move(next));
    return view()->queues.back();
  }
  base::Result<void> remove_queue(const std::string& name, const world::Actor& actor) override {
    calls.push_back("remove queue " + name + " by " + actor.user);
    return {};
  }
  base::Result<world::Forecast> forecast_queue(const model::Queue&) override { return world::Forecast{}; }
  base::Result<world::LogPiece> read_log(const std::string&, std::uint64_t offset,
                                         std::size_t limit) override {
    std::lock_guard lock(mutex_);
    world::LogPiece piece;
    piece.bytes = log.substr(std::min<std::size_t>(offset, log.size()), limit);
    piece.next = std::min<std::size_t>(offset, log.size()) + piece.bytes.size();
    piece.ended = log_ended && piece.next == log.size();
    return piece;
  }
  void append_log(const std::string& text, bool end) {
    std::lock_guard lock(mutex_);
    log += text;
    log_ended = end;
  }
  base::Result<std::unique_ptr<world::Terminal>> exec(const std::string& replica,
                                                      const std::vector<std::string>& command, bool,
                                                      world::TerminalEvents events) override {
    class Echo final : public world::Terminal {
     public:
      explicit Echo(world::TerminalEvents given) : events_(std::move(given)) {}
      void write(std::string_view bytes) override {
        events_.on_output(bytes);
        if (bytes == "exit\n") events_.on_exit(3);
      }
      void resize(std::uint16_t columns, std::uint16_t rows) override {
        events_.on_output(std::to_string(columns) + "x" + std::to_string(rows));
      }

     private:
      world::TerminalEvents events_;
    };
    calls.push_back("exec " + command.at(0) + " in " + replica);
    return std::unique_ptr<world::Terminal>(std::make_unique<Echo>(std::move(events)));
  }
  base::Result<std::unique_ptr<world::PortConnection>> connect_port(const std::string& replica,
                                                                    std::uint16_t port,
                                                                    world::PortEvents events) override {
    class Echo final : public world::PortConnection {
     public:
      explicit Echo(world::PortEvents given) : events_(std::move(given)) {}
      void write(std::string bytes, std::function<void()> taken) override {
        waiting_ += bytes;
        taken_ = std::move(taken);
        go_on();
      }
      void end() override { events_.on_end(); }
      void go_on() override {
        if (!waiting_.empty() && !events_.on_bytes(waiting_)) return;
        waiting_.clear();
        if (taken_) std::exchange(taken_, nullptr)();
      }

     private:
      world::PortEvents events_;
      std::string waiting_;
      std::function<void()> taken_;
    };
    calls.push_back("port " + std::to_string(port) + " of " + replica);
    if (port == 1) return base::Error(base::Code::kFailedPrecondition, "nobody listens there");
    return std::unique_ptr<world::PortConnection>(std::make_unique<Echo>(std::move(events)));
  }
  base::Result<void> put_secret(const std::string& project, const std::string& name, const std::string&,
                                const world::Actor&) override {
    calls.push_back("secret " + project + "/" + name);
    return {};
  }
  base::Result<std::vector<world::Record>> records(std::string_view kind) override {
    std::lock_guard lock(mutex_);
    std::vector<world::Record> found;
    for (const auto& [key, json] : records_[std::string(kind)]) found.push_back({key, 0, json});
    return found;
  }
  base::Result<void> put_record(std::string_view kind, const world::Record& record) override {
    std::lock_guard lock(mutex_);
    records_[std::string(kind)][record.key] = record.json;
    return {};
  }
  base::Result<void> remove_record(std::string_view kind, std::string_view key) override {
    std::lock_guard lock(mutex_);
    records_[std::string(kind)].erase(std::string(key));
    return {};
  }
  std::string ledger_path() const override { return "/nowhere/fairlead.db"; }

 private:
  static void add_queue(world::View& view, const std::string& name, const std::string& parent) {
    world::QueueView made;
    made.queue.name = name;
    made.queue.parent = parent;
    model::PoolQuota pool;
    pool.dimensions.push_back({"gpu", {model::Bound::of(4000), model::Bound::unlimited(), 1}});
    pool.dimensions.push_back({"memory", {model::Bound::unlimited(), model::Bound::unlimited(), 1}});
    made.queue.pools.push_back(pool);
    made.version = view.queues.size() + 1;
    made.leaf = !parent.empty();
    made.amounts = {{"gpu", 500, 1500, 0, 2000}, {"memory", 1 << 20, 1 << 20, 0, 0}};
    view.queues.push_back(std::make_shared<world::QueueView>(made));
  }
  std::shared_ptr<const world::WorkloadView> find(const std::string& project, const std::string& name) const {
    for (const auto& workload : view()->workloads) {
      if (workload->spec.project == project && workload->spec.name == name) return workload;
    }
    return nullptr;
  }
  void put(world::WorkloadView made) {
    world::View next = *view();
    made.version = next.version + 1;
    const std::string key = made.spec.key();
    std::erase_if(next.workloads, [&](const auto& other) { return other->spec.key() == key; });
    next.workloads.push_back(std::make_shared<world::WorkloadView>(std::move(made)));
    std::sort(next.workloads.begin(), next.workloads.end(), [](const auto& a, const auto& b) {
      return std::pair(a->spec.project, a->spec.name) < std::pair(b->spec.project, b->spec.name);
    });
    publish(std::move(next));
  }
  void publish(world::View next) {
    std::lock_guard lock(mutex_);
    next.version = view_->version + 1;
    view_ = std::make_shared<world::View>(std::move(next));
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const world::View> view_;
  std::map<std::string, std::map<std::string, std::string>> records_;
};

/// An API over a fake world with one user for each role, and requests to it.
class ApiUnderTest {
 public:
  static constexpr std::uint32_t kOwnAccount = 1000;

  explicit ApiUnderTest(double requests_per_second = 1e6) {
    ApiOptions options;
    options.version = "1.2.3";
    options.own_account = kOwnAccount;
    options.requests_per_second = requests_per_second;
    options.now = [this] { return now; };
    options.open_ledger = [past = world.past]() -> base::Result<std::unique_ptr<ledger::LedgerReader>> {
      return std::unique_ptr<ledger::LedgerReader>(std::make_unique<FakeReader>(past));
    };
    api = std::move(*Api::make(world, std::move(options)));
    handlers = api->handlers();
  }

  FakeWorld world;
  base::Time now = test_time(0);
  std::unique_ptr<Api> api;
  net::HttpHandlers handlers;

  static net::HttpRequest request(std::string method, const std::string& target, std::string body = {}) {
    net::HttpRequest made;
    made.method = std::move(method);
    made.target = target;
    const std::size_t mark = target.find('?');
    made.path = target.substr(0, mark);
    std::string query = mark == std::string::npos ? "" : target.substr(mark + 1);
    while (!query.empty()) {
      const std::size_t end = query.find('&');
      const std::string pair = query.substr(0, end);
      const std::size_t equals = pair.find('=');
      made.query.emplace_back(pair.substr(0, equals),
                              equals == std::string::npos ? "" : pair.substr(equals + 1));
      query.erase(0, end == std::string::npos ? query.size() : end + 1);
    }
    made.body = std::move(body);
    made.peer = "127.0.0.1";
    return made;
  }
  /// Through the Unix socket, as the server's own account: an administrator.
  net::HttpResponse as_own(std::string method, const std::string& target, std::string body = {}) {
    net::HttpRequest made = request(std::move(method), target, std::move(body));
    made.peer_account = kOwnAccount;
    return handlers.on_request(made);
  }
  net::HttpResponse with_token(const std::string& token, std::string method, const std::string& target,
                               std::string body = {},
                               std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::HttpRequest made = request(std::move(method), target, std::move(body));
    made.headers = std::move(headers);
    if (!token.empty()) made.headers.emplace_back("authorization", "Bearer " + token);
    return handlers.on_request(made);
  }
  /// Makes a user with a role and returns a token of theirs.
  std::string user(const std::string& name, const std::string& role, const std::string& queue) {
    as_own("PUT", "/api/v1/users/" + name, "{}");
    if (!role.empty()) {
      as_own("POST", "/api/v1/access-rules",
             R"({"user":")" + name + R"(","role":")" + role + R"(","queue":")" + queue + "\"}");
    }
    const std::string answer = as_own("POST", "/api/v1/users/" + name + "/code").body;
    const std::string code = text_member(answer, "code");
    return text_member(with_token("", "POST", "/api/v1/session", R"({"code":")" + code + "\"}").body,
                       "token");
  }
  /// The text of a member, wherever it stands first.
  static std::string text_member(const std::string& json, const std::string& name) {
    const std::string key = "\"" + name + "\":\"";
    const std::size_t begin = json.find(key);
    if (begin == std::string::npos) return {};
    const std::size_t end = json.find('"', begin + key.size());
    return json.substr(begin + key.size(), end - begin - key.size());
  }
};

inline const char* const kWorkload =
    R"({"metadata":{"name":"hello"},"spec":{"project":"vision","command":["echo","hi"],"devices":{"count":1}}})";

}  // namespace fairlead::server
