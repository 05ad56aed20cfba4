#include "net/listener.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

namespace fairlead::net {
namespace {

base::Code code_of(int error) {
  switch (error) {
    case EADDRINUSE:
      return base::Code::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return base::Code::kPermissionDenied;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ENOENT:
      return base::Code::kInvalidArgument;
    default:
      return base::Code::kUnavailable;
  }
}

std::string describe(int error) { return std::generic_category().message(error); }

union AnyAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

// The inode of the socket that listens at the port, from the table of one address family; 0 when there is
// none.
std::uint64_t listening_inode(const char* table, std::uint16_t port) {
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmits, account, timeout;
    std::uint64_t inode = 0;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> account >> timeout >>
        inode;
    if (state == "0A" && local.ends_with(fmt::format(":{:04X}", port))) return inode;
  }
  return 0;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (value_ >= 0 && value_ != other.value_) ::close(value_);
  value_ = other.release();
  return *this;
}

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

int Descriptor::release() { return std::exchange(value_, -1); }

std::string listening_process(std::uint16_t port) {
  std::uint64_t inode = listening_inode("/proc/net/tcp", port);
  if (inode == 0) inode = listening_inode("/proc/net/tcp6", port);
  if (inode == 0) return {};
  const std::string wanted = fmt::format("socket:[{}]", inode);
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(opendir("/proc"), &closedir);
  if (!processes) return {};
  while (const dirent* process = readdir(processes.get())) {
    const std::string id = process->d_name;
    if (id.find_first_not_of("0123456789") != id.npos) continue;
    const std::string folder = "/proc/" + id + "/fd";
    const std::unique_ptr<DIR, int (*)(DIR*)> files(opendir(folder.c_str()), &closedir);
    if (!files) continue;
    while (const dirent* file = readdir(files.get())) {
      char target[64] = {};
      const ssize_t length = readlink((folder + "/" + file->d_name).c_str(), target, sizeof target - 1);
      if (length <= 0 || wanted != std::string_view(target, static_cast<std::size_t>(length))) continue;
      std::ifstream in("/proc/" + id + "/comm");
      std::string name;
      std::getline(in, name);
      return fmt::format("process {} ({})", id, name);
    }
  }
  return {};
}

base::Result<TcpListener> listen_tcp(const std::string& address, std::uint16_t port) {
  AnyAddress bound{};
  socklen_t size = 0;
  if (inet_pton(AF_INET, address.c_str(), &bound.v4.sin_addr) == 1) {
    bound.v4.sin_family = AF_INET;
    bound.v4.sin_port = htons(port);
    size = sizeof bound.v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &bound.v6.sin6_addr) == 1) {
    bound.v6.sin6_family = AF_INET6;
    bound.v6.sin6_port = htons(port);
    size = sizeof bound.v6;
  } else {
    return base::invalid_argument(
        fmt::format("\"{}\" is not an address to listen at (like 127.0.0.1 or ::1)", address));
  }
  const int family = bound.any.sa_family;
  Descriptor descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto fail = [&](int error) {
    std::string message = fmt::format("listen at {} port {}: {}", address, port, describe(error));
    if (error == EADDRINUSE) {
      const std::string owner = listening_process(port);
      if (!owner.empty()) message += ", by " + owner;
    }
    return base::Error(code_of(error), std::move(message));
  };
  if (descriptor.get() < 0) return fail(errno);
  const int on = 1;
  ::setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(descriptor.get(), &bound.any, size) != 0) return fail(errno);
  if (::listen(descriptor.get(), SOMAXCONN) != 0) return fail(errno);
  socklen_t length = sizeof bound;
  if (::getsockname(descriptor.get(), &bound.any, &length) != 0) return fail(errno);
  const std::uint16_t given = ntohs(family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
  return TcpListener{std::move(descriptor), given, family};
}

base::Result<Descriptor> listen_unix(const std::string& path) {
  AnyAddress bound{};
  bound.local.sun_family = AF_UNIX;
  if (path.size() >= sizeof bound.local.sun_path) {
    return base::invalid_argument(
        fmt::format("the socket path {} is longer than the {} bytes that systems allow", path,
                    sizeof bound.local.sun_path - 1));
  }
  std::memcpy(bound.local.sun_path, path.data(), path.size());
  Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto fail = [&](int error) {
    return base::Error(code_of(error), fmt::format("listen at socket {}: {}", path, describe(error)));
  };
  if (descriptor.get() < 0) return fail(errno);
  struct stat before{};
  if (::lstat(path.c_str(), &before) == 0) {
    if (!S_ISSOCK(before.st_mode)) {
      return base::Error(base::Code::kAlreadyExists, fmt::format("{} exists and is not a socket", path));
    }
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), &bound.any, sizeof bound.local) == 0) return fail(EADDRINUSE);
    ::unlink(path.c_str());
  }
  // The file must never be open to others, not even for a moment: its mode is set before it can be connected
  // to.
  if (::bind(descriptor.get(), &bound.any, sizeof bound.local) != 0) return fail(errno);
  if (::chmod(path.c_str(), 0600) != 0) return fail(errno);
  if (::listen(descriptor.get(), SOMAXCONN) != 0) return fail(errno);
  return descriptor;
}

}  // namespace fairlead::net
