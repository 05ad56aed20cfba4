#include "ledger/writer_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fairlead::ledger {

WriterLock::WriterLock(WriterLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<WriterLock> WriterLock::take(const std::string& database_path) {
  const std::string path = database_path + ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return base::Error(base::Code::kUnavailable,
                       fmt::format("{} cannot be opened ({}): check that the folder exists and that this "
                                   "account may write it",
                                   path, std::generic_category().message(errno)));
  }
  WriterLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> holder{};
    const ssize_t size = ::pread(descriptor, holder.data(), holder.size() - 1, 0);
    const std::string process =
        size > 0 ? fmt::format("process {}", std::string_view(holder.data(), static_cast<std::size_t>(size)))
                 : std::string("another process");
    return base::Error(base::Code::kFailedPrecondition,
                       fmt::format("{} writes this ledger: end it, or name another state folder", process));
  }
  // Who holds it is for people only; on a full disk it stays unsaid.
  const std::string own = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, own.data(), own.size(), 0);
  }
  return lock;
}

}  // namespace fairlead::ledger
