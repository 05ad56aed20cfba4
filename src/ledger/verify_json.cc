#include "ledger/verify_json.h"

#include "base/json_fields.h"
#include "base/json_writer.h"

#include <algorithm>
#include <array>

namespace fairlead::ledger {
namespace {

using Outcome = SegmentReport::Outcome;
constexpr std::array kOutcomes = {Outcome::kEqual, Outcome::kDifferent, Outcome::kOtherRevision,
                                  Outcome::kUnreadable};

SegmentReport segment_report_from(const base::JsonValue& object) {
  SegmentReport report;
  report.segment.id = base::integer_field(object, "id").value_or(0);
  if (const auto began = base::parse_time(base::text_field(object, "began"))) report.segment.began = *began;
  if (const auto ended = base::parse_time(base::text_field(object, "ended"))) report.segment.ended = *ended;
  report.segment.engine_revision =
      static_cast<std::uint32_t>(base::integer_field(object, "engineRevision").value_or(0));
  report.segment.event_version =
      static_cast<std::int32_t>(base::integer_field(object, "eventVersion").value_or(0));
  const std::string name = base::text_field(object, "outcome");
  const auto named = std::find_if(kOutcomes.begin(), kOutcomes.end(),
                                  [&](Outcome outcome) { return outcome_name(outcome) == name; });
  report.outcome = named == kOutcomes.end() ? Outcome::kUnreadable : *named;
  report.rounds = base::integer_field(object, "equalRounds").value_or(0);
  report.decisions = base::integer_field(object, "equalDecisions").value_or(0);
  report.first_difference = base::text_field(object, "firstDifference");
  return report;
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kEqual:
      return "equal";
    case Outcome::kDifferent:
      return "different";
    case Outcome::kOtherRevision:
      return "skipped";
    case Outcome::kUnreadable:
      return "unreadable";
  }
  return {};
}

std::string to_json(const VerifyReport& report, int indent) {
  std::string text;
  base::JsonWriter out(text, indent);
  out.begin_object();
  out.member("good", report.good());
  base::write_texts(out, "damage", report.damage);
  out.member("moreDamage", report.more_damage);
  out.key("segments");
  out.begin_array();
  for (const SegmentReport& segment : report.segments) {
    out.begin_object();
    out.member("id", segment.segment.id);
    out.member("began", base::format_time(segment.segment.began));
    if (segment.segment.ended) out.member("ended", base::format_time(*segment.segment.ended));
    out.member("engineRevision", segment.segment.engine_revision);
    out.member("eventVersion", segment.segment.event_version);
    out.member("outcome", outcome_name(segment.outcome));
    out.member("equalRounds", segment.rounds);
    out.member("equalDecisions", segment.decisions);
    if (!segment.first_difference.empty()) out.member("firstDifference", segment.first_difference);
    out.end_object();
  }
  out.end_array();
  out.member("transactions", report.batches);
  out.member("rounds", report.rounds);
  out.member("documents", report.documents);
  out.member("history", report.history);
  out.member("usage", report.usage);
  out.member("retained", report.retained);
  if (!report.newest_hash.empty()) out.member("newestHash", report.newest_hash);
  out.end_object();
  return text;
}

VerifyReport verify_report_from(const base::JsonValue& object) {
  VerifyReport report;
  report.damage = base::texts_field(object, "damage");
  report.more_damage = static_cast<std::size_t>(base::integer_field(object, "moreDamage").value_or(0));
  if (const base::JsonValue* segments = object.find("segments")) {
    for (const base::JsonValue& segment : segments->items())
      report.segments.push_back(segment_report_from(segment));
  }
  report.batches = base::integer_field(object, "transactions").value_or(0);
  report.rounds = base::integer_field(object, "rounds").value_or(0);
  report.documents = base::integer_field(object, "documents").value_or(0);
  report.history = base::integer_field(object, "history").value_or(0);
  report.usage = base::integer_field(object, "usage").value_or(0);
  report.retained = base::boolean_field(object, "retained");
  report.newest_hash = base::text_field(object, "newestHash");
  return report;
}

}  // namespace fairlead::ledger
