#include "server/change_log.h"

#include "base/json_writer.h"
#include "manifest/fields.h"
#include "server/view_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace fairlead::server {
namespace {

using base::JsonWriter;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostSteps = 4096;
constexpr std::size_t kHistoryAtOnce = 256;
constexpr std::chrono::seconds kHeartbeat{15};

auto order(const world::WorkloadView& workload) {
  return std::pair<std::string_view, std::string_view>(workload.spec.project, workload.spec.name);
}

void compare_workloads(const world::View& before, const world::View& after, std::set<std::string>& changed) {
  auto old = before.workloads.begin();
  auto now = after.workloads.begin();
  while (old != before.workloads.end() || now != after.workloads.end()) {
    if (old == before.workloads.end()) {
      changed.insert((*now++)->spec.key());
    } else if (now == after.workloads.end()) {
      changed.insert((*old++)->spec.key());
    } else if (*old == *now) {
      ++old;
      ++now;
    } else if (order(**old) < order(**now)) {
      changed.insert((*old++)->spec.key());
    } else if (order(**now) < order(**old)) {
      changed.insert((*now++)->spec.key());
    } else {
      changed.insert((*now)->spec.key());
      ++old;
      ++now;
    }
  }
}

// Compares what the texts of objects show, by name.
void compare_texts(std::map<std::string, std::string> before, const std::map<std::string, std::string>& after,
                   std::set<std::string>& changed) {
  for (const auto& [name, text] : after) {
    const auto old = before.find(name);
    if (old == before.end()) {
      changed.insert(name);
      continue;
    }
    if (old->second != text) changed.insert(name);
    before.erase(old);
  }
  for (const auto& [name, text] : before) changed.insert(name);
}

std::map<std::string, std::string> queue_texts(const world::View& view) {
  std::map<std::string, std::string> texts;
  for (const auto& queue : view.queues) texts[queue->queue.name] = queue_json(*queue);
  return texts;
}

std::map<std::string, std::string> node_texts(const world::View& view) {
  std::map<std::string, std::string> texts;
  for (const world::NodeView& node : view.nodes) {
    JsonWriter json(texts[node.name]);
    write_node(json, node, view);
  }
  return texts;
}

bool same(const world::DeviceView& a, const world::DeviceView& b) {
  return a.identity == b.identity && a.node == b.node && a.healthy == b.healthy && a.message == b.message &&
         a.allocated_thousandths == b.allocated_thousandths && a.workloads == b.workloads &&
         a.utilisation == b.utilisation && a.memory_used_mib == b.memory_used_mib &&
         a.power_watts == b.power_watts && a.temperature_celsius == b.temperature_celsius;
}

void compare_devices(const world::View& before, const world::View& after, std::set<std::string>& changed) {
  const std::size_t both = std::min(before.devices.size(), after.devices.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (same(before.devices[i], after.devices[i])) continue;
    changed.insert(before.devices[i].identity);
    changed.insert(after.devices[i].identity);
  }
  for (std::size_t i = both; i < before.devices.size(); ++i) changed.insert(before.devices[i].identity);
  for (std::size_t i = both; i < after.devices.size(); ++i) changed.insert(after.devices[i].identity);
}

void write_gone(std::string& text, std::string_view kind, std::string_view name) {
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  json.member("kind", kind);
  json.member("name", name);
  json.end_object();
  text += fmt::format("event: gone\ndata: {}\n\n", data);
}

class ChangeStream final : public PumpedStream {
 public:
  ChangeStream(std::shared_ptr<net::BodyStream> out, ChangeLog& log, History& history, const Series& series,
               Identity identity, std::optional<ChangePosition> after, bool once)
      : out_(std::move(out)),
        log_(log),
        history_(history),
        series_(series),
        identity_(std::move(identity)),
        once_(once),
        samples_(series.count()) {
    position_.epoch = log_.epoch();
    const bool known = after && after->epoch == log_.epoch() && after->version <= log_.version() &&
                       after->position <= history_.newest() && log_.since(after->version);
    position_.version = known ? after->version : log_.version();
    position_.position = known ? after->position : history_.newest();
    // Whoever cannot go on where it was reads the lists again.
    unsent_ = fmt::format("retry: 1000\n\nevent: {}\nid: {}\ndata: {{}}\n\n", known ? "resumed" : "reset",
                          to_string(position_));
  }

  bool pump(const PumpTurn& turn) override {
    if (out_->closed()) return false;
    if (!unsent_.empty() && !send(turn)) return !out_->closed();
    if (turn.view.version > position_.version) add_changes(turn.view);
    if (!add_history(turn.view)) {
      out_->end();
      return false;
    }
    if (series_.count() > samples_) {
      samples_ = series_.count();
      unsent_ += fmt::format("event: sample\ndata: {}\n\n",
                             series_.newest_json(QueueSet(identity_, Role::kViewer, turn.view)));
    }
    if (!unsent_.empty()) {
      unsent_ += fmt::format("event: turn\nid: {}\ndata: {{}}\n\n", to_string(position_));
    } else if (turn.now - last_sent_ >= kHeartbeat) {
      unsent_ = ": still here\n\n";
    }
    const bool goes_on = unsent_.empty() || send(turn) || !out_->closed();
    if (!once_ || !goes_on || !unsent_.empty()) return goes_on;
    out_->end();
    return false;
  }

 private:
  // A reader that is slow for a while is waited for.
  bool send(const PumpTurn& turn) {
    if (!out_->write(unsent_)) return false;
    unsent_.clear();
    last_sent_ = turn.now;
    return true;
  }

  void add_changes(const world::View& view) {
    const auto changes = log_.since(position_.version);
    position_.version = view.version;
    if (!changes) {
      unsent_ += "event: reset\ndata: {}\n\n";
      return;
    }
    const QueueSet visible(identity_, Role::kViewer, view);
    for (const std::string& key : changes->workloads) {
      const std::size_t slash = key.find('/');
      if (!visible.contains(std::string_view(key).substr(0, slash))) continue;
      const world::WorkloadView* workload = view.find(key.substr(0, slash), key.substr(slash + 1));
      if (workload == nullptr) {
        write_gone(unsent_, "workload", key);
      } else {
        unsent_ += fmt::format("event: workload\ndata: {}\n\n", workload_json(*workload, view));
      }
    }
    for (const std::string& name : changes->queues) {
      const world::QueueView* queue = view.find_queue(name);
      if (queue == nullptr) {
        // Nobody can tell any more whose it was; without the name nothing is said about it.
        unsent_ += "event: reset\ndata: {}\n\n";
      } else if (visible.contains(name) || visible.leads_to(name)) {
        unsent_ += fmt::format("event: queue\ndata: {}\n\n", queue_json(*queue));
      }
    }
    add_machine(view, *changes, visible);
  }

  void add_machine(const world::View& view, const Changes& changes, const QueueSet& visible) {
    std::set<std::string> gone = changes.nodes;
    for (const world::NodeView& node : view.nodes) {
      if (gone.erase(node.name) == 0) continue;
      std::string data;
      JsonWriter json(data);
      write_node(json, node, view);
      unsent_ += fmt::format("event: node\ndata: {}\n\n", data);
    }
    for (const std::string& name : gone) write_gone(unsent_, "node", name);
    gone = changes.devices;
    for (const world::DeviceView& device : view.devices) {
      if (gone.erase(device.identity) == 0) continue;
      std::string data;
      JsonWriter json(data);
      write_device(json, device, visible);
      unsent_ += fmt::format("event: device\ndata: {}\n\n", data);
    }
    for (const std::string& name : gone) write_gone(unsent_, "device", name);
  }

  bool add_history(const world::View& view) {
    for (bool more = true; more;) {
      const auto entries = history_.after(position_.position, kHistoryAtOnce);
      if (!entries) return false;
      more = entries->size() == kHistoryAtOnce;
      for (const ledger::HistoryEntry& entry : *entries) {
        position_.position = entry.position;
        if (!may_see(entry, identity_, view)) continue;
        unsent_ += fmt::format("event: history\ndata: {}\n\n", history_json(entry));
      }
    }
    return true;
  }

  std::shared_ptr<net::BodyStream> out_;
  ChangeLog& log_;
  History& history_;
  const Series& series_;
  const Identity identity_;
  const bool once_;
  std::uint64_t samples_;  // that were sent, or were there before
  ChangePosition position_;
  std::string unsent_;
  Clock::time_point last_sent_ = Clock::now();
};

}  // namespace

void Changes::add(const Changes& other) {
  workloads.insert(other.workloads.begin(), other.workloads.end());
  queues.insert(other.queues.begin(), other.queues.end());
  nodes.insert(other.nodes.begin(), other.nodes.end());
  devices.insert(other.devices.begin(), other.devices.end());
}

Changes changes_between(const world::View& before, const world::View& after) {
  Changes changes;
  compare_workloads(before, after, changes.workloads);
  compare_texts(queue_texts(before), queue_texts(after), changes.queues);
  compare_texts(node_texts(before), node_texts(after), changes.nodes);
  compare_devices(before, after, changes.devices);
  return changes;
}

void ChangeLog::follow(const std::shared_ptr<const world::View>& view) {
  std::lock_guard lock(mutex_);
  if (last_ == nullptr) last_ = view;
  if (view->version <= last_->version) return;
  Step step;
  step.from = last_->version;
  step.version = view->version;
  step.changes = changes_between(*last_, *view);
  last_ = view;
  steps_.push_back(std::move(step));
  if (steps_.size() > kMostSteps) steps_.pop_front();
}

std::optional<Changes> ChangeLog::since(std::uint64_t version) const {
  std::lock_guard lock(mutex_);
  if (last_ == nullptr || version == last_->version) return Changes{};
  if (steps_.empty() || version < steps_.front().from || version > last_->version) return std::nullopt;
  Changes changes;
  for (const Step& step : steps_) {
    if (step.version > version) changes.add(step.changes);
  }
  return changes;
}

std::uint64_t ChangeLog::version() const {
  std::lock_guard lock(mutex_);
  return last_ == nullptr ? 0 : last_->version;
}

std::string to_string(const ChangePosition& position) {
  return fmt::format("{}-{}-{}", position.epoch, position.version, position.position);
}

std::optional<ChangePosition> parse_change_position(std::string_view text) {
  const std::size_t second = text.rfind('-');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const std::size_t first = text.rfind('-', second - 1);
  if (first == std::string_view::npos) return std::nullopt;
  const auto version = manifest::parse_integer(text.substr(first + 1, second - first - 1));
  const auto position = manifest::parse_integer(text.substr(second + 1));
  if (!version || !position || *version < 0 || *position < 0) return std::nullopt;
  return ChangePosition{std::string(text.substr(0, first)), static_cast<std::uint64_t>(*version),
                        static_cast<std::uint64_t>(*position)};
}

std::shared_ptr<PumpedStream> change_stream(std::shared_ptr<net::BodyStream> out, ChangeLog& log,
                                            History& history, const Series& series, Identity identity,
                                            std::optional<ChangePosition> after, bool once) {
  return std::make_shared<ChangeStream>(std::move(out), log, history, series, std::move(identity),
                                        std::move(after), once);
}

}  // namespace fairlead::server
