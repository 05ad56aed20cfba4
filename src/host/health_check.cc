#include "host/health_check.h"

#include "base/descriptor.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace fairlead::host {

bool answers_well(std::uint16_t port, const std::string& path) {
  const base::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  constexpr timeval kPatience{2, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return false;
  if (path.empty()) return true;
  // Version 1.0: the answer ends with the connection, and nothing of it but the first line is of interest.
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\nUser-Agent: fairlead\r\n\r\n";
  if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return false;
  std::array<char, 64> answer{};
  std::size_t size = 0;
  constexpr std::size_t kStatusEnd = 12;  // "HTTP/1.1 200"
  while (size < kStatusEnd) {
    const ssize_t got = recv(socket.get(), answer.data() + size, answer.size() - size, 0);
    if (got <= 0) return false;
    size += static_cast<std::size_t>(got);
  }
  const std::string_view line(answer.data(), size);
  constexpr std::size_t kStatusBegin = 9;
  return line.starts_with("HTTP/1.") && (line[kStatusBegin] == '2' || line[kStatusBegin] == '3');
}

}  // namespace fairlead::host
