#include "host/log_pieces.h"

#include "base/descriptor.h"
#include "host/rotating_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace fairlead::host {
namespace {

// An offset holds the position in its file below, and above it twenty bits that tell the file: 59 bits in
// all, so that it stays a number that every reader of JSON takes.
constexpr unsigned kPositionBits = 39;
constexpr std::uint64_t kPositionMask = (std::uint64_t{1} << kPositionBits) - 1;

struct File {
  base::Descriptor descriptor;
  std::uint64_t mark = 0;
  std::uint64_t size = 0;
};

/// The files that are there, oldest first. Opened once, so that a rotation meanwhile does not matter.
std::vector<File> open_files(const std::string& folder) {
  std::vector<File> files;
  for (int number = RotatingLog::kOlderFiles; number >= 0; --number) {
    std::string path = folder + "/output.log";
    if (number > 0) path += "." + std::to_string(number);
    File file;
    file.descriptor = base::Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct statx status = {};
    if (!file.descriptor.valid() ||
        statx(file.descriptor.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) != 0)
      continue;
    // A file's number is given to the next one when it is gone; with the instant of its birth it is its own.
    const auto born =
        static_cast<std::uint64_t>(status.stx_btime.tv_sec) * 1'000'000'000 + status.stx_btime.tv_nsec;
    file.mark = ((status.stx_ino * 0x9e3779b97f4a7c15U ^ born * 0xbf58476d1ce4e5b9U) >> 44U) | 1U;  // never 0
    file.size = status.stx_size;
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace

base::Result<world::LogPiece> read_log_piece(const std::string& folder, std::uint64_t offset,
                                             std::size_t limit, bool complete) {
  world::LogPiece piece;
  piece.next = offset;
  const std::vector<File> files = open_files(folder);
  if (files.empty()) {
    piece.ended = complete;
    return piece;
  }
  const auto named = std::find_if(files.begin(), files.end(),
                                  [&](const File& file) { return file.mark == offset >> kPositionBits; });
  auto at = named == files.end() ? files.begin() : named;
  std::uint64_t position = named == files.end() ? 0 : offset & kPositionMask;
  while (piece.bytes.size() < limit) {
    const std::uint64_t left = at->size > position ? at->size - position : 0;
    if (left == 0) {
      if (std::next(at) == files.end()) break;
      ++at;
      position = 0;
      continue;
    }
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(left, limit - piece.bytes.size()));
    const std::size_t before = piece.bytes.size();
    piece.bytes.resize(before + wanted);
    const ssize_t got =
        pread(at->descriptor.get(), piece.bytes.data() + before, wanted, static_cast<off_t>(position));
    piece.bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) break;
    position += static_cast<std::uint64_t>(got);
  }
  piece.next = (at->mark << kPositionBits) | (position & kPositionMask);
  piece.ended = complete && std::next(at) == files.end() && position >= at->size;
  return piece;
}

}  // namespace fairlead::host
