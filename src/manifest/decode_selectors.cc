#include "manifest/decoding.h"

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;
using Operator = model::Requirement::Operator;

std::optional<Operator> operator_of(std::string_view name) {
  if (name == "In") return Operator::kIn;
  if (name == "NotIn") return Operator::kNotIn;
  if (name == "Exists") return Operator::kExists;
  if (name == "DoesNotExist") return Operator::kDoesNotExist;
  if (name == "Gt") return Operator::kGreaterThan;
  if (name == "Lt") return Operator::kLessThan;
  return std::nullopt;
}

void check_values(Fields& fields, const Value& expression, const model::Requirement& requirement) {
  const bool wants_values = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
  const bool wants_integer =
      requirement.op == Operator::kGreaterThan || requirement.op == Operator::kLessThan;
  if (wants_values && requirement.values.empty()) {
    fields.missing(expression, "values", "list at least one value");
  }
  if (wants_integer && (requirement.values.size() != 1 || !parse_integer(requirement.values.front()))) {
    fields.error(expression, "needs exactly one whole number under values",
                 "write one whole number, in quotes");
  }
}

/// A matchExpressions or matchFields list.
void decode_requirements(Fields& fields, const Value& parent, std::string_view key,
                         std::vector<model::Requirement>& out) {
  fields.each_object(parent, key, [&](const Value& expression) {
    model::Requirement requirement;
    requirement.key = fields.string(expression, "key");
    const std::string_view name = fields.text(expression, "operator");
    const auto op = operator_of(name);
    if (!op) {
      const Value* at = expression.find("operator");
      fields.error(at == nullptr ? expression : *at, "is not an operator",
                   "write In, NotIn, Exists, DoesNotExist, Gt or Lt");
      return;
    }
    requirement.op = *op;
    if (const Value* values = fields.array(expression, "values")) {
      for (const Value& value : values->items()) {
        if (value.is_string()) {
          requirement.values.emplace_back(value.text());
        } else {
          fields.error(value, "is not a text", "put it in quotes");
        }
      }
    }
    if (requirement.op == Operator::kIn || requirement.op == Operator::kNotIn) {
      std::sort(requirement.values.begin(), requirement.values.end());
      requirement.values.erase(std::unique(requirement.values.begin(), requirement.values.end()),
                               requirement.values.end());
    }
    check_values(fields, expression, requirement);
    out.push_back(std::move(requirement));
  });
}

}  // namespace

std::optional<model::LabelSelector> decode_label_selector(Fields& fields, const Value& parent,
                                                          std::string_view key) {
  const Value* value = fields.object(parent, key);
  if (value == nullptr) return std::nullopt;
  model::LabelSelector selector;
  for (auto& [label, content] : fields.labels(*value, "matchLabels")) {
    selector.requirements.push_back({label, Operator::kIn, {content}});
  }
  decode_requirements(fields, *value, "matchExpressions", selector.requirements);
  // Equal selectors become equal values, whatever the order in which they were written.
  std::sort(selector.requirements.begin(), selector.requirements.end());
  return selector;
}

model::NodeSelectorTerm decode_node_term(Fields& fields, const Value& value) {
  model::NodeSelectorTerm term;
  decode_requirements(fields, value, "matchExpressions", term.labels);
  decode_requirements(fields, value, "matchFields", term.fields);
  std::sort(term.labels.begin(), term.labels.end());
  std::sort(term.fields.begin(), term.fields.end());
  return term;
}

std::vector<model::NodeSelectorTerm> decode_node_terms(Fields& fields, const Value& parent,
                                                       std::string_view key) {
  std::vector<model::NodeSelectorTerm> terms;
  fields.each_object(parent, key,
                     [&](const Value& value) { terms.push_back(decode_node_term(fields, value)); });
  return terms;
}

}  // namespace fairlead::manifest
