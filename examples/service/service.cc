// A small model server for the examples: answers GET on $PORT after some work. It takes a while to load, as a
// real one does, and ends when it is asked to once its requests are answered.
//
// Usage: service [--load MILLISECONDS] [--work MILLISECONDS]
//        service --ask PORT PATH COUNT AT_ONCE     asks instead: COUNT requests, AT_ONCE at a time; prints
//        what came

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

volatile std::sig_atomic_t asked_to_stop = 0;
std::atomic<int> busy = 0;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::string read_head(int socket) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return {};
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

void serve(int socket, int work) {
  const std::string head = read_head(socket);
  if (!head.empty()) {
    const bool health = head.starts_with("GET /health");
    if (!health) std::this_thread::sleep_for(std::chrono::milliseconds(work));
    const char* index = std::getenv("FAIRLEAD_INDEX");
    const std::string body =
        std::string("{\"answer\":42,\"replica\":") + (index == nullptr ? "0" : index) + "}\n";
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  close(socket);
  --busy;
}

int run(int load, int work) {
  const char* port = std::getenv("PORT");
  if (port == nullptr) {
    std::fprintf(stderr, "service: PORT is not set\n");
    return 2;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(load));
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const sockaddr_in address = loopback(std::atoi(port));
  if (bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listening, 128) != 0) {
    std::perror("service");
    return 1;
  }
  std::printf("serves on %s\n", port);
  std::fflush(stdout);
  constexpr int kLookAgain = 100;
  while (asked_to_stop == 0 || busy > 0) {
    pollfd watched{listening, POLLIN, 0};
    if (poll(&watched, 1, kLookAgain) <= 0) continue;
    const int client = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++busy;
    std::thread(serve, client, work).detach();
  }
  return 0;
}

int status_of(int port, const std::string& path) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  int status = 0;
  if (connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    send(client, request.data(), request.size(), MSG_NOSIGNAL);
    const std::string head = read_head(client);
    if (head.size() > 12) status = std::atoi(head.c_str() + 9);
  }
  close(client);
  return status;
}

int ask(int port, const std::string& path, int count, int at_once) {
  std::atomic<int> next = 0;
  std::atomic<int> good = 0;
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> askers;
  for (int i = 0; i < at_once; ++i)
    askers.emplace_back([&] {
      while (next++ < count)
        if (status_of(port, path) == 200) ++good;
    });
  for (std::thread& asker : askers) asker.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%d of %d requests answered in %.1f s\n", good.load(), count, seconds);
  return good == count ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::strcmp(argv[1], "--ask") == 0)
    return ask(std::atoi(argv[2]), argv[3], std::atoi(argv[4]), std::atoi(argv[5]));
  int load = 1000;
  int work = 200;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--load") == 0) load = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--work") == 0) work = std::atoi(argv[i + 1]);
  }
  for (const int number : {SIGTERM, SIGINT}) std::signal(number, [](int) { asked_to_stop = 1; });
  return run(load, work);
}
