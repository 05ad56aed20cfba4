#include "kube/api_client.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fairlead::kube {
namespace {

constexpr auto kTokenAge = base::Duration::seconds(60);
constexpr auto kFirstWait = base::Duration::milliseconds(50);
constexpr auto kLongestWait = base::Duration::seconds(5);

base::Duration retry_after(std::string_view text) {
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc() || seconds < 0) return {};
  constexpr std::int64_t kMost = 60;
  return base::Duration::seconds(std::min(seconds, kMost));
}

}  // namespace

std::string refusal_text(const ApiAnswer& answer) {
  base::JsonReader reader;
  const auto status = reader.read(answer.body);
  std::string message = status ? base::text_field(**status, "message") : std::string();
  constexpr std::size_t kLongest = 300;
  if (message.empty()) message = answer.body.substr(0, kLongest);
  return fmt::format("{} ({})", message, answer.status);
}

base::Error refusal(const ApiAnswer& answer) {
  base::Code code = base::Code::kUnavailable;
  switch (answer.status) {
    case 400:
    case 422:
      code = base::Code::kInvalidArgument;
      break;
    case 401:
    case 403:
      code = base::Code::kPermissionDenied;
      break;
    case 404:
      code = base::Code::kNotFound;
      break;
    case 409:
      code = base::Code::kAlreadyExists;
      break;
    case 410:
      code = base::Code::kOutOfRange;
      break;
    case 429:
      code = base::Code::kResourceExhausted;
      break;
    default:
      break;
  }
  return base::Error(code, refusal_text(answer));
}

ApiClient::ApiClient(std::shared_ptr<const ApiServer> server)
    : server_(std::move(server)), http_(net::HttpClient::make()) {}

std::string ApiClient::token() {
  if (server_->token_file.empty()) return server_->token;
  const base::Duration now = base::monotonic_time();
  if (token_.empty() || now - token_read_at_ > kTokenAge) {
    auto text = base::read_file(server_->token_file);
    if (text) {
      token_ = std::move(*text);
      while (!token_.empty() && (token_.back() == '\n' || token_.back() == '\r')) token_.pop_back();
    }
    token_read_at_ = now;
  }
  return token_.empty() ? server_->token : token_;
}

base::Result<ApiAnswer> ApiClient::call(const ApiCall& call) {
  net::ClientRequest request;
  request.method = call.method;
  request.url = server_->url + call.path;
  request.headers = {{"accept", call.accept}, {"user-agent", "fairlead"}};
  const std::string bearer = token();
  if (!bearer.empty()) request.headers.emplace_back("authorization", "Bearer " + bearer);
  if (!call.body.empty()) request.headers.emplace_back("content-type", call.content_type);
  request.body = call.body;
  request.tls = server_->tls;
  request.timeout = call.timeout;
  request.longest_silence = call.longest_silence;
  request.on_bytes = call.on_bytes;
  if (call.stop != nullptr) request.keep_going = [stop = call.stop] { return !stop->stopped(); };
  auto response = http_->send(request);
  if (!response) return response.error();
  ApiAnswer answer;
  answer.status = response->status;
  answer.retry_after = retry_after(response->header("retry-after"));
  answer.body = std::move(response->body);
  return answer;
}

base::Result<ApiAnswer> ApiClient::call_again(const ApiCall& call, int tries) {
  base::Duration wait = kFirstWait;
  const StopSignal never;
  const StopSignal& stop = call.stop == nullptr ? never : *call.stop;
  for (int i = 1;; ++i) {
    auto answer = this->call(call);
    const bool again = !answer || answer->status == 429 || answer->status >= 500;
    if (!again || i >= tries || stop.stopped()) return answer;
    stop.wait(answer && answer->retry_after > base::Duration() ? answer->retry_after : wait);
    wait = std::min(wait + wait, kLongestWait);
  }
}

}  // namespace fairlead::kube
