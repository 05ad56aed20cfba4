#include "model/labels.h"

#include <algorithm>
#include <charconv>

namespace fairlead::model {
namespace {

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool compare_integers(const Requirement& requirement, std::string_view text) {
  if (requirement.values.size() != 1) return false;
  auto label = integer(text);
  auto bound = integer(requirement.values.front());
  if (!label || !bound) return false;
  return requirement.op == Requirement::Operator::kGreaterThan ? *label > *bound : *label < *bound;
}

bool matches_value(const Requirement& requirement, std::optional<std::string_view> value) {
  auto listed = [&] {
    return std::find(requirement.values.begin(), requirement.values.end(), *value) !=
           requirement.values.end();
  };
  switch (requirement.op) {
    case Requirement::Operator::kIn:
      return value && listed();
    case Requirement::Operator::kNotIn:
      return !value || !listed();
    case Requirement::Operator::kExists:
      return value.has_value();
    case Requirement::Operator::kDoesNotExist:
      return !value;
    case Requirement::Operator::kGreaterThan:
    case Requirement::Operator::kLessThan:
      return value && compare_integers(requirement, *value);
  }
  return false;
}

}  // namespace

std::optional<std::string_view> find_label(const Labels& labels, std::string_view key) {
  auto found = labels.find(key);
  if (found == labels.end()) return std::nullopt;
  return found->second;
}

bool matches(const Requirement& requirement, const Labels& labels) {
  return matches_value(requirement, find_label(labels, requirement.key));
}

bool matches(const LabelSelector& selector, const Labels& labels) {
  return std::all_of(selector.requirements.begin(), selector.requirements.end(),
                     [&](const Requirement& requirement) { return matches(requirement, labels); });
}

bool matches(const NodeSelectorTerm& term, const Labels& labels, std::string_view node_name) {
  if (term.labels.empty() && term.fields.empty()) return false;
  return std::all_of(term.labels.begin(), term.labels.end(),
                     [&](const Requirement& requirement) { return matches(requirement, labels); }) &&
         std::all_of(term.fields.begin(), term.fields.end(), [&](const Requirement& requirement) {
           return requirement.key == "metadata.name" && matches_value(requirement, node_name);
         });
}

}  // namespace fairlead::model
