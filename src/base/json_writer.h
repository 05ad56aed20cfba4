#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fairlead::base {

/// Appends JSON to a text as it is told: no tree is built. Members come out in the order in which they are
/// written, and doubles as the shortest digits that read back the same, so equal calls give equal bytes.
/// Values must be nested properly (a key before each member, an end for each begin); nothing checks that.
class JsonWriter {
 public:
  /// `indent` 0 writes everything on one line; otherwise one member or item a line, indented by so many
  /// blanks.
  explicit JsonWriter(std::string& out, int indent = 0) : out_(out), indent_(indent) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name) {
    separate();
    write_text(name);
    out_ += indent_ > 0 ? ": " : ":";
    after_key_ = true;
  }

  void value(std::string_view text) {
    separate();
    write_text(text);
  }
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool boolean) { literal(boolean ? "true" : "false"); }
  /// A double that JSON cannot hold (infinite, not a number) is written as null.
  void value(double number) {
    if (!std::isfinite(number)) return null();
    write_number(number);
  }
  template <class Integer>
    requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
  void value(Integer number) {
    write_number(number);
  }
  void null() { literal("null"); }
  /// Text that is JSON already.
  void raw(std::string_view json) { literal(json); }

  template <class T>
  void member(std::string_view name, const T& content) {
    key(name);
    value(content);
  }

 private:
  void open(char bracket) {
    separate();
    out_ += bracket;
    filled_.push_back(false);
  }
  void close(char bracket) {
    const bool filled = filled_.back();
    filled_.pop_back();
    if (filled) new_line();
    out_ += bracket;
  }
  void separate() {
    if (after_key_) {
      after_key_ = false;
      return;
    }
    if (filled_.empty()) return;
    if (filled_.back()) out_ += ',';
    filled_.back() = true;
    new_line();
  }
  void new_line() {
    if (indent_ == 0) return;
    out_ += '\n';
    out_.append(filled_.size() * static_cast<std::size_t>(indent_), ' ');
  }
  void literal(std::string_view text) {
    separate();
    out_ += text;
  }
  template <class Number>
  void write_number(Number number) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    literal(std::string_view(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())));
  }
  void write_text(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out_ += '"';
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      out_ += text.substr(begin, i - begin);
      begin = i + 1;
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\t':
          out_ += "\\t";
          break;
        default:
          out_ += "\\u00";
          out_ += kHex[c >> 4U];
          out_ += kHex[c & 15U];
      }
    }
    out_ += text.substr(begin);
    out_ += '"';
  }

  std::string& out_;
  int indent_;
  bool after_key_ = false;
  std::vector<bool> filled_;
};

}  // namespace fairlead::base
