#pragma once

#include "base/time.h"
#include "engine/search/search_log.h"
#include "model/cluster/cluster.h"
#include "model/configuration.h"
#include "model/decision.h"

#include <compare>
#include <map>
#include <optional>

namespace fairlead::engine {

/// How far a round came that stopped at its limit, for the next one to go on there: the groups that it tried
/// in vain, and the search that it was in. It holds while nothing changed that these read, that is no event
/// but the clock and no decision, and while no instant passed at which time alone changes something; else it
/// is cleared, and a round starts from the beginning.
class RoundCursor {
 public:
  /// A group's turn in one action.
  struct Turn {
    model::Action action;
    std::size_t pool_choice;  ///< which pool of its list
    model::GroupId group;

    friend auto operator<=>(const Turn&, const Turn&) = default;
  };
  struct Refusal {
    std::optional<model::Reason> reason;
    std::optional<base::Time> wake_at;  ///< when time alone could change it
  };

  void clear() {
    refused_.clear();
    searching_.reset();
  }
  void note_refusal(const Turn& turn, Refusal refusal) {
    refused_.insert_or_assign(turn, std::move(refusal));
  }
  /// Null where the turn has not been taken.
  const Refusal* find(const Turn& turn) const {
    const auto found = refused_.find(turn);
    return found == refused_.end() ? nullptr : &found->second;
  }
  /// The log of a turn's search: the one that stopped in that turn, or a new one that begins now.
  SearchLog& log_of(const Turn& turn, base::Time now) {
    if (searching_ != turn) log_ = SearchLog(now);
    searching_ = turn;
    return log_;
  }

 private:
  std::map<Turn, Refusal> refused_;
  std::optional<Turn> searching_;
  SearchLog log_;
};

}  // namespace fairlead::engine
