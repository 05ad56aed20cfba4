#include "app/controller_command.h"
#include "app/node_command.h"
#include "app/up_command.h"
#include "base/state_folder.h"
#include "cli/command_line.h"
#include "device/device_provider.h"
#include "engine/engine.h"
#include "host/supervisor.h"
#include "net/http_client.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using fairlead::base::Result;

Result<std::string> read_standard_input() {
  std::string text(std::istreambuf_iterator<char>(std::cin), {});
  if (std::cin.bad()) {
    return fairlead::base::Error(fairlead::base::Code::kUnavailable, "standard input cannot be read");
  }
  return text;
}

fairlead::base::Time present() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return fairlead::base::Time::from_unix_nanoseconds(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

// A line of the terminal that nobody else can read.
Result<std::string> read_password() {
  termios before{};
  const bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << '\n';
  }
  return line;
}

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int terminal_columns() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  // What the platform starts, not people: small and at once, before anything else is set up.
  if (command == "supervise" && argc == 3) return fairlead::host::run_supervisor(argv[2]);
  if (command == "device-probe" && argc == 4 && std::string_view(argv[2]) == "nvml") {
    return fairlead::device::run_nvml_probe(argv[3]);
  }
  std::ios::sync_with_stdio(false);
  const char* no_colour = std::getenv("NO_COLOR");
  fairlead::cli::Environment environment{
      std::cout, std::cerr, read_standard_input, present, [] { return fairlead::engine::make_engine(); }, {}};
  environment.make_scheduler_with_scorers = [](std::vector<fairlead::engine::NamedScorerFactory> scorers) {
    return fairlead::engine::make_engine({std::move(scorers)});
  };
  environment.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  environment.err_is_terminal = isatty(STDERR_FILENO) == 1;
  environment.no_colour = no_colour != nullptr && *no_colour != '\0';
  environment.columns = terminal_columns();
  environment.standard_input_path = "/dev/stdin";
  environment.variable = variable;
  environment.read_password = read_password;
  environment.make_http_client = [] { return fairlead::net::HttpClient::make(); };
  environment.connect_web_socket = fairlead::net::ClientWebSocket::connect;
  environment.state_folder = fairlead::base::default_state_folder();
  int code =
      fairlead::cli::run_command_line(argc, argv, environment,
                                      {fairlead::app::up_command(), fairlead::app::down_command(),
                                       fairlead::app::node_command(), fairlead::app::controller_command()});
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "fairlead: the output could not be written\n";
    return fairlead::cli::kExitFailed;
  }
  return code;
}
