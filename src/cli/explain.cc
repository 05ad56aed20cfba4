#include "cli/explain.h"

#include "base/json_writer.h"
#include "base/time.h"
#include "cli/amounts.h"
#include "cli/fair_shares.h"
#include "cli/reason_json.h"
#include "cli/text_table.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace fairlead::cli {
namespace {

using Kind = engine::Counterfactual::Kind;
using Phase = model::Pod::Phase;

constexpr std::size_t kSuggestions = 5;

std::string_view fate_name(Explanation::Fate fate) {
  switch (fate) {
    case Explanation::Fate::kWaits:
      return "waits";
    case Explanation::Fate::kStarts:
      return "starts";
    case Explanation::Fate::kStartsLater:
      return "starts when pods have left";
    case Explanation::Fate::kRuns:
      return "runs";
    case Explanation::Fate::kFinished:
      return "has finished";
  }
  return "waits";
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kFewerPods:
      return "FewerPods";
    case Kind::kSmallerPods:
      return "SmallerPods";
    case Kind::kPreemptible:
      return "Preemptible";
    case Kind::kOtherPool:
      return "OtherPool";
    case Kind::kMoreQuota:
      return "MoreQuota";
    case Kind::kHigherLimit:
      return "HigherLimit";
    case Kind::kMoreNodes:
      return "MoreNodes";
  }
  return "Unknown";
}

/// The queue and those above it, the root first.
std::vector<std::string_view> queue_chain(const manifest::ClusterObjects& cluster, std::string_view queue) {
  boost::unordered_flat_map<std::string_view, std::string_view> parents;
  for (const model::Queue& entry : cluster.queues) parents.emplace(entry.name, entry.parent);
  std::vector<std::string_view> chain;
  while (parents.contains(queue) && chain.size() < parents.size()) {
    chain.push_back(queue);
    queue = parents[queue];
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

void count_pods(const manifest::ClusterObjects& cluster, const PlanResult& result, std::string_view key,
                Explanation& explanation) {
  std::map<std::string, std::size_t> nodes;
  auto is_ours = [&](std::size_t pod) { return cluster.pods[pod].group == key; };
  std::size_t later = 0;
  for (const PlannedBind& bind : result.binds) {
    if (!is_ours(bind.pod)) continue;
    ++explanation.starting;
    ++nodes[bind.node];
  }
  for (const PlannedNomination& nomination : result.nominations) {
    if (!is_ours(nomination.pod)) continue;
    ++later;
    ++nodes[nomination.node];
  }
  for (const PlannedEviction& eviction : result.evictions) {
    if (is_ours(eviction.pod)) ++explanation.evicted;
  }
  for (const model::Pod& pod : cluster.pods) {
    if (pod.group != key || pod.releasing) continue;
    if (pod.phase == Phase::kPending) ++explanation.waiting;
    if (pod.phase == Phase::kBinding || pod.phase == Phase::kBound || pod.phase == Phase::kRunning)
      ++explanation.running;
  }
  explanation.waiting -= std::min(explanation.waiting, explanation.starting);
  explanation.running -= std::min(explanation.running, explanation.evicted);
  for (const auto& [node, pods] : nodes) explanation.places.push_back(fmt::format("{} ({})", node, pods));
  using Fate = Explanation::Fate;
  explanation.fate = later > 0                  ? Fate::kStartsLater
                     : explanation.waiting > 0  ? Fate::kWaits
                     : explanation.starting > 0 ? Fate::kStarts
                     : explanation.running > 0  ? Fate::kRuns
                                                : Fate::kFinished;
}

void find_position(const manifest::ClusterObjects& cluster, const PlanResult& result, std::size_t group,
                   Explanation& explanation) {
  const std::vector<std::int64_t> priorities = group_priorities(cluster);
  explanation.priority = priorities[group];
  explanation.preemptible = cluster.groups[group].preemptible.value_or(explanation.priority < 100);
  bool waits = false;
  std::size_t before = 0;
  for (const WaitingGroup& waiting : result.waiting) {
    if (cluster.groups[waiting.group].queue != cluster.groups[group].queue) continue;
    ++explanation.waiting_in_queue;
    if (waiting.group == group) {
      waits = true;
      explanation.verdict = waiting.verdict;
    } else if (served_before(cluster, priorities, waiting.group, group)) {
      ++before;
    }
  }
  if (waits) explanation.position = before + 1;
}

class Text {
 public:
  Text(const manifest::ClusterObjects& cluster, const Explanation& explanation, const Style& style,
       std::size_t width)
      : group_(cluster.groups[explanation.group]), explanation_(explanation), style_(style), width_(width) {}

  std::string run() {
    write_group();
    write_verdict();
    write_queues();
    write_changes();
    return std::move(out_);
  }

 private:
  void heading(std::string_view text, std::string_view detail = "") {
    if (!out_.empty()) out_ += '\n';
    out_ += style_.heading(text);
    if (!detail.empty()) out_ += fmt::format("  {}", printable(detail));
    out_ += '\n';
  }
  void fact(TextTable& table, std::string name, std::string value) {
    if (!value.empty()) table.add_row({std::move(name), std::move(value)});
  }
  void line(std::string_view text, std::string_view first = "  ") {
    bool leading = true;
    std::size_t indent = first.size();
    std::size_t width = width_ > indent + 24 ? width_ - indent : 0;
    for (const std::string& part : wrap(printable(text), width)) {
      out_ += leading ? fmt::format("{}{}\n", first, part) : fmt::format("{:{}}{}\n", "", indent, part);
      leading = false;
    }
  }

  void write_group() {
    heading("GROUP", group_.key);
    TextTable table({{""}, {""}});
    fact(table, "queue", group_.queue);
    fact(table, "owner", group_.owner);
    fact(table, "created", base::format_time(group_.created));
    fact(table, "priority",
         fmt::format("{}{}{}", explanation_.priority,
                     group_.priority_class.empty() ? "" : fmt::format(" ({})", group_.priority_class),
                     explanation_.preemptible ? ", preemptible" : ", non-preemptible"));
    std::string minimum = count_text(group_.min_member, "pod");
    if (group_.min_member > 1) minimum += " start together";
    if (group_.made_from_owner) minimum += "; it has no PodGroup object";
    fact(table, "minimum", std::move(minimum));
    for (const model::SubGroup& sub_group : group_.sub_groups) {
      fact(table, "sub-group",
           fmt::format("{}: at least {}{}", sub_group.name, sub_group.min_member,
                       sub_group.parent.empty() ? "" : fmt::format(", within {}", sub_group.parent)));
    }
    if (!group_.topology.empty()) {
      std::string levels = group_.topology.topology;
      if (!group_.topology.required_level.empty())
        levels += fmt::format(", required {}", group_.topology.required_level);
      if (!group_.topology.preferred_level.empty())
        levels += fmt::format(", preferred {}", group_.topology.preferred_level);
      fact(table, "topology", std::move(levels));
    }
    std::string pools;
    for (const std::string& pool : group_.pools)
      pools += (pools.empty() ? "" : ", then ") + (pool.empty() ? "default" : pool);
    fact(table, "pools", std::move(pools));
    fact(table, "pods",
         fmt::format("{} running, {} starting, {} waiting{}", explanation_.running, explanation_.starting,
                     explanation_.waiting,
                     explanation_.evicted > 0 ? fmt::format(", {} evicted", explanation_.evicted) : ""));
    fact(table, "needs", explanation_.needs);
    table.write(out_, style_, 2, width_);
  }

  void write_verdict() {
    std::string fate(fate_name(explanation_.fate));
    if (explanation_.position) {
      fate += fmt::format(", {} of {} waiting in queue {}", *explanation_.position,
                          explanation_.waiting_in_queue, group_.queue);
    }
    heading("VERDICT", fate);
    for (const std::string& place : explanation_.places) line(fmt::format("on {}", place));
    if (explanation_.fate == Explanation::Fate::kWaits && explanation_.verdict.reasons.empty()) {
      line("the scheduler gave no reason: it did not try this group in this cycle");
    }
    for (const model::Reason& reason : explanation_.verdict.reasons) {
      line(reason_text(reason, explanation_.context));
    }
    if (explanation_.verdict.reasons.empty() || explanation_.verdict.reasons.front().nodes.empty()) return;
    out_ += '\n';
    TextTable table({{"NODES", TextTable::Align::kRight}, {"WHY NOT"}});
    for (const auto& [why, count] : explanation_.verdict.reasons.front().nodes) {
      table.add_row({std::to_string(count), std::string(node_reason_text(why))});
    }
    table.write(out_, style_, 2, width_);
  }

  void write_queues() {
    heading("QUEUES", explanation_.chain.empty() ? fmt::format("queue {} does not exist", group_.queue)
                                                 : "from the root down");
    if (explanation_.chain.empty()) return;
    using Align = TextTable::Align;
    TextTable table({{"QUEUE"},
                     {"POOL"},
                     {"OF"},
                     {"QUOTA", Align::kRight},
                     {"LIMIT", Align::kRight},
                     {"FAIR SHARE", Align::kRight},
                     {"ALLOCATED", Align::kRight},
                     {"REQUESTED", Align::kRight},
                     {"AFTER", Align::kRight}});
    for (const QueueLine& queue : explanation_.chain) {
      std::string name = std::string(2 * queue.depth, ' ') + queue.name;
      std::string pool = queue.pool.empty() ? "default" : queue.pool;
      for (std::string_view dimension : {"gpu", "cpu", "memory"}) {
        const model::Quota quota = quota_of(queue, dimension);
        if (queue.requested.in(dimension) == 0 && dimension != "gpu") continue;
        table.add_row({name, pool, std::string(dimension == "gpu" ? "devices" : dimension),
                       bound_text(dimension, quota.quota),
                       quota.limit.is_unlimited() ? "-" : bound_text(dimension, quota.limit),
                       queue.fair_share ? amount_number(dimension, queue.fair_share->in(dimension)) : "-",
                       amount_number(dimension, queue.allocated.in(dimension)),
                       amount_number(dimension, queue.requested.in(dimension)),
                       amount_number(dimension, queue.allocated_after.in(dimension))});
        name = "";
        pool = "";
      }
    }
    table.write(out_, style_, 2, width_);
  }

  void write_changes() {
    if (!explanation_.changes) return;
    const engine::CounterfactualAnswer& answer = *explanation_.changes;
    if (answer.changes.empty()) {
      heading("WOULD START IF", answer.complete ? "no single change that was tried is enough"
                                                : "nothing was found within the limit on plans");
    } else {
      heading("WOULD START IF", "any one of these, each verified by planning with it and with one unit less");
      for (const engine::Counterfactual& change : answer.changes) line(counterfactual_text(change), "  - ");
    }
  }

  const model::PodGroup& group_;
  const Explanation& explanation_;
  const Style& style_;
  std::size_t width_;
  std::string out_;
};

}  // namespace

base::Result<std::size_t> find_group(const manifest::ClusterObjects& cluster, std::string_view name) {
  std::vector<std::size_t> named;
  std::vector<std::string_view> similar;
  for (std::size_t i = 0; i < cluster.groups.size(); ++i) {
    std::string_view key = cluster.groups[i].key;
    if (key == name) return i;
    if (key.substr(key.find('/') + 1) == name) named.push_back(i);
    if (key.find(name) != std::string_view::npos) similar.push_back(key);
  }
  if (named.size() == 1) return named.front();
  if (named.size() > 1) {
    return base::invalid_argument(
        fmt::format("group {} exists in {} namespaces; write NAMESPACE/NAME, for example {}", name,
                    named.size(), cluster.groups[named.front()].key));
  }
  for (const model::Pod& pod : cluster.pods) {
    if (pod.display_name() != name && pod.name != name) continue;
    for (std::size_t i = 0; i < cluster.groups.size(); ++i) {
      if (cluster.groups[i].key == pod.group) return i;
    }
  }
  std::sort(similar.begin(), similar.end());
  std::string message = fmt::format("there is no group {}", name);
  for (std::size_t i = 0; i < std::min(similar.size(), kSuggestions); ++i) {
    message += fmt::format("{}{}", i == 0 ? "; did you mean " : ", ", similar[i]);
  }
  return base::not_found(std::move(message));
}

Explanation explain(const PlanInput& input, const PlanResult& result, std::size_t group,
                    const SchedulerFactory& make_scheduler,
                    const std::function<void(std::size_t plans)>& progress) {
  const manifest::ClusterObjects& cluster = input.cluster;
  Explanation explanation;
  explanation.group = group;
  count_pods(cluster, result, cluster.groups[group].key, explanation);
  find_position(cluster, result, group, explanation);
  const WaitingContexts contexts(cluster, result);
  explanation.context = contexts.of(group);
  explanation.needs = contexts.needs(group);
  ClusterSummary summary = summarise(cluster, result);
  add_fair_shares(cluster, summary);
  for (std::string_view queue : queue_chain(cluster, cluster.groups[group].queue)) {
    for (const QueueLine& line : summary.queues) {
      if (line.name == queue) explanation.chain.push_back(line);
    }
  }
  if (explanation.fate == Explanation::Fate::kWaits && make_scheduler) {
    const std::vector<model::Event> events = manifest::to_events(cluster, input.now);
    engine::CounterfactualQuestion question;
    question.cluster = events;
    question.group = cluster.groups[group].key;
    question.round = input.limits;
    question.progress = progress;
    explanation.changes = engine::find_counterfactuals(question, make_scheduler);
  }
  return explanation;
}

std::string explanation_text(const manifest::ClusterObjects& cluster, const Explanation& explanation,
                             const Style& style, std::size_t width) {
  return Text(cluster, explanation, style, width).run();
}

std::string counterfactual_text(const engine::Counterfactual& change) {
  switch (change.kind) {
    case Kind::kFewerPods:
      return fmt::format("it started with {} instead of {}", count_text(change.to, "pod"), change.from);
    case Kind::kSmallerPods:
      return fmt::format("each pod asked for {} instead of {}", count_text(change.to, "device"), change.from);
    case Kind::kPreemptible:
      return "it were preemptible";
    case Kind::kOtherPool:
      return fmt::format("it ran in pool {}", change.subject.empty() ? "default" : change.subject);
    case Kind::kMoreQuota:
      return fmt::format("the quota of queue {} were {} instead of {}", change.subject,
                         amount_text(change.dimension, change.to),
                         amount_number(change.dimension, change.from));
    case Kind::kHigherLimit:
      return fmt::format("the limit of queue {} were {} instead of {}", change.subject,
                         amount_text(change.dimension, change.to),
                         amount_number(change.dimension, change.from));
    case Kind::kMoreNodes:
      return fmt::format("there were {} like {}", count_text(change.to, "more node"), change.subject);
  }
  return "";
}

std::string explanation_json(const manifest::ClusterObjects& cluster, const Explanation& explanation,
                             int indent) {
  const model::PodGroup& group = cluster.groups[explanation.group];
  std::string out;
  base::JsonWriter json(out, indent);
  json.begin_object();
  json.member("group", group.key);
  json.member("queue", group.queue);
  json.member("state", fate_name(explanation.fate));
  json.member("priority", explanation.priority);
  json.member("preemptible", explanation.preemptible);
  json.member("minMember", group.min_member);
  json.key("pods");
  json.begin_object();
  json.member("running", explanation.running);
  json.member("starting", explanation.starting);
  json.member("waiting", explanation.waiting);
  json.member("evicted", explanation.evicted);
  json.end_object();
  if (explanation.position) {
    json.member("position", *explanation.position);
    json.member("waitingInQueue", explanation.waiting_in_queue);
  }
  json.key("reasons");
  json.begin_array();
  for (const model::Reason& reason : explanation.verdict.reasons)
    write_reason(json, reason, explanation.context);
  json.end_array();
  json.key("queues");
  json.begin_array();
  for (const QueueLine& queue : explanation.chain) {
    json.begin_object();
    json.member("name", queue.name);
    json.member("pool", queue.pool);
    for (std::string_view dimension : {"gpu", "cpu", "memory"}) {
      const model::Quota quota = quota_of(queue, dimension);
      json.key(dimension);
      json.begin_object();
      if (!quota.quota.is_unlimited()) json.member("quota", quota.quota.amount());
      if (!quota.limit.is_unlimited()) json.member("limit", quota.limit.amount());
      if (queue.fair_share) json.member("fairShare", queue.fair_share->in(dimension));
      json.member("allocated", queue.allocated.in(dimension));
      json.member("requested", queue.requested.in(dimension));
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
  if (explanation.changes) {
    json.key("wouldStartIf");
    json.begin_array();
    for (const engine::Counterfactual& change : explanation.changes->changes) {
      json.begin_object();
      json.member("change", kind_name(change.kind));
      json.member("message", counterfactual_text(change));
      if (!change.subject.empty()) json.member("subject", change.subject);
      if (!change.dimension.empty()) json.member("dimension", change.dimension);
      json.member("from", change.from);
      json.member("to", change.to);
      json.end_object();
    }
    json.end_array();
    json.member("complete", explanation.changes->complete);
  }
  json.end_object();
  out += '\n';
  return out;
}

}  // namespace fairlead::cli
