#include "engine/verdict_book.h"

namespace fairlead::engine {

const VerdictBook::Shared& VerdictBook::told(model::GroupId group) {
  if (told_.size() <= group.index()) told_.resize(group.index() + 1);
  return told_[group.index()];
}

void VerdictBook::tell(model::GroupId group, Shared verdict) {
  if (same(told(group), verdict)) return;
  told_[group.index()] = std::move(verdict);
  changed_.push_back(group);
}

const std::pair<VerdictBook::Shared, bool>& VerdictBook::told_alike(std::uint32_t index) {
  if (alike_.size() <= index) alike_.resize(index + 1, {nullptr, false});
  return alike_[index];
}

void VerdictBook::note_alike(std::uint32_t index, Shared verdict, bool same_for_all) {
  if (alike_.size() <= index) alike_.resize(index + 1, {nullptr, false});
  alike_[index] = {std::move(verdict), same_for_all};
}

}  // namespace fairlead::engine
