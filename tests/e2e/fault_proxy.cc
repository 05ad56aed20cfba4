#include "e2e/fault_proxy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <utility>

namespace fairlead::e2e {

FaultProxy::FaultProxy(std::shared_ptr<const kube::ApiServer> server, const std::string& folder,
                       unsigned seed)
    : server_(std::move(server)), kubeconfig_(folder + "/faults.kubeconfig"), random_(seed) {
  net::HttpServerOptions options;
  options.handler_threads = 64;
  options.max_waiting_bytes = std::size_t{64} << 20U;
  options.grace = base::Duration::milliseconds(100);
  net::HttpHandlers handlers;
  handlers.on_request = [this](const net::HttpRequest& request) { return answer(request); };
  auto http = net::HttpServer::start(std::move(options), std::move(handlers));
  if (!http) {
    ADD_FAILURE() << http.error().message();
    return;
  }
  http_ = std::move(*http);
  std::ofstream(kubeconfig_) << fmt::format(
      "apiVersion: v1\nkind: Config\ncurrent-context: faults\n"
      "contexts: [{{name: faults, context: {{cluster: faults, user: none}}}}]\n"
      "clusters: [{{name: faults, cluster: {{server: \"http://127.0.0.1:{}\"}}}}]\nusers: []\n",
      http_->port());
}

FaultProxy::~FaultProxy() {
  stop_.stop();
  std::vector<std::thread> followers;
  {
    const std::lock_guard lock(mutex_);
    followers.swap(followers_);
  }
  for (std::thread& follower : followers) follower.join();
  http_.reset();
}

void FaultProxy::set(FaultRates rates) {
  const std::lock_guard lock(mutex_);
  rates_ = rates;
}

void FaultProxy::on_bound(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  on_bound_ = std::move(function);
}

bool FaultProxy::happens(double FaultRates::* rate) {
  const std::lock_guard lock(mutex_);
  const double dice = std::uniform_real_distribution<double>(0, 1)(random_);
  if (dice >= rates_.*rate) return false;
  ++faults_;
  return true;
}

net::HttpResponse FaultProxy::answer(const net::HttpRequest& request) {
  const auto status = [](int code, const std::string& message) {
    net::HttpResponse response;
    response.status = code;
    response.body = fmt::format(R"({{"kind":"Status","code":{},"message":"{}"}})", code, message);
    return response;
  };
  const bool watches = request.query_value("watch").has_value();
  const bool election = request.path.find("/leases") != std::string::npos;
  kube::ApiCall call;
  call.method = request.method;
  call.path = request.target;
  call.body = request.body;
  if (!request.header("content-type").empty()) call.content_type = request.header("content-type");
  if (!request.header("accept").empty()) call.accept = request.header("accept");
  call.stop = &stop_;
  if (!election && happens(&FaultRates::refused)) {
    static constexpr int kCodes[] = {429, 500, 503};
    const std::lock_guard lock(mutex_);
    return status(kCodes[random_() % 3], "a fault");
  }
  if (watches) {
    if (happens(&FaultRates::expired)) return status(410, "too old resource version");
    net::HttpResponse response;
    response.stream = [this, call](const std::shared_ptr<net::BodyStream>& stream) {
      const std::lock_guard lock(mutex_);
      followers_.emplace_back([this, call, stream] { follow(call, stream); });
    };
    return response;
  }
  kube::ApiClient client(server_);
  const auto answered = client.call(call);
  if (!answered) return status(502, "the API server does not answer");
  if (answered->ok() && request.path.ends_with("/binding")) {
    std::function<void()> on_bound;
    {
      const std::lock_guard lock(mutex_);
      on_bound = on_bound_;
    }
    if (on_bound) on_bound();
  }
  if (!election && happens(&FaultRates::lost)) return status(504, "the answer was lost");
  if (!election && happens(&FaultRates::delayed)) {
    std::unique_lock lock(mutex_);
    const auto late = base::Duration::milliseconds(static_cast<std::int64_t>(random_() % 200));
    lock.unlock();
    stop_.wait(late);
  }
  net::HttpResponse response;
  response.status = answered->status;
  response.body = answered->body;
  return response;
}

void FaultProxy::send(net::BodyStream& stream, const std::string& bytes) {
  while (!stream.write(bytes) && !stream.closed() && !stop_.stopped())
    stop_.wait(base::Duration::milliseconds(2));
}

void FaultProxy::follow(const kube::ApiCall& asked, const std::shared_ptr<net::BodyStream>& stream) {
  kube::ApiClient client(server_);
  kube::ApiCall call = asked;
  std::string rest;
  std::string held;  // comes after the next line
  bool ended = false;
  call.on_bytes = [&](std::string_view bytes) {
    rest.append(bytes);
    while (!ended) {
      const std::size_t end = rest.find('\n');
      if (end == std::string::npos) break;
      const std::string line = rest.substr(0, end + 1);
      rest.erase(0, end + 1);
      if (happens(&FaultRates::cut)) {
        send(*stream, line.substr(0, line.size() / 2));
        ended = true;
        break;
      }
      if (held.empty() && happens(&FaultRates::swapped)) {
        held = line;
        continue;
      }
      send(*stream, line);
      if (happens(&FaultRates::repeated)) send(*stream, line);
      if (!held.empty()) send(*stream, std::exchange(held, {}));
    }
    return !ended && !stream->closed();
  };
  static_cast<void>(client.call(call));
  stream->end();
}

}  // namespace fairlead::e2e
