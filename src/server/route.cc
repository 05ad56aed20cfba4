#include "server/route.h"

namespace fairlead::server {
namespace {

std::string_view next_segment(std::string_view& path) {
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  const std::size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(segment.size());
  return segment;
}

bool fits(std::string_view pattern, std::string_view path, Router::PathValues& values) {
  values.clear();
  if (pattern == "/" || path == "/") return pattern == path;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern);
    const std::string_view given = next_segment(path);
    if (wanted.starts_with('{')) {
      if (given.empty()) return false;
      values.emplace_back(wanted.substr(1, wanted.size() - 2), std::string(given));
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match;
  PathValues values;
  for (const Route& route : routes_) {
    if (!fits(route.path, path, values)) continue;
    if (route.method == method) {
      match.route = &route;
      match.values = std::move(values);
      return match;
    }
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += route.method;
  }
  return match;
}

std::vector<std::string_view> path_parameters(std::string_view path) {
  std::vector<std::string_view> names;
  while (!path.empty()) {
    const std::string_view segment = next_segment(path);
    if (segment.starts_with('{')) names.push_back(segment.substr(1, segment.size() - 2));
  }
  return names;
}

}  // namespace fairlead::server
