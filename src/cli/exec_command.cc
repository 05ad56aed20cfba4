#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"
#include "manifest/fields.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr int kBeatMilliseconds = 100;

struct ExecOptions {
  ClientOptions client;
  std::string name;
  std::string role;
  std::int64_t index = 0;
  bool terminal = false;
  bool input = false;
  std::vector<std::string> command;
};

/// Gives each key to the other side as it is pressed, until dropped.
class RawTerminal {
 public:
  explicit RawTerminal(int descriptor)
      : descriptor_(descriptor), active_(tcgetattr(descriptor, &before_) == 0) {
    if (!active_) return;
    termios raw = before_;
    cfmakeraw(&raw);
    tcsetattr(descriptor_, TCSAFLUSH, &raw);
  }
  ~RawTerminal() {
    if (active_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  int descriptor_;
  termios before_{};
  bool active_;
};

/// What the socket's thread tells.
class Remote {
 public:
  explicit Remote(std::ostream& out) : out_(out) {}

  void message(std::string_view bytes, bool binary) {
    if (binary) {
      out_ << bytes << std::flush;
      return;
    }
    const auto control = Document::parse(std::string(bytes));
    if (!control || at((*control)->root(), "exitCode").is_null()) return;
    std::lock_guard lock(mutex_);
    exit_code_ = static_cast<int>(integer_at((*control)->root(), "exitCode"));
  }
  void close(std::string_view reason) {
    std::lock_guard lock(mutex_);
    closed_ = true;
    reason_ = reason;
  }
  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  std::optional<int> exit_code() const {
    std::lock_guard lock(mutex_);
    return exit_code_;
  }
  std::string reason() const {
    std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  std::ostream& out_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<int> exit_code_;
  std::string reason_;
  bool closed_ = false;
};

std::string size_message(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return fmt::format("{{\"columns\":{},\"rows\":{}}}", size.ws_col, size.ws_row);
}

// Sends what is typed until the other side closes.
void send_input(const ExecOptions& options, net::ClientWebSocket& socket, const Remote& remote,
                int descriptor) {
  bool open = options.input;
  std::string size;
  while (!remote.closed()) {
    if (options.terminal) {
      const std::string now = size_message(descriptor);
      if (!now.empty() && now != size) socket.send(now, false);
      size = now;
    }
    pollfd input{open ? descriptor : -1, POLLIN, 0};
    if (poll(&input, 1, kBeatMilliseconds) <= 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count > 0) {
      socket.send(std::string_view(buffer.data(), static_cast<std::size_t>(count)), true);
    } else {
      open = false;
      // A terminal's end of input is a key.
      if (options.terminal) socket.send("\x04", true);
    }
  }
}

int run_exec(const ExecOptions& options, const Environment& environment) {
  int code = kExitOk;
  if (!environment.connect_web_socket) {
    environment.err << "fairlead: this build has no WebSocket client\n";
    return kExitFailed;
  }
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string path = workload_path(*client, environment, options.client, options.name, code);
  if (path.empty()) return code;
  path += fmt::format("/exec?index={}", options.index);
  if (options.terminal) path += "&tty=true";
  if (!options.role.empty()) path += "&role=" + encoded(options.role);
  for (const std::string& word : options.command) path += "&command=" + encoded(word);
  Remote remote(environment.out);
  net::ClientWebSocket::Callbacks callbacks;
  callbacks.on_message = [&](std::string_view bytes, bool binary) { remote.message(bytes, binary); };
  callbacks.on_close = [&](std::uint16_t, std::string_view reason) { remote.close(reason); };
  auto socket = environment.connect_web_socket(client->address(path), std::move(callbacks));
  if (!socket) return client->tell_refusal(socket.error());
  {
    std::optional<RawTerminal> raw;
    if (options.terminal && options.input) raw.emplace(environment.input_descriptor);
    send_input(options, **socket, remote, environment.input_descriptor);
  }
  if (remote.exit_code()) return *remote.exit_code();
  environment.err << "fairlead: the connection was closed"
                  << (remote.reason().empty() ? std::string() : ": " + remote.reason()) << '\n';
  return kExitUnavailable;
}

}  // namespace

Command exec_command() {
  auto options = std::make_shared<ExecOptions>();
  Command command;
  command.name = "exec";
  command.description = "Run a command beside a running replica, with its limits and devices";
  command.more = "Ends with the command's exit code.";
  command.examples =
      "  fairlead exec -it llama -- bash\n"
      "  fairlead exec llama --index 2 -- nvidia-smi\n"
      "  tar c data | fairlead exec -i llama -- tar x";
  command.argument("name", options->name, "NAME", "The workload, as NAME or PROJECT/NAME").required = true;
  command.flag("-i,--stdin", options->input, "Send standard input");
  command.flag("-t,--tty", options->terminal, "Give it a terminal");
  command.option("--role", options->role, "ROLE", "Role of the replica [the first]");
  command.option("--index", options->index, "N", "Index of the replica in its role [0]").range = {0,
                                                                                                  1'000'000};
  add_project_option(command, options->client);
  add_client_options(command, options->client);
  command.rest = &options->command;
  command.check = [options]() -> std::string {
    return options->command.empty() ? "exec needs the command to run after --" : std::string();
  };
  command.run = [options](const Environment& environment) { return run_exec(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
