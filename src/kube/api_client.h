#pragma once

#include "base/json_reader.h"
#include "base/result.h"
#include "base/time.h"
#include "kube/api_server.h"
#include "kube/stop_signal.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::kube {

struct ApiCall {
  std::string method = "GET";
  std::string path;  ///< with its query
  std::string body = {};
  std::string content_type = "application/json";
  std::string accept = "application/json";
  base::Duration timeout = base::Duration::seconds(30);
  /// As for net::ClientRequest: a watch.
  std::function<bool(std::string_view bytes)> on_bytes = {};
  base::Duration longest_silence = {};
  const StopSignal* stop = nullptr;  ///< ends the exchange within a second, and waits between tries at once
};

struct ApiAnswer {
  int status = 0;
  std::string body;
  base::Duration retry_after;  ///< what the server asks to wait; 0: nothing
  bool ok() const { return status >= 200 && status < 300; }
};

/// What an answer that is not `ok` says, for people: "pods "a" is forbidden: ... (403)".
std::string refusal_text(const ApiAnswer& answer);
/// The same as an error whose code tells the status.
base::Error refusal(const ApiAnswer& answer);

/// Calls of an API server over one kept connection. Thread: one per client.
class ApiClient {
 public:
  explicit ApiClient(std::shared_ptr<const ApiServer> server);

  /// One exchange. Errors: kUnavailable, when there was no answer: it is not known whether a write happened.
  base::Result<ApiAnswer> call(const ApiCall& call);
  /// Exchanges until one is answered otherwise than by 429 or a 5xx, at most `tries`; for what may be
  /// repeated.
  base::Result<ApiAnswer> call_again(const ApiCall& call, int tries);

  const ApiServer& server() const { return *server_; }

 private:
  std::string token();

  std::shared_ptr<const ApiServer> server_;
  std::unique_ptr<net::HttpClient> http_;
  std::string token_;
  base::Duration token_read_at_;
};

}  // namespace fairlead::kube
