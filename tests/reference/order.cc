#include "reference/order.h"

#include <functional>

namespace fairlead::reference {
namespace {

/// One queue in a comparison, with the job that speaks for it.
struct Contender {
  const model::Queue* queue = nullptr;
  const QueueShare* share = nullptr;
  Amounts allocated;
  Amounts job;      ///< of the best group: its next chunk (rule 7); empty among victims
  Amounts victims;  ///< what victims already taken and the next one give back (rule 14)
};

int prefer(bool a, bool b) { return a == b ? 0 : (a ? -1 : 1); }

/// Devices count as whole ones wherever dimensions are compared with each other.
double in_units(const std::string& dimension, std::int64_t amount) {
  double unit = dimension.starts_with("gpu") ? static_cast<double>(model::kThousandthsPerDevice) : 1.0;
  return static_cast<double>(amount) / unit;
}

/// (1) above its fair share means in all dimensions (rule 14).
bool above_fair_share(const Contender& one) {
  return std::all_of(one.share->quota.begin(), one.share->quota.end(), [&](const auto& entry) {
    return get(one.allocated, entry.first) > one.share->fair_share.at(entry.first);
  });
}

/// (4) holds something, with the job, of which it may hold nothing.
bool violates_zero_share(const Contender& one) {
  return std::any_of(one.share->quota.begin(), one.share->quota.end(), [&](const auto& entry) {
    auto most = allocatable(*one.share, entry.first);
    return most && *most == 0 && get(one.allocated, entry.first) + get(one.job, entry.first) > 0;
  });
}

/// (5), (6) allocated/allocatable of the dimension where that is largest; without bound the pool's total
/// stands in (rule 12); of nothing allocatable each unit counts a thousandfold.
double dominant_share(const Contender& one, const PoolShares& shares, const Amounts& allocated) {
  double dominant = 0;
  for (const auto& [dimension, quota] : one.share->quota) {
    std::int64_t most = allocatable(*one.share, dimension).value_or(get(shares.total, dimension));
    std::int64_t amount = get(allocated, dimension);
    dominant = std::max(dominant, most > 0 ? static_cast<double>(amount) / static_cast<double>(most)
                                           : in_units(dimension, amount) * 1000);
  }
  return dominant;
}

/// (7) allocatable in no dimension larger and in one smaller.
int compare_allocatable(const Contender& a, const Contender& b) {
  bool a_below = false;
  bool b_below = false;
  for (const auto& [dimension, quota] : a.share->quota) {
    if (!b.share->quota.count(dimension)) continue;
    auto left = allocatable(*a.share, dimension);
    auto right = allocatable(*b.share, dimension);
    if (left == right) continue;
    bool left_is_less = left && (!right || *left < *right);
    (left_is_less ? a_below : b_below) = true;
  }
  return a_below == b_below ? 0 : (a_below ? -1 : 1);
}

/// Section 3, "Queue order": negative when `a` is served first; never 0 for two queues.
int compare_queues(const OrderInput& input, const Contender& a, const Contender& b) {
  if (input.facts.world->configuration.policies.proportion) {
    if (int order = prefer(!above_fair_share(a), !above_fair_share(b))) return order;
    bool a_in_quota = within_quota(*a.share, plus(a.allocated, a.job));
    bool b_in_quota = within_quota(*b.share, plus(b.allocated, b.job));
    if (int order = prefer(a_in_quota, b_in_quota)) return order;
    if (a.share->priority != b.share->priority) return a.share->priority > b.share->priority ? -1 : 1;
    if (int order = prefer(!violates_zero_share(a), !violates_zero_share(b))) return order;
    auto with_job = [&](const Contender& one) {
      Amounts amounts = plus(one.allocated, one.job);
      subtract(amounts, one.victims);
      return dominant_share(one, input.shares, amounts);
    };
    double a_with_job = with_job(a);
    double b_with_job = with_job(b);
    if (a_with_job != b_with_job) return a_with_job < b_with_job ? -1 : 1;
    double a_now = dominant_share(a, input.shares, a.allocated);
    double b_now = dominant_share(b, input.shares, b.allocated);
    if (a_now != b_now) return a_now < b_now ? -1 : 1;
    if (int order = compare_allocatable(a, b)) return order;
  }
  // (8) creation time, then UID, then name.
  auto key = [](const model::Queue& queue) { return std::tie(queue.created, queue.uid, queue.name); };
  return key(*a.queue) < key(*b.queue) ? -1 : 1;
}

/// Descends the tree of queues: at each level the best child, each represented by its own best group. Scans
/// in the order of creation and UID, since step 7 can make the order of three queues circular. `best_in_leaf`
/// gives a leaf's best candidate; `sign` is 1 for the order of service and -1 for that of victims.
struct Descent {
  const OrderInput& input;
  Allocations allocated;
  int sign;
  std::function<std::optional<std::size_t>(const std::string&)> best_in_leaf;
  std::function<void(Contender&, const std::string&, std::size_t)> describe;

  struct Best {
    Contender contender;
    std::string leaf;
    std::size_t index = 0;
  };

  std::optional<Best> best(const std::string& queue) {
    const QueueFacts& facts = input.facts.queues.at(queue);
    std::optional<Best> result;
    if (facts.children.empty()) {
      auto index = best_in_leaf(queue);
      if (!index) return std::nullopt;
      result = Best{{}, queue, *index};
    } else {
      result = best_of(facts.children);
      if (!result) return std::nullopt;
    }
    Contender contender{facts.object, &input.shares.queues.at(queue), allocated.all[queue], {}, {}};
    describe(contender, result->leaf, result->index);
    result->contender = std::move(contender);
    return result;
  }

  std::optional<Best> best_of(const std::vector<std::string>& queues) {
    std::optional<Best> result;
    for (const std::string& name : queues) {
      std::optional<Best> one = best(name);
      if (one && (!result || sign * compare_queues(input, one->contender, result->contender) < 0))
        result = one;
    }
    return result;
  }
};

}  // namespace

int compare_groups(const Facts& facts, const State& state, const Group& a, const Group& b) {
  const model::Policies& policies = facts.world->configuration.policies;
  if (policies.priority && a.priority != b.priority) return a.priority > b.priority ? -1 : 1;
  if (policies.elastic)
    if (int order = elastic_state(a, state) - elastic_state(b, state)) return order;
  auto key = [](const Group& group) {
    return std::tie(group.object->created, group.object->uid, group.object->key);
  };
  return key(a) < key(b) ? -1 : (key(b) < key(a) ? 1 : 0);
}

std::size_t pick_next(const OrderInput& input, const std::vector<Waiting>& waiting) {
  Descent descent{input, allocations(input.facts, input.state, input.shares.pool), 1, {}, {}};
  descent.best_in_leaf = [&](const std::string& leaf) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (waiting[i].group->queue == leaf &&
          (!best || compare_groups(input.facts, input.state, *waiting[i].group, *waiting[*best].group) < 0))
        best = i;
    return best;
  };
  descent.describe = [&](Contender& contender, const std::string&, std::size_t index) {
    contender.job = chunk_request(input.facts, waiting[index].chunk);
  };
  return descent.best_of(input.facts.roots)->index;
}

Amounts held(const Facts& facts, const State& state, const Group& group) {
  Amounts sum;
  for (const model::Pod* pod : group.pods)
    if (is_active(state_of(state, *pod).status)) add(sum, current_charge(facts, state_of(state, *pod)));
  return sum;
}

namespace {

/// What evicting a chunk throws away: for each pod its devices, in thousandths, times the whole seconds since
/// its last checkpoint, or else its start, and those of the restart cost.
std::int64_t lost_work(const Facts& facts, const State& state, const Chunk& chunk) {
  std::int64_t lost = 0;
  for (const model::Pod* pod : chunk) {
    base::Time since =
        std::max(pod->started.value_or(facts.world->now), pod->last_checkpoint.value_or(base::Time()));
    base::Duration age = std::max(base::Duration(), facts.world->now - since);
    std::int64_t seconds = (age + facts.world->configuration.restart_cost).nanoseconds() /
                           base::Duration::seconds(1).nanoseconds();
    lost += get(current_charge(facts, state_of(state, *pod)), "gpu") * seconds;
  }
  return lost;
}

/// Whether a group of the same queue is taken from first: the reverse of the order of groups; with least lost
/// work that decides after the priority.
bool victim_before(const Facts& facts, const State& state, const Group& a, const Group& b) {
  const model::Configuration& configuration = facts.world->configuration;
  bool by_priority = configuration.policies.priority && a.priority != b.priority;
  if (configuration.victim_order == model::VictimOrder::kLeastLostWork && !by_priority) {
    std::int64_t loses_a = lost_work(facts, state, next_victims(a, state));
    std::int64_t loses_b = lost_work(facts, state, next_victims(b, state));
    if (loses_a != loses_b) return loses_a < loses_b;
  }
  return compare_groups(facts, state, a, b) > 0;
}

}  // namespace

std::size_t pick_victim(const OrderInput& input, const State& reduced,
                        const std::vector<const Group*>& candidates,
                        const std::map<std::string, Amounts>& popped) {
  Descent descent{input, allocations(input.facts, input.state, input.shares.pool), -1, {}, {}};
  descent.best_in_leaf = [&](const std::string& leaf) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (candidates[i]->queue == leaf &&
          (!best || victim_before(input.facts, reduced, *candidates[i], *candidates[*best])))
        best = i;
    return best;
  };
  descent.describe = [&](Contender& contender, const std::string& leaf, std::size_t index) {
    contender.victims = held(input.facts, reduced, *candidates[index]);
    if (auto earlier = popped.find(leaf); earlier != popped.end()) add(contender.victims, earlier->second);
  };
  return descent.best_of(input.facts.roots)->index;
}

}  // namespace fairlead::reference
