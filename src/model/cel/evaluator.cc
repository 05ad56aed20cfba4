// Evaluates an expression on a device. Every node that is looked at is a step of the cost, and so are the
// sizes of lists and texts that are gone through.

#include "model/cel/expression.h"
#include "model/cel/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace fairlead::model::cel {
namespace {

using Kind = Node::Kind;

/// A name in the driver's own domain where it names no other.
std::pair<std::string, std::string> domain_and_name(std::string_view driver, std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {std::string(driver), std::string(name)};
  return {std::string(name.substr(0, slash)), std::string(name.substr(slash + 1))};
}

using Domains = std::map<std::string, std::vector<std::pair<std::string, Value>>>;

Value by_domain(Domains domains) {
  std::vector<std::pair<std::string, Value>> maps;
  for (auto& [domain, values] : domains) maps.emplace_back(domain, Value::map(std::move(values)));
  return Value::map(std::move(maps), true);
}

Value value_of(const AttributeValue& attribute) {
  switch (attribute.kind) {
    case AttributeValue::Kind::kInteger:
      return Value::of(attribute.integer);
    case AttributeValue::Kind::kBoolean:
      return Value::of(attribute.boolean);
    case AttributeValue::Kind::kText:
      return Value::of(attribute.text);
    case AttributeValue::Kind::kVersion:
      break;
  }
  auto version = parse_version(attribute.text);
  return version ? Value::of(std::move(*version)) : Value::error("the attribute is not a version");
}

class Evaluator {
 public:
  Evaluator(const std::vector<Node>& nodes, const DeviceView& device) : nodes_(nodes), device_(device) {}

  std::uint64_t cost() const { return cost_; }

  Value of(std::uint32_t at) {
    const Node& node = nodes_[at];
    if (++cost_ > Expression::kMostCost) return Value::error("too costly");
    switch (node.kind) {
      case Kind::kLiteral:
        return node.literal;
      case Kind::kName:
        return named(node.text);
      case Kind::kSelect:
      case Kind::kTestSelect:
      case Kind::kOptionalSelect:
        return select(node, of(node.args[0]));
      case Kind::kIndex:
      case Kind::kOptionalIndex:
        return index(node, of(node.args[0]), of(node.args[1]));
      case Kind::kList:
        return list(node);
      case Kind::kMap:
        return map(node);
      case Kind::kNot: {
        const Value value = of(node.args[0]);
        if (value.kind == Value::Kind::kBoolean) return Value::of(!value.boolean);
        return value.is_error() ? value : Value::error("! takes a boolean");
      }
      case Kind::kNegate:
        return negate(of(node.args[0]));
      case Kind::kAnd:
        return all_or_any(node, true);
      case Kind::kOr:
        return all_or_any(node, false);
      case Kind::kConditional: {
        const Value condition = of(node.args[0]);
        if (condition.kind == Value::Kind::kBoolean) return of(node.args[condition.boolean ? 1 : 2]);
        return condition.is_error() ? condition : Value::error("? takes a boolean");
      }
      case Kind::kBinary: {
        const Value left = of(node.args[0]);
        const Value right = of(node.args[1]);
        if (right.kind == Value::Kind::kList) cost_ += right.items->size();
        cost_ += std::min(left.text.size(), right.text.size()) / 10;
        if (node.text == "+") {
          // Lists and texts that are joined again and again double each time.
          cost_ += (left.text.size() + right.text.size()) / 10;
          if (left.kind == Value::Kind::kList) cost_ += left.items->size();
        }
        if (cost_ > Expression::kMostCost) return Value::error("too costly");
        return apply_operator(node.text, left, right);
      }
      case Kind::kCall: {
        std::vector<Value> arguments;
        arguments.reserve(node.args.size());
        for (std::uint32_t argument : node.args) arguments.push_back(of(argument));
        return call_function(node, arguments, cost_);
      }
      case Kind::kBind: {
        variables_.emplace_back(node.text, of(node.args[0]));
        Value result = of(node.args[1]);
        variables_.pop_back();
        return result;
      }
      case Kind::kMacro:
        return comprehension(node);
    }
    return Value::error("not known");
  }

 private:
  Value named(const std::string& name) const {
    for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable)
      if (variable->first == name) return variable->second;
    return name == "device" ? device_.value() : Value::error(fmt::format("{} is not a value", name));
  }

  static Value look_up(const Value& from, const std::string& key, bool optional) {
    if (from.kind != Value::Kind::kMap)
      return Value::error(fmt::format("{} has no fields", kind_name(from.kind)));
    if (const Value* found = from.find(key)) return optional ? Value::optional({*found}) : *found;
    if (optional) return Value::optional({});
    if (from.open) return Value::map({});
    return Value::error(fmt::format("no such key: {}", key));
  }

  Value select(const Node& node, Value from) {
    if (from.is_error()) return from;
    if (node.kind == Kind::kTestSelect) {
      if (from.kind != Value::Kind::kMap)
        return Value::error(fmt::format("{} has no fields", kind_name(from.kind)));
      return Value::of(from.find(node.text) != nullptr);
    }
    const bool through_optional = from.kind == Value::Kind::kOptional;
    if (through_optional) {
      if (from.items->empty()) return from;
      const Value inner = from.items->front();
      return look_up(inner, node.text, true);
    }
    return look_up(from, node.text, node.kind == Kind::kOptionalSelect);
  }

  Value index(const Node& node, Value from, const Value& key) {
    if (from.is_error()) return from;
    if (key.is_error()) return key;
    const bool optional = node.kind == Kind::kOptionalIndex || from.kind == Value::Kind::kOptional;
    if (from.kind == Value::Kind::kOptional) {
      if (from.items->empty()) return from;
      from = Value(from.items->front());
    }
    if (from.kind == Value::Kind::kList && key.kind == Value::Kind::kInteger) {
      const bool inside = key.integer >= 0 && static_cast<std::uint64_t>(key.integer) < from.items->size();
      if (!inside) return optional ? Value::optional({}) : Value::error("index out of range");
      const Value& found = (*from.items)[static_cast<std::size_t>(key.integer)];
      return optional ? Value::optional({found}) : found;
    }
    if (key.kind != Value::Kind::kText) return Value::error(fmt::format("{} is no key", kind_name(key.kind)));
    return look_up(from, key.text, optional);
  }

  Value list(const Node& node) {
    std::vector<Value> items;
    items.reserve(node.args.size());
    for (std::uint32_t argument : node.args) {
      items.push_back(of(argument));
      if (items.back().is_error()) return items.back();
    }
    return Value::list(std::move(items));
  }

  Value map(const Node& node) {
    std::vector<std::pair<std::string, Value>> members;
    for (std::size_t i = 0; i + 1 < node.args.size(); i += 2) {
      const Value key = of(node.args[i]);
      if (key.is_error()) return key;
      if (key.kind != Value::Kind::kText) return Value::error("keys of maps are texts here");
      members.emplace_back(key.text, of(node.args[i + 1]));
      if (members.back().second.is_error()) return members.back().second;
    }
    return Value::map(std::move(members));
  }

  static Value negate(const Value& value) {
    if (value.kind == Value::Kind::kDouble) return Value::of(-value.number);
    if (value.kind == Value::Kind::kInteger) return apply_operator("-", Value::of(std::int64_t{0}), value);
    return value.is_error() ? value : Value::error("- takes a number");
  }

  /// One side that decides makes an error of the other side meaningless, on whichever side it stands.
  Value all_or_any(const Node& node, bool all) {
    Value failure;
    bool failed = false;
    for (std::uint32_t argument : node.args) {
      Value value = of(argument);
      if (value.kind == Value::Kind::kBoolean) {
        if (value.boolean != all) return value;
      } else if (!failed) {
        failed = true;
        failure = value.is_error() ? std::move(value)
                                   : Value::error(all ? "&& takes booleans" : "|| takes booleans");
      }
    }
    return failed ? failure : Value::of(all);
  }

  Value comprehension(const Node& node) {
    const Value over = of(node.args[0]);
    if (over.is_error()) return over;
    std::vector<Value> items;
    if (over.kind == Value::Kind::kList) {
      items = *over.items;
    } else if (over.kind == Value::Kind::kMap) {
      for (const auto& [key, value] : *over.members) items.push_back(Value::of(key));
    } else {
      return Value::error(fmt::format("{}() goes through lists and maps", node.text));
    }
    std::vector<Value> kept;
    std::int64_t held = 0;
    Value failure;
    bool failed = false;
    for (Value& item : items) {
      variables_.emplace_back(node.variable, item);
      Value result = of(node.args[1]);
      if (node.text == "map" && node.args.size() == 3 && result.kind == Value::Kind::kBoolean &&
          result.boolean)
        kept.push_back(of(node.args[2]));
      variables_.pop_back();
      if (!kept.empty() && kept.back().is_error()) return kept.back();
      if (node.text == "map" && node.args.size() == 2) {
        if (result.is_error()) return result;
        kept.push_back(std::move(result));
        continue;
      }
      if (result.kind != Value::Kind::kBoolean) {
        if (!failed) failure = result.is_error() ? result : Value::error("the condition is no boolean");
        failed = true;
        continue;
      }
      if (node.text == "all" && !result.boolean) return Value::of(false);
      if (node.text == "exists" && result.boolean) return Value::of(true);
      if (result.boolean) ++held;
      if (node.text == "filter" && result.boolean) kept.push_back(item);
    }
    if (failed) return failure;
    if (node.text == "all") return Value::of(true);
    if (node.text == "exists") return Value::of(false);
    if (node.text == "exists_one") return Value::of(held == 1);
    return Value::list(std::move(kept));
  }

  const std::vector<Node>& nodes_;
  const DeviceView& device_;
  std::vector<std::pair<std::string, Value>> variables_;
  std::uint64_t cost_ = 0;
};

}  // namespace

DeviceView::DeviceView(std::string_view driver, const OfferedDevice& device) {
  Domains attributes;
  for (const DeviceAttribute& attribute : device.attributes) {
    auto [domain, name] = domain_and_name(driver, attribute.name);
    attributes[domain].emplace_back(std::move(name), value_of(attribute.value));
  }
  Domains capacities;
  for (const DeviceCapacity& capacity : device.capacities) {
    auto [domain, name] = domain_and_name(driver, capacity.name);
    capacities[domain].emplace_back(std::move(name), Value::quantity(capacity.amount));
  }
  value_ = Value::map({{"driver", Value::of(std::string(driver))},
                       {"attributes", by_domain(std::move(attributes))},
                       {"capacity", by_domain(std::move(capacities))},
                       {"allowMultipleAllocations", Value::of(device.shared)}});
}

Value Expression::evaluate(const DeviceView& device) const { return Evaluator(nodes_, device).of(root_); }

base::Result<bool> Expression::selects(const DeviceView& device) const {
  Evaluator evaluator(nodes_, device);
  const Value value = evaluator.of(root_);
  if (evaluator.cost() > kMostCost)
    return base::Error(base::Code::kResourceExhausted, "the selector takes too many steps");
  if (value.is_error()) return base::invalid_argument(value.text);
  if (value.kind != Value::Kind::kBoolean)
    return base::invalid_argument(fmt::format("the selector gives {}, not a boolean", kind_name(value.kind)));
  return value.boolean;
}

}  // namespace fairlead::model::cel
