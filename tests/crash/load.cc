#include "crash/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fairlead::crash_tests {
namespace {

constexpr int kMostKept = 12;

}  // namespace

Client::Client(int number, std::uint64_t seed, const std::string& folder, std::string worker)
    : number_(number),
      random_(seed),
      socket_(folder + "/socket"),
      worker_(std::move(worker)),
      client_(net::HttpClient::make()) {}

int Client::send(const std::string& method, const std::string& path, const std::string& body,
                 const std::string& idempotency_key) {
  net::ClientRequest request;
  request.method = method;
  request.url = "http://platform" + path;
  request.unix_socket = socket_;
  request.body = body;
  if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
  if (!idempotency_key.empty()) request.headers.emplace_back("idempotency-key", idempotency_key);
  const auto answer = client_->send(request);
  if (!answer) return 0;
  answer_ = answer->body;
  return answer->status;
}

std::string Client::draw_spec() {
  const auto below = [&](std::uint64_t bound) { return random_() % bound; };
  static constexpr std::array<const char*, 4> kShapes = {
      R"("devices":1)", R"("devices":2)", R"("devices":{"fraction":0.5})", R"("devices":1,"replicas":2)"};
  static constexpr std::array<const char*, 3> kPriorities = {"low", "medium", "high"};
  const std::uint64_t milliseconds = below(10) == 0 ? 3000 : 20 + below(300);
  return fmt::format(
      R"({{"project":"default","command":[{},"{}"],"gracePeriod":"1s","priority":"{}","retries":0,{}}})",
      worker_, milliseconds, kPriorities[below(kPriorities.size())], kShapes[below(kShapes.size())]);
}

bool Client::submit() {
  const std::string name = fmt::format("c{}-{:06}", number_, ++count_);
  bodies_[name] = fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{}}})", name, draw_spec());
  known_[name] = Known::kAsked;
  return submit_again(name);
}

bool Client::submit_again(const std::string& name) {
  constexpr int kCreated = 201;
  const int status = send("POST", "/api/v1/workloads", bodies_[name], "key-" + name);
  if (status == 0) return false;
  if (status == kCreated) {
    ++acknowledged_;
    known_[name] = Known::kThere;
    bodies_.erase(name);
  } else {
    complaint_ += fmt::format("submit {}: {} {}\n", name, status, answer_);
  }
  return true;
}

bool Client::remove_oldest() {
  const auto kept =
      std::find_if(known_.begin(), known_.end(), [](const auto& one) { return one.second == Known::kThere; });
  if (kept == known_.end()) return true;
  constexpr int kSuccess = 2;
  kept->second = Known::kDeleteAsked;
  const int status = send("DELETE", "/api/v1/workloads/default/" + kept->first);
  if (status == 0) return false;
  if (status / 100 == kSuccess) {
    ++acknowledged_;
    kept->second = Known::kGone;
  } else {
    complaint_ += fmt::format("delete {}: {} {}\n", kept->first, status, answer_);
  }
  return true;
}

void Client::work() {
  while (complaint_.empty()) {
    const auto there = std::count_if(known_.begin(), known_.end(),
                                     [](const auto& one) { return one.second == Known::kThere; });
    const bool answered = there > kMostKept ? remove_oldest() : submit();
    if (!answered) return;
  }
}

void Client::make_up_for(const std::map<std::string, std::string>& there) {
  constexpr int kMissing = 404;
  for (auto& [name, state] : known_) {
    if (state == Known::kAsked) {
      const auto before = there.find(name);
      submit_again(name);
      // The same key is the same submission, not another.
      if (before != there.end() && answer_.find(before->second) == std::string::npos)
        complaint_ += fmt::format("{} was submitted twice: {}\n", name, answer_);
    } else if (state == Known::kDeleteAsked) {
      const int status = send("DELETE", "/api/v1/workloads/default/" + name);
      if (status / 100 != 2 && status != kMissing)
        complaint_ += fmt::format("delete {} again: {} {}\n", name, status, answer_);
      state = Known::kGone;
    }
  }
}

}  // namespace fairlead::crash_tests
