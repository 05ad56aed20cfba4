#include "base/files.h"

#include "base/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fairlead::base {

Error system_error(const std::string& what) {
  const int number = errno;
  Code code = Code::kUnavailable;
  if (number == ENOENT || number == ENOTDIR) code = Code::kNotFound;
  if (number == EACCES || number == EPERM || number == EROFS) code = Code::kPermissionDenied;
  if (number == ENOSPC || number == EDQUOT || number == EMFILE || number == ENFILE || number == ENOMEM) {
    code = Code::kResourceExhausted;
  }
  return {code, what + ": " + std::strerror(number)};
}

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return system_error("open " + path);
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read " + path);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<void> write_control(const std::string& path, std::string_view text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return system_error("open " + path);
  const ssize_t put = write(file.get(), text.data(), text.size());
  if (put < 0) return system_error("write " + std::string(text) + " to " + path);
  return {};
}

Result<void> write_atomically(const std::string& path, std::string_view content, unsigned mode) {
  const std::string fresh = path + ".new";
  Descriptor file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file.valid()) return system_error("create " + fresh);
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t put = write(file.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      Error error = system_error("write " + fresh);
      unlink(fresh.c_str());
      return error;
    }
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  file.reset();
  if (rename(fresh.c_str(), path.c_str()) != 0) return system_error("rename " + fresh);
  return {};
}

Result<void> sync_to_disk(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() || fdatasync(file.get()) != 0) return system_error("sync " + path);
  // The name is durable only once  the folder is.
  const std::string::size_type slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) return system_error("sync " + folder);
  return {};
}

}  // namespace fairlead::base
