#pragma once

#include "base/strong_id.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::base {

/// Gives each distinct string one small id, for good. Ids say nothing about order. Not thread-safe.
template <class Id>
class Interner {
 public:
  /// The id of `text`, new or known. Amortised O(length).
  Id intern(std::string_view text) {
    auto found = ids_.find(text);
    if (found != ids_.end()) return found->second;
    const std::string& stored = texts_.emplace_back(text);
    Id id(texts_.size() - 1);
    ids_.emplace(std::string_view(stored), id);
    return id;
  }
  std::optional<Id> find(std::string_view text) const {
    auto found = ids_.find(text);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
  }
  const std::string& text(Id id) const { return texts_[id.index()]; }
  std::size_t size() const { return texts_.size(); }

 private:
  std::deque<std::string> texts_;  // a deque never moves its elements, so the views in ids_ stay good
  boost::unordered_flat_map<std::string_view, Id> ids_;
};

}  // namespace fairlead::base
