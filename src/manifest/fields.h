#pragma once

#include "base/json_value.h"
#include "base/time.h"
#include "manifest/diagnostics.h"
#include "model/labels.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::manifest {

/// Where an object stands in an input.
struct Place {
  std::string_view source;
  std::size_t document = 0;              ///< 1-based
  std::optional<std::size_t> item = {};  ///< 0-based, in a List
};

/// Reads the fields of one object by type. A field that is absent or null has its fallback; a field of the
/// wrong type or with an impossible value is reported with its path, value and remedy, and then counts as
/// absent. The path of a value is found by looking for it in the object, so that reading costs nothing for
/// it.
class Fields {
 public:
  using Value = base::JsonValue;

  /// All arguments outlive the reader of fields. `object` is how the object is called in messages.
  Fields(const Value& root, const Place& place, std::string object, DiagnosticLog& log)
      : root_(root), place_(place), object_(std::move(object)), log_(log) {}

  const Value& root() const { return root_; }
  const std::string& object_name() const { return object_; }
  /// Whether something was wrong that makes the object unusable.
  bool failed() const { return failed_; }

  const Value* object(const Value& parent, std::string_view key);
  const Value* array(const Value& parent, std::string_view key);
  /// Calls `visit` with each map of a list; an item of another kind is an error.
  template <class Visit>
  void each_object(const Value& parent, std::string_view key, Visit visit) {
    const Value* list = array(parent, key);
    if (list == nullptr) return;
    for (const Value& item : list->items()) {
      if (item.is_object()) {
        visit(item);
      } else {
        not_a_map(item);
      }
    }
  }
  std::string_view text(const Value& parent, std::string_view key);
  std::string string(const Value& parent, std::string_view key) { return std::string(text(parent, key)); }
  bool boolean(const Value& parent, std::string_view key, bool fallback = false);
  std::optional<std::int64_t> integer(const Value& parent, std::string_view key,
                                      std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                                      std::int64_t high = std::numeric_limits<std::int64_t>::max());
  std::optional<std::int32_t> small_integer(const Value& parent, std::string_view key,
                                            std::int32_t low = std::numeric_limits<std::int32_t>::min());
  std::optional<double> number(const Value& parent, std::string_view key);
  std::optional<base::Time> time(const Value& parent, std::string_view key);
  std::optional<base::Duration> duration(const Value& parent, std::string_view key);
  /// A map of texts: labels, annotations, a selector.
  model::Labels labels(const Value& parent, std::string_view key);
  /// More than any machine has; sums of thousands of such amounts still fit 64 bits.
  static constexpr std::int64_t kMostOfAnything = std::int64_t{1} << 50U;
  /// A Kubernetes quantity from 0 to `most`, in whole units or thousandths.
  std::optional<std::int64_t> quantity(const Value& value, bool thousandths,
                                       std::int64_t most = kMostOfAnything);

  /// Something is wrong with a value, and the object cannot be used.
  void error(const Value& at, std::string message, std::string remedy);
  /// A field that must be there is not.
  void missing(const Value& parent, std::string_view key, std::string remedy);
  /// Something is wrong with a value, which is left out; the object can be used.
  void left_out(const Value& at, std::string message, std::string remedy);
  void warning(const Value& at, std::string message, std::string remedy);

  /// "spec.containers[0].image" of a value of this object.
  std::string path_of(const Value& value) const;

 private:
  const Value* present(const Value& parent, std::string_view key);
  void not_a_map(const Value& value);
  void report(Diagnostic::Severity severity, std::string field, const Value& at, std::string message,
              std::string remedy);

  const Value& root_;
  Place place_;
  std::string object_;
  DiagnosticLog& log_;
  bool failed_ = false;
};

/// What kind of value it is, for people: "a number", "a list".
std::string_view kind_name(const base::JsonValue& value);

/// A text as integer, with nothing before or after it.
std::optional<std::int64_t> parse_integer(std::string_view text);
/// A text as a finite number, with nothing before or after it.
std::optional<double> parse_number(std::string_view text);

}  // namespace fairlead::manifest
