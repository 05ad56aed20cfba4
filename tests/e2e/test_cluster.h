#pragma once

#include "kube/api_client.h"

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::e2e {

/// What a program printed and how it ended.
struct Output {
  int code = -1;
  std::string text;
};
/// Runs a program to its end, with a text as its standard input.
Output run(const std::vector<std::string>& command, const std::string& input = {});

/// A real etcd and kube-apiserver of its own on loopback (tests/e2e/cluster), in a folder below /tmp.
class TestCluster {
 public:
  TestCluster();
  ~TestCluster();
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;

  /// Why it could not be started; empty: it runs.
  const std::string& problem() const { return problem_; }
  const std::string& folder() const { return folder_; }
  std::string kubeconfig(const std::string& user = "") const {
    return folder_ + (user.empty() ? "/kubeconfig" : "/" + user + ".kubeconfig");
  }
  std::shared_ptr<const kube::ApiServer> server() const { return server_; }
  const std::string& kubectl_program() const { return kubectl_; }
  /// Plain kubectl; fails the test when it fails.
  std::string kubectl(const std::vector<std::string>& arguments, const std::string& input = {}) const;
  void apply(const std::string& manifests) const { kubectl({"apply", "-f", "-"}, manifests); }
  /// Removes what a test made: pods, groups, queues, budgets, nodes.
  void clear() const;
  /// `action` start or stop, of etcd or the apiserver.
  void component(const std::string& action, const std::string& name,
                 const std::string& signal = "TERM") const;
  /// The body of a GET; empty when it is not there.
  std::string get(const std::string& path) const;

 private:
  std::string folder_;
  std::string problem_;
  std::string kubectl_;
  std::shared_ptr<const kube::ApiServer> server_;
  std::unique_ptr<kube::ApiClient> client_;
};

/// The real program as a controller.
class ControllerProcess {
 public:
  ControllerProcess(const TestCluster& cluster, std::vector<std::string> arguments = {},
                    const std::string& kubeconfig = {});
  ~ControllerProcess();
  ControllerProcess(const ControllerProcess&) = delete;
  ControllerProcess& operator=(const ControllerProcess&) = delete;

  void start();
  /// Sends a signal and waits for the end; the exit code, or minus the signal.
  int end(int signal_number);
  std::string log() const;
  pid_t pid() const { return pid_; }

 private:
  std::vector<std::string> command_;
  std::string log_file_;
  pid_t pid_ = 0;
};

/// Asks again until it holds, at most so many seconds; fails the test otherwise.
bool wait_until(const std::string& what, const std::function<bool()>& holds, int seconds = 30);

}  // namespace fairlead::e2e
