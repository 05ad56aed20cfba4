#pragma once

#include "base/json_value.h"
#include "base/result.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace fairlead::manifest {

/// What a YAML text says, object by object. A List is not kept: its items come one by one.
class YamlObjects {
 public:
  virtual ~YamlObjects() = default;
  /// One object; the value is valid during the call. For an item of a List: its index, and the List's kind
  /// and version.
  virtual void object(const base::JsonValue& value, std::optional<std::size_t> item,
                      std::string_view list_kind, std::string_view list_version) = 0;
  /// How far the reading is; called now and then.
  virtual void progress(std::size_t bytes) = 0;
};

/// Reads YAML as kubectl does (YAML 1.1 as Go reads it: yes and on are booleans, what is quoted is text),
/// from the events of the parser: never more than one object is in memory. The only place that knows the YAML
/// library. Thread: one. Cost: about 10 MB/s.
class YamlReader {
 public:
  static constexpr std::size_t kMaxDepth = 128;
  /// How many values the aliases of one object may stand for, so that a small text cannot mean a huge one.
  static constexpr std::size_t kMaxAliased = 100'000;

  YamlReader();
  ~YamlReader();
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  /// Reads one document: a text without lines that begin with three dashes, but for the first.
  /// Errors: kInvalidArgument, with line and column, for what is not YAML or exceeds a limit. What came
  /// before the error was handed over.
  base::Result<void> read(std::string_view document, YamlObjects& objects);

 private:
  class Handler;
  std::unique_ptr<Handler> handler_;
};

/// Takes the next document off the front of a text: up to the next line that begins with three dashes.
std::string_view next_yaml_document(std::string_view& text);
/// Whether a document says nothing: only blank lines, comments, markers and directives.
bool is_empty_yaml(std::string_view document);

}  // namespace fairlead::manifest
