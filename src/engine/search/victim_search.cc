#include "engine/search/victim_search.h"

#include "engine/gang/chunk.h"
#include "engine/gang/gates.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

using Victims = RoomLedger::Victims;

bool is_elastic(const model::GroupRecord& group) {
  return std::any_of(group.pod_sets.begin(), group.pod_sets.end(), [](const model::PodSet& set) {
    return static_cast<std::int32_t>(set.pods.size()) > set.min_member;
  });
}

std::vector<const VictimChunk*> pointers(const std::vector<VictimChunk>& chunks) {
  std::vector<const VictimChunk*> all;
  for (const VictimChunk& chunk : chunks) all.push_back(&chunk);
  return all;
}

bool same(const VictimChunk& a, const VictimChunk& b) { return a.group == b.group && a.pods == b.pods; }

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

bool VictimSearch::may_fit(std::size_t k) const { return !placer_.keeps_caches() || ledger_->enough_for(k); }

std::vector<model::GroupId> VictimSearch::candidates() {
  std::vector<model::GroupId> found;
  const model::GroupRecord& mine = cluster_.group(beneficiary_);
  auto consider = [&](model::QueueId queue) {
    for (model::GroupId id : cluster_.placed_groups(queue)) {
      const model::GroupRecord& group = cluster_.group(id);
      if (!group.preemptible || id == beneficiary_ || group.pool != pool_ || group.placed() == 0) continue;
      // Capacity that is being freed for a group, or that a moved group waits for, stays set aside.
      if (group.reserved() > 0) continue;
      if (action_ == model::Action::kPreempt && group.priority >= mine.priority) continue;
      if (auto until = legality_.protected_until(id)) {
        if (!wake_at_ || *until < *wake_at_) wake_at_ = until;
        // A protected group can still lose pods above its minimum.
        if (!is_elastic(group)) continue;
      }
      if (!minimum_met(group, 0, Counted::kPlaced)) below_minimum_.insert(id);
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

model::QueueCharge VictimSearch::request_of(std::size_t k) const {
  model::QueueCharge request;
  for (std::size_t i = 0; i < k; ++i)
    request += cluster_.queue_charge(cluster_.class_of(chunk_[i]), model::NodeId());
  return request;
}

/// Whether every victim needs another place: there is no more room than what is free.
bool VictimSearch::nobody_may_lose() const {
  if (action_ == model::Action::kConsolidate) return true;
  if (action_ != model::Action::kReclaim || !placer_.keeps_caches() ||
      !cluster_.configuration().policies.proportion)
    return false;
  const model::QueueCharge request = request_of(chunk_.size());
  for (std::size_t i = 0; i < cluster_.queues().size(); ++i) {
    const model::QueueId queue(i);
    if (queue != cluster_.group(beneficiary_).queue && cluster_.queues().at(queue).attached &&
        legality_.may_lose_any(queue, request))
      return false;
  }
  return true;
}

bool VictimSearch::enough_devices() const {
  // What claims may have is not a sum over nodes.
  for (model::PodId pod : chunk_)
    if (!cluster_.pod(pod).claims.empty()) return true;
  std::int64_t free = 0;
  for (model::NodeId node : placer_.pool_nodes(pool_).nodes) {
    const model::NodeRecord& record = cluster_.nodes().at(node);
    for (model::ResourceId column : record.device_columns)
      free += cluster_.nodes().later(column)[node.index()] * model::kThousandthsPerDevice;
    const std::int64_t device_mib = cluster_.nodes().device_memory_mib(node);
    for (const model::SharedDevice& device : record.shared)
      if (device.occupies_later() && device_mib > 0)
        free += (device_mib - device.used_later()) * model::kThousandthsPerDevice / device_mib;
    for (const model::Partition& partition : record.spec.partitions)
      free += cluster_.nodes().later(cluster_.find_resource(partition.resource))[node.index()] *
              partition.quota_thousandths;
  }
  return free >= request_of(chunk_.size()).gpu;
}

bool VictimSearch::possible() {
  RoomLedger all_gone = *ledger_;
  VictimChunk chunk;
  for (model::GroupId id : candidates_) {
    chunk.pods.clear();
    for (const model::PodSet& set : cluster_.group(id).pod_sets)
      for (model::PodId pod : set.pods)
        if (cluster_.pod(pod).assignment.place().node.valid()) chunk.pods.push_back(pod);
    all_gone.add(chunk, Victims::kPlaced);
  }
  return all_gone.enough_for(chunk_.size());
}

bool VictimSearch::can_lose_enough() {
  const bool applies =
      plain_pods_ && chunk_.size() == 1 && ledger_->room() == 0 &&
      cluster_.class_of(chunk_.front()).device_column.valid() &&
      (action_ == model::Action::kConsolidate || (action_ == model::Action::kReclaim && plain_));
  if (!applies) return true;
  bound_.emplace(LossBound::Search{cluster_, placer_.static_fit(), legality_, totals_, pool_, action_,
                                   chunk_.front(), *waiting_},
                 placer_.pool_nodes(pool_), candidates_);
  return bound_->any_open();
}

void VictimSearch::limit(std::uint64_t max_simulations, SearchLog& log) {
  max_simulations_ = max_simulations;
  log_ = &log;
}

std::optional<std::vector<VictimChunk>> VictimSearch::run(const WaitingView& waiting) {
  if (chunk_.empty()) return std::nullopt;
  fails_for_all_alike_ = true;  // while only what they have in common is looked at
  if (nobody_may_lose() && !enough_devices()) return std::nullopt;
  candidates_ = candidates();
  if (candidates_.empty()) return std::nullopt;
  ledger_.emplace(cluster_, placer_.static_fit(), placer_.pool_nodes(pool_), chunk_);
  waiting_ = &waiting;
  examine_plainness();
  if (placer_.keeps_caches() && (!can_lose_enough() || !possible())) return std::nullopt;
  fails_for_all_alike_ = false;
  order_.emplace(cluster_, pool_, totals_, legality_, candidates_, log_ ? log_->began() : cluster_.now());
  scanned_on_.resize(cluster_.nodes().size());
  intricate_.resize(cluster_.nodes().size(), false);
  if (!placer_.keeps_caches()) order_->unfix();
  placed_before_ = placer_.placed().size();
  start_ = ground_ = cluster_.mark();
  bool solved = true;
  for (std::size_t k = 1; k <= chunk_.size() && solved; ++k) {
    solved = solve(k);
    if (solved && k < chunk_.size()) record_solution();
  }
  if (solved) spare();
  if (!solved || stopped_) undo_to(start_);
  placer_.forget_failures();
  cluster_.keep(start_);
  if (const auto until = order_->wake_at(); until && (!wake_at_ || *until < *wake_at_)) wake_at_ = until;
  if (!solved || stopped_) return std::nullopt;
  return solution_;
}

void VictimSearch::undo_to(std::size_t position) {
  cluster_.rollback(position);
  placer_.placed().resize(placed_before_);
}

bool VictimSearch::solve(std::size_t k) {
  last_extra_.clear();
  if (!recorded_.empty() && may_fit(k) && attempt(k, {}) == Outcome::kSolved) return true;
  return !stopped_ && solve_with_next_chunks(k);
}

VictimSearch::Outcome VictimSearch::attempt(std::size_t k, const Chunks& extra) {
  const std::size_t position = cluster_.journal_size();
  for (const VictimChunk* chunk : extra)
    for (model::PodId pod : chunk->pods) cluster_.evict(pod);
  nobody_placed_ = k < chunk_.size() && solved_without_placing(k, extra);
  if (nobody_placed_) return Outcome::kSolved;
  Chunks victims = pointers(recorded_);
  victims.insert(victims.end(), extra.begin(), extra.end());
  const Outcome outcome = judge(k, victims);
  if (outcome != Outcome::kSolved) undo_to(position);
  return outcome;
}

VictimSearch::Outcome VictimSearch::judge(std::size_t k, const Chunks& victims) {
  if (log_ && answered_ < log_->size()) {
    const SearchLog::Simulation& known = log_->at(answered_++);
    if (known.outcome != Outcome::kSolved) return known.outcome;
    solution_ = known.solution;
    used_ = known.used;
    return Outcome::kSolved;
  }
  if (log_ && simulations_ >= max_simulations_) {
    stopped_ = true;
    return Outcome::kStopped;
  }
  std::vector<VictimChunk> taken;
  Outcome outcome = Outcome::kNoPlace;
  if (simulate(k, victims)) {
    for (const VictimChunk* chunk : victims) taken.push_back(*chunk);
    if (!legality_.allows(request_of(k), taken)) {
      outcome = Outcome::kIllegal;
    } else if (std::all_of(taken.begin(), taken.end(),
                           [&](const VictimChunk& chunk) { return leaves_whole(chunk.group); })) {
      outcome = Outcome::kSolved;
    }
  }
  const bool solved = outcome == Outcome::kSolved;
  if (solved) {
    solution_ = affected(victims);
    used_ = std::move(taken);  // last: `victims` may point into it
  }
  if (log_) {
    log_->add(solved ? SearchLog::Simulation{outcome, used_, solution_}
                     : SearchLog::Simulation{outcome, {}, {}});
    ++answered_;
  }
  return outcome;
}

/// A group that had its minimum keeps it, moved pods counted, or goes altogether.
bool VictimSearch::leaves_whole(model::GroupId id) const {
  const model::GroupRecord& group = cluster_.group(id);
  return minimum_met(group, 0, Counted::kPlaced) || group.placed() == 0 || below_minimum_.contains(id);
}

bool VictimSearch::simulate(std::size_t k, const Chunks& victims) {
  ++simulations_;
  placer_.forget_failures();
  const std::vector<model::PodId> solving(chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(k));
  boost::unordered_flat_set<model::GroupId> placing{beneficiary_};
  for (const VictimChunk* chunk : victims) placing.insert(chunk->group);
  ServiceOrder order(cluster_, pool_, totals_);
  order.set_chunk(beneficiary_, solving);
  order.leave_out(beneficiary_);
  order.add_alike(*waiting_);
  order.hold_back_all();
  for (model::GroupId group : waiting_->singles)
    if (!placing.contains(group)) order.add(group);
  for (model::GroupId group : placing) order.add(group);
  std::vector<model::PodId> chunk;
  while (!placing.empty()) {
    const model::GroupId next = order.next().group;
    if (placing.erase(next) == 0) continue;
    if (next == beneficiary_) {
      if (!placer_.place_chunk(next, solving, true)) return false;
      continue;
    }
    next_chunk(cluster_, next, chunk);
    placer_.place_chunk(next, chunk, true);
  }
  return true;
}

std::vector<VictimChunk> VictimSearch::affected(const Chunks& victims) const {
  std::vector<VictimChunk> result;
  for (const VictimChunk* chunk : victims) {
    VictimChunk rest{chunk->group, {}, chunk->last && cluster_.group(chunk->group).placed() == 0};
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

void VictimSearch::record_solution() {
  const std::int64_t room_before = room_recorded_;
  // Which chunks of the last try were recorded. In part: the order of what is left is another.
  std::vector<bool> recorded(last_extra_.size(), true);
  bool whole = true;
  if (nobody_placed_) {
    for (std::size_t index : last_extra_) {
      take_account_of(scanned(index));
      recorded_.push_back(scanned(index));
    }
  } else {
    whole = record_simulated(recorded);
  }
  ground_ = cluster_.journal_size();
  room_recorded_ = ledger_->homogeneous() ? ledger_->room() : 0;
  if (!whole) order_->unfix();

  // The next scan goes on where this one ended, unless something that it passed over could now succeed.
  bool one_node = true;
  bool all = true;
  for (std::size_t i = 0; i < last_extra_.size() && order_->is_fixed(); ++i) {
    all = all && recorded[i];
    if (!recorded[i]) continue;
    order_->set_recorded(scan_[last_extra_[i]]);
    const std::vector<model::PodId>& pods = scanned(last_extra_[i]).pods;
    const model::NodeId first = cluster_.pod(pods.front()).home.place().node;
    for (model::PodId pod : pods) one_node = one_node && cluster_.pod(pod).home.place().node == first;
    std::erase(scanned_on_[first.index()], last_extra_[i]);
    if (!ledger_->homogeneous()) continue;
    if (const RoomLedger::Part& alone = alone_[scan_[last_extra_[i]]]; alone.node.valid())
      ledger_->scan(alone, -1);
  }
  scan_again_ = scan_again_ || !whole || !all || !one_node || !ledger_->homogeneous() ||
                room_recorded_ > room_before + 1;
}

/// Takes the victims of the last simulation over, without what it placed: the recorded ones, and those chunks
/// of the last try that are marked in `extra`. False where some of either kept or lost a part.
bool VictimSearch::record_simulated(std::vector<bool>& extra) {
  const bool grows = solution_.size() >= recorded_.size() &&
                     std::equal(recorded_.begin(), recorded_.end(), solution_.begin(), same);
  bool whole = grows;
  std::size_t next = recorded_.size();
  for (std::size_t i = 0; i < last_extra_.size() && whole; ++i) {
    const VictimChunk& chunk = scanned(last_extra_[i]);
    extra[i] = next < solution_.size() && same(solution_[next], chunk);
    if (extra[i]) ++next;
    // What stays of a group that loses more than one chunk may not be what the order has behind it.
    whole = extra[i] || (chunk.last && !scanned_above_minimum_.contains(chunk.group));
    if (extra[i] && chunk.last) whole = whole && goes_altogether(chunk.group);
  }
  whole = whole && next == solution_.size();
  undo_to(ground_);
  stay_away_ = false;
  for (std::size_t index : last_extra_) ledger_->remove(scanned(index), Victims::kPlaced);
  std::size_t kept = recorded_.size();
  if (!grows) {
    for (const VictimChunk& chunk : recorded_) ledger_->remove(chunk, Victims::kEvicted);
    undo_to(start_);
    kept = 0;
    plain_ = false;  // its sums would have to be taken back, and this is rare
  }
  for (std::size_t i = kept; i < solution_.size(); ++i) {
    ledger_->add(solution_[i], Victims::kPlaced);
    for (model::PodId pod : solution_[i].pods) cluster_.evict(pod);
    take_account_of(solution_[i]);
  }
  recorded_ = solution_;
  return whole;
}

/// Whether what was scanned above a group's minimum goes, too, when its core does: else what stays is the
/// next core, which the order does not have behind it.
bool VictimSearch::goes_altogether(model::GroupId group) const {
  const auto above = scanned_above_minimum_.find(group);
  return above == scanned_above_minimum_.end() ||
         std::all_of(above->second.begin(), above->second.end(), [&](std::size_t index) {
           return (order_->is_fixed() && order_->is_recorded(scan_[index])) ||
                  std::find(last_extra_.begin(), last_extra_.end(), index) != last_extra_.end();
         });
}

void VictimSearch::spare() {
  // A pod above the minimum cannot stay while the core of its group goes.
  for (const VictimChunk& chunk : used_) ledger_->remove(chunk, Victims::kEvicted);
  for (const VictimChunk& chunk : solution_) ledger_->add(chunk, Victims::kEvicted);
  recorded_.clear();
  ground_ = start_;
  bool holds = true;                                  // the live state is the solution's
  boost::unordered_flat_set<model::GroupId> emptied;  // by chunks behind the one that is looked at
  for (std::size_t i = solution_.size(); i-- > 0;) {
    if (emptied.contains(solution_[i].group)) continue;
    if (solution_[i].last) emptied.insert(solution_[i].group);
    ledger_->remove(solution_[i], Victims::kEvicted);
    if (!may_fit(chunk_.size())) {
      ledger_->add(solution_[i], Victims::kEvicted);
      continue;
    }
    const std::vector<VictimChunk> best = solution_;
    std::vector<VictimChunk> fewer = solution_;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    const std::vector<VictimChunk> used_before = used_;
    undo_to(start_);
    holds = attempt(chunk_.size(), pointers(fewer)) == Outcome::kSolved && solution_.size() < best.size();
    if (stopped_) return;
    if (!holds) {
      ledger_->add(best[i], Victims::kEvicted);
      solution_ = best;
      used_ = used_before;
      continue;
    }
    for (const VictimChunk& chunk : fewer) ledger_->remove(chunk, Victims::kEvicted);
    for (const VictimChunk& chunk : solution_) ledger_->add(chunk, Victims::kEvicted);
    i = std::min(i, solution_.size());
    emptied.clear();
    for (std::size_t j = i; j < solution_.size(); ++j)
      if (solution_[j].last) emptied.insert(solution_[j].group);
  }
  if (holds) return;
  undo_to(start_);
  log_ = nullptr;  // what is known to succeed has no limit
  attempt(chunk_.size(), pointers(std::vector<VictimChunk>(used_)));
}

}  // namespace fairlead::engine
