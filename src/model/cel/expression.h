#pragma once

#include "base/result.h"
#include "model/cel/pattern.h"
#include "model/cel/value.h"
#include "model/claim.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model::cel {

/// One node of an expression; children come before their parents.
struct Node {
  enum class Kind : std::uint8_t {
    kLiteral,
    kName,            ///< text: `device`, or what a macro binds
    kSelect,          ///< args[0].text
    kTestSelect,      ///< has(args[0].text)
    kOptionalSelect,  ///< args[0].?text
    kIndex,           ///< args[0][args[1]]
    kOptionalIndex,   ///< args[0][?args[1]]
    kList,
    kMap,  ///< keys and values in turn
    kNot,
    kNegate,
    kAnd,
    kOr,
    kConditional,
    kBinary,  ///< text: == != < <= > >= in + - * / %
    kCall,    ///< text(args...); text starts with a dot for args[0].text(args[1]...)
    kBind,    ///< cel.bind(text, args[0], args[1])
    kMacro,   ///< text: all, exists, exists_one, filter, map; args: list, body[, second]; variable
  };
  Kind kind = Kind::kLiteral;
  std::string text;
  std::string variable;
  std::vector<std::uint32_t> args;
  Value literal;
  std::shared_ptr<const Pattern> pattern;  ///< of matches() with a literal
};

/// What a selector sees of a device, prepared once for many expressions.
class DeviceView {
 public:
  DeviceView(std::string_view driver, const OfferedDevice& device);
  const Value& value() const { return value_; }

 private:
  Value value_;
};

/// A device selector in CEL: the part of the language that selectors use (docs/objects.md lists it),
/// evaluated within a limit on its work. Immutable.
class Expression {
 public:
  /// Errors: kInvalidArgument with the position for what is not CEL or outside that part; kResourceExhausted
  /// for a text beyond kLongest or nested beyond kDeepest.
  static base::Result<Expression> compile(std::string_view text);

  /// Whether the device is selected. Errors: kInvalidArgument where it has no value on this device (a missing
  /// attribute, types that do not go together), kResourceExhausted beyond kMostCost steps.
  base::Result<bool> selects(const DeviceView& device) const;
  /// Any value, for tests.
  Value evaluate(const DeviceView& device) const;

  static constexpr std::size_t kLongest = 10 * 1024;  ///< bytes; Kubernetes' limit
  static constexpr int kDeepest = 100;
  static constexpr std::uint64_t kMostCost = 1'000'000;  ///< Kubernetes' limit, counted alike in kind

 private:
  std::vector<Node> nodes_;
  std::uint32_t root_ = 0;
  friend class Parser;
};

}  // namespace fairlead::model::cel
