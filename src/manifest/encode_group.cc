#include "manifest/encoding.h"

namespace fairlead::manifest {

void Encoder::group(const model::PodGroup& group) {
  const auto [namespace_name, name] = split_key(group.key);
  Metadata metadata{
      .name = name, .namespace_name = namespace_name, .uid = group.uid, .created = group.created};
  metadata.owner = group.owner;
  const auto instant = [&metadata](const char* key, const std::optional<base::Time>& time) {
    if (time) metadata.annotations.emplace(key, base::format_time(*time));
  };
  instant("kai.scheduler/last-start-timestamp", group.last_start);
  instant("kai.scheduler/stale-podgroup-timestamp", group.stale_since);
  if (!group.user.empty()) {
    if (group.user_verified) {
      metadata.annotations.emplace("fairlead.dev/created-by", group.user);
    } else {
      metadata.labels.emplace("user", group.user);
    }
  }
  std::string pools;
  for (const std::string& pool : group.pools) pools += (pools.empty() ? "" : ",") + pool;
  if (!pools.empty()) metadata.annotations.emplace("fairlead.dev/node-pools", pools);

  begin("scheduling.run.ai/v2alpha2", "PodGroup", metadata);
  out_.key("spec");
  out_.begin_object();
  text("queue", group.queue);
  text("priorityClassName", group.priority_class);
  if (group.preemptible)
    out_.member("preemptibility", *group.preemptible ? "preemptible" : "non-preemptible");
  out_.member("minMember", group.min_member);
  if (group.min_sub_group) out_.member("minSubGroup", *group.min_sub_group);
  topology_constraint(group.topology);
  duration("preemptionDelay", group.preemption_delay);
  duration("stalenessGracePeriod", group.staleness_grace);
  if (!group.sub_groups.empty()) {
    out_.key("subGroups");
    out_.begin_array();
    for (const model::SubGroup& sub_group : group.sub_groups) {
      out_.begin_object();
      out_.member("name", sub_group.name);
      text("parent", sub_group.parent);
      out_.member("minMember", sub_group.min_member);
      if (sub_group.min_sub_group) out_.member("minSubGroup", *sub_group.min_sub_group);
      topology_constraint(sub_group.topology);
      out_.end_object();
    }
    out_.end_array();
  }
  out_.end_object();
  end();
}

}  // namespace fairlead::manifest
