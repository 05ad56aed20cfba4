#include "model/cluster/group_table.h"

#include <algorithm>
#include <cctype>

namespace fairlead::model {
namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

GroupId GroupTable::intern(std::string_view key) {
  GroupId id = keys_.intern(key);
  if (id.index() == records_.size()) {
    GroupRecord& record = records_.emplace_back();
    record.spec.key = std::string(key);
    build_gang_tree(record);
  }
  return id;
}

void build_gang_tree(GroupRecord& group) {
  group.tree.clear();
  group.pod_sets.clear();
  GangNode& root = group.tree.emplace_back();
  root.topology = group.spec.topology;
  if (group.spec.sub_groups.empty()) {
    root.pod_set = 0;
    group.pod_sets.emplace_back().min_member = group.spec.min_member;
    return;
  }
  for (const SubGroup& sub_group : group.spec.sub_groups) {
    GangNode& node = group.tree.emplace_back();
    node.name = sub_group.name;
    node.topology = sub_group.topology;
  }
  for (std::size_t i = 1; i < group.tree.size(); ++i) {
    const std::string& parent = group.spec.sub_groups[i - 1].parent;
    for (std::size_t j = 1; j < group.tree.size() && !parent.empty(); ++j)
      if (j != i && equal_without_case(group.tree[j].name, parent)) group.tree[i].parent = j;
    group.tree[group.tree[i].parent].children.push_back(i);
  }
  // A minimum of more parts than there are is never met, as one of more pods than there are.
  auto minimum_of_children = [&](std::optional<std::int32_t> given, const GangNode& node) {
    return given.value_or(static_cast<std::int32_t>(node.children.size()));
  };
  group.tree[0].min_children = minimum_of_children(group.spec.min_sub_group, group.tree[0]);
  for (std::size_t i = 1; i < group.tree.size(); ++i) {
    const SubGroup& sub_group = group.spec.sub_groups[i - 1];
    if (!group.tree[i].children.empty()) {
      group.tree[i].min_children = minimum_of_children(sub_group.min_sub_group, group.tree[i]);
      continue;
    }
    group.tree[i].pod_set = group.pod_sets.size();
    PodSet& pod_set = group.pod_sets.emplace_back();
    pod_set.node = i;
    pod_set.min_member = sub_group.min_member;
  }
}

std::size_t pod_set_for(GroupRecord& group, std::string_view sub_group) {
  if (group.spec.sub_groups.empty()) return 0;
  for (std::size_t i = 0; i < group.pod_sets.size(); ++i)
    if (equal_without_case(group.tree[group.pod_sets[i].node].name, sub_group)) return i;
  GangNode& node = group.tree.emplace_back();
  node.name = std::string(sub_group);
  node.pod_set = group.pod_sets.size();
  PodSet& pod_set = group.pod_sets.emplace_back();
  pod_set.node = group.tree.size() - 1;
  pod_set.min_member = 0;
  GangNode& root = group.tree.front();
  root.children.push_back(group.tree.size() - 1);
  if (!group.spec.min_sub_group) root.min_children = static_cast<std::int32_t>(root.children.size());
  return group.pod_sets.size() - 1;
}

}  // namespace fairlead::model
