#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace training {

/// Who takes part now, as the platform tells it: FAIRLEAD_MEMBERS, sorted by index.
struct Member {
  int index = 0;
  int port = 0;

  friend bool operator==(const Member&, const Member&) = default;
};
std::vector<Member> read_members(const std::string& file);

/// The ranks of a data-parallel training, joined in a ring over TCP on this machine. A ring stands for one
/// set of members; when one leaves or comes it is formed anew. All numbers are integers, so a sum is the same
/// however many ranks there are and in whatever order they add.
class Ring {
 public:
  /// Listens on this rank's port.
  Ring(int index, int port);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Joins with the members that the file names, as soon as all of them agree. False: `give_up` said so.
  bool form(const std::string& members_file, const std::function<bool()>& give_up);
  /// Leaves the ring.
  void close();

  int size() const { return static_cast<int>(members_.size()); }
  int position() const { return position_; }
  const std::vector<Member>& members() const { return members_; }

  /// Replaces the numbers by their sums over all ranks: a reduce-scatter, then an all-gather. False: a
  /// neighbour has gone; nothing can be said about the numbers then.
  bool all_reduce(std::vector<std::int64_t>& numbers);

 private:
  bool exchange(const std::int64_t* out, std::size_t out_count, std::int64_t* in, std::size_t in_count);

  int index_;
  int listening_ = -1;
  int next_ = -1;
  int previous_ = -1;
  int position_ = 0;
  std::vector<Member> members_;
};

}  // namespace training
