#include "cli/waiting.h"

#include "cli/amounts.h"
#include "cli/cluster_summary.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace fairlead::cli {

WaitingContexts::WaitingContexts(const manifest::ClusterObjects& cluster, const PlanResult& result)
    : contexts_(cluster.groups.size()), needs_(cluster.groups.size()) {
  const ClusterSummary summary = summarise(cluster, result);
  std::vector<bool> placed(cluster.pods.size());
  for (const PlannedBind& bind : result.binds) placed[bind.pod] = true;
  boost::unordered_flat_map<std::string_view, std::size_t> index;
  for (const WaitingGroup& waiting : result.waiting)
    index.emplace(cluster.groups[waiting.group].key, waiting.group);
  std::vector<const model::Pod*> largest(cluster.groups.size());
  std::vector<bool> differ(cluster.groups.size());
  for (std::size_t i = 0; i < cluster.pods.size(); ++i) {
    const model::Pod& pod = cluster.pods[i];
    if (!pod.served || placed[i] || pod.releasing || pod.phase != model::Pod::Phase::kPending) continue;
    auto group = index.find(pod.group);
    if (group == index.end()) continue;
    ++contexts_[group->second].pods;
    const model::Pod*& kept = largest[group->second];
    if (kept == nullptr) {
      kept = &pod;
      continue;
    }
    if (pod.devices == kept->devices && pod.requests == kept->requests) continue;
    differ[group->second] = true;
    auto size = [](const model::Pod& p) {
      return std::make_tuple(charge_of(p, 0).gpu, p.requests.cpu_milli, p.requests.memory_bytes);
    };
    if (size(pod) > size(*kept)) kept = &pod;
  }
  for (std::size_t i = 0; i < largest.size(); ++i) {
    if (largest[i] == nullptr) continue;
    ReasonContext& context = contexts_[i];
    context.pod_request = request_text(*largest[i]);
    if (largest[i]->devices.kind == model::DeviceRequest::Kind::kWhole) {
      context.devices_per_pod = largest[i]->devices.count;
    }
    auto free = summary.largest_free.find(largest[i]->devices.resource);
    if (free != summary.largest_free.end()) context.largest_free = free->second;
    needs_[i] = fmt::format("{}{}{}", count_text(context.pods, "pod"), differ[i] ? ", up to " : " of ",
                            context.pod_request);
  }
}

std::vector<std::int64_t> group_priorities(const manifest::ClusterObjects& cluster) {
  boost::unordered_flat_map<std::string_view, std::int64_t> classes;
  for (const model::PriorityClass& entry : cluster.priority_classes) classes.emplace(entry.name, entry.value);
  std::vector<std::int64_t> priorities;
  priorities.reserve(cluster.groups.size());
  for (const model::PodGroup& group : cluster.groups) {
    auto found = classes.find(group.priority_class);
    priorities.push_back(found == classes.end() ? group.fallback_priority : found->second);
  }
  return priorities;
}

bool served_before(const manifest::ClusterObjects& cluster, const std::vector<std::int64_t>& priorities,
                   std::size_t a, std::size_t b) {
  if (priorities[a] != priorities[b]) return priorities[a] > priorities[b];
  const model::PodGroup& first = cluster.groups[a];
  const model::PodGroup& second = cluster.groups[b];
  return std::tie(first.created, first.uid, first.key) < std::tie(second.created, second.uid, second.key);
}

std::vector<WaitingLine> fold_waiting(const manifest::ClusterObjects& cluster,
                                      std::span<const WaitingGroup> groups, const WaitingContexts& contexts) {
  std::map<std::tuple<std::string_view, std::string, std::string>, std::size_t> lines_by_text;
  std::vector<WaitingLine> lines;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const WaitingGroup& waiting = groups[i];
    const model::PodGroup& group = cluster.groups[waiting.group];
    std::string why = verdict_text(waiting.verdict, contexts.of(waiting.group));
    const std::string& needs = contexts.needs(waiting.group);
    auto [entry, inserted] = lines_by_text.try_emplace({group.queue, needs, why}, lines.size());
    if (inserted) lines.push_back({{}, 0, group.queue, needs, std::move(why)});
    WaitingLine& line = lines[entry->second];
    line.entries.push_back(i);
    line.pods += waiting.pods;
  }
  const std::vector<std::int64_t> priorities = group_priorities(cluster);
  auto before = [&](std::size_t a, std::size_t b) {
    return served_before(cluster, priorities, groups[a].group, groups[b].group);
  };
  for (WaitingLine& line : lines) std::sort(line.entries.begin(), line.entries.end(), before);
  std::sort(lines.begin(), lines.end(), [&](const WaitingLine& a, const WaitingLine& b) {
    if (a.queue != b.queue) return a.queue < b.queue;
    return before(a.entries.front(), b.entries.front());
  });
  return lines;
}

}  // namespace fairlead::cli
