#include "engine/explain/counterfactual.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

namespace fairlead::engine {
namespace {

constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;
/// Nodes of more shapes than this are not tried: one answer is enough, and each costs plans.
constexpr std::size_t kMaxNodeShapes = 8;
constexpr std::string_view kHostnameLabel = "kubernetes.io/hostname";

/// The parts of the cluster that a change can touch; pointers into the events of the question.
struct Subject {
  const model::PodGroup* group = nullptr;
  std::vector<const model::Pod*> waiting;  ///< its pending pods
  std::map<std::string_view, const model::Queue*> queues;
  std::map<std::string_view, const model::Node*> nodes;
};

/// One step of a queue's amounts that a person would ask for.
std::int64_t unit_of(std::string_view dimension) { return dimension == "memory" ? kGibibyte : 1000; }

/// Nodes that can stand in for each other: equal in everything but name and age.
using NodeShape = std::tuple<std::string_view, std::int64_t, std::int64_t,
                             std::vector<std::pair<std::string, std::int64_t>>, std::vector<model::Taint>,
                             std::vector<std::pair<std::string, std::int64_t>>>;

NodeShape shape_of(const model::Node& node) {
  std::vector<std::pair<std::string, std::int64_t>> devices;
  for (const model::DeviceSet& set : node.devices)
    devices.emplace_back(set.resource + " " + set.model, set.count);
  std::vector<std::pair<std::string, std::int64_t>> partitions;
  for (const model::Partition& partition : node.partitions)
    partitions.emplace_back(partition.resource, partition.count);
  return {node.pool,   node.allocatable.cpu_milli, node.allocatable.memory_bytes, std::move(devices),
          node.taints, std::move(partitions)};
}

class Search {
 public:
  Search(const CounterfactualQuestion& question,
         const std::function<std::unique_ptr<model::Scheduler>()>& make_scheduler)
      : question_(question), make_scheduler_(make_scheduler) {
    if (!question.cluster.empty()) now_ = question.cluster.back().time;
    read_cluster();
  }

  CounterfactualAnswer run() {
    if (subject_.group == nullptr) return std::move(answer_);
    answer_.places = try_change({});
    if (answer_.places) {
      answer_.verdict = {};
      return std::move(answer_);
    }
    answer_.verdict = verdict_;
    fewer_pods();
    smaller_pods();
    preemptible();
    other_pool();
    queue_amounts();
    more_nodes();
    return std::move(answer_);
  }

 private:
  using Change = std::vector<model::Event>;

  void read_cluster() {
    std::map<std::string_view, const model::Pod*> pods;
    for (const model::Event& event : question_.cluster) {
      if (const auto* group = std::get_if<model::GroupUpserted>(&event.body)) {
        if (group->group.key == question_.group) subject_.group = &group->group;
      } else if (const auto* pod = std::get_if<model::PodUpserted>(&event.body)) {
        if (pod->pod.group == question_.group) pods[pod->pod.uid] = &pod->pod;
      } else if (const auto* queue = std::get_if<model::QueueUpserted>(&event.body)) {
        subject_.queues[queue->queue.name] = &queue->queue;
      } else if (const auto* node = std::get_if<model::NodeUpserted>(&event.body)) {
        subject_.nodes[node->node.name] = &node->node;
      }
    }
    for (const auto& [uid, pod] : pods) {
      if (pod->phase == model::Pod::Phase::kPending && !pod->releasing) subject_.waiting.push_back(pod);
    }
  }

  template <class Body>
  void add(Change& change, Body body) const {
    change.push_back(model::Event{now_, std::move(body)});
  }

  /// Plans the cluster with the change; whether a waiting pod of the group gets a node. Remembers the
  /// verdict.
  bool try_change(const Change& change) {
    if (question_.progress) question_.progress(answer_.plans);
    ++answer_.plans;
    std::unique_ptr<model::Scheduler> scheduler = make_scheduler_();
    // What a scheduler refuses of the cluster it refused before; a refused change starts nothing.
    (void)scheduler->apply(question_.cluster);
    if (!change.empty() && !scheduler->apply(change).rejected.empty()) return false;
    model::Round round = scheduler->run(question_.round);
    verdict_ = {};
    bool places = false;
    auto waits = [&](const std::string& uid) {
      return std::any_of(subject_.waiting.begin(), subject_.waiting.end(),
                         [&](const model::Pod* pod) { return pod->uid == uid; });
    };
    for (const model::Decision& decision : round.decisions) {
      if (const auto* bind = std::get_if<model::Bind>(&decision.body)) {
        places = places || waits(bind->pod);
      } else if (const auto* nominate = std::get_if<model::Nominate>(&decision.body)) {
        places = places || waits(nominate->pod);
      } else if (const auto* change_of_verdict = std::get_if<model::VerdictChanged>(&decision.body)) {
        if (change_of_verdict->group == question_.group) verdict_ = change_of_verdict->verdict;
      }
    }
    return places;
  }

  bool may_plan() {
    if (answer_.plans < question_.max_plans) return true;
    answer_.complete = false;
    return false;
  }

  /// The least number of units in [1, most] with which the group is placed, given that it is not with none:
  /// the plan with that number places it, the plan with one less does not.
  template <class MakeChange>
  std::optional<std::int64_t> least(std::int64_t most, const MakeChange& make_change) {
    std::int64_t fails = 0;
    std::int64_t places = 0;
    for (std::int64_t units = 1; fails < most; units *= 2) {
      units = std::min(units, most);
      if (!may_plan()) return std::nullopt;
      if (try_change(make_change(units))) {
        places = units;
        break;
      }
      fails = units;
    }
    if (places == 0) return std::nullopt;
    while (places - fails > 1) {
      if (!may_plan()) return std::nullopt;
      std::int64_t middle = fails + (places - fails) / 2;
      (try_change(make_change(middle)) ? places : fails) = middle;
    }
    return places;
  }

  void found(Counterfactual::Kind kind, std::string subject, std::string dimension, std::int64_t from,
             std::int64_t to) {
    answer_.changes.push_back({kind, std::move(subject), std::move(dimension), from, to});
  }

  void fewer_pods() {
    const model::PodGroup& group = *subject_.group;
    // Which sub-group could do with less is for its owner to say.
    if (!group.sub_groups.empty() || group.min_member < 2) return;
    auto less = least(group.min_member - 1, [&](std::int64_t units) {
      model::PodGroup smaller = group;
      smaller.min_member = static_cast<std::int32_t>(group.min_member - units);
      Change change;
      add(change, model::GroupUpserted{std::move(smaller)});
      return change;
    });
    if (less) found(Counterfactual::Kind::kFewerPods, "", "", group.min_member, group.min_member - *less);
  }

  void smaller_pods() {
    std::int64_t largest = 0;
    for (const model::Pod* pod : subject_.waiting) {
      if (pod->devices.kind == model::DeviceRequest::Kind::kWhole)
        largest = std::max(largest, pod->devices.count);
    }
    if (largest < 2) return;
    auto less = least(largest - 1, [&](std::int64_t units) {
      Change change;
      for (const model::Pod* pod : subject_.waiting) {
        if (pod->devices.kind != model::DeviceRequest::Kind::kWhole || pod->devices.count <= largest - units)
          continue;
        model::Pod smaller = *pod;
        smaller.devices.count = largest - units;
        add(change, model::PodUpserted{std::move(smaller)});
      }
      return change;
    });
    if (less) found(Counterfactual::Kind::kSmallerPods, "", "", largest, largest - *less);
  }

  void preemptible() {
    // A group whose preemptibility follows from a preemptible priority is changed by nothing here.
    if (subject_.group->preemptible == true || !may_plan()) return;
    model::PodGroup group = *subject_.group;
    group.preemptible = true;
    Change change;
    add(change, model::GroupUpserted{std::move(group)});
    if (try_change(change)) found(Counterfactual::Kind::kPreemptible, "", "", 0, 0);
  }

  void other_pool() {
    std::set<std::string> pools;
    for (const auto& [name, node] : subject_.nodes) pools.insert(node->pool);
    if (subject_.group->pools.empty()) pools.erase("");
    for (const std::string& pool : subject_.group->pools) pools.erase(pool);
    for (const std::string& pool : pools) {
      if (!may_plan()) return;
      model::PodGroup group = *subject_.group;
      group.pools = {pool};
      Change change;
      add(change, model::GroupUpserted{std::move(group)});
      if (!try_change(change)) continue;
      found(Counterfactual::Kind::kOtherPool, pool, "", 0, 0);
      return;
    }
  }

  void queue_amounts() {
    using model::ReasonCode;
    // Only a verdict that names a queue's quota or limit leads here; others are not helped by it. (The fair
    // share is raised by the quota.)
    for (const model::Reason& reason : answer_.verdict.reasons) {
      bool limit = reason.code == ReasonCode::kOverLimit;
      bool quota =
          reason.code == ReasonCode::kNonPreemptibleOverQuota || reason.code == ReasonCode::kOverFairShare;
      if (!limit && !quota) continue;
      auto queue = subject_.queues.find(reason.queue);
      if (queue != subject_.queues.end()) queue_amount(*queue->second, reason.dimension, limit, reason);
      return;
    }
  }

  void queue_amount(const model::Queue& queue, const std::string& dimension, bool limit,
                    const model::Reason& reason) {
    std::string pool = subject_.group->pools.empty() ? "" : subject_.group->pools.front();
    const model::Bound now = bound_of(queue, pool, dimension, limit);
    if (now.is_unlimited()) return;
    std::int64_t unit = unit_of(dimension);
    // More than everything that is held and asked for is never needed; the sums may be anything an input
    // holds.
    std::int64_t needed = 0;
    if (__builtin_add_overflow(reason.have, reason.want, &needed) || needed < 0) return;
    std::int64_t most = std::max<std::int64_t>(1, needed / unit + 1);
    auto raised = least(most, [&](std::int64_t units) {
      Change change;
      add(change,
          model::QueueUpserted{with_bound(queue, pool, dimension, limit, now.amount() + units * unit)});
      return change;
    });
    if (!raised) return;
    found(limit ? Counterfactual::Kind::kHigherLimit : Counterfactual::Kind::kMoreQuota, queue.name,
          dimension, now.amount(), now.amount() + *raised * unit);
  }

  static model::Bound bound_of(const model::Queue& queue, std::string_view pool, std::string_view dimension,
                               bool limit) {
    for (const model::PoolQuota& entry : queue.pools) {
      if (entry.pool != pool) continue;
      for (const model::DimensionQuota& amounts : entry.dimensions) {
        if (amounts.dimension == dimension) return limit ? amounts.quota.limit : amounts.quota.quota;
      }
    }
    return limit ? model::Bound::unlimited() : model::Bound::of(0);
  }

  static model::Queue with_bound(model::Queue queue, const std::string& pool, const std::string& dimension,
                                 bool limit, std::int64_t amount) {
    auto entry = std::find_if(queue.pools.begin(), queue.pools.end(),
                              [&](const model::PoolQuota& candidate) { return candidate.pool == pool; });
    if (entry == queue.pools.end()) {
      entry = queue.pools.emplace(queue.pools.end());
      entry->pool = pool;
    }
    auto amounts = std::find_if(entry->dimensions.begin(), entry->dimensions.end(),
                                [&](const model::DimensionQuota& d) { return d.dimension == dimension; });
    if (amounts == entry->dimensions.end()) {
      amounts = entry->dimensions.emplace(amounts);
      amounts->dimension = dimension;
    }
    (limit ? amounts->quota.limit : amounts->quota.quota) = model::Bound::of(amount);
    return queue;
  }

  void more_nodes() {
    bool wants_devices =
        std::any_of(subject_.waiting.begin(), subject_.waiting.end(), [](const model::Pod* pod) {
          return pod->devices.kind != model::DeviceRequest::Kind::kNone || !pod->devices.partitions.empty();
        });
    std::map<NodeShape, const model::Node*> shapes;
    for (const auto& [name, node] : subject_.nodes) {
      bool has_devices = !node->devices.empty() || !node->partitions.empty();
      if (wants_devices == has_devices) shapes.try_emplace(shape_of(*node), node);
    }
    std::vector<const model::Node*> samples;
    for (const auto& [shape, node] : shapes) samples.push_back(node);
    std::sort(samples.begin(), samples.end(),
              [](const model::Node* a, const model::Node* b) { return a->name < b->name; });
    if (samples.size() > kMaxNodeShapes) samples.resize(kMaxNodeShapes);
    // One node per pod is as many as can help.
    auto most = static_cast<std::int64_t>(std::max<std::size_t>(subject_.waiting.size(), 1));
    for (const model::Node* sample : samples) {
      auto nodes = least(most, [&](std::int64_t units) {
        Change change;
        for (std::int64_t i = 0; i < units; ++i) add(change, model::NodeUpserted{copy_of(*sample, i)});
        return change;
      });
      if (!nodes) continue;
      found(Counterfactual::Kind::kMoreNodes, sample->name, "", 0, *nodes);
      return;
    }
  }

  static model::Node copy_of(model::Node node, std::int64_t number) {
    // A name that no cluster has: node names are DNS names.
    node.name += "+" + std::to_string(number);
    node.uid = node.name;
    node.ready = true;
    node.unschedulable = false;
    for (model::DeviceSet& set : node.devices) {
      for (std::size_t slot = 0; slot < set.devices.size(); ++slot) {
        set.devices[slot].identity = node.name + "/" + std::to_string(slot);
        set.devices[slot].healthy = true;
      }
    }
    auto hostname = node.labels.find(kHostnameLabel);
    if (hostname != node.labels.end()) hostname->second = node.name;
    return node;
  }

  const CounterfactualQuestion& question_;
  const std::function<std::unique_ptr<model::Scheduler>()>& make_scheduler_;
  base::Time now_;
  Subject subject_;
  model::Verdict verdict_;  ///< of the last plan
  CounterfactualAnswer answer_;
};

}  // namespace

CounterfactualAnswer find_counterfactuals(
    const CounterfactualQuestion& question,
    const std::function<std::unique_ptr<model::Scheduler>()>& make_scheduler) {
  return Search(question, make_scheduler).run();
}

}  // namespace fairlead::engine
