#pragma once

#include "model/decision.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::cli {

/// What a reason does not say itself and a person wants to read with it.
struct ReasonContext {
  std::string pod_request;           ///< of the pod that waits: "8 nvidia.com/gpu, 64 CPUs"
  std::int64_t devices_per_pod = 0;  ///< whole devices; 0 for shares and cpu-only pods
  std::int64_t largest_free = 0;     ///< devices of that resource free on the node that has most
  std::int64_t pods = 0;             ///< how many wait
};

/// One line without a full stop that names the constraint and its numbers: "queue research may use at most 8
/// devices: 6 are in use and 4 more are asked for".
std::string reason_text(const model::Reason& reason, const ReasonContext& context);
/// The binding reason of a verdict, or a sentence for a group whose verdict is empty.
std::string verdict_text(const model::Verdict& verdict, const ReasonContext& context);
/// "12 nodes: too few devices free, 3 nodes: taint not tolerated", the most frequent first.
std::string node_reasons_text(const model::Reason& reason);

/// Names for programs, stable: "OverLimit", "TooFewDevices".
std::string_view reason_code_name(model::ReasonCode code);
std::string_view node_reason_name(model::NodeReason reason);
/// For people: "taint not tolerated".
std::string_view node_reason_text(model::NodeReason reason);
/// "InUse", for programs; and for people: "claim training/llama, request gpu: 1 of 2 devices free on 3
/// nodes".
std::string_view claim_reason_name(model::ClaimReason reason);
std::string claim_shortage_text(const model::ClaimShortage& shortage);
/// "reclaim", "preempt", "consolidate", "stale gang".
std::string_view rule_name(model::EvictionRule rule);

}  // namespace fairlead::cli
