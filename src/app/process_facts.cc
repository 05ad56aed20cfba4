#include "app/process_facts.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fairlead::app {
namespace {

/// The process whose socket listens on a port, by the kernel's tables; empty when that cannot be told.
std::string listener_on(std::uint16_t port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string number;
      std::string local;
      std::string remote;
      std::string state;
      std::string word;
      words >> number >> local >> remote >> state;
      constexpr const char* kListening = "0A";
      if (state != kListening || !local.ends_with(fmt::format(":{:04X}", port))) continue;
      std::string inode;
      for (int i = 0; i < 6 && words >> word; ++i) inode = word;
      const std::string wanted = fmt::format("socket:[{}]", inode);
      std::error_code ignored;
      for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string pid = process.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        for (const auto& entry : std::filesystem::directory_iterator(process.path() / "fd", ignored)) {
          if (std::filesystem::read_symlink(entry.path(), ignored).string() != wanted) continue;
          std::ifstream name(process.path() / "comm");
          std::string text;
          std::getline(name, text);
          return fmt::format("{} (process {})", text, pid);
        }
      }
    }
  }
  return {};
}

}  // namespace

std::string own_program() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "fairlead";
}

std::string own_account_name() {
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? fmt::format("uid {}", geteuid()) : entry->pw_name;
}

std::string random_uid() {
  std::array<unsigned char, 16> bytes{};
  // Short reads do not happen below 256 bytes.
  while (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::vector<std::pair<std::string, std::string>> inherited_environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const char* name : {"PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"})
    if (const char* value = std::getenv(name)) variables.emplace_back(name, value);
  if (std::getenv("PATH") == nullptr)
    variables.emplace_back("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  return variables;
}

std::optional<std::string> port_problem(const std::string& address, std::uint16_t port) {
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  wanted.sin_port = htons(port);
  // Other kinds of address are left to the server to try.
  if (port == 0 || inet_pton(AF_INET, address.c_str(), &wanted.sin_addr) != 1) return std::nullopt;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return std::nullopt;
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const bool bound = bind(socket, reinterpret_cast<const sockaddr*>(&wanted), sizeof(wanted)) == 0;
  const int problem = errno;
  close(socket);
  if (bound) return std::nullopt;
  if (problem == EADDRINUSE) {
    const std::string who = listener_on(port);
    return fmt::format("port {} is taken by {}; choose another with --port", port,
                       who.empty() ? "another process" : who);
  }
  return fmt::format("{}:{} cannot be listened at: {}; choose another with --address and --port", address,
                     port, std::strerror(problem));
}

bool wait_for_end(int pid, int seconds) {
  const auto descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) return errno == ESRCH;
  pollfd watched{descriptor, POLLIN, 0};
  constexpr int kMilliseconds = 1000;
  const int ready = poll(&watched, 1, seconds * kMilliseconds);
  close(descriptor);
  return ready > 0;
}

}  // namespace fairlead::app
