#pragma once

#include "kube/api_client.h"
#include "net/http_server.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::e2e {

/// How often something goes wrong, each from 0 to 1.
struct FaultRates {
  double refused = 0;   ///< a request is answered 429, 500 or 503 and not passed on
  double lost = 0;      ///< it is passed on and carried out, and its answer is not: 504
  double delayed = 0;   ///< its answer comes up to a fifth of a second late
  double cut = 0;       ///< a watch ends within this line
  double repeated = 0;  ///< a line of a watch comes twice
  double swapped = 0;   ///< a line of a watch comes after the next one
  double expired = 0;   ///< a watch is refused with 410
};

/// Stands between a controller and the API server, over plain HTTP on loopback, and lets things go wrong in
/// an order that the seed decides.
class FaultProxy {
 public:
  FaultProxy(std::shared_ptr<const kube::ApiServer> server, const std::string& folder, unsigned seed);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  /// A kubeconfig that leads here.
  const std::string& kubeconfig() const { return kubeconfig_; }
  void set(FaultRates rates);
  /// Called when a binding was carried out, before its answer is passed on.
  void on_bound(std::function<void()> function);
  std::uint64_t faults() const { return faults_; }

 private:
  net::HttpResponse answer(const net::HttpRequest& request);
  void follow(const kube::ApiCall& call, const std::shared_ptr<net::BodyStream>& stream);
  bool happens(double FaultRates::* rate);
  void send(net::BodyStream& stream, const std::string& bytes);

  std::shared_ptr<const kube::ApiServer> server_;
  std::string kubeconfig_;
  std::mutex mutex_;
  std::mt19937 random_;
  FaultRates rates_;
  std::function<void()> on_bound_;
  std::vector<std::thread> followers_;
  std::atomic<std::uint64_t> faults_{0};
  kube::StopSignal stop_;
  std::unique_ptr<net::HttpServer> http_;
};

}  // namespace fairlead::e2e
