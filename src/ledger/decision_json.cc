#include "ledger/decision_json.h"

#include "base/json_reader.h"
#include "ledger/event_json.h"
#include "model/json/codec.h"

namespace fairlead::ledger {
namespace {

void write_decision(base::JsonWriter& out, const model::Decision& decision) {
  out.begin_object();
  if (decision.number != 0) out.member("number", decision.number);
  model::json::write_alternative(out, decision.body);
  out.end_object();
}

constexpr std::string_view kAlike = "alike";

/// Whether the second says of another group what the first says, with the next number.
bool is_alike(const model::Decision& first, const model::Decision& second) {
  const auto* a = std::get_if<model::VerdictChanged>(&first.body);
  const auto* b = std::get_if<model::VerdictChanged>(&second.body);
  return a != nullptr && b != nullptr && second.number == first.number + 1 &&
         model::json::same(a->verdict, b->verdict);
}

}  // namespace

void write_decisions(base::JsonWriter& out, std::span<const model::Decision> decisions) {
  out.begin_array();
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    write_decision(out, decisions[i]);
    std::size_t last = i;
    while (last + 1 < decisions.size() && is_alike(decisions[last], decisions[last + 1])) ++last;
    if (last == i) continue;
    out.begin_object();
    out.key(kAlike);
    out.begin_array();
    for (++i; i <= last; ++i) out.value(std::get<model::VerdictChanged>(decisions[i].body).group);
    i = last;
    out.end_array();
    out.end_object();
  }
  out.end_array();
}

namespace {

/// The groups that `item` says are told the same as the last decision's.
base::Result<void> read_alike(const base::JsonValue& item, std::vector<model::Decision>& decisions) {
  const bool fits = item.members().size() == 1 && item.members()[0].value.is_array() && !decisions.empty() &&
                    std::holds_alternative<model::VerdictChanged>(decisions.back().body);
  if (!fits) return base::invalid_argument("\"alike\" does not follow a verdict");
  for (const base::JsonValue& group : item.members()[0].value.items()) {
    if (!group.is_string()) return base::invalid_argument("\"alike\" holds what is not the name of a group");
    model::Decision decision = decisions.back();
    ++decision.number;
    std::get<model::VerdictChanged>(decision.body).group = group.text();
    decisions.push_back(std::move(decision));
  }
  return {};
}

}  // namespace

base::Result<std::vector<model::Decision>> read_decisions(const base::JsonValue& json) {
  if (!json.is_array()) return base::invalid_argument("the decisions are not a list");
  std::vector<model::Decision> decisions;
  decisions.reserve(json.items().size());
  for (const base::JsonValue& item : json.items()) {
    if (item.find(kAlike) != nullptr) {
      if (auto read = read_alike(item, decisions); !read) return read.error().in("decisions");
      continue;
    }
    model::Decision& decision = decisions.emplace_back();
    model::json::Fault fault;
    if (!model::json::read_tagged(item, "number", decision.number, decision.body, fault)) {
      fault.at(decisions.size() - 1);
      return fault.error().in("decisions");
    }
  }
  return decisions;
}

std::string decision_to_json(const model::Decision& decision) {
  std::string text;
  base::JsonWriter out(text);
  write_decision(out, decision);
  return text;
}

std::string round_to_json(const RoundRecord& round) {
  std::string text;
  base::JsonWriter out(text);
  out.begin_object();
  if (!round.events.empty()) {
    out.key("events");
    write_events(out, round.events);
  }
  if (!model::json::same(round.request, model::RoundRequest())) {
    out.key("request");
    model::json::write(out, round.request);
  }
  if (!round.decisions.empty()) {
    out.key("decisions");
    write_decisions(out, round.decisions);
  }
  out.end_object();
  return text;
}

base::Result<RoundRecord> round_from_json(std::string_view text) {
  base::JsonReader reader;
  const auto json = reader.read(text);
  if (!json) return json.error();
  if (!(*json)->is_object()) return base::invalid_argument("the round is not an object");
  RoundRecord round;
  for (const auto& member : (*json)->members()) {
    if (member.key == "events") {
      auto events = read_events(member.value);
      if (!events) return events.error();
      round.events = std::move(*events);
    } else if (member.key == "decisions") {
      auto decisions = read_decisions(member.value);
      if (!decisions) return decisions.error();
      round.decisions = std::move(*decisions);
    } else if (member.key == "request") {
      model::json::Fault fault;
      if (!model::json::read(member.value, round.request, fault)) return fault.error().in("request");
    } else {
      return base::invalid_argument("the round has a member that is not known: " + std::string(member.key));
    }
  }
  return round;
}

bool same_decision(const model::Decision& a, const model::Decision& b) {
  if (a.number != b.number || a.body.index() != b.body.index()) return false;
  return std::visit(
      [&b](const auto& body) {
        using Body = std::remove_cvref_t<decltype(body)>;
        return model::json::same(body, std::get<Body>(b.body));
      },
      a.body);
}

}  // namespace fairlead::ledger
