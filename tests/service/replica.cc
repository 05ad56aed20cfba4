// A replica of the service test: takes 200 ms plus or minus 100 to start, and one start in twenty fails. Then
// it answers each request with its path, over connections that stay open, after some milliseconds of work.
// Usage: service_replica FOLDER WORK_MILLISECONDS
// FOLDER/starts counts the starts; what the n-th does depends on n only.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

std::atomic<bool> asked_to_stop = false;
std::atomic<int> busy = 0;

/// The number of this start, from 0.
std::uint64_t count_start(const std::string& folder) {
  const int file = open((folder + "/starts").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || flock(file, LOCK_EX) != 0) std::abort();
  std::array<char, 32> text{};
  if (read(file, text.data(), text.size() - 1) < 0) std::abort();
  const std::uint64_t number = std::strtoull(text.data(), nullptr, 10);
  const std::string next = std::to_string(number + 1);
  if (pwrite(file, next.data(), next.size(), 0) < 0) std::abort();
  close(file);
  return number;
}

/// False: the client is done or gone.
bool answer_one(int client, std::string& unread, int work) {
  std::array<char, 4096> buffer;
  std::size_t end = 0;
  while ((end = unread.find("\r\n\r\n")) == std::string::npos) {
    const ssize_t got = recv(client, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    unread.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ++busy;
  const std::string head = unread.substr(0, end);
  unread.erase(0, end + 4);
  const std::size_t begin = head.find(' ') + 1;
  const std::string path = head.substr(begin, head.find(' ', begin) - begin);
  const bool once = head.starts_with("GET /health");
  if (!once) std::this_thread::sleep_for(std::chrono::milliseconds(work));
  const std::string answer = std::string("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n") +
                             (once ? "Connection: close\r\n" : "") +
                             "Content-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path;
  const bool sent =
      send(client, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
  --busy;
  return sent && !once;
}

void serve(int client, int work) {
  std::string unread;
  while (answer_one(client, unread, work)) {
  }
  close(client);
}

}  // namespace

int main(int count, char** words) {
  const char* port = std::getenv("PORT");
  if (count != 3 || port == nullptr) return 2;
  std::signal(SIGTERM, [](int) { asked_to_stop = true; });
  const std::uint64_t number = count_start(words[1]);
  const std::uint64_t draw = (number * 2654435761U) % 201;
  std::this_thread::sleep_for(std::chrono::milliseconds(100 + draw));
  constexpr std::uint64_t kOneIn = 20;
  constexpr std::uint64_t kFirst = 2;
  if (number % kOneIn == kFirst) {
    std::fprintf(stderr, "start %llu fails\n", static_cast<unsigned long long>(number));
    return 1;
  }
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listening, 128) != 0) {
    std::perror("service_replica");
    return 1;
  }
  const int work = std::atoi(words[2]);
  constexpr int kLookAgain = 20;
  while (!asked_to_stop || busy > 0) {
    pollfd watched{listening, POLLIN, 0};
    if (poll(&watched, 1, kLookAgain) <= 0) continue;
    const int client = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) std::thread(serve, client, work).detach();
  }
  std::_Exit(0);  // connections that are idle end with it
}
