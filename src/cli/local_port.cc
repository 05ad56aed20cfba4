#include "cli/local_port.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace fairlead::cli {

base::Result<LocalPort> LocalPort::listen(const std::string& address, std::uint16_t port) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
  const std::string number = address == "localhost" ? "127.0.0.1" : address;
  if (inet_pton(AF_INET, number.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    size = sizeof(ipv4);
  } else if (inet_pton(AF_INET6, number.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    size = sizeof(ipv6);
  } else {
    return base::invalid_argument(fmt::format("\"{}\" is no address; write one such as 127.0.0.1", address));
  }
  base::Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* bound = reinterpret_cast<const sockaddr*>(&storage);
  if (bind(socket.get(), bound, size) != 0 || ::listen(socket.get(), SOMAXCONN) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    const base::Code code = errno == EADDRINUSE ? base::Code::kAlreadyExists
                            : errno == EACCES   ? base::Code::kPermissionDenied
                                                : base::Code::kInvalidArgument;
    return base::Error(code, fmt::format("listen on port {} of {}: {}", port, address,
                                         std::generic_category().message(errno)));
  }
  return LocalPort(std::move(socket), ntohs(ipv4.sin_port));  // at the same place in both
}

base::Descriptor LocalPort::accept() const {
  base::Descriptor connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const int on = 1;
  if (connection.valid()) setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

}  // namespace fairlead::cli
