#include "manifest/collected.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace fairlead::manifest {
namespace {

void add_default_queues(std::vector<model::Queue>& queues) {
  for (const std::string_view name : {kDefaultParentQueue, kDefaultQueue}) {
    model::Queue queue;
    queue.name = name;
    queue.uid = name;
    if (name == kDefaultQueue) queue.parent = kDefaultParentQueue;
    model::PoolQuota pool;
    for (const char* dimension : {"gpu", "cpu", "memory"}) {
      pool.dimensions.push_back({dimension, {model::Bound::of(0), model::Bound::unlimited(), 1}});
    }
    queue.pools.push_back(std::move(pool));
    queues.push_back(std::move(queue));
  }
}

enum class Standing : std::uint8_t { kUnknown, kOpen, kUsable, kOrphan, kCycle };

/// Follows each queue to its root once.
class Tree {
 public:
  explicit Tree(const std::vector<model::Queue>& queues)
      : queues_(queues), standing_(queues.size()), depth_(queues.size()) {
    for (std::size_t i = 0; i < queues.size(); ++i) index_.emplace(queues[i].name, i);
    for (std::size_t i = 0; i < queues.size(); ++i) follow(i);
  }
  Standing standing(std::size_t i) const { return standing_[i]; }
  std::size_t depth(std::size_t i) const { return depth_[i]; }
  bool parent_exists(std::size_t i) const { return index_.contains(queues_[i].parent); }

 private:
  void follow(std::size_t start) {
    std::vector<std::size_t> path;
    std::size_t at = start;
    Standing end = Standing::kUsable;
    std::size_t depth = 0;
    while (true) {
      if (standing_[at] == Standing::kOpen) {
        end = Standing::kCycle;
        break;
      }
      if (standing_[at] != Standing::kUnknown) {
        end = standing_[at];
        depth = depth_[at] + 1;
        break;
      }
      standing_[at] = Standing::kOpen;
      path.push_back(at);
      if (queues_[at].parent.empty()) break;
      const auto parent = index_.find(queues_[at].parent);
      if (parent == index_.end()) {
        end = Standing::kOrphan;
        break;
      }
      at = parent->second;
    }
    for (auto i = path.rbegin(); i != path.rend(); ++i) {
      standing_[*i] = end;
      depth_[*i] = depth++;
    }
  }

  const std::vector<model::Queue>& queues_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<Standing> standing_;
  std::vector<std::size_t> depth_;
};

Diagnostic left_out(const model::Queue& queue, std::string message, std::string remedy) {
  Diagnostic diagnostic;
  diagnostic.object = "Queue " + queue.name;
  diagnostic.field = "spec.parentQueue";
  diagnostic.value = shortened(queue.parent);
  diagnostic.message = std::move(message);
  diagnostic.remedy = std::move(remedy);
  return diagnostic;
}

}  // namespace

bool join_queues(Collected& collected) {
  auto& queues = collected.objects.queues;
  if (queues.empty() && !collected.left_out.contains("Queue")) {
    add_default_queues(queues);
    return true;
  }
  const Tree tree(queues);
  std::vector<std::size_t> usable;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (tree.standing(i) == Standing::kUsable) {
      usable.push_back(i);
      continue;
    }
    ++collected.left_out["Queue"];
    if (tree.standing(i) == Standing::kCycle) {
      collected.log.add(left_out(queues[i],
                                 "leads back to itself or to a queue that does; the queue is left out",
                                 "name another parent, or none"));
    } else if (!tree.parent_exists(i)) {
      collected.log.add(left_out(queues[i], "is not in the input; the queue and all below it are left out",
                                 "create the parent, or name another one"));
    }
  }
  std::stable_sort(usable.begin(), usable.end(),
                   [&](std::size_t a, std::size_t b) { return tree.depth(a) < tree.depth(b); });
  std::vector<model::Queue> kept;
  kept.reserve(usable.size());
  for (const std::size_t i : usable) kept.push_back(std::move(queues[i]));
  queues = std::move(kept);
  return false;
}

}  // namespace fairlead::manifest
