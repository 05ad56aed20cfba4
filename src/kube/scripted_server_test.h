#pragma once

// An API server whose answers a test decides, on loopback.
#include "kube/api_server.h"
#include "net/http_server.h"

#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::kube {

class ScriptedServer {
 public:
  using Answer = std::function<net::HttpResponse(const net::HttpRequest&)>;

  explicit ScriptedServer(Answer answer) : answer_(std::move(answer)) {
    net::HttpServerOptions options;
    options.handler_threads = 4;
    options.grace = base::Duration::milliseconds(50);
    net::HttpHandlers handlers;
    handlers.on_request = [this](const net::HttpRequest& request) {
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(request.method + " " + request.target);
      }
      return answer_(request);
    };
    auto http = net::HttpServer::start(std::move(options), std::move(handlers));
    // Without a free port on loopback there is nothing to test.
    if (!http) std::abort();
    http_ = std::move(*http);
  }

  std::shared_ptr<const ApiServer> server() const {
    auto server = std::make_shared<ApiServer>();
    server->url = fmt::format("http://127.0.0.1:{}", http_->port());
    return server;
  }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  static net::HttpResponse say(int status, std::string body) {
    net::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  /// These bytes, each write as the server's socket takes it, then the end.
  static net::HttpResponse stream(std::vector<std::string> pieces) {
    net::HttpResponse response;
    response.stream = [pieces = std::move(pieces)](const std::shared_ptr<net::BodyStream>& body) {
      for (const std::string& piece : pieces) body->write(piece);
      body->end();
    };
    return response;
  }

 private:
  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::unique_ptr<net::HttpServer> http_;
};

}  // namespace fairlead::kube
