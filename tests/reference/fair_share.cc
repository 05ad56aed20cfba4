#include "reference/fair_share.h"

#include "reference/claims.h"

#include <cmath>
#include <functional>

namespace fairlead::reference {
namespace {

std::int64_t requestable(const Claimant& claimant) {
  const model::Bound& limit = claimant.quota.limit;
  return limit.is_unlimited() ? claimant.request : std::min(limit.amount(), claimant.request);
}
std::int64_t wanted(const Claimant& claimant) { return requestable(claimant) - claimant.fair_share; }

/// Step 1: everybody gets the quota, as far as it can be used.
void give_quotas(std::int64_t total, std::vector<Claimant>& siblings) {
  for (Claimant& one : siblings) {
    std::int64_t quota = one.quota.quota.is_unlimited() ? total : one.quota.quota.amount();
    one.fair_share = std::max<std::int64_t>(0, std::min(quota, requestable(one)));
  }
}

/// Step 2, the weights of one bucket: by over-quota weight, less for those who used more than that lately.
std::map<Claimant*, double> usage_weights(const std::vector<Claimant*>& bucket, double usage_weight) {
  double plain = 0;
  for (const Claimant* one : bucket)
    if (wanted(*one) > 0) plain += one->quota.over_quota_weight;
  std::map<Claimant*, double> weights;
  for (Claimant* one : bucket) {
    if (wanted(*one) <= 0 || one->quota.over_quota_weight <= 0) continue;
    double share = one->quota.over_quota_weight / plain;
    double weight = share + usage_weight * (share - one->usage);
    if (weight > 0) weights[one] = weight;
  }
  return weights;
}

/// Step 2 for one bucket of equal priority. `last_fraction` keeps what rounding down cost a queue in its last
/// offer (rule 16: an offer without a fraction leaves the older value). Offers are counted in pieces of
/// `quantum`.
void divide_bucket(std::int64_t& rest, std::int64_t quantum, double usage_weight,
                   const std::vector<Claimant*>& bucket, std::map<Claimant*, double>& last_fraction) {
  for (bool again = true; again && rest > 0;) {
    again = false;
    auto weights = usage_weights(bucket, usage_weight);
    double sum = 0;
    for (Claimant* one : bucket) sum += weights.count(one) ? weights[one] : 0.0;
    if (weights.empty()) return;
    double pieces = static_cast<double>(rest) / static_cast<double>(quantum);
    for (Claimant* one : bucket) {
      if (!weights.count(one)) continue;
      double offer = pieces * (weights[one] / sum);
      double request = static_cast<double>(wanted(*one)) / static_cast<double>(quantum);
      std::int64_t given =
          request <= offer ? wanted(*one) : static_cast<std::int64_t>(std::floor(offer)) * quantum;
      if (request <= offer)
        last_fraction.erase(one);
      else if (offer - std::floor(offer) > 0)
        last_fraction[one] = offer - std::floor(offer);
      again = again || request < offer;
      given = std::min(given, rest);
      one->fair_share += given;
      rest -= given;
    }
  }
}

/// Step 3 for one bucket: what rounding left, a piece each, by largest lost fraction, then age, then UID.
void divide_leftover(std::int64_t& rest, std::int64_t quantum, const std::vector<Claimant*>& bucket,
                     const std::map<Claimant*, double>& last_fraction) {
  std::vector<Claimant*> order;
  for (Claimant* one : bucket)
    if (last_fraction.count(one)) order.push_back(one);
  std::stable_sort(order.begin(), order.end(),
                   [&](Claimant* a, Claimant* b) { return last_fraction.at(a) > last_fraction.at(b); });
  for (Claimant* one : order) {
    std::int64_t piece = std::min(quantum, rest);
    one->fair_share += piece;
    rest -= piece;
  }
}

}  // namespace

std::int64_t divide(std::int64_t total, std::int64_t quantum, double usage_weight,
                    std::vector<Claimant>& siblings) {
  give_quotas(total, siblings);
  std::int64_t rest = total;
  for (const Claimant& one : siblings) rest -= one.fair_share;
  if (rest <= 0) return 0;  // rule 16: quotas may exceed the total
  std::map<std::int32_t, std::vector<Claimant*>, std::greater<>> buckets;
  for (Claimant& one : siblings) buckets[one.priority].push_back(&one);
  std::map<Claimant*, double> last_fraction;
  for (auto& [priority, bucket] : buckets) divide_bucket(rest, quantum, usage_weight, bucket, last_fraction);
  for (auto& [priority, bucket] : buckets) divide_leftover(rest, quantum, bucket, last_fraction);
  return rest;
}

namespace {

const model::Node* pool_node(const Facts& facts, const std::string& name, const std::string& pool) {
  auto node = facts.world->nodes.find(name);
  return node != facts.world->nodes.end() && node->second.pool == pool ? &node->second : nullptr;
}

/// A pool's total: what its ready nodes offer less what pods of other schedulers hold there.
Amounts pool_total(const Facts& facts, const State& state, const std::string& pool) {
  Amounts total{{"cpu", 0}, {"memory", 0}, {"gpu", 0}};
  for (const auto& [name, node] : facts.world->nodes) {
    if (node.pool != pool || !node.ready) continue;
    total["cpu"] += node.allocatable.cpu_milli;
    total["memory"] += node.allocatable.memory_bytes;
    std::int64_t plugged = 0;
    for (const model::DeviceSet& set : node.devices) {
      plugged += set.count;
      total["gpu"] += set.count * model::kThousandthsPerDevice;
      if (!set.model.empty()) total["gpu/" + set.model] += set.count * model::kThousandthsPerDevice;
    }
    for (const model::Partition& partition : node.partitions)
      total["gpu"] += partition.count * partition.quota_thousandths;
    total["gpu"] += std::max<std::int64_t>(0, claim_accelerators(*facts.world, node) - plugged) *
                    model::kThousandthsPerDevice;
  }
  for (const auto& [uid, pod] : state.pods) {
    if (pod.pod->served || pod.pod->reservation) continue;
    const std::string& name = pod.leaving ? pod.leaving->node : pod.place.node;
    const model::Node* node = pool_node(facts, name, pool);
    if (node && node->ready) subtract(total, charge(facts, *pod.pod, node));
  }
  return total;
}

QueueShare make_share(const QueueFacts& queue, const std::string& pool) {
  QueueShare share;
  for (const char* dimension : {"gpu", "cpu", "memory"}) {
    share.quota[dimension] = {};
    if (queue.of_user) share.quota[dimension].over_quota_weight = 1;  // without quota and limit
  }
  for (const model::PoolQuota& one : queue.object->pools) {
    if (one.pool != pool) continue;
    share.priority = one.priority.value_or(100);
    for (const model::DimensionQuota& entry : one.dimensions) share.quota[entry.dimension] = entry.quota;
  }
  return share;
}

/// Adds to a queue and all its ancestors.
void add_up(const Facts& facts, std::map<std::string, Amounts>& sums, const std::string& queue,
            const Amounts& more) {
  for (const std::string& name : path_to_root(facts, queue)) add(sums[name], more);
}

bool belongs_to_pool(const Group& group, const std::string& pool) {
  return group.object->pools.empty() ? pool.empty() : group.object->pools.front() == pool;
}

void divide_among(const Facts& facts, PoolShares& shares, const std::string& dimension, std::int64_t total,
                  const std::vector<std::string>& siblings) {
  std::vector<Claimant> claimants;
  for (const std::string& name : siblings) {
    const QueueShare& share = shares.queues.at(name);
    Claimant one;
    one.name = name;
    one.priority = share.priority;
    if (auto quota = share.quota.find(dimension); quota != share.quota.end()) one.quota = quota->second;
    one.request = get(share.request, dimension);
    auto usage = facts.world->usage.find({name, shares.pool});
    if (usage != facts.world->usage.end() && facts.world->configuration.usage_half_life)
      if (auto found = usage->second.find(dimension); found != usage->second.end()) one.usage = found->second;
    claimants.push_back(one);
  }
  std::int64_t quantum = dimension.starts_with("gpu") ? model::kThousandthsPerDevice : 1;
  divide(total, quantum, std::max(0.0, facts.world->configuration.usage_weight), claimants);
  for (const Claimant& one : claimants) {
    shares.queues.at(one.name).fair_share[dimension] = one.fair_share;
    const std::vector<std::string>& children = facts.queues.at(one.name).children;
    if (!children.empty()) divide_among(facts, shares, dimension, one.fair_share, children);
  }
}

}  // namespace

PoolShares pool_shares(const Facts& facts, const State& state, const std::string& pool) {
  PoolShares shares{.pool = pool, .total = pool_total(facts, state, pool), .queues = {}};
  std::set<std::string> dimensions{"gpu", "cpu", "memory"};
  for (const auto& [name, queue] : facts.queues) {
    shares.queues[name] = make_share(queue, pool);
    for (const auto& [dimension, quota] : shares.queues[name].quota) dimensions.insert(dimension);
  }
  // Request: what running pods received and what waiting ungated pods ask for.
  std::map<std::string, Amounts> requests = allocations(facts, state, pool).all;
  for (const auto& [key, group] : facts.groups)
    for (const model::Pod* pod : group.pods)
      if (state_of(state, *pod).status == Status::kPending && belongs_to_pool(group, pool))
        add_up(facts, requests, group.queue, charge(facts, *pod, nullptr));
  for (auto& [name, share] : shares.queues) share.request = requests[name];

  for (const std::string& dimension : dimensions)
    divide_among(facts, shares, dimension, get(shares.total, dimension), facts.roots);
  return shares;
}

Allocations allocations(const Facts& facts, const State& state, const std::string& pool) {
  Allocations result;
  for (const auto& [key, group] : facts.groups)
    for (const model::Pod* pod : group.pods) {
      const PodState& at = state_of(state, *pod);
      if (!is_active(at.status) || !pool_node(facts, at.place.node, pool)) continue;
      Amounts amounts = current_charge(facts, at);
      add_up(facts, result.all, group.queue, amounts);
      if (!group.preemptible) add_up(facts, result.non_preemptible, group.queue, amounts);
    }
  return result;
}

std::optional<std::int64_t> allocatable(const QueueShare& share, const std::string& dimension) {
  const model::Quota& quota = share.quota.at(dimension);
  std::optional<std::int64_t> limit;
  if (!quota.limit.is_unlimited()) limit = quota.limit.amount();
  if (quota.quota.is_unlimited()) return limit;
  std::int64_t amount = std::max(quota.quota.amount(), share.fair_share.at(dimension));
  return limit ? std::min(*limit, amount) : amount;
}

bool within_fair_share(const QueueShare& share, const Amounts& amounts) {
  return std::all_of(share.quota.begin(), share.quota.end(), [&](const auto& entry) {
    return get(amounts, entry.first) <= share.fair_share.at(entry.first);
  });
}

bool within_quota(const QueueShare& share, const Amounts& amounts) {
  return std::all_of(share.quota.begin(), share.quota.end(),
                     [&](const auto& entry) { return entry.second.quota.allows(get(amounts, entry.first)); });
}

bool within_allocatable(const QueueShare& share, const Amounts& amounts) {
  return std::all_of(share.quota.begin(), share.quota.end(), [&](const auto& entry) {
    auto most = allocatable(share, entry.first);
    return !most || get(amounts, entry.first) <= *most;
  });
}

std::vector<std::string> path_to_root(const Facts& facts, const std::string& queue) {
  std::vector<std::string> path;
  for (auto at = facts.queues.find(queue); at != facts.queues.end();
       at = facts.queues.find(at->second.parent))
    path.push_back(at->first);
  return path;
}

}  // namespace fairlead::reference
