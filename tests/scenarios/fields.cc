#include "fields.h"

namespace fairlead::scenarios {

Fields::Fields(YAML::Node node, std::string where) : node_(std::move(node)), where_(std::move(where)) {
  if (!node_.IsMap() && node_.IsDefined() && !node_.IsNull())
    throw TableError(where_ + ": a mapping is expected");
}

bool Fields::has(const std::string& key) const {
  return node_.IsMap() && static_cast<const YAML::Node&>(node_)[key].IsDefined();
}

YAML::Node Fields::take(const std::string& key) {
  asked_.insert(key);
  return has(key) ? node_[key] : YAML::Node();
}

Fields Fields::inside(const std::string& key) { return Fields(take(key), where_ + "." + key); }

std::vector<std::pair<std::string, YAML::Node>> Fields::entries() {
  std::vector<std::pair<std::string, YAML::Node>> list;
  if (node_.IsMap())
    for (const auto& entry : node_) {
      list.emplace_back(convert<std::string>(entry.first, where_), entry.second);
      asked_.insert(list.back().first);
    }
  return list;
}

void Fields::finish() const {
  if (!node_.IsMap()) return;
  for (const auto& entry : node_) {
    auto key = convert<std::string>(entry.first, where_);
    if (!asked_.count(key)) throw TableError(where_ + ": nobody knows \"" + key + "\"");
  }
}

std::vector<std::string> texts(const YAML::Node& node, const std::string& where) {
  if (!node.IsDefined() || node.IsNull()) return {};
  if (!node.IsSequence()) return {Fields::convert<std::string>(node, where)};
  return Fields::convert<std::vector<std::string>>(node, where);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    std::size_t to = std::min(text.find(separator, from), text.size());
    std::string part = text.substr(from, to - from);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    parts.push_back(std::move(part));
    from = to + 1;
  }
  return parts;
}

}  // namespace fairlead::scenarios
