#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/local_port.h"
#include "cli/output.h"
#include "manifest/fields.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr int kBeatMilliseconds = 100;
constexpr std::size_t kMostConnections = 128;  // each has two threads

struct ForwardOptions {
  ClientOptions client;
  std::string name;
  std::vector<std::string> ports;
  std::string address = "127.0.0.1";
  std::string role;
  std::int64_t index = 0;
};

struct PortPair {
  std::uint16_t local = 0;  ///< 0: any
  std::uint16_t remote = 0;
};

std::optional<std::uint16_t> port_of(std::string_view text, std::int64_t least) {
  const auto number = manifest::parse_integer(text);
  constexpr std::int64_t kHighest = 65'535;
  if (!number || *number < least || *number > kHighest) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

// "8888" or "9000:8888" or ":8888", for any local port.
std::optional<PortPair> pair_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view remote_text = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const auto remote = port_of(remote_text, 1);
  if (!remote) return std::nullopt;
  if (colon == std::string_view::npos) return PortPair{*remote, *remote};
  if (colon == 0) return PortPair{0, *remote};
  const auto local = port_of(text.substr(0, colon), 0);
  if (!local) return std::nullopt;
  return PortPair{*local, *remote};
}

/// What several connections tell at once.
class Messages {
 public:
  Messages(const ApiClient& client, std::ostream& err) : client_(client), err_(err) {}
  void tell(const std::string& text) {
    const std::lock_guard lock(mutex_);
    err_ << "fairlead: " << text << '\n' << std::flush;
  }
  void tell_refusal(const base::Error& error) {
    const std::lock_guard lock(mutex_);
    client_.tell_refusal(error);
    err_ << std::flush;
  }

 private:
  std::mutex mutex_;  // guards the stream
  const ApiClient& client_;
  std::ostream& err_;
};

/// One connection, from here to the replica, on a thread of its own.
class Forwarded {
 public:
  Forwarded(base::Descriptor local, const Environment& environment, net::ClientRequest address,
            Messages& messages)
      : local_(std::move(local)) {
    thread_ = std::thread([this, &environment, address = std::move(address), &messages] {
      run(environment, address, messages);
      done_ = true;
    });
  }
  Forwarded(const Forwarded&) = delete;
  Forwarded& operator=(const Forwarded&) = delete;
  ~Forwarded() {
    closed_ = true;
    shutdown(local_.get(), SHUT_RDWR);
    thread_.join();
  }
  bool done() const { return done_; }

 private:
  void run(const Environment& environment, const net::ClientRequest& address, Messages& messages) {
    net::ClientWebSocket::Callbacks callbacks;
    // Who is slow to read here is waited for, and the other end with them.
    callbacks.on_message = [this](std::string_view bytes, bool binary) {
      if (binary && !send_all(bytes)) closed_ = true;
    };
    callbacks.on_close = [this](std::uint16_t, std::string_view) {
      closed_ = true;
      shutdown(local_.get(), SHUT_RDWR);
    };
    auto socket = environment.connect_web_socket(address, std::move(callbacks));
    if (!socket) return messages.tell_refusal(socket.error());
    std::array<char, 64 * 1024> buffer{};
    bool reading = true;
    while (!closed_) {
      pollfd input{reading ? local_.get() : -1, POLLIN, 0};
      if (poll(&input, 1, kBeatMilliseconds) <= 0) continue;
      const ssize_t count = read(local_.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return;
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
      reading = count > 0;
      const bool sent = reading ? (*socket)->send(bytes, true) : (*socket)->send(R"({"end":true})", false);
      if (!sent) return;
    }
  }

  bool send_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(local_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  const base::Descriptor local_;
  std::atomic<bool> closed_ = false;
  std::atomic<bool> done_ = false;
  std::thread thread_;  // the last member: uses the others
};

struct Open {
  LocalPort port;
  std::string path;
};

int fail_to_listen(const base::Error& error, const Environment& environment) {
  environment.err << "fairlead: " << error.message() << '\n';
  if (error.code() == base::Code::kAlreadyExists)
    environment.err << "  choose another local port, or :REMOTE for any that is free\n";
  return error.code() == base::Code::kInvalidArgument ? kExitUsage : kExitFailed;
}

void forward(const std::vector<Open>& open, const ApiClient& client, const Environment& environment) {
  Messages messages(client, environment.err);
  std::list<std::unique_ptr<Forwarded>> connections;
  while (!environment.keep_going || environment.keep_going()) {
    std::vector<pollfd> watched;
    watched.reserve(open.size());
    for (const Open& one : open) watched.push_back({one.port.descriptor(), POLLIN, 0});
    const int ready = poll(watched.data(), watched.size(), kBeatMilliseconds);
    connections.remove_if([](const auto& connection) { return connection->done(); });
    for (std::size_t i = 0; ready > 0 && i < open.size(); ++i) {
      if (watched[i].revents == 0) continue;
      base::Descriptor local = open[i].port.accept();
      if (!local.valid()) continue;
      if (connections.size() >= kMostConnections) {
        messages.tell(fmt::format("{} connections are open; one more was closed", kMostConnections));
        continue;
      }
      connections.push_back(
          std::make_unique<Forwarded>(std::move(local), environment, client.address(open[i].path), messages));
    }
  }
}

int run_port_forward(const ForwardOptions& options, const Environment& environment) {
  int code = kExitOk;
  if (!environment.connect_web_socket) {
    environment.err << "fairlead: this build has no WebSocket client\n";
    return kExitFailed;
  }
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const std::string path = workload_path(*client, environment, options.client, options.name, code);
  if (path.empty()) return code;
  const auto workload = client->ask({.path = path}, code);
  if (workload == nullptr) return code;
  std::vector<Open> open;
  for (const std::string& text : options.ports) {
    const auto ports = pair_of(text);
    if (!ports) return kExitUsage;  // checked before
    auto port = LocalPort::listen(options.address, ports->local);
    if (!port) return fail_to_listen(port.error(), environment);
    std::string target = path + fmt::format("/port-forward?port={}&index={}", ports->remote, options.index);
    if (!options.role.empty()) target += "&role=" + encoded(options.role);
    environment.out << fmt::format("{}:{} leads to port {} of {}\n", options.address, port->port(),
                                   ports->remote, options.name);
    open.push_back({std::move(*port), std::move(target)});
  }
  environment.out << "Ctrl-C ends it.\n" << std::flush;
  forward(open, *client, environment);
  return kExitOk;
}

}  // namespace

Command port_forward_command() {
  auto options = std::make_shared<ForwardOptions>();
  Command command;
  command.name = "port-forward";
  command.description = "Reach a port of a running replica from this machine";
  command.more =
      "The replica need listen only on the loopback of its machine. Open to the workload's owner and to the "
      "administrators\nof its project. Each connection is made anew: a replica that was started again is "
      "found.";
  command.examples =
      "  fairlead port-forward lab 8888              localhost:8888\n"
      "  fairlead port-forward lab 9000:8888 :6006   localhost:9000, and any free port\n"
      "  fairlead port-forward train --index 2 29500";
  command.argument("name", options->name, "NAME", "The workload, as NAME or PROJECT/NAME").required = true;
  command.argument("ports", options->ports, "[LOCAL:]REMOTE...", "Ports, here and of the replica").required =
      true;
  command.option("--address", options->address, "ADDRESS", "Of this machine, to listen on [127.0.0.1]");
  command.option("--role", options->role, "ROLE", "Role of the replica [the first]");
  command.option("--index", options->index, "N", "Index of the replica in its role [0]").range = {0,
                                                                                                  1'000'000};
  add_project_option(command, options->client);
  add_client_options(command, options->client);
  command.check = [options]() -> std::string {
    for (const std::string& text : options->ports) {
      if (!pair_of(text)) return fmt::format("\"{}\" is not [LOCAL:]REMOTE, each a port up to 65535", text);
    }
    return {};
  };
  command.run = [options](const Environment& environment) { return run_port_forward(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
