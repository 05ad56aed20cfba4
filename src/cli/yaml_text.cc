#include "cli/yaml_text.h"

#include "base/json_writer.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace fairlead::cli {
namespace {

using base::JsonValue;

/// Letters, digits and harmless marks only, starting with a letter, and not one of the words that mean
/// something else.
bool is_plain(std::string_view text) {
  auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto harmless = [&](char c) {
    return alpha(c) || (c >= '0' && c <= '9') ||
           std::string_view("._-/ ()+;,<>=").find(c) != std::string_view::npos;
  };
  if (text.empty() || !alpha(text.front()) || text.back() == ' ') return false;
  if (!std::all_of(text.begin(), text.end(), harmless)) return false;
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  constexpr std::array<std::string_view, 9> kReserved = {"true", "false", "yes", "no", "on",
                                                         "off",  "null",  "y",   "n"};
  return std::find(kReserved.begin(), kReserved.end(), lower) == kReserved.end();
}

void append_text(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += text;
  } else {
    base::JsonWriter(out).value(text);
  }
}

void append_scalar(std::string& out, const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull:
      out += "null";
      break;
    case JsonValue::Kind::kBoolean:
      out += value.boolean() ? "true" : "false";
      break;
    case JsonValue::Kind::kNumber:
      out += value.text();
      break;
    case JsonValue::Kind::kString:
      append_text(out, value.text());
      break;
    case JsonValue::Kind::kArray:
      out += "[]";
      break;
    case JsonValue::Kind::kObject:
      out += "{}";
      break;
  }
}

/// Writes the members or items of a container, the first one where the text stands now, the others on lines
/// of their own. The depth is that of a document which this program wrote.
void append_block(std::string& out, const JsonValue& value, std::size_t indent) {
  auto is_block = [](const JsonValue& v) { return !v.items().empty() || !v.members().empty(); };
  bool first = true;
  auto start = [&] {
    if (!first) out.append(indent, ' ');
    first = false;
  };
  for (const JsonValue& item : value.items()) {
    start();
    out += "- ";
    if (is_block(item)) {
      append_block(out, item, indent + 2);
    } else {
      append_scalar(out, item);
      out += '\n';
    }
  }
  for (const JsonValue::Member& member : value.members()) {
    start();
    append_text(out, member.key);
    if (!is_block(member.value)) {
      out += ": ";
      append_scalar(out, member.value);
      out += '\n';
      continue;
    }
    out += ":\n";
    std::size_t below = indent + (member.value.is_array() ? 0 : 2);
    out.append(below, ' ');
    append_block(out, member.value, below);
  }
}

}  // namespace

std::string yaml_text(const JsonValue& document) {
  std::string out;
  if (document.items().empty() && document.members().empty()) {
    append_scalar(out, document);
    out += '\n';
  } else {
    append_block(out, document, 0);
  }
  return out;
}

}  // namespace fairlead::cli
