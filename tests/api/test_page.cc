// A program that workspaces of the tests run: answers on each of the ports given with which port it was and
// what it was asked, and tries to plant what it must not.
//
// Usage: test_page PORT...

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

int listen_on(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound = bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return bound && listen(listener, 16) == 0 ? listener : -1;
}

void serve(int connection, int port) {
  std::string head;
  std::array<char, 4096> buffer;
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    head.append(buffer.data(), static_cast<std::size_t>(got));
  }
  const std::string body = "port " + std::to_string(port) + "\n" + head;
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nSet-Cookie: own=1\r\n"
      "Set-Cookie: fairlead_session=planted; Path=/\r\nSet-Cookie: fairlead_workspace=planted\r\n"
      "Service-Worker-Allowed: /\r\nClear-Site-Data: \"cookies\"\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<pollfd> listeners;
  for (int i = 1; i < argc; ++i) {
    const int listener = listen_on(std::atoi(argv[i]));
    if (listener < 0) {
      std::perror("test_page");
      return 1;
    }
    listeners.push_back({listener, POLLIN, 0});
  }
  while (poll(listeners.data(), listeners.size(), -1) > 0) {
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      if (listeners[i].revents == 0) continue;
      const int connection = accept(listeners[i].fd, nullptr, nullptr);
      if (connection < 0) continue;
      serve(connection, std::atoi(argv[i + 1]));
      close(connection);
    }
  }
  return 1;
}
