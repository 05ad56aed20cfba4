#include "cli/command_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
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

int terminal_columns() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// Stands in until the engine is wired in: it decides nothing, so everything waits.
class IdleScheduler final : public fairlead::model::Scheduler {
 public:
  fairlead::model::ApplyReport apply(std::span<const fairlead::model::Event>) override { return {}; }
  fairlead::model::Round run(const fairlead::model::RoundRequest&) override { return {}; }
};

std::unique_ptr<fairlead::model::Scheduler> make_scheduler() { return std::make_unique<IdleScheduler>(); }
std::unique_ptr<fairlead::model::Scheduler> make_scheduler_with_scorers(
    std::vector<fairlead::engine::NamedScorerFactory> /*scorers*/) {
  return make_scheduler();
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const char* no_colour = std::getenv("NO_COLOR");
  fairlead::cli::Environment environment{std::cout, std::cerr,      read_standard_input,
                                         present,   make_scheduler, {}};
  environment.make_scheduler_with_scorers = make_scheduler_with_scorers;
  environment.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  environment.err_is_terminal = isatty(STDERR_FILENO) == 1;
  environment.no_colour = no_colour != nullptr && *no_colour != '\0';
  environment.columns = terminal_columns();
  int code = fairlead::cli::run_command_line(argc, argv, environment);
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "fairlead: the output could not be written\n";
    return fairlead::cli::kExitFailed;
  }
  return code;
}
