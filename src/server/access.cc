#include "server/access.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead::server {
namespace {

constexpr std::array<std::pair<std::string_view, Role>, 4> kRoles = {
    {{"viewer", Role::kViewer},
     {"researcher", Role::kResearcher},
     {"department-administrator", Role::kDepartmentAdministrator},
     {"administrator", Role::kAdministrator}}};

// A tree is not deeper; a circle, which the world refuses, would end here.
constexpr int kDeepest = 64;

}  // namespace

std::string_view role_name(Role role) {
  for (const auto& [name, known] : kRoles) {
    if (known == role) return name;
  }
  return {};
}

std::optional<Role> role_named(std::string_view name) {
  for (const auto& [known, role] : kRoles) {
    if (known == name) return role;
  }
  return std::nullopt;
}

bool lies_within(const world::View& view, std::string_view queue, std::string_view ancestor) {
  if (ancestor.empty()) return true;
  std::string_view at = queue;
  for (int depth = 0; depth < kDeepest && !at.empty(); ++depth) {
    const world::QueueView* found = view.find_queue(at);
    if (found == nullptr) return false;
    if (at == ancestor) return true;
    at = found->queue.parent;
  }
  return false;
}

bool has_role(const Identity& identity, Role role, std::string_view queue, const world::View& view) {
  return std::any_of(identity.grants.begin(), identity.grants.end(), [&](const Grant& grant) {
    return grant.role >= role && lies_within(view, queue, grant.queue);
  });
}

bool has_role_everywhere(const Identity& identity, Role role) {
  return std::any_of(identity.grants.begin(), identity.grants.end(),
                     [&](const Grant& grant) { return grant.role >= role && grant.queue.empty(); });
}

bool has_role_somewhere(const Identity& identity, Role role) {
  return std::any_of(identity.grants.begin(), identity.grants.end(),
                     [&](const Grant& grant) { return grant.role >= role; });
}

QueueSet::QueueSet(const Identity& identity, Role role, const world::View& view)
    : everything_(has_role_everywhere(identity, role)) {
  if (everything_) return;
  // Parents stand before their children, so one pass carries a grant down.
  std::vector<std::pair<std::string_view, std::string_view>> parents;
  for (const auto& queue : view.queues) {
    const std::string_view name = queue->queue.name;
    const std::string_view parent = queue->queue.parent;
    parents.emplace_back(name, parent);
    const bool granted = std::any_of(identity.grants.begin(), identity.grants.end(), [&](const Grant& grant) {
      return grant.role >= role && grant.queue == name;
    });
    const bool inherited = std::find(names_.begin(), names_.end(), parent) != names_.end();
    if (granted || (!parent.empty() && inherited)) names_.push_back(name);
  }
  ancestors_ = names_;
  for (auto queue = parents.rbegin(); queue != parents.rend(); ++queue) {
    const bool leads = std::find(ancestors_.begin(), ancestors_.end(), queue->first) != ancestors_.end();
    if (leads && !queue->second.empty()) ancestors_.push_back(queue->second);
  }
  std::sort(names_.begin(), names_.end());
  std::sort(ancestors_.begin(), ancestors_.end());
}

bool QueueSet::contains(std::string_view queue) const {
  return everything_ || std::binary_search(names_.begin(), names_.end(), queue);
}

bool QueueSet::leads_to(std::string_view queue) const {
  return everything_ || std::binary_search(ancestors_.begin(), ancestors_.end(), queue);
}

}  // namespace fairlead::server
