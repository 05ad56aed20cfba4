#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::sim {

/// A table of comma-separated values with a header line, held in memory. Lines end with LF or CRLF; a field
/// in double quotes may hold commas, line ends and doubled quotes; blank lines are passed over. Source: RFC
/// 4180.
class CsvTable {
 public:
  /// Errors: kInvalidArgument (no header, two columns of one name, a row with more or fewer fields than the
  /// header, an open quote) with the line. `source` names the text in errors.
  static base::Result<CsvTable> parse(std::string_view text, std::string source);
  /// Reads a file. Errors: kNotFound, kPermissionDenied, and those of parse().
  static base::Result<CsvTable> read(const std::string& path);

  std::size_t rows() const { return lines_.size(); }
  /// Errors: kInvalidArgument, naming the columns that there are.
  base::Result<std::size_t> column(std::string_view name) const;
  bool has_column(std::string_view name) const;
  const std::string& text(std::size_t row, std::size_t column) const {
    return fields_[row * header_.size() + column];
  }
  /// The field as a whole number in [low, high]. Errors: kInvalidArgument, kOutOfRange.
  base::Result<std::int64_t> integer(std::size_t row, std::size_t column, std::int64_t low,
                                     std::int64_t high) const;
  /// An error about one field: "nodes.csv, line 7, column cpu_milli: "many" is not a whole number; ...".
  base::Error error_at(std::size_t row, std::size_t column, std::string_view what) const;
  const std::string& source() const { return source_; }

 private:
  std::string source_;
  std::vector<std::string> header_;
  std::vector<std::string> fields_;  ///< row by row
  std::vector<std::size_t> lines_;   ///< per row: the line on which it starts, from 1
};

}  // namespace fairlead::sim
