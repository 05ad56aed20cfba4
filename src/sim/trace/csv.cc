#include "sim/trace/csv.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

namespace fairlead::sim {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
/// How much of a wrong value an error repeats.
constexpr std::size_t kShownCharacters = 40;

std::string shortened(std::string_view text) {
  if (text.size() <= kShownCharacters) return std::string(text);
  return std::string(text.substr(0, kShownCharacters)) + "...";
}

/// Cuts a text into records of fields.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : rest_(text) {}

  std::size_t line() const { return line_; }
  bool at_end() const { return rest_.empty(); }

  /// The fields up to the end of the record; nothing when a quote is never closed.
  std::optional<std::vector<std::string>> record() {
    std::vector<std::string> fields(1);
    bool quoted = false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '\n') ++line_;
      if (quoted) {
        if (c != '"') {
          fields.back() += c;
        } else if (rest_.starts_with('"')) {
          fields.back() += '"';
          rest_.remove_prefix(1);
        } else {
          quoted = false;
        }
      } else if (c == ',') {
        fields.emplace_back();
      } else if (c == '"' && fields.back().empty()) {
        quoted = true;
      } else if (c == '\n') {
        return fields;
      } else if (c != '\r' || !rest_.starts_with('\n')) {
        fields.back() += c;
      }
    }
    if (quoted) return std::nullopt;
    return fields;
  }

 private:
  std::string_view rest_;
  std::size_t line_ = 1;
};

bool is_blank(const std::vector<std::string>& fields) { return fields.size() == 1 && fields.front().empty(); }

}  // namespace

base::Result<CsvTable> CsvTable::parse(std::string_view text, std::string source) {
  CsvTable table;
  table.source_ = std::move(source);
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Cutter cutter(text);
  while (!cutter.at_end()) {
    const std::size_t line = cutter.line();
    std::optional<std::vector<std::string>> record = cutter.record();
    if (!record) {
      return base::invalid_argument(
          fmt::format("{}, line {}: a double quote is opened and never closed; close it or double it",
                      table.source_, line));
    }
    if (is_blank(*record)) continue;
    if (table.header_.empty()) {
      table.header_ = std::move(*record);
      for (std::size_t i = 0; i < table.header_.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          if (table.header_[i] != table.header_[j]) continue;
          return base::invalid_argument(fmt::format("{}, line {}: two columns are called \"{}\"; rename one",
                                                    table.source_, line, shortened(table.header_[i])));
        }
      }
      continue;
    }
    if (record->size() != table.header_.size()) {
      return base::invalid_argument(
          fmt::format("{}, line {}: {} fields where the header has {}; write one field per column and quote "
                      "fields that hold "
                      "commas",
                      table.source_, line, record->size(), table.header_.size()));
    }
    table.lines_.push_back(line);
    for (std::string& field : *record) table.fields_.push_back(std::move(field));
  }
  if (table.header_.empty()) {
    return base::invalid_argument(
        fmt::format("{}: the file is empty; its first line must name the columns", table.source_));
  }
  return table;
}

base::Result<CsvTable> CsvTable::read(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::string text;
  if (file) {
    char buffer[65536];
    while (const std::size_t read = std::fread(buffer, 1, sizeof buffer, file.get()))
      text.append(buffer, read);
  }
  if (!file || std::ferror(file.get()) != 0) {
    const int reason = errno;
    const base::Code code = reason == EACCES ? base::Code::kPermissionDenied : base::Code::kNotFound;
    return base::Error(code, fmt::format("cannot read {}: {}; check the path", path, std::strerror(reason)));
  }
  return parse(text, path);
}

bool CsvTable::has_column(std::string_view name) const {
  for (const std::string& candidate : header_) {
    if (candidate == name) return true;
  }
  return false;
}

base::Result<std::size_t> CsvTable::column(std::string_view name) const {
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (header_[i] == name) return i;
  }
  std::string known;
  for (const std::string& candidate : header_) known += (known.empty() ? "" : ", ") + shortened(candidate);
  return base::invalid_argument(fmt::format(
      "{}, line 1: there is no column \"{}\" (there are {}); is this the right file?", source_, name, known));
}

base::Error CsvTable::error_at(std::size_t row, std::size_t column, std::string_view what) const {
  return base::invalid_argument(fmt::format("{}, line {}, column {}: \"{}\" {}", source_, lines_[row],
                                            header_[column], shortened(text(row, column)), what));
}

base::Result<std::int64_t> CsvTable::integer(std::size_t row, std::size_t column, std::int64_t low,
                                             std::int64_t high) const {
  const std::string& field = text(row, column);
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
  const bool is_number = failure == std::errc() && end == field.data() + field.size();
  if (is_number && value >= low && value <= high) return value;
  return error_at(row, column,
                  fmt::format("is not a whole number from {} to {}; correct the value", low, high));
}

}  // namespace fairlead::sim
