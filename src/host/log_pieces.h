#pragma once

#include "base/result.h"
#include "world/world.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace fairlead::host {

/// A piece of the log files in a try's logs/ (rotating_log.h). `offset` is 0 for the oldest byte that is
/// there, or the `next` of an earlier piece: it names a file and a position in it, so that it stays right
/// when files are rotated. When its file is gone reading goes on with the oldest one that is there.
/// `complete`: nothing more will be written. A log that is not there yet is empty.
base::Result<world::LogPiece> read_log_piece(const std::string& folder, std::uint64_t offset,
                                             std::size_t limit, bool complete);

}  // namespace fairlead::host
