#pragma once

#include "world/world.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::server {

/// What somebody may do in a part of the queue tree. Each role may what the ones before it may.
enum class Role : std::uint8_t {
  kViewer,                   ///< sees queues, and the workloads in them
  kResearcher,               ///< submits work; changes and ends own work; reads logs
  kDepartmentAdministrator,  ///< changes everybody's work, the queues below, and who may work there
  kAdministrator,            ///< everything there; for the whole tree also users, tokens, audit
};

/// "viewer", "researcher", "department-administrator", "administrator".
std::string_view role_name(Role role);
std::optional<Role> role_named(std::string_view name);

/// A role in a queue and all below it.
struct Grant {
  Role role = Role::kViewer;
  std::string queue;  ///< empty: the whole tree
};

/// Somebody who has proved who they are.
struct Identity {
  std::string user;
  std::optional<std::uint32_t> account;  ///< Unix uid that their work runs as
  std::vector<Grant> grants;
  std::string token;       ///< id of the token that they used; empty: none
  bool by_cookie = false;  ///< by a browser, which also sends it for others

  world::Actor actor() const { return {user, account}; }
};

/// Whether `queue` is `ancestor` or lies below it; everything lies below the empty one. A queue that does not
/// exist lies below nothing but that.
bool lies_within(const world::View& view, std::string_view queue, std::string_view ancestor);

/// Whether somebody has at least this role in a queue.
bool has_role(const Identity& identity, Role role, std::string_view queue, const world::View& view);
/// Whether somebody has at least this role for the whole tree.
bool has_role_everywhere(const Identity& identity, Role role);
/// Whether somebody has at least this role in any queue.
bool has_role_somewhere(const Identity& identity, Role role);

/// The queues in which somebody has at least a role, worked out once for a list.
class QueueSet {
 public:
  QueueSet(const Identity& identity, Role role, const world::View& view);
  bool contains(std::string_view queue) const;
  /// Whether the queue, or one below it, is in the set.
  bool leads_to(std::string_view queue) const;

 private:
  bool everything_ = false;
  std::vector<std::string_view> names_;      // sorted; of the view
  std::vector<std::string_view> ancestors_;  // sorted; of names_, themselves included
};

}  // namespace fairlead::server
