#include "cli/reason_text.h"

#include "base/time.h"
#include "cli/amounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

using model::NodeReason;
using model::ReasonCode;

std::string for_sub_group(const model::Reason& reason) {
  return reason.detail.empty() ? "" : fmt::format(" (sub-group {})", reason.detail);
}

std::string used_and_wanted(const model::Reason& reason) {
  return fmt::format("{} in use, {} more asked for", amount_number(reason.dimension, reason.have),
                     amount_number(reason.dimension, reason.want));
}

std::string nodes_do_not_fit(const model::Reason& reason, const ReasonContext& context) {
  bool devices_bind =
      reason.nodes.empty() || std::any_of(reason.nodes.begin(), reason.nodes.end(), [](const auto& entry) {
        return entry.first == NodeReason::kDevices || entry.first == NodeReason::kNoSuchDevice;
      });
  std::string text;
  if (devices_bind && context.devices_per_pod > 0 && context.devices_per_pod > context.largest_free) {
    text = fmt::format("needs {} on one node; the most free on one is {}",
                       count_text(context.devices_per_pod, "device"), context.largest_free);
  } else if (context.pod_request.empty()) {
    text = "no node takes the pod";
  } else {
    text = fmt::format("no node takes a pod of {}", context.pod_request);
  }
  text += for_sub_group(reason);
  std::string nodes = node_reasons_text(reason);
  if (!nodes.empty()) text += fmt::format(" ({})", nodes);
  for (const model::ClaimShortage& shortage : reason.claims) text += "; " + claim_shortage_text(shortage);
  return text;
}

}  // namespace

std::string node_reasons_text(const model::Reason& reason) {
  std::vector<std::pair<NodeReason, std::uint32_t>> nodes = reason.nodes;
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [why, count] : nodes) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{}: {}", count_text(count, "node"), node_reason_text(why));
  }
  return text;
}

std::string reason_text(const model::Reason& reason, const ReasonContext& context) {
  switch (reason.code) {
    case ReasonCode::kNotEnoughPods:
      return fmt::format(
          "{} of the {} it needs at least can be placed; the rest does not exist or is gated{}", reason.have,
          count_text(reason.want, "pod"), for_sub_group(reason));
    case ReasonCode::kMissingReference:
      return fmt::format("waits for {}, which does not exist", reason.detail);
    case ReasonCode::kQueueDoesNotExist:
      return fmt::format("queue {} does not exist", reason.queue.empty() ? reason.detail : reason.queue);
    case ReasonCode::kQueueIsNotALeaf:
      return fmt::format("queue {} has queues below it; only queues without any take work", reason.queue);
    case ReasonCode::kOverLimit:
      return fmt::format("queue {} may never hold more than {} ({})", reason.queue,
                         amount_text(reason.dimension, reason.limit), used_and_wanted(reason));
    case ReasonCode::kNonPreemptibleOverQuota:
      return fmt::format("non-preemptible work must stay within the quota of queue {}, {} ({})", reason.queue,
                         amount_text(reason.dimension, reason.limit), used_and_wanted(reason));
    case ReasonCode::kOverFairShare:
      return fmt::format("no room is free, and queue {} may reclaim up to its fair share of {} only ({})",
                         reason.queue, amount_text(reason.dimension, reason.limit), used_and_wanted(reason));
    case ReasonCode::kNodesDoNotFit:
      return nodes_do_not_fit(reason, context);
    case ReasonCode::kGangDoesNotFit: {
      std::string text = fmt::format("{} of the {} that must start together find room{}", reason.have,
                                     count_text(reason.want, "pod"), for_sub_group(reason));
      std::string nodes = node_reasons_text(reason);
      if (!nodes.empty()) text += fmt::format(" ({})", nodes);
      for (const model::ClaimShortage& shortage : reason.claims) text += "; " + claim_shortage_text(shortage);
      return text;
    }
    case ReasonCode::kTopology:
      return fmt::format("all pods must share one {}; the best has room for {} of {}",
                         reason.detail.empty() ? "topology domain" : reason.detail, reason.have,
                         count_text(reason.want, "pod"));
    case ReasonCode::kWaitingForRelease:
      return "its place is set aside; it starts when the pods there have left";
    case ReasonCode::kPreemptionDelay:
      return fmt::format("evicts nothing before {}",
                         base::format_time(base::Time::from_unix_seconds(reason.limit)));
    case ReasonCode::kBindFailing:
      return "binding failed ten times; it is tried again when its pod or a node changes";
    case ReasonCode::kQueueDiscipline:
      return fmt::format("queue {} is served strictly in order, and a group before it waits for room",
                         reason.queue);
    case ReasonCode::kSearchLimit:
      return "the round's work limit was reached before it was tried";
    case ReasonCode::kUnknownTopology:
      return fmt::format("topology {} or its level does not exist", reason.detail);
    case ReasonCode::kClaim:
      return reason.detail.empty() ? "a resource claim cannot be served" : reason.detail;
  }
  return "unknown reason";
}

std::string verdict_text(const model::Verdict& verdict, const ReasonContext& context) {
  if (!verdict.reasons.empty()) return reason_text(verdict.reasons.front(), context);
  return "not placed in this cycle";
}

std::string_view reason_code_name(ReasonCode code) {
  switch (code) {
    case ReasonCode::kNotEnoughPods:
      return "NotEnoughPods";
    case ReasonCode::kMissingReference:
      return "MissingReference";
    case ReasonCode::kQueueDoesNotExist:
      return "QueueDoesNotExist";
    case ReasonCode::kQueueIsNotALeaf:
      return "QueueIsNotALeaf";
    case ReasonCode::kOverLimit:
      return "OverLimit";
    case ReasonCode::kNonPreemptibleOverQuota:
      return "NonPreemptibleOverQuota";
    case ReasonCode::kOverFairShare:
      return "OverFairShare";
    case ReasonCode::kNodesDoNotFit:
      return "NodesDoNotFit";
    case ReasonCode::kGangDoesNotFit:
      return "GangDoesNotFit";
    case ReasonCode::kTopology:
      return "TopologyDoesNotFit";
    case ReasonCode::kWaitingForRelease:
      return "WaitingForRelease";
    case ReasonCode::kPreemptionDelay:
      return "PreemptionDelayNotElapsed";
    case ReasonCode::kBindFailing:
      return "BindFailing";
    case ReasonCode::kQueueDiscipline:
      return "QueueDiscipline";
    case ReasonCode::kSearchLimit:
      return "SearchLimitReached";
    case ReasonCode::kUnknownTopology:
      return "UnknownTopology";
    case ReasonCode::kClaim:
      return "Claim";
  }
  return "Unknown";
}

namespace {

struct NodeReasonWords {
  std::string_view name;
  std::string_view text;
};

NodeReasonWords words(NodeReason reason) {
  switch (reason) {
    case NodeReason::kOtherPool:
      return {"OtherPool", "in another pool"};
    case NodeReason::kNotReady:
      return {"NotReady", "not ready"};
    case NodeReason::kUnschedulable:
      return {"Unschedulable", "marked unschedulable"};
    case NodeReason::kExcludedAfterFailure:
      return {"ExcludedAfterFailure", "left out after a failed binding"};
    case NodeReason::kNodeSelector:
      return {"NodeSelector", "node selector or affinity does not match"};
    case NodeReason::kTaint:
      return {"Taint", "taint not tolerated"};
    case NodeReason::kVolume:
      return {"Volume", "a volume is not reachable"};
    case NodeReason::kHostPort:
      return {"HostPort", "a host port is taken"};
    case NodeReason::kPodAffinity:
      return {"PodAffinity", "pod affinity does not match"};
    case NodeReason::kPodAntiAffinity:
      return {"PodAntiAffinity", "pod anti-affinity forbids it"};
    case NodeReason::kSpread:
      return {"Spread", "topology spread forbids it"};
    case NodeReason::kPodCount:
      return {"PodCount", "no more pods allowed"};
    case NodeReason::kPartitionStrategy:
      return {"PartitionStrategy", "partitioned in another way"};
    case NodeReason::kNoSuchDevice:
      return {"NoSuchDevice", "no such device"};
    case NodeReason::kDeviceMemory:
      return {"DeviceMemory", "devices have less memory"};
    case NodeReason::kDevices:
      return {"TooFewDevices", "too few devices free"};
    case NodeReason::kDeviceShare:
      return {"DeviceShare", "no device has that share free"};
    case NodeReason::kPartitions:
      return {"TooFewPartitions", "too few partitions free"};
    case NodeReason::kClaim:
      return {"Claim", "no devices for a claim"};
    case NodeReason::kCpu:
      return {"Cpu", "too little CPU free"};
    case NodeReason::kMemory:
      return {"Memory", "too little memory free"};
    case NodeReason::kCountedResource:
      return {"CountedResource", "too little of another resource free"};
    case NodeReason::kOutsideTopology:
      return {"OutsideTopology", "outside the topology"};
    case NodeReason::kCount:
      break;
  }
  return {"Unknown", "unknown reason"};
}

}  // namespace

std::string_view node_reason_name(NodeReason reason) { return words(reason).name; }
std::string_view node_reason_text(NodeReason reason) { return words(reason).text; }

std::string_view claim_reason_name(model::ClaimReason reason) {
  using Reason = model::ClaimReason;
  switch (reason) {
    case Reason::kAllocatedElsewhere:
      return "AllocatedElsewhere";
    case Reason::kNoDevice:
      return "NoDevice";
    case Reason::kPoolIncomplete:
      return "PoolIncomplete";
    case Reason::kNotSelected:
      return "NotSelected";
    case Reason::kSelectorFailed:
      return "SelectorFailed";
    case Reason::kTainted:
      return "Tainted";
    case Reason::kCapacity:
      return "Capacity";
    case Reason::kInUse:
      return "InUse";
    case Reason::kCounters:
      return "Counters";
    case Reason::kConstraint:
      return "Constraint";
    case Reason::kWorkLimit:
      return "WorkLimit";
  }
  return "Unknown";
}

namespace {

std::string shortage_words(const model::ClaimShortage& shortage) {
  using Reason = model::ClaimReason;
  const std::string of = fmt::format("{} of {}", shortage.have, count_text(shortage.want, "device"));
  switch (shortage.reason) {
    case Reason::kAllocatedElsewhere:
      return "its devices are elsewhere";
    case Reason::kNoDevice:
      return "no driver offers a device";
    case Reason::kPoolIncomplete:
      return "the pool of devices is being published anew";
    case Reason::kNotSelected:
      return "class and selectors match too few devices";
    case Reason::kSelectorFailed:
      return "a selector has no value on the devices";
    case Reason::kTainted:
      return "taints of the devices are not tolerated";
    case Reason::kCapacity:
      return "the devices have less capacity than asked for";
    case Reason::kInUse:
      return fmt::format("{} free", of);
    case Reason::kCounters:
      return fmt::format("{} free, the rest of the accelerator is partitioned otherwise", of);
    case Reason::kConstraint:
      return "no combination of devices meets the constraints";
    case Reason::kWorkLimit:
      return "too many combinations of devices to try all";
  }
  return "unknown reason";
}

}  // namespace

std::string claim_shortage_text(const model::ClaimShortage& shortage) {
  return fmt::format("claim {}{}{}: {} on {}", shortage.claim, shortage.request.empty() ? "" : ", request ",
                     shortage.request, shortage_words(shortage), count_text(shortage.nodes, "node"));
}

std::string_view rule_name(model::EvictionRule rule) {
  switch (rule) {
    case model::EvictionRule::kReclaim:
      return "reclaim";
    case model::EvictionRule::kPreempt:
      return "preempt";
    case model::EvictionRule::kConsolidate:
      return "consolidate";
    case model::EvictionRule::kStaleGang:
      return "stale gang";
  }
  return "unknown";
}

}  // namespace fairlead::cli
