// How fast pods are bound in a cluster, side by side in one run: by Fairlead, by kube-scheduler on the same
// nodes, and by nobody (the bindings alone, known beforehand): the floor that the API server sets. A real
// etcd and kube-apiserver; nodes that are objects.
//
//   kubernetes_bench [NODES] [PODS]

#include "base/clock.h"
#include "e2e/node_simulator.h"
#include "e2e/test_cluster.h"
#include "kube/api_client.h"
#include "manifest/api_writes.h"

#include <fmt/format.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace fairlead;

constexpr int kDevicesPerNode = 8;

class Bench {
 public:
  Bench(int nodes, int pods) : nodes_(nodes), pods_(pods) {}

  int run() {
    if (!cluster_.problem().empty()) {
      fmt::print(stderr, "{}\n", cluster_.problem());
      return 1;
    }
    simulator_ = std::make_unique<e2e::NodeSimulator>(cluster_.server(), 0);
    const std::string problem = simulator_->add_nodes("node-", nodes_, {});
    if (!problem.empty()) {
      fmt::print(stderr, "{}\n", problem);
      return 1;
    }
    fmt::print(
        "{} nodes of {} devices, {} pods of one device; kube-apiserver 1.34.4, etcd 3.6.4 without fsync\n",
        nodes_, kDevicesPerNode, pods_);
    double floor = 0;
    for (const int connections : {4, 8, 16, 32}) {
      const double rate = bind_alone(connections);
      fmt::print("  bindings alone, {:2} connections   {:7.0f} pods/s\n", connections, rate);
      std::fflush(stdout);
      floor = std::max(floor, rate);
    }
    const double fairlead = measure("fairlead", {FAIRLEAD_PROGRAM, "controller", "--kubeconfig",
                                                 cluster_.kubeconfig(), "--alone", "--metrics-port", "7079"});
    fmt::print("  Fairlead                          {:7.0f} pods/s, {:.0f} % of the floor\n", fairlead,
               100 * fairlead / floor);
    std::fflush(stdout);
    const std::string scheduler = scheduler_program();
    if (!scheduler.empty()) {
      const double other = measure(
          "default-scheduler",
          {scheduler, "--kubeconfig", cluster_.kubeconfig(), "--authentication-kubeconfig",
           cluster_.kubeconfig(), "--authorization-kubeconfig", cluster_.kubeconfig(), "--leader-elect=false",
           "--secure-port=0", "--kube-api-qps=100000", "--kube-api-burst=100000"});
      fmt::print("  kube-scheduler (no client limit)  {:7.0f} pods/s\n", other);
    }
    return 0;
  }

 private:
  static std::string scheduler_program() {
    const std::string folder = e2e::run({FAIRLEAD_E2E "/build", "--only", "kube-scheduler"}).text;
    const std::size_t end = folder.find_last_not_of('\n');
    if (end == std::string::npos) return {};
    const std::size_t begin = folder.rfind('\n', end);
    return folder.substr(begin == std::string::npos ? 0 : begin + 1,
                         end - (begin == std::string::npos ? 0 : begin + 1) + 1) +
           "/kube-scheduler";
  }

  void in_parallel(int threads, int count, const std::function<void(kube::ApiClient&, int)>& work) const {
    std::atomic<int> next{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back([&] {
        kube::ApiClient client(cluster_.server());
        for (int i = next++; i < count; i = next++) work(client, i);
      });
    }
    for (std::thread& worker : workers) worker.join();
  }

  void make_pods(const std::string& prefix, const std::string& scheduler) const {
    in_parallel(8, pods_, [&](kube::ApiClient& client, int i) {
      kube::ApiCall call;
      call.method = "POST";
      call.path = "/api/v1/namespaces/default/pods";
      call.body = fmt::format(
          R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}-{}","labels":{{"kai.scheduler/queue":"any"}}}},"spec":{{"schedulerName":"{}","containers":[{{"name":"main","image":"none","resources":{{"limits":{{"nvidia.com/gpu":"1"}}}}}}]}}}})",
          prefix, i, scheduler);
      static_cast<void>(client.call_again(call, 5));
    });
  }

  void remove_pods() const {
    kube::ApiClient client(cluster_.server());
    kube::ApiCall call;
    call.method = "DELETE";
    call.path = "/api/v1/namespaces/default/pods?gracePeriodSeconds=0";
    call.timeout = base::Duration::seconds(120);
    static_cast<void>(client.call_again(call, 3));
    e2e::wait_until(
        "the pods are gone",
        [&] { return cluster_.get("/api/v1/pods?limit=1").find("\"items\":[]") != std::string::npos; }, 120);
  }

  double bind_alone(int connections) {
    const std::string prefix = fmt::format("floor{}", connections);
    make_pods(prefix, "nobody");
    const base::Duration begun = base::monotonic_time();
    in_parallel(connections, pods_, [&](kube::ApiClient& client, int i) {
      kube::ApiCall call;
      call.method = "POST";
      call.path = fmt::format("/api/v1/namespaces/default/pods/{}-{}/binding", prefix, i);
      call.body = manifest::binding_json({"default", fmt::format("{}-{}", prefix, i), "", ""},
                                         fmt::format("node-{}", i / kDevicesPerNode % nodes_ + 1), {});
      static_cast<void>(client.call(call));
    });
    const double rate = pods_ / (base::monotonic_time() - begun).in_seconds();
    remove_pods();
    return rate;
  }

  /// From the start of the scheduler, with all pods waiting, from its first binding to its last.
  double measure(const std::string& scheduler, const std::vector<std::string>& command) {
    const std::size_t before = simulator_->bound();
    make_pods(scheduler, scheduler);
    const pid_t pid = start(command);
    const auto bound = [&] { return simulator_->bound() - before; };
    e2e::wait_until("the first is bound", [&] { return bound() > 0; }, 60);
    const std::size_t first = bound();
    const base::Duration begun = base::monotonic_time();
    e2e::wait_until("all are bound", [&] { return bound() >= static_cast<std::size_t>(pods_); }, 300);
    const double seconds = (base::monotonic_time() - begun).in_seconds();
    if (scheduler == "fairlead") show_metrics();
    kill(pid, SIGTERM);
    waitpid(pid, nullptr, 0);
    const double rate = static_cast<double>(bound() - first) / seconds;
    remove_pods();
    return rate;
  }

  static void show_metrics() {
    auto http = net::HttpClient::make();
    net::ClientRequest request;
    request.url = "http://127.0.0.1:7079/metrics";
    const auto answer = http->send(request);
    if (!answer) return;
    for (const char* name :
         {"kai_e2e_scheduling_latency_milliseconds_sum", "kai_e2e_scheduling_latency_milliseconds_count",
          "kai_task_bind_latency_milliseconds_sum", "kai_task_bind_latency_milliseconds_count"}) {
      const std::size_t at = answer->body.find(std::string(name) + " ");
      if (at != std::string::npos)
        fmt::print("    {}\n", answer->body.substr(at, answer->body.find('\n', at) - at));
    }
  }

  static pid_t start(const std::vector<std::string>& command) {
    const pid_t pid = fork();
    if (pid != 0) return pid;
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (std::freopen("/tmp/fairlead-bench.log", "a", stdout) != nullptr) dup2(1, 2);
    execv(words.front(), words.data());
    _exit(127);
  }

  int nodes_;
  int pods_;
  e2e::TestCluster cluster_;
  std::unique_ptr<e2e::NodeSimulator> simulator_;
};

}  // namespace

int main(int argc, char** argv) {
  const int nodes = argc > 1 ? std::atoi(argv[1]) : 500;
  const int pods = argc > 2 ? std::atoi(argv[2]) : 4000;
  if (nodes <= 0 || pods <= 0 || pods > nodes * kDevicesPerNode) {
    fmt::print(stderr, "kubernetes_bench NODES PODS, at most {} pods a node\n", kDevicesPerNode);
    return 2;
  }
  return Bench(nodes, pods).run();
}
