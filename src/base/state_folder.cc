#include "base/state_folder.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace fairlead::base {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

std::string default_state_folder() {
  if (const auto told = variable("FAIRLEAD_STATE"); !told.empty()) return std::string(told);
  if (::geteuid() == 0) return "/var/lib/fairlead";
  if (const auto state = variable("XDG_STATE_HOME"); !state.empty()) return std::string(state) + "/fairlead";
  if (const auto home = variable("HOME"); !home.empty()) return std::string(home) + "/.local/state/fairlead";
  return {};
}

}  // namespace fairlead::base
