#include "host/rotating_log.h"

#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace fairlead::host {
namespace {

constexpr std::int64_t kSmallestFile = 4096;

}  // namespace

base::Result<RotatingLog> RotatingLog::open(const std::string& folder, std::int64_t bytes) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return base::system_error("make " + folder);
  RotatingLog log(folder + "/output.log", std::max(bytes / (kOlderFiles + 1), kSmallestFile));
  if (auto opened = log.open_current(); !opened) return opened.error();
  return log;
}

base::Result<void> RotatingLog::open_current() {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file_.valid()) return base::system_error("open " + path_);
  struct stat status{};
  size_ = fstat(file_.get(), &status) == 0 ? status.st_size : 0;
  return {};
}

void RotatingLog::append(std::string_view text) {
  while (!text.empty()) {
    if (size_ >= file_bytes_) rotate();
    std::size_t room = static_cast<std::size_t>(std::max(file_bytes_ - size_, std::int64_t{1}));
    if (text.size() > room) {
      // A line stays whole where that costs no more than what is left of the file.
      const std::size_t line_end = text.substr(0, room).rfind('\n');
      if (line_end != std::string_view::npos) {
        room = line_end + 1;
      } else if (size_ > 0 && text.size() <= static_cast<std::size_t>(file_bytes_)) {
        rotate();
        continue;
      }
    }
    const std::string_view part = text.substr(0, room);
    put(part);
    text.remove_prefix(part.size());
    if (!text.empty()) rotate();
  }
}

void RotatingLog::rotate() {
  for (int number = kOlderFiles; number > 0; --number) {
    const std::string newer = number == 1 ? path_ : path_ + "." + std::to_string(number - 1);
    std::rename(newer.c_str(), (path_ + "." + std::to_string(number)).c_str());
  }
  // The file at hand stays open, under its new name, when there can be no new one.
  const int fresh = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fresh >= 0) file_.reset(fresh);
  size_ = 0;
}

void RotatingLog::put(std::string_view text) {
  std::string noted;
  if (dropped_ > 0) {
    noted = "[fairlead: " + std::to_string(dropped_) +
            " bytes of output were lost: the log could not be written]\n";
    noted += text;
    text = noted;
  }
  std::int64_t written = 0;
  while (!text.empty()) {
    const ssize_t put = write(file_.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    written += put;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (written > 0) dropped_ = 0;
  dropped_ += static_cast<std::int64_t>(text.size());
  size_ += written;
}

}  // namespace fairlead::host
