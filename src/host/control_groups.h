#pragma once

#include "host/control_group.h"
#include "host/supervisor.h"

#include <optional>
#include <string>

namespace fairlead::host {

/// Where this process may make control groups: a parent folder below which each try has its own. Found by
/// making one and limiting it.
class ControlGroups {
 public:
  /// `name`: of the parent folder. Writes into `guarantees` what holds.
  static ControlGroups detect(const std::string& name, Guarantees& guarantees);

  /// The group of a try, not made yet. None where control groups cannot be used.
  std::optional<ControlGroup> group(const std::string& name) const;
  /// Removes the parent, when nothing is in it.
  void remove() const;

 private:
  std::string parent_;  ///< text of a ControlGroup; empty: none
};

}  // namespace fairlead::host
