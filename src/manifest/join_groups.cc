#include "manifest/collected.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <unordered_map>

namespace fairlead::manifest {
namespace {

/// The owners of a pod, as far as the input shows them.
struct Chain {
  OwnerReference direct;          ///< of the pod
  OwnerReference top;             ///< the highest one that counts
  const Owner* object = nullptr;  ///< the highest one's object, if it is in the input
};

/// Owners whose kind says nothing about scheduling: what they own decides.
bool passes_through(const OwnerReference& owner) {
  return (owner.group == "argoproj.io" && owner.kind == "Workflow") ||
         (owner.group == "trainer.kubeflow.org" && owner.kind == "TrainJob") ||
         (owner.group == "nvidia.com" && owner.kind == "DynamoGraphDeployment") ||
         (owner.group == "run.ai" && owner.kind.ends_with("Workload"));
}

class Owners {
 public:
  explicit Owners(const std::vector<Owner>& owners) : owners_(owners), used_(owners.size(), false) {
    for (std::size_t i = 0; i < owners.size(); ++i) {
      if (!owners[i].self.uid.empty()) by_uid_.emplace(owners[i].self.uid, i);
      by_name_.emplace(name_of(owners[i].self, owners[i].namespace_name), i);
    }
  }

  Chain follow(const OwnerReference& first, const std::string& namespace_name) {
    constexpr int kLongest = 16;  // no real chain is longer, and a cycle must end
    Chain chain;
    chain.direct = first;
    OwnerReference next = first;
    for (int step = 0; step < kLongest && !next.empty(); ++step) {
      const auto index = find(next, namespace_name);
      if (!passes_through(next)) {
        chain.top = next;
        chain.object = index ? &owners_[*index] : nullptr;
      }
      if (!index) break;
      used_[*index] = true;
      next = owners_[*index].owner;
    }
    return chain;
  }
  bool used(std::size_t i) const { return used_[i]; }

 private:
  static std::string name_of(const OwnerReference& owner, const std::string& namespace_name) {
    return owner.group + "/" + owner.kind + "/" + namespace_name + "/" + owner.name;
  }
  std::optional<std::size_t> find(const OwnerReference& owner, const std::string& namespace_name) const {
    if (!owner.uid.empty()) {
      const auto found = by_uid_.find(owner.uid);
      if (found != by_uid_.end()) return found->second;
    }
    const auto found = by_name_.find(name_of(owner, namespace_name));
    if (found == by_name_.end()) return std::nullopt;
    return found->second;
  }

  const std::vector<Owner>& owners_;
  std::vector<bool> used_;
  std::unordered_map<std::string, std::size_t> by_uid_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

/// How pods with this owner are grouped. Source: scheduling as KAI's pod grouper does it, table of kinds.
struct Grouping {
  bool per_pod = false;
  OwnerReference owner;  ///< the group is called after it; empty: after the pod
  std::string_view default_class = "train";
};

struct DefaultClass {
  std::string_view name;
  std::int32_t value;
};
constexpr std::array<DefaultClass, 4> kDefaultClasses = {{
    {"train", 50},
    {"build-preemptible", 75},
    {"build", 100},
    {"inference", 125},
}};

Grouping grouping_of(const Chain& chain, const PodLinks& links) {
  const OwnerReference& top = chain.top;
  if (top.empty()) return {true, {}, "train"};
  if (top.group == "batch" && top.kind == "Job") return {true, {}, "train"};
  if (top.group == "batch" && top.kind == "CronJob") return {false, chain.direct, "train"};
  const bool unseen_deployment =
      top.group == "apps" && top.kind == "ReplicaSet" && chain.object == nullptr && links.of_deployment;
  if ((top.group == "apps" && top.kind == "Deployment") || unseen_deployment) return {true, {}, "inference"};
  if (top.group == "kubeflow.org" && top.kind == "Notebook") return {false, top, "build"};
  if (top.group == "serving.knative.dev" && top.kind == "Service") return {false, top, "inference"};
  return {false, top, "train"};
}

std::string owner_name(const OwnerReference& owner, const std::string& namespace_name) {
  return fmt::format("{} {}/{}", owner.kind, namespace_name, owner.name);
}

const std::string& first_of(const std::string& a, const std::string& b) { return a.empty() ? b : a; }

bool is_finished(const model::Pod& pod) {
  return pod.phase == model::Pod::Phase::kSucceeded || pod.phase == model::Pod::Phase::kFailed;
}

class Grouper {
 public:
  Grouper(Collected& collected, bool default_queues)
      : collected_(collected), default_queues_(default_queues), owners_(collected.owners) {
    const auto& objects = collected.objects;
    for (std::size_t i = 0; i < objects.groups.size(); ++i) groups_.emplace(objects.groups[i].key, i);
    for (const auto& priority_class : objects.priority_classes) {
      classes_.insert(priority_class.name);
      if (priority_class.global_default) global_default_ = priority_class.value;
    }
  }

  void group(std::size_t index) {
    model::Pod& pod = collected_.objects.pods[index];
    const PodLinks& links = collected_.links[index];
    if (!pod.served) return;
    const std::string annotated =
        links.annotated_group.empty() ? std::string() : pod.namespace_name + "/" + links.annotated_group;
    if (!annotated.empty() && groups_.contains(annotated)) {
      pod.group = annotated;
      if (made_.contains(annotated)) missing_groups_.note(annotated, pod.display_name());
      return;
    }
    const Chain chain = owners_.follow(links.owner, pod.namespace_name);
    const Grouping grouping = grouping_of(chain, links);
    if (!annotated.empty()) {
      pod.group = annotated;
      if (!is_finished(pod)) {
        missing_groups_.note(annotated, pod.display_name());
        made_.insert(annotated);
      }
    } else {
      pod.group = pod.namespace_name + "/" + group_name(grouping, pod);
    }
    if (groups_.contains(pod.group)) return;
    if (is_finished(pod)) {
      // Nothing of it is left to schedule, and no group of the input waits for it.
      pod.group.clear();
      return;
    }
    if (!chain.top.empty() && chain.object == nullptr) {
      if (unseen_owners_++ == 0) first_unseen_ = owner_name(chain.top, pod.namespace_name);
    }
    groups_.emplace(pod.group, collected_.objects.groups.size());
    collected_.objects.groups.push_back(make(pod, links, chain, grouping));
  }

  void report() {
    missing_groups_.report("PodGroup", "pods", "pass its object too; until then its minimum is 1",
                           collected_.log);
    if (unseen_owners_ > 0) {
      Diagnostic diagnostic;
      diagnostic.severity = Diagnostic::Severity::kWarning;
      diagnostic.message = fmt::format(
          "{} groups were made for owners that are not in the input (first {}); each has minimum 1",
          unseen_owners_, first_unseen_);
      diagnostic.remedy = "pass the owners too when their pods must start together";
      collected_.log.add(std::move(diagnostic));
    }
    for (std::size_t i = 0; i < collected_.owners.size(); ++i) {
      if (!owners_.used(i)) ++collected_.ignored[collected_.owners[i].self.kind];
    }
  }

 private:
  static std::string group_name(const Grouping& grouping, const model::Pod& pod) {
    if (const auto application = model::find_label(pod.labels, "spark-app-selector");
        application && !application->empty()) {
      return "pg-" + std::string(*application);
    }
    if (grouping.per_pod) return "pg-" + pod.name + "-" + pod.uid;
    return "pg-" + grouping.owner.name + (grouping.owner.uid.empty() ? "" : "-" + grouping.owner.uid);
  }

  model::PodGroup make(const model::Pod& pod, const PodLinks& links, const Chain& chain,
                       const Grouping& grouping) {
    static const GroupHints kNone;
    const GroupHints& owner = chain.object == nullptr ? kNone : chain.object->hints;
    const GroupHints& own = links.hints;
    model::PodGroup group;
    group.key = pod.group;
    group.made_from_owner = true;
    group.uid = grouping.per_pod || grouping.owner.uid.empty() ? pod.uid : grouping.owner.uid;
    group.created = grouping.per_pod || chain.object == nullptr ? pod.created : chain.object->created;
    group.owner = chain.top.empty() ? "Pod " + pod.display_name() : owner_name(chain.top, pod.namespace_name);
    group.pools = owner.pools.empty() ? own.pools : owner.pools;
    group.queue = queue(owner, own, group.pools);
    set_priority(group, owner, own, links, grouping);
    const std::string& preemptibility = first_of(owner.preemptibility, own.preemptibility);
    if (preemptibility == "preemptible") group.preemptible = true;
    if (preemptibility == "non-preemptible") group.preemptible = false;
    group.topology = owner.topology.empty() ? own.topology : owner.topology;
    group.preemption_delay = owner.preemption_delay ? owner.preemption_delay : own.preemption_delay;
    group.staleness_grace = owner.staleness_grace ? owner.staleness_grace : own.staleness_grace;
    const GroupHints& creator = owner.user.empty() ? own : owner;
    group.user = creator.user;
    group.user_verified = creator.user_verified;
    if (pod.phase == model::Pod::Phase::kRunning) group.last_start = pod.started;
    return group;
  }

  std::string queue(const GroupHints& owner, const GroupHints& own,
                    const std::vector<std::string>& pools) const {
    if (default_queues_) return std::string(kDefaultQueue);
    const std::string& named = first_of(owner.queue, own.queue);
    if (!named.empty()) return named;
    const std::string& project = first_of(owner.project, own.project);
    if (project.empty()) return std::string(kDefaultQueue);
    return pools.empty() ? project : project + "-" + pools.front();
  }

  void set_priority(model::PodGroup& group, const GroupHints& owner, const GroupHints& own,
                    const PodLinks& links, const Grouping& grouping) const {
    group.fallback_priority = global_default_.value_or(50);
    group.priority_class = first_of(owner.priority_class, own.priority_class);
    if (!group.priority_class.empty()) return;
    if (!links.priority_class.empty()) {
      const auto built_in = built_in_priority(links.priority_class);
      if (classes_.contains(links.priority_class) || built_in || links.priority) {
        group.priority_class = links.priority_class;
        if (links.priority) group.fallback_priority = *links.priority;
        if (built_in) group.fallback_priority = *built_in;
        return;
      }
    }
    for (const DefaultClass& known : kDefaultClasses) {
      if (known.name != grouping.default_class) continue;
      group.fallback_priority = known.value;
      if (classes_.contains(std::string(known.name))) group.priority_class = known.name;
    }
  }

  Collected& collected_;
  bool default_queues_;
  Owners owners_;
  std::unordered_map<std::string, std::size_t> groups_;
  std::unordered_set<std::string> made_;  ///< groups that pods name and the input does not show
  std::unordered_set<std::string> classes_;
  std::optional<std::int32_t> global_default_;
  MissingReferences missing_groups_;
  std::size_t unseen_owners_ = 0;
  std::string first_unseen_;
};

/// Those that are served and have none, which are finished ones.
void remove_pods_without_group(Collected& collected) {
  auto& pods = collected.objects.pods;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (pods[i].served && pods[i].group.empty()) continue;
    if (kept != i) {
      pods[kept] = std::move(pods[i]);
      collected.links[kept] = std::move(collected.links[i]);
    }
    ++kept;
  }
  pods.erase(pods.begin() + static_cast<std::ptrdiff_t>(kept), pods.end());
  collected.links.erase(collected.links.begin() + static_cast<std::ptrdiff_t>(kept), collected.links.end());
}

}  // namespace

void join_groups(Collected& collected, bool default_queues) {
  if (default_queues) {
    for (model::PodGroup& group : collected.objects.groups) group.queue = kDefaultQueue;
  }
  // The first pod of a group tells what the group is like; which one that is must not depend on the order of
  // the input.
  const auto& pods = collected.objects.pods;
  std::vector<std::size_t> order(pods.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(is_finished(pods[a]), pods[a].created, std::string_view(pods[a].uid)) <
           std::tuple(is_finished(pods[b]), pods[b].created, std::string_view(pods[b].uid));
  });
  Grouper grouper(collected, default_queues);
  for (const std::size_t i : order) grouper.group(i);
  grouper.report();
  remove_pods_without_group(collected);
}

}  // namespace fairlead::manifest
