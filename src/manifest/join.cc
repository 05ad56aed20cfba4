#include "manifest/collected.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace fairlead::manifest {
namespace {

using Severity = Diagnostic::Severity;

/// A pod for which a binding was ordered is on its way to that node.
void join_bind_requests(Collected& collected) {
  if (collected.bind_requests.empty()) return;
  std::unordered_map<std::string, std::size_t> pods;
  auto& all = collected.objects.pods;
  for (std::size_t i = 0; i < all.size(); ++i) pods.emplace(all[i].display_name(), i);
  for (const BindRequest& request : collected.bind_requests) {
    const auto found = pods.find(request.pod);
    if (found == pods.end()) continue;
    model::Pod& pod = all[found->second];
    if (pod.phase != model::Pod::Phase::kPending || pod.gated) continue;
    pod.phase = model::Pod::Phase::kBinding;
    pod.node = request.node;
    pod.nominated_node.clear();
    if (!request.device_groups.empty()) pod.device_groups = request.device_groups;
  }
}

void note_topology(const model::TopologyConstraint& constraint, const std::string& group,
                   const std::unordered_set<std::string>& known, MissingReferences& missing) {
  if (!constraint.empty() && !known.contains(constraint.topology)) missing.note(constraint.topology, group);
}

/// Fills in what an unknown priority class stands for, and says what groups refer to in vain.
void join_references(Collected& collected, bool default_queues) {
  ClusterObjects& objects = collected.objects;
  std::unordered_set<std::string> classes;
  std::optional<std::int32_t> global_default;
  for (const auto& priority_class : objects.priority_classes) {
    classes.insert(priority_class.name);
    if (priority_class.global_default) global_default = priority_class.value;
  }
  std::unordered_set<std::string> queues;
  for (const auto& queue : objects.queues) queues.insert(queue.name);
  std::unordered_set<std::string> topologies;
  for (const auto& topology : objects.topologies) topologies.insert(topology.name);

  MissingReferences missing_classes;
  MissingReferences missing_queues;
  MissingReferences missing_topologies;
  for (model::PodGroup& group : objects.groups) {
    if (!group.made_from_owner) {
      const auto built_in = built_in_priority(group.priority_class);
      group.fallback_priority = built_in ? *built_in : global_default.value_or(50);
    }
    if (!group.priority_class.empty() && !classes.contains(group.priority_class) &&
        !built_in_priority(group.priority_class)) {
      missing_classes.note(group.priority_class, group.key);
    }
    if (!default_queues && !queues.contains(group.queue)) missing_queues.note(group.queue, group.key);
    note_topology(group.topology, group.key, topologies, missing_topologies);
    for (const auto& sub_group : group.sub_groups) {
      note_topology(sub_group.topology, group.key, topologies, missing_topologies);
    }
  }
  missing_classes.report("PriorityClass", "groups",
                         "pass its object too; until then the pods' own priority counts, or the default",
                         collected.log);
  missing_queues.report("Queue", "groups", "create the queue, or name another one in the groups",
                        collected.log);
  missing_topologies.report("Topology", "groups", "create the topology, or remove the constraint",
                            collected.log);
}

void join_config_maps(Collected& collected) {
  MissingReferences missing;
  for (std::size_t i = 0; i < collected.links.size(); ++i) {
    model::Pod& pod = collected.objects.pods[i];
    if (!collected.config_map_namespaces.contains(pod.namespace_name)) continue;
    for (const std::string& name : collected.links[i].config_maps) {
      const std::string key = pod.namespace_name + "/" + name;
      if (collected.config_maps.contains(key)) continue;
      pod.missing_references.push_back("config map " + key);
      missing.note(key, pod.display_name());
    }
  }
  missing.report("ConfigMap", "pods", "create it; its pods wait until then", collected.log);
}

void summarise(Collected& collected) {
  if (collected.left_out.empty()) return;
  std::string kinds;
  for (const auto& [kind, count] : collected.left_out) {
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, kind);
  }
  Diagnostic summary;
  summary.severity = Severity::kWarning;
  summary.message = "left out because of errors: " + kinds;
  summary.remedy = "the answer holds for the other objects only";
  collected.log.add(std::move(summary));
}

}  // namespace

void MissingReferences::note(const std::string& name, const std::string& user) {
  Use& use = uses_[name];
  if (use.count++ == 0) use.first = user;
}

void MissingReferences::report(std::string_view kind, std::string_view users, std::string_view remedy,
                               DiagnosticLog& log) const {
  std::size_t said = 0;
  for (const auto& [name, use] : uses_) {
    Diagnostic diagnostic;
    diagnostic.severity = Severity::kWarning;
    if (++said > kMostNames) {
      diagnostic.object = kind;
      diagnostic.message = fmt::format("{} more are not in the input", uses_.size() - kMostNames);
      diagnostic.remedy = remedy;
      log.add(std::move(diagnostic));
      return;
    }
    diagnostic.object = fmt::format("{} {}", kind, name.empty() ? "\"\"" : name);
    diagnostic.message =
        fmt::format("is not in the input; {} {} refer to it, first {}", use.count, users, use.first);
    diagnostic.remedy = remedy;
    log.add(std::move(diagnostic));
  }
}

std::optional<std::int32_t> built_in_priority(std::string_view name) {
  if (name == "system-cluster-critical") return 2'000'000'000;
  if (name == "system-node-critical") return 2'000'001'000;
  return std::nullopt;
}

ClusterObjects join(Collected collected) {
  const bool default_queues = join_queues(collected);
  join_bind_requests(collected);
  join_groups(collected, default_queues);
  join_volumes(collected);
  join_claims(collected);
  join_config_maps(collected);
  join_references(collected, default_queues);
  summarise(collected);
  collected.objects.ignored_kinds.assign(collected.ignored.begin(), collected.ignored.end());
  collected.objects.diagnostics = collected.log.take();
  return std::move(collected.objects);
}

}  // namespace fairlead::manifest
