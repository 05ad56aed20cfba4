#include "host/state_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace fairlead::host {
namespace {

base::Error cannot_use(const std::string& path) {
  const bool forbidden = errno == EACCES || errno == EPERM || errno == EROFS;
  return base::Error(forbidden ? base::Code::kPermissionDenied : base::Code::kUnavailable,
                     fmt::format("the state folder {} cannot be used: {}; choose another with --state FOLDER",
                                 path, std::strerror(errno)));
}

int read_pid(int file) {
  char text[32] = {};
  const ssize_t size = pread(file, text, sizeof(text) - 1, 0);
  int pid = 0;
  if (size > 0) std::from_chars(text, text + size, pid);
  return pid;
}

}  // namespace

base::Result<StateFolder> StateFolder::open(const std::string& path) {
  if (path.empty())
    return base::invalid_argument(
        "there is no home folder to keep the state in; choose one with --state FOLDER");
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  if (problem) {
    errno = problem.value();
    return cannot_use(path);
  }
  chmod(path.c_str(), geteuid() == 0 ? 0711 : 0700);
  base::Descriptor lock(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return cannot_use(path);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return base::Error(
        base::Code::kAlreadyExists,
        fmt::format("another Fairlead (process {}) uses the state folder {}; stop it with `fairlead down`, "
                    "or choose another folder with --state FOLDER",
                    read_pid(lock.get()), path));
  const std::string pid = std::to_string(getpid());
  if (ftruncate(lock.get(), 0) != 0 || pwrite(lock.get(), pid.data(), pid.size(), 0) < 0)
    return cannot_use(path);
  for (const char* part : {"replicas", "work", "members"}) {
    const std::string folder = path + "/" + part;
    std::filesystem::create_directories(folder, problem);
    if (problem) {
      errno = problem.value();
      return cannot_use(folder);
    }
    chmod(folder.c_str(), std::string_view(part) == "replicas" ? 0700 : 0711);
  }
  return StateFolder(path, std::move(lock));
}

base::Result<void> StateFolder::empty() const {
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(path_, problem)) {
    if (entry.path().filename() == "lock") continue;
    std::error_code removing;
    std::filesystem::remove_all(entry.path(), removing);
    if (removing) {
      errno = removing.value();
      return cannot_use(entry.path().string());
    }
  }
  for (const char* part : {"replicas", "work", "members"}) {
    const std::string folder = path_ + "/" + part;
    std::filesystem::create_directories(folder, problem);
    chmod(folder.c_str(), std::string_view(part) == "replicas" ? 0700 : 0711);
  }
  return {};
}

int StateFolder::holder(const std::string& path) {
  const base::Descriptor lock(::open((path + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock.valid()) return 0;
  if (flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return 0;
  return read_pid(lock.get());
}

}  // namespace fairlead::host
