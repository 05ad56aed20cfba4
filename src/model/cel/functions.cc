#include "model/cel/functions.h"

#include "base/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <compare>
#include <limits>

namespace fairlead::model::cel {
namespace {

using Kind = Value::Kind;

constexpr std::uint64_t kCharactersPerStep = 10;  // as in Kubernetes' cost model
constexpr double kIntegerBound = 9223372036854775808.0;

Value unfit(std::string_view what, const Value& a) {
  return Value::error(fmt::format("{} does not take {}", what, kind_name(a.kind)));
}
Value unfit(std::string_view what, const Value& a, const Value& b) {
  return Value::error(fmt::format("{} does not take {} and {}", what, kind_name(a.kind), kind_name(b.kind)));
}

bool is_number(const Value& value) { return value.kind == Kind::kInteger || value.kind == Kind::kDouble; }
double as_double(const Value& value) {
  return value.kind == Kind::kDouble ? value.number : static_cast<double>(value.integer);
}

Value compare(std::string_view sign, const Value& a, const Value& b) {
  std::partial_ordering order = std::partial_ordering::unordered;
  if (a.kind == Kind::kInteger && b.kind == Kind::kInteger) {
    order = a.integer <=> b.integer;
  } else if (is_number(a) && is_number(b)) {
    order = as_double(a) <=> as_double(b);
  } else if (a.kind == Kind::kText && b.kind == Kind::kText) {
    order = a.text.compare(b.text) <=> 0;
  } else if (a.kind == Kind::kBoolean && b.kind == Kind::kBoolean) {
    order = static_cast<int>(a.boolean) <=> static_cast<int>(b.boolean);
  } else {
    return unfit(sign, a, b);
  }
  if (sign == "<") return Value::of(order < 0);
  if (sign == "<=") return Value::of(order <= 0);
  if (sign == ">") return Value::of(order > 0);
  return Value::of(order >= 0);
}

Value integer_arithmetic(std::string_view sign, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (sign.front()) {
    case '+':
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case '-':
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case '*':
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    default:
      if (b == 0) return Value::error("division by zero");
      if (a == std::numeric_limits<std::int64_t>::min() && b == -1) {
        overflow = true;
      } else {
        result = sign == "/" ? a / b : a % b;
      }
      break;
  }
  return overflow ? Value::error("integer overflow") : Value::of(result);
}

Value arithmetic(std::string_view sign, const Value& a, const Value& b) {
  if (a.kind == Kind::kInteger && b.kind == Kind::kInteger)
    return integer_arithmetic(sign, a.integer, b.integer);
  if (a.kind == Kind::kDouble && b.kind == Kind::kDouble && sign != "%") {
    switch (sign.front()) {
      case '+':
        return Value::of(a.number + b.number);
      case '-':
        return Value::of(a.number - b.number);
      case '*':
        return Value::of(a.number * b.number);
      default:
        return Value::of(a.number / b.number);
    }
  }
  if (sign == "+" && a.kind == Kind::kText && b.kind == Kind::kText) return Value::of(a.text + b.text);
  if (sign == "+" && a.kind == Kind::kList && b.kind == Kind::kList) {
    std::vector<Value> all = *a.items;
    all.insert(all.end(), b.items->begin(), b.items->end());
    return Value::list(std::move(all));
  }
  return unfit(sign, a, b);
}

Value contained(const Value& a, const Value& b) {
  if (b.kind == Kind::kList)
    return Value::of(
        std::any_of(b.items->begin(), b.items->end(), [&](const Value& item) { return equal(a, item); }));
  if (b.kind == Kind::kMap) {
    if (a.kind != Kind::kText) return Value::of(false);
    return Value::of(b.find(a.text) != nullptr);
  }
  return unfit("in", a, b);
}

std::string ascii(std::string text, char first, int shift) {
  for (char& c : text)
    if (c >= first && c < first + 26) c = static_cast<char>(c + shift);
  return text;
}

Value trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\v\f";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return Value::of(std::string());
  return Value::of(std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1)));
}

Value splitted(std::string_view text, std::string_view separator) {
  std::vector<Value> parts;
  while (true) {
    const std::size_t end = separator.empty() ? std::min<std::size_t>(1, text.size()) : text.find(separator);
    if (end == std::string_view::npos || (separator.empty() && text.size() <= 1)) break;
    parts.push_back(Value::of(std::string(text.substr(0, end))));
    text.remove_prefix(end + separator.size());
  }
  parts.push_back(Value::of(std::string(text)));
  return Value::list(std::move(parts));
}

/// startsWith and its like, and everything else on a text. None: it is not one of them.
Value text_method(std::string_view name, const Value& self, const std::vector<Value>& args) {
  if (name == "lowerAscii") return Value::of(ascii(self.text, 'A', 'a' - 'A'));
  if (name == "upperAscii") return Value::of(ascii(self.text, 'a', 'A' - 'a'));
  if (name == "trim") return trimmed(self.text);
  if (args.size() != 2 || args[1].kind != Kind::kText)
    return args.size() == 2 ? unfit(name, self, args[1]) : unfit(name, self);
  const std::string& other = args[1].text;
  if (name == "startsWith") return Value::of(self.text.starts_with(other));
  if (name == "endsWith") return Value::of(self.text.ends_with(other));
  if (name == "contains") return Value::of(self.text.find(other) != std::string::npos);
  if (name == "split") return splitted(self.text, other);
  if (name == "indexOf") {
    const std::size_t found = self.text.find(other);
    return Value::of(found == std::string::npos ? std::int64_t{-1} : static_cast<std::int64_t>(found));
  }
  return unfit(name, self, args[1]);
}

Value matched(const Node& node, const std::vector<Value>& args, std::uint64_t& cost) {
  if (args[0].kind != Kind::kText || args[1].kind != Kind::kText) return unfit("matches", args[0], args[1]);
  std::optional<Pattern> own;
  const Pattern* pattern = node.pattern.get();
  if (pattern == nullptr) {
    auto compiled = Pattern::compile(args[1].text);
    if (!compiled) return Value::error(compiled.error().message());
    own = std::move(*compiled);
    pattern = &*own;
  }
  cost += (args[0].text.size() + 1) * pattern->steps() / kCharactersPerStep;
  if (cost > Expression::kMostCost) return Value::error("too costly");
  return Value::of(pattern->found_in(args[0].text));
}

Value sized(const Value& value) {
  const auto count = [](std::size_t size) { return Value::of(static_cast<std::int64_t>(size)); };
  switch (value.kind) {
    case Kind::kText:
      return count(static_cast<std::size_t>(std::count_if(value.text.begin(), value.text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
      })));
    case Kind::kList:
      return count(value.items->size());
    case Kind::kMap:
      return count(value.members->size());
    default:
      return unfit("size", value);
  }
}

/// Methods of quantities and versions.
Value ordered_method(std::string_view name, const std::vector<Value>& args) {
  const Value& self = args[0];
  const bool quantity = self.kind == Kind::kQuantity;
  if (quantity && name == "sign")
    return Value::of(std::int64_t{self.integer > 0 ? 1 : self.integer < 0 ? -1 : 0});
  if (quantity && name == "isInteger") return Value::of(self.integer % 1000 == 0);
  if (quantity && name == "asInteger")
    return self.integer % 1000 == 0 ? Value::of(self.integer / 1000)
                                    : Value::error("the quantity is not a whole number");
  if (quantity && name == "asApproximateFloat") return Value::of(static_cast<double>(self.integer) / 1000);
  if (!quantity && name == "major") return Value::of(static_cast<std::int64_t>(self.version->major_number));
  if (!quantity && name == "minor") return Value::of(static_cast<std::int64_t>(self.version->minor_number));
  if (!quantity && name == "patch") return Value::of(static_cast<std::int64_t>(self.version->patch_number));
  if (args.size() != 2) return unfit(name, self);
  const Value& other = args[1];
  if (quantity && other.kind == Kind::kInteger && (name == "add" || name == "sub")) {
    std::int64_t scaled = 0;
    if (__builtin_mul_overflow(other.integer, std::int64_t{1000}, &scaled))
      return Value::error("quantity overflow");
    return ordered_method(name, {self, Value::quantity(scaled)});
  }
  if (other.kind != self.kind) return unfit(name, self, other);
  if (quantity && (name == "add" || name == "sub")) {
    const Value sum = integer_arithmetic(name == "add" ? "+" : "-", self.integer, other.integer);
    return sum.is_error() ? sum : Value::quantity(sum.integer);
  }
  const std::strong_ordering order =
      quantity ? self.integer <=> other.integer : *self.version <=> *other.version;
  if (name == "isGreaterThan") return Value::of(order > 0);
  if (name == "isLessThan") return Value::of(order < 0);
  if (name == "compareTo") return Value::of(std::int64_t{order < 0 ? -1 : order > 0 ? 1 : 0});
  return unfit(name, self, other);
}

Value to_integer(const Value& value) {
  if (value.kind == Kind::kInteger) return value;
  if (value.kind == Kind::kDouble) {
    if (!(value.number > -kIntegerBound && value.number < kIntegerBound))
      return Value::error("the number is beyond an integer");
    return Value::of(static_cast<std::int64_t>(value.number));
  }
  if (value.kind != Kind::kText) return unfit("int", value);
  std::int64_t result = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, result);
  if (error != std::errc() || stop != end || value.text.empty())
    return Value::error(fmt::format("\"{}\" is not an integer", value.text.substr(0, 40)));
  return Value::of(result);
}

Value to_double(const Value& value) {
  if (is_number(value)) return Value::of(as_double(value));
  if (value.kind != Kind::kText) return unfit("double", value);
  double result = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, result);
  if (error != std::errc() || stop != end || value.text.empty())
    return Value::error(fmt::format("\"{}\" is not a number", value.text.substr(0, 40)));
  return Value::of(result);
}

Value to_string(const Value& value) {
  switch (value.kind) {
    case Kind::kText:
      return value;
    case Kind::kBoolean:
      return Value::of(std::string(value.boolean ? "true" : "false"));
    case Kind::kInteger:
      return Value::of(fmt::format("{}", value.integer));
    case Kind::kDouble:
      return Value::of(fmt::format("{}", value.number));
    case Kind::kVersion:
      return Value::of(to_text(*value.version));
    default:
      return unfit("string", value);
  }
}

Value global_function(std::string_view name, const std::vector<Value>& args) {
  const Value& first = args[0];
  if (name == "size") return sized(first);
  if (name == "int") return to_integer(first);
  if (name == "double") return to_double(first);
  if (name == "string") return to_string(first);
  if (name == "bool") {
    if (first.kind == Kind::kBoolean) return first;
    if (first.text == "true" || first.text == "false") return Value::of(first.text == "true");
    return unfit(name, first);
  }
  if (first.kind != Kind::kText) return unfit(name, first);
  if (name == "quantity" || name == "isQuantity") {
    const auto parsed = base::parse_quantity_milli(first.text);
    if (name == "isQuantity") return Value::of(parsed.ok());
    return parsed ? Value::quantity(*parsed) : Value::error(parsed.error().message());
  }
  if (args.size() == 2 && args[1].kind != Kind::kBoolean) return unfit(name, first, args[1]);
  auto parsed = parse_version(first.text, args.size() == 2 && args[1].boolean);
  if (name == "isSemver") return Value::of(parsed.has_value());
  if (!parsed) return Value::error(fmt::format("\"{}\" is not a version", first.text.substr(0, 40)));
  return Value::of(std::move(*parsed));
}

Value optional_method(std::string_view name, const std::vector<Value>& args) {
  const std::vector<Value>& inner = *args[0].items;
  if (name == "hasValue") return Value::of(!inner.empty());
  if (name == "orValue") return inner.empty() ? args[1] : inner.front();
  if (name == "value") return inner.empty() ? Value::error("the optional value is not there") : inner.front();
  return unfit(name, args[0]);
}

}  // namespace

Value apply_operator(std::string_view sign, const Value& a, const Value& b) {
  if (a.is_error()) return a;
  if (b.is_error()) return b;
  if (sign == "==") return Value::of(equal(a, b));
  if (sign == "!=") return Value::of(!equal(a, b));
  if (sign == "in") return contained(a, b);
  if (sign.front() == '<' || sign.front() == '>') return compare(sign, a, b);
  return arithmetic(sign, a, b);
}

Value call_function(const Node& node, const std::vector<Value>& args, std::uint64_t& cost) {
  for (const Value& argument : args)
    if (argument.is_error()) return argument;
  const Value& first = args.front();
  for (const Value& argument : args) cost += argument.text.size() / kCharactersPerStep;
  std::string_view name = node.text;
  if (!name.starts_with('.')) {
    if (name == "matches") return matched(node, args, cost);
    return global_function(name, args);
  }
  name.remove_prefix(1);
  if (name == "size") return sized(first);
  if (first.kind == Kind::kOptional) return optional_method(name, args);
  if (name == "matches") return matched(node, args, cost);
  if (name == "includes") {
    // An attribute may hold one value or, in newer drivers, a list of them.
    if (first.kind == Kind::kList) return contained(args[1], first);
    return Value::of(equal(first, args[1]));
  }
  if (name == "split") cost += first.text.size();
  if (cost > Expression::kMostCost) return Value::error("too costly");
  if (first.kind == Kind::kText) return text_method(name, first, args);
  if (first.kind == Kind::kQuantity || first.kind == Kind::kVersion) return ordered_method(name, args);
  return unfit(name, first);
}

}  // namespace fairlead::model::cel
