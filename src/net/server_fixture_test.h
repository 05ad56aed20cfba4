#pragma once

#include "net/http_server.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace fairlead::net {

inline HttpResponse plain_text(std::string text) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = std::move(text);
  return response;
}

inline std::unique_ptr<HttpServer> start(HttpServerOptions options,
                                         std::function<HttpResponse(const HttpRequest&)> on_request) {
  HttpHandlers handlers;
  handlers.on_request = std::move(on_request);
  auto server = HttpServer::start(std::move(options), std::move(handlers));
  return server ? *std::move(server) : nullptr;
}

inline HttpResponse echo(const HttpRequest& request) {
  return plain_text(request.method + " " + request.path + " " + request.body);
}

// Streams that a handler handed on, for the test to write to.
class Streams {
 public:
  HttpResponse operator()(const HttpRequest&) {
    HttpResponse response;
    response.content_type = "text/event-stream";
    response.stream = [this](std::shared_ptr<BodyStream> stream) {
      const std::lock_guard lock(mutex_);
      streams_.push_back(std::move(stream));
      changed_.notify_all();
    };
    return response;
  }
  std::vector<std::shared_ptr<BodyStream>> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return streams_.size() >= count; });
    return streams_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<BodyStream>> streams_;
};

// Something that a test waits for.
class Signal {
 public:
  void give() {
    const std::lock_guard lock(mutex_);
    given_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return given_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_ = false;
};

}  // namespace fairlead::net
