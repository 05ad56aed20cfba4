#pragma once

#include "kube/reflector.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace fairlead::e2e {

/// A kind of node.
struct NodeShape {
  std::string resource = "nvidia.com/gpu";
  std::string model_label = "nvidia.com/gpu.product";
  std::string model = "NVIDIA-H100-80GB-HBM3";
  std::int64_t devices = 8;
  std::int64_t cpus = 64;
  std::int64_t memory_gib = 512;
};

/// Stands in for kubelets: keeps nodes alive, moves pods that were bound to Running, ends those whose label
/// `e2e.fairlead.dev/runs-for` (seconds) has passed, and lets go of those that are being deleted. It also
/// keeps the account that a kubelet keeps: a node that is given more devices than it has is reported.
class NodeSimulator {
 public:
  NodeSimulator(std::shared_ptr<const kube::ApiServer> server, int workers);
  ~NodeSimulator();
  NodeSimulator(const NodeSimulator&) = delete;
  NodeSimulator& operator=(const NodeSimulator&) = delete;

  /// Makes nodes `prefix`1 to `prefix`N. Returns what went wrong; empty: nothing.
  std::string add_nodes(const std::string& prefix, int count, const NodeShape& shape);
  /// What a kubelet would have refused, in words.
  std::vector<std::string> broken_promises() const;
  /// Pods that were seen bound, ever.
  std::size_t bound() const;
  std::size_t running() const;

 private:
  struct Task {
    std::string method;
    std::string path;
    std::string body;
    std::string content_type;
  };
  struct Held {
    std::string node;
    std::string resource;
    std::int64_t devices = 0;
  };
  void follow();
  void take(kube::Change& change);
  void work();
  void post(Task task);
  void let_go(const std::string& uid);

  std::shared_ptr<const kube::ApiServer> server_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  kube::StopSignal stop_;
  std::deque<Task> tasks_;
  std::map<std::pair<std::string, std::string>, std::int64_t> capacity_;  ///< node and resource
  std::map<std::pair<std::string, std::string>, std::int64_t> used_;
  std::unordered_map<std::string, Held> held_;       ///< by pod uid
  std::unordered_map<std::string, std::string> on_;  ///< pod uid and its node, ever
  std::set<std::string> started_;
  std::set<std::string> deleted_;
  std::multimap<std::int64_t, Task> timed_;  ///< by monotonic nanoseconds
  std::vector<std::string> broken_;
  kube::ChangeQueue queue_;
  std::unique_ptr<kube::Reflector> reflector_;
  std::vector<std::thread> threads_;
};

}  // namespace fairlead::e2e
