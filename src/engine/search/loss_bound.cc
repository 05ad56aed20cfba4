#include "engine/search/loss_bound.h"

#include "engine/fit/pod_constraints.h"
#include "engine/gang/chunk.h"

#include <algorithm>
#include <functional>

namespace fairlead::engine {
namespace {

bool counts_whole_devices(const model::PodClass& pod_class) {
  return !pod_class.key.devices.shares_devices() && pod_class.key.devices.partitions.empty();
}

std::int64_t amount_of(model::ResourceId column, const model::PodClass& pod_class) {
  for (const model::ResourceAmount& amount : pod_class.amounts)
    if (amount.resource == column) return amount.amount;
  return 0;
}

/// In the steps of the order of queues that order any three of them.
bool surely_first(const QueueRank& a, const QueueRank& b) {
  if (a.above_fair_share != b.above_fair_share) return b.above_fair_share;
  if (a.within_quota != b.within_quota) return a.within_quota;
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.holds_what_it_may_not != b.holds_what_it_may_not) return b.holds_what_it_may_not;
  if (a.share_after != b.share_after) return a.share_after < b.share_after;
  return a.share_now < b.share_now;
}

}  // namespace

std::int64_t LossBound::free_on(model::NodeId node) const {
  return std::max<std::int64_t>(0, search_.cluster.nodes().later(column_)[node.index()]);
}

/// What is free on other nodes that have room for the smallest.
std::int64_t LossBound::free_elsewhere(model::NodeId node, std::int64_t smallest) const {
  const auto end =
      std::partition_point(free_.begin(), free_.end(), [&](std::int64_t free) { return free >= smallest; });
  if (end == free_.begin()) return 0;
  const std::int64_t here = free_on(node);
  return free_sums_[static_cast<std::size_t>(end - free_.begin()) - 1] - (here >= smallest ? here : 0);
}

bool LossBound::is_enough(model::NodeId node, const Sum& freed) const {
  const std::int64_t missing = wanted_ - free_on(node) - freed.lost;
  if (missing <= 0) return true;
  // Those of a size and larger find at most what is free on nodes with room for one of that size.
  std::int64_t moved = 0;
  for (std::size_t size = kSizes; size-- > 0;) {
    if (freed.moved[size] == 0) continue;
    moved = std::min(moved + freed.moved[size], free_elsewhere(node, static_cast<std::int64_t>(size)));
  }
  return moved >= missing;
}

bool LossBound::scan(model::GroupId candidate, model::NodeId node) {
  OfNode& here = nodes_[node.index()];
  const auto found = std::lower_bound(freed_.begin(), freed_.end(), candidate,
                                      [](const auto& one, model::GroupId id) { return one.first < id; });
  if (found != freed_.end() && found->first == candidate) here.scanned.add(found->second);
  return here.open && (here.intricate || is_enough(node, here.scanned));
}

/// All that is placed of it goes at once, and comes back as it was or not at all.
bool LossBound::is_simple(const model::GroupRecord& group) const {
  if (!group.tree.front().is_leaf() || group.pod_sets.size() != 1 || group.waiting() > 0) return false;
  const model::PodSet& set = group.pod_sets.front();
  return set.placed() == set.min_member && set.reserved() == 0;
}

LossBound::OfQueue& LossBound::of_queue(model::QueueId queue) {
  for (OfQueue& known : queues_)
    if (known.queue == queue) return known;
  OfQueue& made = queues_.emplace_back();
  made.queue = queue;
  made.takeable = search_.action == model::Action::kReclaim && search_.legality.may_lose_any(queue, request_);
  const model::Cluster& cluster = search_.cluster;
  made.ranks = made.takeable && cluster.queues().at(queue).parent == cluster.queues().at(own_).parent;
  if (!made.ranks) return made;
  for (std::uint32_t index : search_.waiting.alike) {
    const AlikeGroups& groups = search_.waiting.waiting->alike(index);
    if (groups.queue != queue) continue;
    const model::QueueCharge one = cluster.queue_charge(cluster.pod_class(groups.pod_class), model::NodeId());
    made.waiting.emplace_back(
        groups.members.front(),
        model::QueueCharge{one.gpu * groups.pods, one.cpu * groups.pods, one.memory * groups.pods, 0});
  }
  std::vector<model::PodId> chunk;
  for (model::GroupId id : search_.waiting.singles) {
    const model::GroupRecord& group = cluster.group(id);
    if (group.queue != queue) continue;
    if (group.placed() > 0) made.ranks = false;  // as a victim it may ask for something else
    next_chunk(cluster, id, chunk);
    model::QueueCharge charge;
    for (model::PodId pod : chunk) charge += cluster.queue_charge(cluster.class_of(pod), model::NodeId());
    made.waiting.emplace_back(id, charge);
  }
  return made;
}

QueueRank LossBound::rank(model::QueueId queue, const model::QueueCharge& gone,
                          const model::QueueCharge& chunk, std::vector<DimensionStanding>& dimensions) const {
  const model::QueueTable& queues = search_.cluster.queues();
  const model::QueueAccount& account = queues.account(search_.pool, queue);
  const Amounts& allocated = search_.legality.allocated_before(queue);
  for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
    const model::DimensionAccount& own = account.dimensions[i];
    dimensions.push_back({allocated[i] - gone.at(i), chunk.at(i), 0, own.fair_share, own.quota.quota,
                          own.quota.limit, search_.totals[i], piece_of(i), own.declared});
  }
  const model::Queue& spec = queues.at(queue).spec;
  return rank_queue({dimensions, account.priority, spec.created, spec.uid});
}

/// The most, in each dimension, that a group asks for which waits before the victim in its queue, and the
/// victim itself.
model::QueueCharge LossBound::most_before(const OfQueue& queue, model::GroupId victim) const {
  model::QueueCharge most;
  const bool by_priority = search_.cluster.configuration().policies.priority;
  const model::GroupRecord& own = search_.cluster.group(victim);
  for (const auto& [group, charge] : queue.waiting) {
    const model::GroupRecord& other = search_.cluster.group(group);
    const bool behind = by_priority || other.priority == own.priority
                            ? search_.cluster.group_before(victim, group)
                            : std::tie(own.spec.created, own.spec.uid, own.spec.key) <
                                  std::tie(other.spec.created, other.spec.uid, other.spec.key);
    if (behind) continue;
    most.gpu = std::max(most.gpu, charge.gpu);
    most.cpu = std::max(most.cpu, charge.cpu);
    most.memory = std::max(most.memory, charge.memory);
  }
  return most;
}

/// Whether the pod cannot have its turn while the victim waits. With the victim gone its queue holds at most
/// what it holds without it, and has its turn by no more than the most that a group before it asks for: both
/// only bring it forward.
bool LossBound::is_served_first(const OfQueue& queue, const model::QueueCharge& victim,
                                const model::QueueCharge& most) const {
  const model::QueueCharge chunk{std::max(most.gpu, victim.gpu), std::max(most.cpu, victim.cpu),
                                 std::max(most.memory, victim.memory), 0};
  std::vector<DimensionStanding> mine;
  std::vector<DimensionStanding> theirs;
  return surely_first(rank(queue.queue, victim, chunk, theirs), rank(own_, {}, request_, mine));
}

/// Whether it finds its place again, when it has its turn and its place is free.
bool LossBound::comes_back(const model::GroupRecord& group) const {
  model::Cluster& cluster = search_.cluster;
  if (!group.tree.front().topology.empty()) return false;
  for (model::QueueId queue = group.queue; queue.valid(); queue = cluster.queues().at(queue).parent) {
    const Account& account = search_.legality.account(queue);
    for (std::size_t i = 0; i < account.size(); ++i)
      if (!account[i].quota.limit.allows(search_.legality.allocated_before(queue)[i])) return false;
  }
  const model::PodSet& set = group.pod_sets.front();
  const model::ClassId first = cluster.pod(set.pods.front()).pod_class;
  return std::all_of(set.pods.begin(), set.pods.end(), [&](model::PodId pod) {
    const model::PodRecord& record = cluster.pod(pod);
    if (!model::is_active(record.assignment.state)) return true;
    const model::NodeId node = record.assignment.held.node;
    if (record.pod_class != first || !record.spec.missing_references.empty() ||
        PodConstraints(cluster, pod).any() ||
        search_.static_fit.of(cluster, record.pod_class)[node.index()].refusal != 0)
      return false;
    const auto& amounts = cluster.pod_class(first).amounts;
    return std::all_of(amounts.begin(), amounts.end(), [&](const model::ResourceAmount& amount) {
      return cluster.nodes().later(amount.resource)[node.index()] >= 0;
    });
  });
}

bool LossBound::may_be_lost(model::GroupId id, const model::QueueCharge& charge) {
  const model::GroupRecord& group = search_.cluster.group(id);
  OfQueue& queue = of_queue(group.queue);
  if (!queue.takeable) return false;
  if (!queue.ranks || !comes_back(group)) return true;
  const model::QueueCharge most = most_before(queue, id);
  auto same = [](const model::QueueCharge& a, const model::QueueCharge& b) {
    return a.gpu == b.gpu && a.cpu == b.cpu && a.memory == b.memory;
  };
  for (const auto& [held, ahead, lost] : queue.lost)
    if (same(held, charge) && same(ahead, most)) return lost;
  const bool lost = !is_served_first(queue, charge, most);
  queue.lost.emplace_back(charge, most, lost);
  return lost;
}

LossBound::LossBound(const Search& search, const NodeSet& nodes,
                     const std::vector<model::GroupId>& candidates)
    : search_(search), nodes_(search.cluster.nodes().size()) {
  const model::Cluster& cluster = search.cluster;
  own_ = cluster.group(search.legality.beneficiary()).queue;
  request_ = cluster.queue_charge(cluster.class_of(search.pod), model::NodeId());
  column_ = cluster.class_of(search.pod).device_column;
  wanted_ = amount_of(column_, cluster.class_of(search.pod));
  for (model::NodeId node : nodes.nodes) free_.push_back(free_on(node));
  std::sort(free_.begin(), free_.end(), std::greater<>());
  for (std::int64_t free : free_) free_sums_.push_back((free_sums_.empty() ? 0 : free_sums_.back()) + free);
  std::vector<model::NodeId> stay_on;  // of groups on several nodes, a node for each pod
  for (model::GroupId id : candidates) look_at(id, stay_on);
  std::sort(freed_.begin(), freed_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  // A group on several nodes is only sure to stay where nobody else leaves these.
  std::sort(stay_on.begin(), stay_on.end());
  const bool shared = std::any_of(stay_on.begin(), stay_on.end(), [&](model::NodeId node) {
    const auto [first, end] = std::equal_range(stay_on.begin(), stay_on.end(), node);
    return nodes_[node.index()].pods != end - first;
  });
  if (shared)
    for (model::NodeId node : stay_on) nodes_[node.index()].intricate = true;
  for (model::NodeId node : nodes.nodes) {
    OfNode& here = nodes_[node.index()];
    here.open = here.intricate || is_enough(node, here.all);
    any_open_ = any_open_ || here.open;
  }
}

void LossBound::look_at(model::GroupId id, std::vector<model::NodeId>& stay_on) {
  const model::Cluster& cluster = search_.cluster;
  const model::GroupRecord& group = cluster.group(id);
  bool whole = is_simple(group);
  bool one_node = true;
  std::vector<model::NodeId> on;  // for each pod
  std::int64_t devices = 0;
  std::int64_t largest = 0;
  std::int64_t smallest = INT64_MAX;
  model::QueueCharge charge;
  for (const model::PodSet& set : group.pod_sets) {
    for (model::PodId pod : set.pods) {
      const model::PodRecord& record = cluster.pod(pod);
      const model::NodeId at = record.assignment.place().node;
      if (!at.valid()) continue;
      on.push_back(at);
      one_node = one_node && at == on.front();
      const model::PodClass& pod_class = cluster.pod_class(record.pod_class);
      whole = whole && counts_whole_devices(pod_class);
      const std::int64_t size = amount_of(column_, pod_class);
      devices += size;
      largest = std::max(largest, size);
      smallest = std::min(smallest, size);
      charge += cluster.queue_charge(pod_class, at);
      ++nodes_[at.index()].pods;
    }
  }
  if (on.empty()) return;
  if (whole && one_node) {
    Freed freed;
    if (may_be_lost(id, charge)) {
      freed.lost = devices;
    } else if (devices > 0) {
      freed.moved = devices;
      freed.smallest = smallest;
    }
    nodes_[on.front().index()].all.add(freed);
    freed_.emplace_back(id, freed);
  } else if (whole && smallest == largest && (free_.empty() || smallest > free_.front()) &&
             !may_be_lost(id, charge)) {
    stay_on.insert(stay_on.end(), on.begin(), on.end());
  } else {
    for (model::NodeId node : on) nodes_[node.index()].intricate = true;
  }
}

}  // namespace fairlead::engine
