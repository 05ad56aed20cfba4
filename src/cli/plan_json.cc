#include "cli/plan_json.h"

#include "base/json_writer.h"
#include "cli/reason_json.h"
#include "cli/reason_text.h"
#include "cli/waiting.h"
#include "manifest/allocation_text.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <string_view>
#include <utility>

namespace fairlead::cli {
namespace {

using base::JsonWriter;

void write_binds(JsonWriter& json, const manifest::ClusterObjects& cluster, const PlanResult& result) {
  json.key("binds");
  json.begin_array();
  for (const PlannedBind& bind : result.binds) {
    json.begin_object();
    json.member("pod", cluster.pods[bind.pod].display_name());
    json.member("node", bind.node);
    if (!bind.devices.empty()) {
      json.key("devices");
      json.begin_array();
      for (std::uint32_t device : bind.devices) json.value(device);
      json.end_array();
    }
    if (!bind.device_groups.empty()) {
      json.key("gpuGroups");
      json.begin_array();
      for (const std::string& group : bind.device_groups) json.value(group);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array();
}

void write_evictions(JsonWriter& json, const manifest::ClusterObjects& cluster, const PlanResult& result) {
  json.key("evictions");
  json.begin_array();
  for (const PlannedEviction& eviction : result.evictions) {
    json.begin_object();
    json.member("pod", cluster.pods[eviction.pod].display_name());
    json.member("reason", eviction.reason);
    json.member("rule", rule_name(eviction.rule));
    if (!eviction.beneficiary.empty()) json.member("for", eviction.beneficiary);
    json.end_object();
  }
  json.end_array();
}

void write_nominations(JsonWriter& json, const manifest::ClusterObjects& cluster, const PlanResult& result) {
  json.key("nominations");
  json.begin_array();
  for (const PlannedNomination& nomination : result.nominations) {
    json.begin_object();
    json.member("pod", cluster.pods[nomination.pod].display_name());
    json.member("node", nomination.node);
    json.end_object();
  }
  json.end_array();
}

void write_unscheduled(JsonWriter& json, const manifest::ClusterObjects& cluster, const PlanResult& result) {
  json.key("unscheduled");
  json.begin_array();
  const WaitingContexts contexts(cluster, result);
  for (const WaitingGroup& waiting : result.waiting) {
    json.begin_object();
    json.member("group", cluster.groups[waiting.group].key);
    json.member("pods", waiting.pods);
    json.key("reasons");
    json.begin_array();
    for (const model::Reason& reason : waiting.verdict.reasons) {
      write_reason(json, reason, contexts.of(waiting.group));
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
}

/// The statuses that claims have once the plan is carried out, as a binder writes them.
void write_claims(JsonWriter& json, const manifest::ClusterObjects& cluster, const PlanResult& result) {
  json.key("claims");
  json.begin_array();
  boost::unordered_flat_map<std::string_view, std::string_view> names;
  if (!result.claims.empty())
    for (const model::Pod& pod : cluster.pods) names.emplace(pod.uid, pod.name);
  for (const PlannedClaim& claim : result.claims) {
    const std::string_view key = cluster.resource_claims[claim.claim].key;
    const std::size_t slash = key.find('/');
    json.begin_object();
    json.member("namespace", key.substr(0, slash));
    json.member("name", key.substr(slash + 1));
    json.key("status");
    json.begin_object();
    if (claim.allocation) {
      json.key("allocation");
      manifest::write_allocation(json, *claim.allocation);
    }
    if (!claim.reserved_for.empty()) {
      json.key("reservedFor");
      json.begin_array();
      for (const std::string& uid : claim.reserved_for) {
        const auto name = names.find(uid);
        json.begin_object();
        json.member("resource", "pods");
        json.member("name", name == names.end() ? std::string_view(uid) : name->second);
        json.member("uid", uid);
        json.end_object();
      }
      json.end_array();
    }
    json.end_object();
    json.end_object();
  }
  json.end_array();
}

void write_plan(JsonWriter& json, const manifest::ClusterObjects& cluster, const PlanResult& result) {
  json.begin_object();
  write_binds(json, cluster, result);
  write_evictions(json, cluster, result);
  write_nominations(json, cluster, result);
  write_claims(json, cluster, result);
  write_unscheduled(json, cluster, result);
  json.end_object();
}

}  // namespace

std::string plan_json(const manifest::ClusterObjects& cluster, const PlanResult& result, int indent) {
  std::string out;
  JsonWriter json(out, indent);
  write_plan(json, cluster, result);
  out += '\n';
  return out;
}

std::string plan_json(std::span<const PlannedCycle> cycles, int indent) {
  std::string out;
  JsonWriter json(out, indent);
  json.begin_object();
  json.key("cycles");
  json.begin_array();
  for (const PlannedCycle& cycle : cycles) write_plan(json, cycle.input.cluster, cycle.result);
  json.end_array();
  json.end_object();
  out += '\n';
  return out;
}

}  // namespace fairlead::cli
