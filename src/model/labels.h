#pragma once

#include <boost/container/flat_map.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

/// Labels or annotations: sorted by key, so equal maps compare and print alike.
using Labels = boost::container::flat_map<std::string, std::string, std::less<>>;

/// The value of `key`, or nothing.
std::optional<std::string_view> find_label(const Labels& labels, std::string_view key);

/// One condition on labels, as in matchExpressions. Source: Kubernetes API, LabelSelectorRequirement and
/// NodeSelectorRequirement.
struct Requirement {
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist, kGreaterThan, kLessThan };
  std::string key;
  Operator op = Operator::kExists;
  std::vector<std::string> values;  ///< sorted for In and NotIn; one integer for GreaterThan and LessThan

  friend auto operator<=>(const Requirement&, const Requirement&) = default;
};

/// Whether labels meet the requirement. NotIn and DoesNotExist accept a missing key, as Kubernetes does.
bool matches(const Requirement& requirement, const Labels& labels);

/// A pod or namespace selector; matchLabels are written as In requirements. A selector without requirements
/// matches everything; "no selector", which matches nothing, is std::optional without a value.
struct LabelSelector {
  std::vector<Requirement> requirements;

  friend auto operator<=>(const LabelSelector&, const LabelSelector&) = default;
};
bool matches(const LabelSelector& selector, const Labels& labels);

/// One alternative of a node selector: all requirements must hold. A term without any requirement matches no
/// node.
struct NodeSelectorTerm {
  std::vector<Requirement> labels;
  std::vector<Requirement> fields;  ///< on metadata.name only, which is all Kubernetes allows

  friend auto operator<=>(const NodeSelectorTerm&, const NodeSelectorTerm&) = default;
};
bool matches(const NodeSelectorTerm& term, const Labels& labels, std::string_view node_name);

}  // namespace fairlead::model
