#pragma once

#include "manifest/collected.h"

#include <string>
#include <unordered_set>

namespace fairlead::manifest {

/// Takes objects one by one, whatever text they came from, and collects what they say.
class ObjectSink {
 public:
  explicit ObjectSink(ReadOptions options);

  /// One object, or a List whose items are in the value. `list_kind` and `list_version` are those of the List
  /// that the object stands in; its items may leave theirs out.
  void take(const base::JsonValue& object, const Place& place, std::string_view list_kind = {},
            std::string_view list_version = {});
  /// Something that never became an object.
  void unreadable(const Place& place, std::string message, std::string remedy);

  const ReadOptions& options() const { return options_; }
  /// Everything taken so far; the sink is empty afterwards.
  Collected finish();

 private:
  /// Whether it is of a kind that is read for itself.
  bool decode(Fields& fields, std::string_view kind, std::string_view group);
  void take_pod(Fields& fields);
  void take_queue(Fields& fields);
  void take_other(const base::JsonValue& object, const Place& place, std::string_view kind);
  /// Whether this is the first object of that kind and name; the second is reported.
  bool first_of_name(Fields& fields, std::string_view kind, const std::string& name);

  ReadOptions options_;
  Accelerators accelerators_;
  Collected collected_;
  std::unordered_set<std::string> names_;
};

}  // namespace fairlead::manifest
