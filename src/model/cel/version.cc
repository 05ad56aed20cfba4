#include "model/cel/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fairlead::model::cel {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

bool take_number(std::string_view text, bool lenient, std::uint64_t& number) {
  if (!is_number(text) || (!lenient && text.size() > 1 && text.front() == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::strong_ordering compare_identifiers(const std::string& a, const std::string& b) {
  const bool number_a = is_number(a);
  const bool number_b = is_number(b);
  if (number_a != number_b) return number_a ? std::strong_ordering::less : std::strong_ordering::greater;
  // Numbers have no leading zeros: the longer one is larger.
  if (number_a && a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

}  // namespace

std::strong_ordering operator<=>(const Version& a, const Version& b) {
  if (auto order = a.major_number <=> b.major_number; order != 0) return order;
  if (auto order = a.minor_number <=> b.minor_number; order != 0) return order;
  if (auto order = a.patch_number <=> b.patch_number; order != 0) return order;
  if (a.pre_release.empty() || b.pre_release.empty())
    return (a.pre_release.empty() ? 1 : 0) <=> (b.pre_release.empty() ? 1 : 0);
  for (std::size_t i = 0; i < std::min(a.pre_release.size(), b.pre_release.size()); ++i)
    if (auto order = compare_identifiers(a.pre_release[i], b.pre_release[i]); order != 0) return order;
  return a.pre_release.size() <=> b.pre_release.size();
}

std::optional<Version> parse_version(std::string_view text, bool lenient) {
  if (lenient && text.starts_with('v')) text.remove_prefix(1);
  Version version;
  if (const std::size_t plus = text.find('+'); plus != std::string_view::npos) {
    for (std::string_view part : split(text.substr(plus + 1), '.'))
      if (!is_identifier(part)) return std::nullopt;
    text = text.substr(0, plus);
  }
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    for (std::string_view part : split(text.substr(dash + 1), '.')) {
      if (!is_identifier(part)) return std::nullopt;
      if (is_number(part) && part.size() > 1 && part.front() == '0') return std::nullopt;
      version.pre_release.emplace_back(part);
    }
    text = text.substr(0, dash);
  }
  const std::vector<std::string_view> parts = split(text, '.');
  if (parts.size() > 3 || (parts.size() < 3 && !lenient)) return std::nullopt;
  std::uint64_t* const numbers[] = {&version.major_number, &version.minor_number, &version.patch_number};
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (!take_number(parts[i], lenient, *numbers[i])) return std::nullopt;
  return version;
}

std::string to_text(const Version& version) {
  std::string text =
      fmt::format("{}.{}.{}", version.major_number, version.minor_number, version.patch_number);
  for (std::size_t i = 0; i < version.pre_release.size(); ++i)
    text += (i == 0 ? "-" : ".") + version.pre_release[i];
  return text;
}

}  // namespace fairlead::model::cel
