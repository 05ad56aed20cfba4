#include "server/problem.h"

#include "base/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace fairlead::server {
namespace {

int status_of(base::Code code) {
  switch (code) {
    case base::Code::kInvalidArgument:
    case base::Code::kOutOfRange:
      return 400;
    case base::Code::kNotFound:
      return 404;
    case base::Code::kAlreadyExists:
    case base::Code::kFailedPrecondition:
      return 409;
    case base::Code::kResourceExhausted:
      return 429;
    case base::Code::kPermissionDenied:
      return 403;
    case base::Code::kUnavailable:
      return 503;
    case base::Code::kUnimplemented:
      return 501;
    case base::Code::kInternal:
      break;
  }
  return 500;
}

// "Not Found" as a name: "not-found".
std::string type_name(int status) {
  std::string name(status_title(status));
  std::replace(name.begin(), name.end(), ' ', '-');
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// What helps where nothing better is known.
std::string_view usual_remedy(int status) {
  switch (status) {
    case 404:
      return "check how it is written, and that you may see it";
    case 409:
      return "look at it as it is now, then try again";
    case 412:
      return "read it again, and repeat the change with its new ETag";
    case 413:
      return "send less at once";
    case 429:
    case 503:
      return "try again in a moment";
    case 500:
      return "tell whoever runs the platform";
    default:
      return {};
  }
}

bool is_field(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '[' || c == ']' || c == '/' || c == '-';
  });
}

// Errors of the layers below read `field: what is "wrong" with it; what to do`, as far as they know it.
void read_parts(std::string_view message, Problem& problem) {
  const std::size_t colon = message.find(": ");
  if (colon != std::string_view::npos && is_field(message.substr(0, colon))) {
    problem.field = message.substr(0, colon);
    const std::size_t begin = message.find('"', colon);
    const std::size_t end = begin == std::string_view::npos ? begin : message.find('"', begin + 1);
    if (end != std::string_view::npos) problem.value = message.substr(begin + 1, end - begin - 1);
  }
  const std::size_t remedy = message.rfind("; ");
  problem.detail = message.substr(0, remedy);
  if (remedy != std::string_view::npos) problem.remedy = message.substr(remedy + 2);
}

}  // namespace

std::string_view status_title(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Not Signed In";
    case 403:
      return "Not Allowed";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Too Large";
    case 429:
      return "Too Many Requests";
    case 501:
      return "Not Implemented";
    case 503:
      return "Unavailable";
    default:
      return "Internal Error";
  }
}

net::HttpResponse Problem::response() const {
  net::HttpResponse response;
  response.status = status;
  response.headers = headers;
  response.content_type = "application/problem+json";
  base::JsonWriter json(response.body);
  json.begin_object();
  json.member("type", "urn:fairlead:problem:" + type_name(status));
  json.member("title", status_title(status));
  json.member("status", status);
  json.member("detail", detail);
  if (!field.empty()) json.member("field", field);
  if (!value.empty()) json.member("value", value);
  const std::string_view what_to_do = remedy.empty() ? usual_remedy(status) : std::string_view(remedy);
  if (!what_to_do.empty()) json.member("remedy", what_to_do);
  json.end_object();
  return response;
}

Problem problem_of(const base::Error& error) {
  Problem problem;
  problem.status = status_of(error.code());
  read_parts(error.message(), problem);
  if (problem.status == 429 || problem.status == 503) problem.headers.emplace_back("Retry-After", "1");
  return problem;
}

Problem problem_of(const manifest::Diagnostic& diagnostic) {
  Problem problem;
  problem.status = 400;
  problem.detail = diagnostic.message;
  if (!diagnostic.value.empty()) problem.detail = fmt::format("\"{}\" {}", diagnostic.value, problem.detail);
  if (!diagnostic.field.empty()) problem.detail = fmt::format("{}: {}", diagnostic.field, problem.detail);
  problem.field = diagnostic.field;
  problem.value = diagnostic.value;
  problem.remedy = diagnostic.remedy;
  return problem;
}

Problem bad_value(std::string field, std::string value, std::string detail, std::string remedy) {
  return {400, std::move(detail), std::move(field), std::move(value), std::move(remedy), {}};
}

Problem missing(std::string_view kind, std::string_view name) {
  return {404, fmt::format("there is no {} {}", kind, name), {}, std::string(name), {}, {}};
}

Problem forbidden(std::string detail, std::string remedy) {
  return {403, std::move(detail), {}, {}, std::move(remedy), {}};
}

}  // namespace fairlead::server
