#pragma once

#include "net/http_client.h"
#include "platform/running_platform.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::api_tests {

using platform_tests::RunningPlatform;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// Somebody who asks a running platform over TCP, with a token or without.
class Client {
 public:
  /// Nobody: without a token.
  explicit Client(const RunningPlatform& platform);

  net::ClientResponse ask(const std::string& method, const std::string& path, const std::string& body = {},
                          const Headers& headers = {});
  net::ClientResponse send(net::ClientRequest request);
  const std::string& token() const { return token_; }
  void use_token(std::string token) { token_ = std::move(token); }

 private:
  std::string server_;
  std::string token_;
  std::unique_ptr<net::HttpClient> client_;
};

/// Makes a user, gives them a role in a queue (none where it is empty), and signs them in.
Client signed_in(RunningPlatform& platform, const std::string& user, const std::string& role,
                 const std::string& queue);
/// A code that signs the user in once.
std::string code_for(RunningPlatform& platform, const std::string& user);

/// The departments research (projects vision and speech) and products (project search).
void make_queues(RunningPlatform& platform);

/// A workload that only waits or sleeps, as the body of a request.
std::string sleeper(const std::string& project, const std::string& name);

}  // namespace fairlead::api_tests
