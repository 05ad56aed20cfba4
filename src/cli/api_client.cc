#include "cli/api_client.h"

#include "cli/text_table.h"
#include "manifest/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace fairlead::cli {
namespace {

int exit_code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return kExitNotAllowed;
    case 404:
      return kExitNotFound;
    case 409:
    case 412:
      return kExitConflict;
    case 429:
    case 503:
      return kExitUnavailable;
    default:
      return kExitFailed;
  }
}

}  // namespace

base::Result<std::unique_ptr<Document>> Document::parse(std::string text) {
  auto document = std::make_unique<Document>();
  document->text_ = std::move(text);
  auto root = document->reader_.read(document->text_);
  if (!root) return root.error();
  document->root_ = *root;
  return base::Result<std::unique_ptr<Document>>(std::move(document));
}

const base::JsonValue& at(const base::JsonValue& value, std::string_view path) {
  static const base::JsonValue kNone{};
  const base::JsonValue* found = &value;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    if (found->is_array()) {
      const auto index = manifest::parse_integer(key);
      const auto items = found->items();
      if (!index || *index < 0 || static_cast<std::size_t>(*index) >= items.size()) return kNone;
      found = &items[static_cast<std::size_t>(*index)];
    } else {
      found = found->find(key);
    }
    if (found == nullptr) return kNone;
  }
  return *found;
}

std::string text_at(const base::JsonValue& value, std::string_view path) {
  const base::JsonValue& found = at(value, path);
  if (found.kind() == base::JsonValue::Kind::kBoolean) return found.boolean() ? "true" : "false";
  return std::string(found.text());
}

std::int64_t integer_at(const base::JsonValue& value, std::string_view path) {
  return manifest::parse_integer(at(value, path).text()).value_or(0);
}

double number_at(const base::JsonValue& value, std::string_view path) {
  return manifest::parse_number(at(value, path).text()).value_or(0);
}

std::unique_ptr<ApiClient> ApiClient::open(const Environment& environment, const ClientOptions& options,
                                           int& exit_code, const Context* context) {
  auto chosen =
      context == nullptr ? choose_context(environment, options.server) : base::Result<Context>(*context);
  if (!chosen) {
    environment.err << "fairlead: " << chosen.error().message() << '\n';
    exit_code = chosen.error().code() == base::Code::kUnavailable ? kExitUnavailable : kExitFailed;
    return nullptr;
  }
  std::unique_ptr<ApiClient> client(new ApiClient(environment, options, *std::move(chosen)));
  if (environment.make_http_client) client->client_ = environment.make_http_client();
  return client;
}

net::ClientRequest ApiClient::address(std::string_view path) const {
  net::ClientRequest request;
  request.url = (context_.server.empty() ? "http://localhost" : context_.server) + std::string(path);
  request.unix_socket = context_.socket;
  request.authority_file = context_.authority;
  if (!context_.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + context_.token);
  return request;
}

std::optional<net::ClientResponse> ApiClient::send(const Request& request, int& exit_code) {
  net::ClientRequest sent = address(request.path);
  sent.method = request.method;
  sent.body = request.body;
  sent.on_bytes = request.on_bytes;
  sent.keep_going = environment_.keep_going;
  if (!request.body.empty()) sent.headers.emplace_back("Content-Type", request.content_type);
  sent.headers.insert(sent.headers.end(), request.headers.begin(), request.headers.end());
  auto response = client_->send(sent);
  if (!response && !context_.socket.empty() && !context_.server.empty() &&
      response.error().code() == base::Code::kUnavailable && !context_.token.empty()) {
    sent.unix_socket.clear();
    response = client_->send(sent);
  }
  if (response) return *std::move(response);
  exit_code = kExitUnavailable;
  const bool local = !context_.socket.empty() || context_.server.find("//127.0.0.1") != std::string::npos ||
                     context_.server.find("//localhost") != std::string::npos;
  environment_.err << fmt::format("fairlead: {}\n{}\n", response.error().message(),
                                  local ? "Start the platform on this machine with 'fairlead up'."
                                        : "Check that the server runs and can be reached from here.");
  return std::nullopt;
}

int ApiClient::tell_problem(const net::ClientResponse& response) const {
  const auto document = Document::parse(response.body);
  std::string detail = document ? text_at((*document)->root(), "detail") : std::string();
  const std::string remedy = document ? text_at((*document)->root(), "remedy") : std::string();
  if (detail.empty()) detail = fmt::format("the server answered with status {}", response.status);
  environment_.err << "fairlead: " << printable(detail) << '\n';
  if (!remedy.empty()) environment_.err << "  " << printable(remedy) << '\n';
  return exit_code_of(response.status);
}

int ApiClient::tell_refusal(const base::Error& error) const {
  // The answer's text stands in the message; mostly it is a problem.
  net::ClientResponse response;
  response.body = error.message().substr(std::min(error.message().find('{'), error.message().size()));
  const auto document = Document::parse(response.body);
  const auto status = document ? integer_at((*document)->root(), "status") : 0;
  if (status != 0) {
    response.status = static_cast<int>(status);
    return tell_problem(response);
  }
  environment_.err << "fairlead: " << printable(error.message()) << '\n';
  using Code = base::Code;
  return error.code() == Code::kPermissionDenied ? kExitNotAllowed
         : error.code() == Code::kNotFound       ? kExitNotFound
         : error.code() == Code::kUnavailable    ? kExitUnavailable
                                                 : kExitFailed;
}

std::unique_ptr<Document> ApiClient::ask(const Request& request, int& exit_code) {
  const auto response = send(request, exit_code);
  if (!response) return nullptr;
  if (response->status >= 400) {
    exit_code = tell_problem(*response);
    return nullptr;
  }
  auto document = Document::parse(response->body.empty() ? "{}" : response->body);
  if (!document) {
    environment_.err << "fairlead: " << context_.server
                     << " is no Fairlead server: " << document.error().message() << '\n';
    exit_code = kExitUnavailable;
    return nullptr;
  }
  return *std::move(document);
}

std::string ApiClient::project() const {
  if (!options_.project.empty()) return options_.project;
  const auto variable = environment_.variable ? environment_.variable("FAIRLEAD_PROJECT") : std::nullopt;
  if (variable && !variable->empty()) return *variable;
  return context_.project.empty() ? "default" : context_.project;
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace fairlead::cli
