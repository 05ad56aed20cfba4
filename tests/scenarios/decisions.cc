#include "decisions.h"

#include <array>
#include <string_view>

namespace fairlead::scenarios {
namespace {

std::string short_name(const std::string& key) { return key.substr(key.find('/') + 1); }

std::string rule_text(const model::Evict& evict) {
  static constexpr std::array<std::string_view, 4> kRules = {"reclaim", "preempt", "consolidate",
                                                             "stale gang"};
  std::string text(kRules[static_cast<std::size_t>(evict.rule)]);
  if (!evict.beneficiary.empty()) text += " for " + short_name(evict.beneficiary);
  return text;
}

std::string_view code_text(model::ReasonCode code) {
  static constexpr std::array<std::string_view, 16> kCodes = {
      "not-enough-pods",      "missing-reference",
      "queue-does-not-exist", "queue-is-not-a-leaf",
      "over-limit",           "non-preemptible-over-quota",
      "over-fair-share",      "nodes-do-not-fit",
      "gang-does-not-fit",    "topology",
      "waiting-for-release",  "preemption-delay",
      "bind-failing",         "queue-discipline",
      "search-limit",         "unknown-topology"};
  return kCodes[static_cast<std::size_t>(code)];
}

/// A table that names no device leaves it open.
std::string as_precise_as(const std::string& expected, const std::string& actual) {
  return expected.find('/') == std::string::npos ? actual.substr(0, actual.find('/')) : actual;
}

void compare(const std::string& what, const std::map<std::string, std::string>& expected,
             const std::map<std::string, std::string>& actual, std::string& differences) {
  auto line = [&](const std::string& pod, const std::string& text) {
    differences += "  " + what + " " + pod + ": " + text + "\n";
  };
  for (const auto& [pod, want] : expected) {
    auto found = actual.find(pod);
    if (found == actual.end())
      line(pod, "expected " + want + ", did not happen");
    else if (as_precise_as(want, found->second) != want)
      line(pod, "expected " + want + ", got " + found->second);
  }
  for (const auto& [pod, got] : actual)
    if (!expected.count(pod)) line(pod, "not expected, got " + got);
}

}  // namespace

std::string place_text(const std::string& node, const std::vector<std::string>& device_groups) {
  std::string text = node;
  for (const std::string& group : device_groups) text += (text == node ? "/" : "+") + group;
  return text;
}

std::string reason_text(const model::Reason& reason) {
  std::string text(code_text(reason.code));
  if (!reason.queue.empty()) text += " at " + reason.queue;
  return text;
}

std::string decision_text(const model::Decision& decision) {
  std::string number = std::to_string(decision.number) + " ";
  if (const auto* bind = std::get_if<model::Bind>(&decision.body))
    return number + "bind " + bind->pod + " to " + place_text(bind->node, bind->device_groups) + " share " +
           std::to_string(bind->share_thousandths);
  if (const auto* evict = std::get_if<model::Evict>(&decision.body))
    return number + "evict " + evict->pod + " " + rule_text(*evict);
  if (const auto* nominate = std::get_if<model::Nominate>(&decision.body))
    return number + "nominate " + nominate->pod + " on " + nominate->node;
  if (const auto* withdraw = std::get_if<model::WithdrawNomination>(&decision.body))
    return number + "withdraw " + withdraw->pod;
  const auto& changed = std::get<model::VerdictChanged>(decision.body);
  std::string text = number + "verdict " + changed.group;
  for (const model::Reason& reason : changed.verdict.reasons) text += " " + reason_text(reason);
  return text;
}

Expected in_table_form(const std::vector<model::Decision>& decisions) {
  Expected result;
  for (const model::Decision& decision : decisions) {
    if (const auto* bind = std::get_if<model::Bind>(&decision.body))
      result.binds[bind->pod] = place_text(bind->node, bind->device_groups);
    if (const auto* evict = std::get_if<model::Evict>(&decision.body))
      result.evictions[evict->pod] = rule_text(*evict);
    if (const auto* nominate = std::get_if<model::Nominate>(&decision.body))
      result.nominations[nominate->pod] = nominate->node;
    if (const auto* withdraw = std::get_if<model::WithdrawNomination>(&decision.body))
      result.withdrawn[withdraw->pod] = "";
  }
  return result;
}

std::string difference(const Expected& expected, const Expected& actual) {
  std::string differences;
  compare("bind", expected.binds, actual.binds, differences);
  compare("nominate", expected.nominations, actual.nominations, differences);
  compare("evict", expected.evictions, actual.evictions, differences);
  compare("withdraw", expected.withdrawn, actual.withdrawn, differences);
  return differences;
}

std::string waits_difference(const Expected& expected,
                             const std::map<std::string, model::Verdict>& verdicts) {
  std::string differences;
  for (const auto& [group, want] : expected.waits) {
    auto found = verdicts.find("default/" + group);
    std::string got = "nothing";
    if (found != verdicts.end() && !found->second.reasons.empty())
      got = reason_text(found->second.reasons.front());
    if (want.find(" at ") == std::string::npos) got = got.substr(0, got.find(" at "));
    if (got != want) differences += "  " + group + " waits for: expected " + want + ", got " + got + "\n";
  }
  return differences;
}

}  // namespace fairlead::scenarios
