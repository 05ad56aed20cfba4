#pragma once

#include "base/json_value.h"
#include "base/result.h"

#include <memory>
#include <string_view>

namespace fairlead::base {

/// Reads JSON texts, one at a time, into values; keeps its memory from one to the next. The only place that
/// knows the JSON library. Thread: one. Cost: about 400 MB/s.
class JsonReader {
 public:
  static constexpr std::size_t kMaxDepth = 128;

  JsonReader();
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  /// An array under this name is passed over unread: metadata.managedFields is half of what an API server
  /// prints.
  void skip_arrays_named(std::string_view name) { skipped_ = name; }

  /// Reads one JSON object or array that fills `text`, up to white space. `readable_after` is how many bytes
  /// behind the text may be read (not used); with fewer than 64 the text is copied first. The value is valid
  /// until the next call, and as long as `text` lives. Errors: kInvalidArgument for what is not JSON, not
  /// UTF-8, or nested more than kMaxDepth deep.
  Result<const JsonValue*> read(std::string_view text, std::size_t readable_after = 0);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
  std::string_view skipped_;
};

/// Whether the text is a number by the grammar of JSON.
bool is_json_number(std::string_view text);

/// Walks over JSON without reading it: finds where values begin and end, so that a list of a million objects
/// can be taken item by item. Checks strings and the nesting of brackets only; what it finds is still to be
/// read.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  std::size_t position() const { return position_; }
  void skip_space();
  std::size_t size() const { return text_.size(); }
  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  /// Takes this character if it comes next.
  bool take(char c);
  /// The text of the value that comes next, or an error when it does not end.
  Result<std::string_view> value();
  /// The name of the member that comes next and its colon. A name with escapes is returned as written.
  Result<std::string_view> key();
  /// How many bytes of the scanned text lie behind a part of it.
  std::size_t bytes_after(std::string_view part) const {
    return static_cast<std::size_t>(text_.data() + text_.size() - (part.data() + part.size()));
  }

 private:
  bool skip_string();
  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace fairlead::base
