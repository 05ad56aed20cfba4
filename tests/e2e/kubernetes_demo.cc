// ./run --kubernetes: a real API server with simulated nodes of three vendors, Fairlead as its scheduler, and
// work to watch with kubectl, until Ctrl-C.

#include "e2e/node_simulator.h"
#include "e2e/test_cluster.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace fairlead;

struct Pool {
  const char* prefix;
  int count;
  e2e::NodeShape shape;
};

pid_t start(const std::vector<std::string>& command, const std::string& log) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  // Its own group, so that Ctrl-C reaches this program first, which ends everything in order.
  setpgid(0, 0);
  sigset_t none{};
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  if (std::freopen(log.c_str(), "a", stdout) != nullptr) dup2(1, 2);
  execv(words.front(), words.data());
  _exit(127);
}

}  // namespace

int main() {
  sigset_t ends{};
  sigemptyset(&ends);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, number);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  fmt::print("Starting etcd and kube-apiserver ...\n");
  std::fflush(stdout);
  const e2e::TestCluster cluster;
  if (!cluster.problem().empty()) {
    fmt::print(stderr, "{}\n", cluster.problem());
    return 1;
  }
  e2e::NodeSimulator nodes(cluster.server(), 8);
  const Pool pools[] = {
      {"nvidia-", 60, {"nvidia.com/gpu", "nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3", 8, 128, 1024}},
      {"amd-", 25, {"amd.com/gpu", "amd.com/gpu.product-name", "AMD_Instinct_MI300X", 8, 128, 2048}},
      {"gaudi-", 15, {"habana.ai/gaudi", "habana.ai/gaudi.product", "Gaudi3", 8, 128, 1024}},
  };
  for (const Pool& pool : pools) {
    const std::string problem = nodes.add_nodes(pool.prefix, pool.count, pool.shape);
    if (!problem.empty()) {
      fmt::print(stderr, "{}\n", problem);
      return 1;
    }
  }
  const pid_t controller =
      start({FAIRLEAD_PROGRAM, "controller", "--kubeconfig", cluster.kubeconfig(), "--metrics-port", "0"},
            cluster.folder() + "/fairlead.log");
  cluster.component("start", "manager");
  cluster.kubectl({"apply", "-f", FAIRLEAD_E2E "/../../examples/kubernetes"});
  fmt::print(
      "A Kubernetes API server with 100 simulated nodes of three vendors, scheduled by Fairlead:\n\n"
      "  export KUBECONFIG={0}/kubeconfig\n"
      "  {1} get nodes\n"
      "  {1} get queues,podgroups,jobs,pods -o wide\n"
      "  {1} get events --watch\n"
      "  {2} plan --context test           what would be placed next, and why something waits\n"
      "  tail -f {0}/fairlead.log\n\n"
      "Containers do not run: simulated kubelets say that they do. Ctrl-C ends everything.\n",
      cluster.folder(), cluster.kubectl_program(), FAIRLEAD_PROGRAM);
  std::fflush(stdout);
  int number = 0;
  while (sigwait(&ends, &number) != 0) {
  }
  fmt::print("\nEnding ...\n");
  kill(controller, SIGTERM);
  waitpid(controller, nullptr, 0);
  for (const std::string& broken : nodes.broken_promises()) fmt::print(stderr, "{}\n", broken);
  return nodes.broken_promises().empty() ? 0 : 1;
}
