#pragma once

#include "net/http_client.h"

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::platform_tests {

/// What a program printed and how it ended.
struct Output {
  int code = -1;
  std::string text;  ///< standard output and standard error together
};
/// Runs a program to its end.
Output run(const std::vector<std::string>& command);

/// How a platform is started.
struct Setup {
  std::string devices = "4x H100-80GB";
  std::string folder;                    ///< of its state; empty: a new one below /tmp
  std::vector<std::string> before;       ///< words before the program, such as those of prlimit
  std::vector<std::string> environment;  ///< "NAME=value", besides this process's own
};

/// The real program as a platform of its own: a state folder below /tmp, four simulated devices, any port.
class RunningPlatform {
 public:
  explicit RunningPlatform(Setup setup = {});
  /// Not started yet.
  struct Later {};
  RunningPlatform(Setup setup, Later);
  ~RunningPlatform();  ///< ends it with its work, and removes its folder
  RunningPlatform(const RunningPlatform&) = delete;
  RunningPlatform& operator=(const RunningPlatform&) = delete;

  void start();
  /// Starts it with further variables; false when it ended instead of answering. How it ended: end(0).
  bool try_start(const std::vector<std::string>& environment = {});
  /// Sends a signal and waits for the end; the exit code, or minus the signal.
  int end(int signal_number);
  /// Whether it has ended by itself; it is waited for then.
  bool has_ended();
  /// What it printed since its last start.
  std::string output() const;
  const std::string& folder() const { return folder_; }
  int port() const { return port_; }
  pid_t pid() const { return pid_; }

  net::ClientResponse ask(const std::string& method, const std::string& path, const std::string& body = {});
  /// Submits a workload's spec; fails the test when that is refused.
  void submit(const std::string& name, const std::string& spec);
  std::string workload(const std::string& name) {
    return ask("GET", "/api/v1/workloads/default/" + name).body;
  }
  /// The value of the first member of that name in a JSON text, without quotes.
  static std::string member(const std::string& json, const std::string& name);
  std::string state(const std::string& name) { return member(workload(name), "state"); }
  std::string log(const std::string& name) {
    return ask("GET", "/api/v1/workloads/default/" + name + "/logs").body;
  }
  /// Asks again until it holds, at most half a minute; fails the test otherwise.
  void wait_until(const std::string& what, const std::function<bool()>& holds);
  /// The same without failing.
  bool holds_soon(const std::function<bool()>& holds);
  void wait_for_state(const std::string& name, const std::string& state) {
    wait_until(name + " is " + state, [&] { return this->state(name) == state; });
  }
  /// Processes whose command line holds a text.
  static int processes_with(const std::string& text);

 private:
  Setup setup_;
  std::string folder_;
  bool own_folder_ = false;
  std::string log_;
  int port_ = 0;
  pid_t pid_ = 0;
  int ended_with_ = 0;  ///< once pid_ is 0
  std::unique_ptr<net::HttpClient> client_;
};

}  // namespace fairlead::platform_tests
