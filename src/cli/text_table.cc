#include "cli/text_table.h"

#include <algorithm>
#include <utility>

namespace fairlead::cli {
namespace {

constexpr std::size_t kGap = 2;
/// A last column that would be narrower than this stands on lines of its own below its row.
constexpr std::size_t kNarrowest = 32;
constexpr std::size_t kBelow = 4;  ///< how far such lines are indented further

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string printable(std::string_view text) {
  std::string safe(text);
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(safe[i]); };
  for (std::size_t i = 0; i < safe.size(); ++i) {
    bool c0 = byte(i) < 0x20 || byte(i) == 0x7F;
    bool c1 = byte(i) == 0xC2 && i + 1 < safe.size() && byte(i + 1) >= 0x80 && byte(i + 1) < 0xA0;
    if (c1) safe[i + 1] = '?';
    if (c0 || c1) safe[i] = '?';
  }
  return safe;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  if (width == 0 || display_width(text) <= width) return {std::string(text)};
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    std::size_t space = text.find(' ');
    std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  lines.push_back(std::move(line));
  return lines;
}

void TextTable::add_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

void TextTable::write(std::string& out, const Style& style, std::size_t indent, std::size_t width) const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    std::size_t widest = display_width(columns_[column].heading);
    for (const auto& row : rows_) widest = std::max(widest, display_width(row[column]));
    widths.push_back(widest);
  }
  std::size_t before_last = indent;
  for (std::size_t column = 0; column + 1 < widths.size(); ++column) before_last += widths[column] + kGap;
  // Only text is wrapped, and only where it does not fit as it is.
  const bool wraps =
      width > 0 && columns_.back().align == Align::kLeft && before_last + widths.back() > width;
  const bool below = wraps && width < before_last + kNarrowest;
  std::size_t last_width = wraps ? width - std::min(width, before_last) : 0;
  if (below) last_width = width - std::min(width, indent + kBelow);

  auto write_line = [&](std::vector<std::string> cells, bool heading) {
    if (below) cells.pop_back();
    std::string line(indent, ' ');
    for (std::size_t column = 0; column < cells.size(); ++column) {
      std::size_t padding = widths[column] - std::min(widths[column], display_width(cells[column]));
      if (columns_[column].align == Align::kRight) line.append(padding, ' ');
      line += cells[column];
      line.append((columns_[column].align == Align::kLeft ? padding : 0) + kGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += heading ? style.faint(line) : line;
    out += '\n';
  };

  std::vector<std::string> headings;
  for (const Column& column : columns_) headings.push_back(column.heading);
  if (std::any_of(headings.begin(), headings.end(), [](const std::string& text) { return !text.empty(); })) {
    write_line(headings, true);
  }
  for (const auto& row : rows_) {
    std::vector<std::string> cells = row;
    const std::vector<std::string> lines = wrap(row.back(), last_width);
    if (below) {
      write_line(cells, false);
      for (const std::string& line : lines) {
        if (!line.empty()) out += std::string(indent + kBelow, ' ') + line + '\n';
      }
      continue;
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i == 1) std::fill(cells.begin(), cells.end(), std::string());
      cells.back() = lines[i];
      write_line(cells, false);
    }
  }
}

}  // namespace fairlead::cli
