#pragma once

#include "net/http_server.h"
#include "server/access.h"
#include "server/series.h"
#include "server/stream_pump.h"
#include "world/world.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace fairlead::server {

/// Names of what differs between two views.
struct Changes {
  std::set<std::string> workloads;  ///< keys: changed, new or gone
  std::set<std::string> queues;
  std::set<std::string> nodes;
  std::set<std::string> devices;  ///< identities

  bool empty() const { return workloads.empty() && queues.empty() && nodes.empty() && devices.empty(); }
  void add(const Changes& other);
};

/// What differs between two views. Costs a look at each object; workloads that both share are told apart by
/// address.
Changes changes_between(const world::View& before, const world::View& after);

/// The changes from view to view, kept for a while, so that a reader who was away goes on where it was.
/// Thread: any.
class ChangeLog {
 public:
  /// `epoch`: names this log; positions of another one (of an earlier start) are not understood.
  explicit ChangeLog(std::string epoch) : epoch_(std::move(epoch)) {}

  /// Takes a view in; an older one than the last is passed over.
  void follow(const std::shared_ptr<const world::View>& view);
  /// All changes after a view's version up to the last one; none: they are not kept any more.
  std::optional<Changes> since(std::uint64_t version) const;
  std::uint64_t version() const;
  const std::string& epoch() const { return epoch_; }

 private:
  struct Step {
    std::uint64_t from = 0;  ///< the version before
    std::uint64_t version = 0;
    Changes changes;
  };

  const std::string epoch_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const world::View> last_;
  std::deque<Step> steps_;
};

/// Where a reader of a change stream is: "EPOCH-VERSION-POSITION", the id of each turn.
struct ChangePosition {
  std::string epoch;
  std::uint64_t version = 0;   ///< of the view
  std::uint64_t position = 0;  ///< of the history
};
std::string to_string(const ChangePosition& position);
std::optional<ChangePosition> parse_change_position(std::string_view text);

/// Server-sent events with what changes, whole objects as the lists have them, the samples of Series, and
/// the history: see the
/// route /api/v1/changes. Each turn ends with an event "turn", whose id is where to resume. A reader that is
/// slow is not cut off: it gets later what is then the state, in one turn. `once`: ends after what there is
/// now.
std::shared_ptr<PumpedStream> change_stream(std::shared_ptr<net::BodyStream> out, ChangeLog& log,
                                            History& history, const Series& series, Identity identity,
                                            std::optional<ChangePosition> after, bool once = false);

}  // namespace fairlead::server
