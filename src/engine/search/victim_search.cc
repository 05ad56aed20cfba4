#include "engine/search/victim_search.h"

#include "engine/gang/chunk.h"

#include <algorithm>
#include <set>

namespace fairlead::engine {
namespace {

bool is_elastic(const model::GroupRecord& group) {
  return std::any_of(group.pod_sets.begin(), group.pod_sets.end(), [](const model::PodSet& set) {
    return static_cast<std::int32_t>(set.pods.size()) > set.min_member;
  });
}

}  // namespace

VictimSearch::VictimSearch(model::Cluster& cluster, Placer& placer, const PoolTotals& totals,
                           model::PoolId pool, model::GroupId beneficiary, model::Action action)
    : cluster_(cluster),
      placer_(placer),
      totals_(totals),
      pool_(pool),
      beneficiary_(beneficiary),
      action_(action),
      legality_(cluster, pool, beneficiary, action) {
  next_chunk(cluster_, beneficiary_, chunk_);
}

std::vector<model::GroupId> VictimSearch::candidates() {
  std::vector<model::GroupId> found;
  const model::GroupRecord& mine = cluster_.group(beneficiary_);
  auto consider = [&](model::QueueId queue) {
    for (model::GroupId id : cluster_.placed_groups(queue)) {
      const model::GroupRecord& group = cluster_.group(id);
      if (!group.preemptible || id == beneficiary_ || group.pool != pool_) continue;
      if (action_ == model::Action::kPreempt && group.priority >= mine.priority) continue;
      if (auto until = legality_.protected_until(id)) {
        if (!wake_at_ || *until < *wake_at_) wake_at_ = until;
        // A protected group can still lose pods above its minimum.
        if (!is_elastic(group)) continue;
      }
      found.push_back(id);
    }
  };
  if (action_ == model::Action::kPreempt) {
    consider(mine.queue);
    return found;
  }
  for (std::size_t i = 0; i < cluster_.queues().size(); ++i) {
    const model::QueueId queue(i);
    if (!cluster_.queues().at(queue).attached) continue;
    if (action_ != model::Action::kReclaim || queue != mine.queue) consider(queue);
  }
  return found;
}

bool VictimSearch::enough_devices() const {
  model::QueueCharge request;
  for (model::PodId pod : chunk_) request += cluster_.queue_charge(cluster_.class_of(pod), model::NodeId());
  std::int64_t free = 0;
  for (model::NodeId node : placer_.pool_nodes(pool_).nodes) {
    const model::NodeRecord& record = cluster_.nodes().at(node);
    free += cluster_.nodes().later(model::column::kDevices)[node.index()] * model::kThousandthsPerDevice;
    const std::int64_t device_mib = cluster_.nodes().device_memory_mib(node);
    for (const model::SharedDevice& device : record.shared)
      if (device.occupies_later() && device_mib > 0)
        free += (device_mib - device.used_later()) * model::kThousandthsPerDevice / device_mib;
    for (const model::Partition& partition : record.spec.partitions)
      free += cluster_.nodes().later(cluster_.find_resource(partition.resource))[node.index()] *
              partition.quota_thousandths;
  }
  return free >= request.gpu;
}

std::optional<std::vector<VictimChunk>> VictimSearch::run(const std::vector<model::GroupId>& waiting) {
  if (chunk_.empty()) return std::nullopt;
  if (action_ == model::Action::kConsolidate && !enough_devices()) return std::nullopt;
  waiting_ = &waiting;
  order_.emplace(cluster_, pool_, totals_, candidates());
  const std::size_t mark = cluster_.mark();
  const std::size_t placed_before = placer_.placed().size();
  bool solved = true;
  for (std::size_t k = 1; k <= chunk_.size() && solved; ++k) {
    cluster_.rollback(mark);
    placer_.placed().resize(placed_before);
    solved = solve(k);
    if (solved) recorded_ = solution_;
  }
  if (solved) spare(mark, placed_before);
  if (!solved) {
    cluster_.rollback(mark);
    placer_.placed().resize(placed_before);
  }
  cluster_.keep(mark);
  if (!solved) return std::nullopt;
  return solution_;
}

bool VictimSearch::solve(std::size_t k) {
  if (!recorded_.empty() && attempt(k, pointers(recorded_)) == Outcome::kSolved) return true;
  order_->restart(recorded_);
  std::vector<VictimChunk> accumulated;
  std::set<model::GroupId> groups;  // for the cap on consolidation
  for (const VictimChunk& chunk : recorded_) groups.insert(chunk.group);
  const std::int32_t cap = cluster_.configuration().max_consolidation_victims;
  for (model::GroupId next = order_->peek(); next.valid(); next = order_->peek()) {
    groups.insert(next);
    if (action_ == model::Action::kConsolidate && cap >= 0 &&
        static_cast<std::int32_t>(groups.size()) > cap + 1)
      return false;
    accumulated.push_back(order_->take());
    if (attempt_by_node(k, accumulated)) return true;
  }
  return false;
}

bool VictimSearch::attempt_by_node(std::size_t k, const std::vector<VictimChunk>& accumulated) {
  auto on = [&](model::PodId pod) { return cluster_.pod(pod).assignment.place().node; };
  const auto& rank = cluster_.nodes().name_rank();
  std::vector<model::NodeId> nodes;
  for (model::PodId pod : accumulated.back().pods) nodes.push_back(on(pod));
  std::sort(nodes.begin(), nodes.end(),
            [&](model::NodeId a, model::NodeId b) { return rank[a.index()] < rank[b.index()]; });
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  for (model::NodeId node : nodes) {
    std::vector<const VictimChunk*> victims = pointers(recorded_);
    for (const VictimChunk& chunk : accumulated)
      if (std::any_of(chunk.pods.begin(), chunk.pods.end(),
                      [&](model::PodId pod) { return on(pod) == node; }))
        victims.push_back(&chunk);
    const Outcome outcome = attempt(k, victims);
    if (outcome == Outcome::kSolved) return true;
    if (outcome == Outcome::kIllegal) return false;
  }
  return false;
}

VictimSearch::Outcome VictimSearch::attempt(std::size_t k, const std::vector<const VictimChunk*>& victims) {
  const std::size_t mark = cluster_.mark();
  const std::size_t placed_before = placer_.placed().size();
  Outcome outcome = Outcome::kNoPlace;
  if (simulate(k, victims)) {
    model::QueueCharge request;
    for (std::size_t i = 0; i < k; ++i)
      request += cluster_.queue_charge(cluster_.class_of(chunk_[i]), model::NodeId());
    std::vector<VictimChunk> taken;
    for (const VictimChunk* chunk : victims) taken.push_back(*chunk);
    if (legality_.allows(request, taken)) {
      outcome = Outcome::kSolved;
      solution_ = affected(victims);
      used_ = std::move(taken);  // last: `victims` may point into it
    } else {
      outcome = Outcome::kIllegal;
    }
  }
  if (outcome != Outcome::kSolved) {
    cluster_.rollback(mark);
    placer_.placed().resize(placed_before);
  }
  cluster_.keep(mark);
  return outcome;
}

bool VictimSearch::simulate(std::size_t k, const std::vector<const VictimChunk*>& victims) {
  ++simulations_;
  for (const VictimChunk* chunk : victims)
    for (model::PodId pod : chunk->pods) cluster_.evict(pod);
  const std::vector<model::PodId> solving(chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(k));
  if (!room_left(k)) return false;

  std::vector<model::GroupId> placing{beneficiary_};
  for (const VictimChunk* chunk : victims)
    if (std::find(placing.begin(), placing.end(), chunk->group) == placing.end())
      placing.push_back(chunk->group);
  ServiceOrder order(cluster_, pool_, totals_);
  order.set_chunk(beneficiary_, solving);
  std::set<model::GroupId> all(waiting_->begin(), waiting_->end());
  all.insert(placing.begin(), placing.end());
  for (model::GroupId group : all) order.add(group);
  std::vector<model::PodId> chunk;
  while (!order.empty()) {
    const model::GroupId next = order.next();
    if (std::find(placing.begin(), placing.end(), next) == placing.end()) continue;
    if (next == beneficiary_) {
      if (!placer_.place_chunk(next, solving, true)) return false;
      continue;
    }
    next_chunk(cluster_, next, chunk);
    placer_.place_chunk(next, chunk, true);
  }
  return true;
}

bool VictimSearch::room_left(std::size_t k) {
  // Necessary: for each class among the pods being solved, the nodes together have room for as many.
  std::vector<std::pair<model::ClassId, std::int64_t>> needs;
  for (std::size_t i = 0; i < k; ++i) {
    const model::ClassId id = cluster_.pod(chunk_[i]).pod_class;
    auto found = std::find_if(needs.begin(), needs.end(), [&](const auto& need) { return need.first == id; });
    if (found == needs.end()) {
      needs.emplace_back(id, 1);
    } else {
      ++found->second;
    }
  }
  for (const auto& [id, need] : needs) {
    const auto& entries = placer_.static_fit().of(cluster_, id);
    std::int64_t room = 0;
    for (model::NodeId node : placer_.pool_nodes(pool_).nodes) {
      if (entries[node.index()].refusal != 0) continue;
      room += room_for(cluster_, cluster_.pod_class(id), node);
      if (room >= need) break;
    }
    if (room < need) return false;
  }
  return true;
}

std::vector<VictimChunk> VictimSearch::affected(const std::vector<const VictimChunk*>& victims) const {
  std::vector<VictimChunk> result;
  for (const VictimChunk* chunk : victims) {
    VictimChunk rest{chunk->group, {}};
    for (model::PodId pod : chunk->pods) {
      const model::PodRecord& record = cluster_.pod(pod);
      const bool back =
          record.assignment.state == record.home.state && record.assignment.place() == record.home.place();
      if (!back) rest.pods.push_back(pod);
    }
    if (!rest.pods.empty()) result.push_back(std::move(rest));
  }
  return result;
}

void VictimSearch::spare(std::size_t mark, std::size_t placed_before) {
  // The last taken first, and of one group never an earlier chunk without the later ones: the core cannot go
  // while a pod above the minimum stays.
  bool holds = true;  // the state is that of the solution
  for (std::size_t i = solution_.size(); i-- > 0;) {
    const auto at = solution_.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(at + 1, solution_.end(),
                    [&](const VictimChunk& later) { return later.group == at->group; }))
      continue;
    const std::vector<VictimChunk> best = solution_;
    std::vector<VictimChunk> fewer = solution_;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    cluster_.rollback(mark);
    placer_.placed().resize(placed_before);
    holds = false;
    if (attempt(chunk_.size(), pointers(fewer)) == Outcome::kSolved) {
      if (solution_.size() < best.size()) {
        used_ = std::move(fewer);
        i = std::min(i, solution_.size());
        holds = true;
        continue;
      }
      solution_ = best;
    }
  }
  if (holds) return;
  cluster_.rollback(mark);
  placer_.placed().resize(placed_before);
  attempt(chunk_.size(), pointers(used_));
}

std::vector<const VictimChunk*> VictimSearch::pointers(const std::vector<VictimChunk>& chunks) {
  std::vector<const VictimChunk*> all;
  for (const VictimChunk& chunk : chunks) all.push_back(&chunk);
  return all;
}

}  // namespace fairlead::engine
