#include "host/log_reader.h"

#include "base/files.h"
#include "host/rotating_log.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fairlead::host {
namespace {

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

}  // namespace

base::Result<LogReader> LogReader::open(const std::string& folder, std::optional<std::int64_t> tail_lines) {
  LogReader reader(folder);
  reader.watch_ = base::Descriptor(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (inotify_add_watch(reader.watch_.get(), folder.c_str(), IN_MODIFY | IN_CREATE) < 0)
    reader.watch_.reset();
  if (tail_lines) {
    if (auto found = reader.seek_tail(std::max<std::int64_t>(*tail_lines, 0)); !found) return found.error();
    return reader;
  }
  for (int number = RotatingLog::kOlderFiles; number >= 0; --number) {
    if (reader.open_number(number)) return reader;
  }
  return base::system_error("open " + reader.path_);
}

std::string LogReader::name_of(int number) const {
  return number == 0 ? path_ : path_ + "." + std::to_string(number);
}

bool LogReader::open_number(int number) {
  const int opened = ::open(name_of(number).c_str(), O_RDONLY | O_CLOEXEC);
  if (opened >= 0) file_.reset(opened);
  return opened >= 0;
}

bool LogReader::open_next() {
  struct stat ours{};
  if (fstat(file_.get(), &ours) != 0) return false;
  for (int number = 0; number <= RotatingLog::kOlderFiles; ++number) {
    struct stat other{};
    if (stat(name_of(number).c_str(), &other) != 0 || !same_file(ours, other)) continue;
    if (number == 0) return false;  // the newest is at hand
    return open_number(number - 1);
  }
  for (int number = RotatingLog::kOlderFiles; number >= 0; --number) {
    if (open_number(number)) return true;
  }
  return false;
}

std::string LogReader::read(std::size_t most) {
  std::string text;
  while (text.size() < most) {
    std::array<char, 16384> buffer;
    const ssize_t got = ::read(file_.get(), buffer.data(), std::min(buffer.size(), most - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got < 0 || !open_next()) {
      break;
    }
  }
  return text;
}

void LogReader::take() const {
  alignas(inotify_event) std::array<char, 4096> events;
  while (watch_.valid() && ::read(watch_.get(), events.data(), events.size()) > 0) {
  }
}

// Counts lines backwards, from the newest file on.
base::Result<void> LogReader::seek_tail(std::int64_t lines) {
  bool last_byte = true;
  for (int number = 0; number <= RotatingLog::kOlderFiles; ++number) {
    if (!open_number(number)) {
      if (number == 0) return base::system_error("open " + path_);
      open_number(number - 1);  // all of it, then
      return {};
    }
    off_t position = lseek(file_.get(), 0, SEEK_END);
    std::array<char, 16384> buffer;
    while (position > 0) {
      const off_t begin = std::max<off_t>(position - static_cast<off_t>(buffer.size()), 0);
      const ssize_t got =
          pread(file_.get(), buffer.data(), static_cast<std::size_t>(position - begin), begin);
      if (got <= 0) return base::system_error("read " + path_);
      for (ssize_t i = got - 1; i >= 0; --i) {
        const bool line_end = buffer[static_cast<std::size_t>(i)] == '\n';
        // The end of the last line begins no further one.
        if (line_end && !last_byte) --lines;
        last_byte = false;
        if (lines > 0) continue;
        lseek(file_.get(), begin + i + 1, SEEK_SET);
        return {};
      }
      position = begin;
    }
    lseek(file_.get(), 0, SEEK_SET);
  }
  return {};
}

}  // namespace fairlead::host
