#include "host/message_socket.h"

#include "base/files.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fairlead::host {
namespace {

constexpr int kFlags = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr std::size_t kMaxDescriptors = 4;

// An address of a socket in a folder that is held open: short, however long the folder's path is.
struct Address {
  base::Descriptor folder;
  sockaddr_un name{};
};

base::Result<Address> address_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  Address address;
  address.folder = base::Descriptor(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!address.folder.valid()) return base::system_error("open " + folder);
  const std::string text = "/proc/self/fd/" + std::to_string(address.folder.get()) + "/" + file;
  address.name.sun_family = AF_UNIX;
  if (text.size() >= sizeof address.name.sun_path) {
    return base::invalid_argument("socket name \"" + file + "\" is too long");
  }
  std::memcpy(address.name.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

}  // namespace

base::Result<std::pair<base::Descriptor, base::Descriptor>> connected_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, kFlags, 0, ends.data()) != 0) return base::system_error("make a socket pair");
  return std::pair{base::Descriptor(ends[0]), base::Descriptor(ends[1])};
}

base::Result<base::Descriptor> listen_at(const std::string& path) {
  auto address = address_of(path);
  if (!address) return address.error();
  base::Descriptor socket(::socket(AF_UNIX, kFlags, 0));
  if (!socket.valid()) return base::system_error("make a socket");
  unlink(path.c_str());
  const mode_t before = umask(0177);
  const int bound = bind(socket.get(), generic(address->name), sizeof address->name);
  umask(before);
  if (bound != 0) return base::system_error("bind " + path);
  if (listen(socket.get(), 64) != 0) return base::system_error("listen at " + path);
  return socket;
}

base::Result<base::Descriptor> connect_to(const std::string& path) {
  auto address = address_of(path);
  if (!address) return address.error();
  base::Descriptor socket(::socket(AF_UNIX, kFlags, 0));
  if (!socket.valid()) return base::system_error("make a socket");
  if (connect(socket.get(), generic(address->name), sizeof address->name) != 0) {
    if (errno == ECONNREFUSED) errno = ENOENT;  // left behind by one that is gone
    return base::system_error("connect to " + path);
  }
  return socket;
}

std::optional<base::Descriptor> accept_trusted(int listening) {
  base::Descriptor socket(accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) return std::nullopt;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  if (peer.uid != 0 && peer.uid != geteuid()) return std::nullopt;
  return socket;
}

base::Result<void> send_message(int socket, std::string_view text, const std::vector<int>& descriptors) {
  if (text.size() > kMaxMessageBytes) {
    return base::Error(base::Code::kOutOfRange, "a message to or from a supervisor is longer than " +
                                                    std::to_string(kMaxMessageBytes) + " bytes");
  }
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* attached = CMSG_FIRSTHDR(&header);
    attached->cmsg_level = SOL_SOCKET;
    attached->cmsg_type = SCM_RIGHTS;
    attached->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(attached), descriptors.data(), descriptors.size() * sizeof(int));
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return base::system_error("send a message");
  return {};
}

Received receive_message(int socket, Message& message) {
  message.text.resize(kMaxMessageBytes);
  message.descriptors.clear();
  iovec part{message.text.data(), message.text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Received::kNothingYet;
  if (got <= 0) return Received::kEnd;
  message.text.resize(static_cast<std::size_t>(got));
  for (cmsghdr* attached = CMSG_FIRSTHDR(&header); attached != nullptr;
       attached = CMSG_NXTHDR(&header, attached)) {
    if (attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (attached->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::array<int, kMaxDescriptors> numbers{};
    std::memcpy(numbers.data(), CMSG_DATA(attached), count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) message.descriptors.emplace_back(numbers[i]);
  }
  return Received::kMessage;
}

}  // namespace fairlead::host
