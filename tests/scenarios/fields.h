#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace fairlead::scenarios {

/// A table says something that cannot be read.
class TableError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One mapping of a table. Each key has to be asked for: finish() refuses what nobody read, so that a
/// misspelt key fails instead of meaning nothing. Throws TableError with the place in the table.
class Fields {
 public:
  Fields(YAML::Node node, std::string where);

  bool has(const std::string& key) const;
  /// The value of a key, null when it is absent.
  YAML::Node take(const std::string& key);
  /// A mapping inside, empty when it is absent.
  Fields inside(const std::string& key);
  template <class T>
  void read(const std::string& key, T& value) {
    YAML::Node node = take(key);
    if (!node.IsDefined() || node.IsNull()) return;
    value = convert<T>(node, where_ + "." + key);
  }
  template <class T>
  void read(const std::string& key, std::optional<T>& value) {
    if (!has(key)) return;
    value.emplace();
    read(key, *value);
  }
  /// Keys in the order of the table, with their values.
  std::vector<std::pair<std::string, YAML::Node>> entries();
  void finish() const;
  const std::string& where() const { return where_; }

  template <class T>
  static T convert(const YAML::Node& node, const std::string& where) {
    try {
      return node.as<T>();
    } catch (const YAML::Exception&) {
      throw TableError(where + ": a value of another kind is expected");
    }
  }

 private:
  YAML::Node node_;
  std::string where_;
  std::set<std::string> asked_;
};

/// A scalar, or a list of scalars.
std::vector<std::string> texts(const YAML::Node& node, const std::string& where);
/// Parts of a text between separators, without blanks around them.
std::vector<std::string> split(const std::string& text, char separator);

}  // namespace fairlead::scenarios
