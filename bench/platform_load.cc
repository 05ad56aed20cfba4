// The whole platform on one machine as its users load it: the real program, its API over loopback, real
// processes. Prints what docs/performance.md says, and fails when an outcome is not the expected one.
//
// Usage: platform_load PROGRAM [PENDING [PROBES]]
//   PENDING  workloads that wait while the others are measured (10,000)
//   PROBES   workloads whose way from submission to start is timed (500)

#include "base/clock.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "base/json_reader.h"
#include "net/http_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fairlead::bench {
namespace {

constexpr int kConnections = 16;
constexpr int kStreams = 500;
constexpr int kOk = 200;
constexpr int kCreated = 201;

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "platform_load: " << what << '\n';
  std::exit(1);
}

double seconds_since(base::Duration begun) { return (base::monotonic_time() - begun).in_seconds(); }

/// A platform with eight simulated devices in a folder of its own.
class Platform {
 public:
  explicit Platform(const std::string& program) {
    std::string pattern = (std::filesystem::temp_directory_path() / "fairlead-load-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::array<std::string, 8> words = {
        program, "up", "--port", "0", "--state", folder_, "--simulate-devices", "8x H100-80GB"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const std::string log = folder_ + "/up.log";
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
    if (posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ) != 0)
      fail("cannot start " + program);
    posix_spawn_file_actions_destroy(&actions);
    const auto client = net::HttpClient::make();
    while (ask(*client, "GET", "/api/v1/health").status != kOk) {
      if (waitpid(pid_, nullptr, WNOHANG) != 0) fail("the platform ended");
      poll(nullptr, 0, 10);
    }
    if (const auto text = base::read_file(log)) {
      const std::size_t at = text->find("127.0.0.1:");
      if (at != std::string::npos) port_ = std::atoi(text->c_str() + at + 10);
    }
  }
  ~Platform() {
    kill(pid_, SIGINT);
    waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  net::ClientResponse ask(net::HttpClient& client, const std::string& method, const std::string& path,
                          const std::string& body = {}) const {
    net::ClientRequest request;
    request.method = method;
    request.url = "http://platform" + path;
    request.unix_socket = folder_ + "/socket";
    request.body = body;
    if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
    auto answer = client.send(request);
    return answer ? std::move(*answer) : net::ClientResponse();
  }
  void submit(net::HttpClient& client, const std::string& name, const std::string& spec) const {
    const auto answer =
        ask(client, "POST", "/api/v1/workloads",
            fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{"project":"default",{}}}}})", name, spec));
    if (answer.status != kCreated) fail(fmt::format("submit {}: {} {}", name, answer.status, answer.body));
  }
  /// A field of /proc/PID/status in KiB: VmRSS, RssAnon ...
  std::int64_t memory_kib(const std::string& field) const {
    const auto text = base::read_file(fmt::format("/proc/{}/status", pid_));
    const std::size_t at = text ? text->find(field + ":") : std::string::npos;
    return at == std::string::npos ? 0 : std::atoll(text->c_str() + at + field.size() + 1);
  }
  const std::string& folder() const { return folder_; }
  int port() const { return port_; }

 private:
  std::string folder_;
  pid_t pid_ = 0;
  int port_ = 0;
};

/// Does something so many times on kConnections connections; times a second.
double rate(int count, const std::function<void(net::HttpClient&, int)>& action) {
  std::atomic<int> next = 0;
  const base::Duration begun = base::monotonic_time();
  std::vector<std::thread> threads;
  for (int i = 0; i < kConnections; ++i)
    threads.emplace_back([&] {
      const auto client = net::HttpClient::make();
      for (int number = next++; number < count; number = next++) action(*client, number);
    });
  for (std::thread& thread : threads) thread.join();
  return count / seconds_since(begun);
}

void print(const std::string& what, const std::string& figure) {
  std::cout << fmt::format("{:<62} {}", what, figure) << std::endl;
}

double percentile(std::vector<double>& values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

std::optional<base::Time> started(const Platform& platform, net::HttpClient& client,
                                  const std::string& name) {
  const auto answer = platform.ask(client, "GET", "/api/v1/workloads/default/" + name);
  base::JsonReader reader;
  const auto read = reader.read(answer.body);
  if (!read) return std::nullopt;
  const base::JsonValue* status = (*read)->find("status");
  const base::JsonValue* replicas = status == nullptr ? nullptr : status->find("replicas");
  if (replicas == nullptr || replicas->items().empty()) return std::nullopt;
  const auto time = base::parse_time(base::text_field(replicas->items().front(), "started"));
  return time ? std::optional(*time) : std::nullopt;
}

void measure_starts(const Platform& platform, int probes, const std::string& when) {
  const auto client = net::HttpClient::make();
  std::vector<double> to_start;
  std::vector<double> to_answer;
  constexpr int kPause = 20;
  for (int i = 0; i < probes; ++i) {
    const std::string name = fmt::format("probe-{}-{}", when.size(), i);
    const base::Time asked = base::system_time();
    platform.submit(*client, name, R"("command":["true"],"devices":1)");
    to_answer.push_back((base::system_time() - asked).in_seconds() * 1000);
    std::optional<base::Time> begun;
    for (int look = 0; !begun && look < 1000; ++look) {
      poll(nullptr, 0, kPause);
      begun = started(platform, *client, name);
    }
    if (!begun) fail(name + " did not start");
    to_start.push_back((*begun - asked).in_seconds() * 1000);
  }
  print("submission to start of its process, " + when,
        fmt::format("p50 {:.1f} ms, p99 {:.1f} ms", percentile(to_start, 0.5), percentile(to_start, 0.99)));
  print("submission to its durable answer, " + when,
        fmt::format("p50 {:.1f} ms, p99 {:.1f} ms", percentile(to_answer, 0.5), percentile(to_answer, 0.99)));
}

/// Opens so many event streams and counts those that are told of a submission.
void measure_streams(const Platform& platform) {
  const std::int64_t before = platform.memory_kib("VmRSS");
  std::vector<pollfd> streams;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(platform.port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto client = net::HttpClient::make();
  const auto token = platform.ask(*client, "POST", "/api/v1/tokens", R"({"name":"load"})");
  base::JsonReader reader;
  const auto read = reader.read(token.body);
  if (!read) fail("no token: " + token.body);
  const std::string request = fmt::format(
      "GET /api/v1/events?watch=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
      base::text_field(**read, "token"));
  for (int i = 0; i < kStreams; ++i) {
    const int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(stream, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        send(stream, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      fail(fmt::format("stream {} cannot be opened", i));
    streams.push_back({stream, POLLIN, 0});
  }
  std::array<char, 16384> buffer;
  std::vector<std::string> received(streams.size());
  // Until every one of them has been told of it.
  const auto wait_for = [&](const std::string& text, base::Duration begun = base::monotonic_time()) {
    std::size_t told = 0;
    std::vector<bool> has(streams.size(), false);
    while (told < streams.size()) {
      if (seconds_since(begun) > 30)
        fail(fmt::format("{} of {} streams were told of {}", told, streams.size(), text));
      poll(streams.data(), streams.size(), 1000);
      for (std::size_t i = 0; i < streams.size(); ++i) {
        if ((streams[i].revents & POLLIN) == 0) continue;
        const ssize_t got = recv(streams[i].fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got == 0) fail("a stream was closed: " + received[i].substr(0, 300));
        if (got < 0) continue;
        received[i].append(buffer.data(), static_cast<std::size_t>(got));
        if (!has[i] && received[i].find(text) != std::string::npos) {
          has[i] = true;
          ++told;
        }
      }
    }
    return seconds_since(begun) * 1000;
  };
  wait_for("200 OK");
  platform.submit(*client, "told-first", R"("command":["true"],"suspended":true)");
  wait_for("told-first");
  const base::Duration asked = base::monotonic_time();
  platform.submit(*client, "told", R"("command":["true"],"suspended":true)");
  const double milliseconds = wait_for("default/told\"", asked);
  print(fmt::format("{} event streams: one submission until each has it", kStreams),
        fmt::format("{:.0f} ms", milliseconds));
  print(fmt::format("{} event streams: memory", kStreams),
        fmt::format("{:.1f} MB", static_cast<double>(platform.memory_kib("VmRSS") - before) / 1024));
  for (const pollfd& stream : streams) close(stream.fd);
}

void measure(const std::string& program, int pending, int probes) {
  const Platform platform(program);
  const auto client = net::HttpClient::make();
  constexpr int kSettle = 3000;
  poll(nullptr, 0, kSettle);
  print("memory at rest, resident (of it anonymous)",
        fmt::format("{:.1f} MB ({:.1f} MB)", static_cast<double>(platform.memory_kib("VmRSS")) / 1024,
                    static_cast<double>(platform.memory_kib("RssAnon")) / 1024));
  platform.submit(*client, "holder", R"("command":["sleep","100000"],"devices":1,"preemptible":false)");
  measure_starts(platform, probes, "nothing waits");
  const int reads = 20'000;
  print("reads of one workload, 16 connections",
        fmt::format("{:.0f} a second", rate(reads, [&](auto& one, int) {
                      if (platform.ask(one, "GET", "/api/v1/workloads/default/holder").status != kOk)
                        fail("a read failed");
                    })));
  // They want all devices, and one is held: they wait.
  print(fmt::format("durable submissions until {} wait, 16 connections", pending),
        fmt::format("{:.0f} a second", rate(pending, [&](auto& one, int number) {
                      platform.submit(one, fmt::format("waits-{}", number),
                                      R"("command":["true"],"devices":8)");
                    })));
  measure_starts(platform, probes, fmt::format("{} wait", pending));
  print("reads of one workload, 16 connections, the same wait",
        fmt::format("{:.0f} a second", rate(reads, [&](auto& one, int) {
                      if (platform.ask(one, "GET", "/api/v1/workloads/default/holder").status != kOk)
                        fail("a read failed");
                    })));
  print("reads of a page of 100 workloads, 16 connections, the same wait",
        fmt::format("{:.0f} a second", rate(reads / 20, [&](auto& one, int) {
                      if (platform.ask(one, "GET", "/api/v1/workloads?limit=100").status != kOk)
                        fail("a read failed");
                    })));
  measure_streams(platform);
  print(fmt::format("memory with {} that wait, resident", pending),
        fmt::format("{:.1f} MB", static_cast<double>(platform.memory_kib("VmRSS")) / 1024));
}

}  // namespace
}  // namespace fairlead::bench

int main(int count, char** words) {
  if (count < 2) {
    std::cerr << "Usage: platform_load PROGRAM [PENDING [PROBES]]\n";
    return 2;
  }
  const int pending = count > 2 ? std::atoi(words[2]) : 10'000;
  const int probes = count > 3 ? std::atoi(words[3]) : 500;
  fairlead::bench::measure(words[1], pending, probes);
  return 0;
}
