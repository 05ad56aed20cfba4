#pragma once

#include "base/json_reader.h"
#include "base/json_value.h"
#include "base/result.h"
#include "cli/context.h"
#include "cli/environment.h"
#include "net/http_client.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::cli {

/// A JSON text with the values in it.
class Document {
 public:
  /// Errors: kInvalidArgument.
  static base::Result<std::unique_ptr<Document>> parse(std::string text);
  const base::JsonValue& root() const { return *root_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  base::JsonReader reader_;
  const base::JsonValue* root_ = nullptr;
};

/// The value at "status.state" of an object; a null one when it is not there. A number in the path is an
/// index.
const base::JsonValue& at(const base::JsonValue& value, std::string_view path);
std::string text_at(const base::JsonValue& value, std::string_view path);
std::int64_t integer_at(const base::JsonValue& value, std::string_view path);
double number_at(const base::JsonValue& value, std::string_view path);

/// Options that every command has which asks a server.
struct ClientOptions {
  std::string server;
  std::string project;
};

/// Speaks to the server of a context. What goes wrong is told to `err` with its remedy, and becomes an
/// ExitCode.
class ApiClient {
 public:
  /// Null after having said why. `context`: talk to this server instead of the chosen one; never null then.
  static std::unique_ptr<ApiClient> open(const Environment& environment, const ClientOptions& options,
                                         int& exit_code, const Context* context = nullptr);

  struct Request {
    std::string method = "GET";
    std::string path = {};  ///< from "/api/v1" on, encoded, with the query
    std::string body = {};
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::function<bool(std::string_view)> on_bytes = {};  ///< for what is streamed
  };
  /// The answer to a request that succeeded; null after having told the problem. An answer without a body is
  /// an empty object.
  std::unique_ptr<Document> ask(const Request& request, int& exit_code);
  /// Whatever came back. Null after having said that nothing did.
  std::optional<net::ClientResponse> send(const Request& request, int& exit_code);
  /// Tells an answer of status 400 or above, and returns the exit code for it.
  int tell_problem(const net::ClientResponse& response) const;

  /// Tells why a WebSocket was not accepted, and returns the exit code for it.
  int tell_refusal(const base::Error& error) const;

  const Context& context() const { return context_; }
  /// What a connection of another kind needs: URL, socket, headers.
  net::ClientRequest address(std::string_view path) const;
  /// The project that a command means: its own option, $FAIRLEAD_PROJECT, the context's, "default".
  std::string project() const;

 private:
  ApiClient(const Environment& environment, ClientOptions options, Context context)
      : environment_(environment), options_(std::move(options)), context_(std::move(context)) {}

  const Environment& environment_;
  ClientOptions options_;
  Context context_;
  std::unique_ptr<net::HttpClient> client_;
};

/// A text as a part of a path or query: what is not a letter, a digit or one of -._~ as %XX.
std::string encoded(std::string_view text);

}  // namespace fairlead::cli
