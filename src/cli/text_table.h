#pragma once

#include "cli/style.h"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// A table in columns for people: headings in capitals, two spaces between columns, nothing after the last
/// character of a line. The last column may be wrapped at the width of a terminal and goes on below itself;
/// where it would be squeezed it stands below its row.
class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column. Control characters are shown as '?', so that no text from an input steers a
  /// terminal.
  void add_row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// Writes the table, each line `indent` spaces in. `width`: columns of the terminal, 0 for no wrapping.
  void write(std::string& out, const Style& style, std::size_t indent = 0, std::size_t width = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// How many columns a text takes: UTF-8 code points; wide and combining characters are not told apart.
std::size_t display_width(std::string_view text);
/// The text with control characters replaced by '?'.
std::string printable(std::string_view text);
/// Breaks a text at spaces into lines of at most `width` columns; a longer word has a line of its own. 0: one
/// line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace fairlead::cli
