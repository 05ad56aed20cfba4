#include "cli/reason_json.h"

namespace fairlead::cli {

void write_reason(base::JsonWriter& json, const model::Reason& reason, const ReasonContext& context) {
  json.begin_object();
  json.member("reason", reason_code_name(reason.code));
  json.member("message", reason_text(reason, context));
  if (!reason.queue.empty()) json.member("queue", reason.queue);
  if (!reason.dimension.empty()) json.member("dimension", reason.dimension);
  if (reason.have != 0 || reason.want != 0 || reason.limit != 0) {
    json.member("have", reason.have);
    json.member("want", reason.want);
    json.member("limit", reason.limit);
  }
  if (!reason.detail.empty()) json.member("detail", reason.detail);
  if (!reason.nodes.empty()) {
    json.key("nodes");
    json.begin_object();
    for (const auto& [why, count] : reason.nodes) json.member(node_reason_name(why), count);
    json.end_object();
  }
  if (!reason.claims.empty()) {
    json.key("claims");
    json.begin_array();
    for (const model::ClaimShortage& shortage : reason.claims) {
      json.begin_object();
      json.member("claim", shortage.claim);
      if (!shortage.request.empty()) json.member("request", shortage.request);
      json.member("reason", claim_reason_name(shortage.reason));
      json.member("nodes", shortage.nodes);
      json.member("have", shortage.have);
      json.member("want", shortage.want);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

}  // namespace fairlead::cli
