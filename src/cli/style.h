#pragma once

#include <string>
#include <string_view>

namespace fairlead::cli {

/// Colours for a terminal, or nothing. Meaning never rests on colour alone.
class Style {
 public:
  Style() = default;
  explicit Style(bool coloured) : coloured_(coloured) {}

  bool coloured() const { return coloured_; }
  std::string heading(std::string_view text) const { return wrap("1", text); }
  std::string good(std::string_view text) const { return wrap("32", text); }
  std::string warning(std::string_view text) const { return wrap("33", text); }
  std::string bad(std::string_view text) const { return wrap("31", text); }
  std::string faint(std::string_view text) const { return wrap("2", text); }

 private:
  std::string wrap(std::string_view code, std::string_view text) const {
    if (!coloured_) return std::string(text);
    std::string styled = "\x1b[";
    styled += code;
    styled += 'm';
    styled += text;
    styled += "\x1b[0m";
    return styled;
  }

  bool coloured_ = false;
};

}  // namespace fairlead::cli
