#include "server/call.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::server {
namespace {

constexpr std::string_view kHexadecimal = "0123456789abcdef";

std::optional<std::string> decode_token(std::string_view token) {
  if (token.size() % 2 != 0) return std::nullopt;
  std::string key;
  for (std::size_t i = 0; i < token.size(); i += 2) {
    const std::size_t high = kHexadecimal.find(token[i]);
    const std::size_t low = kHexadecimal.find(token[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    key += static_cast<char>(high * 16 + low);
  }
  return key;
}

}  // namespace

const std::string& Call::path_value(std::string_view name) const {
  static const std::string kNone;
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == name; });
  return found == values.end() ? kNone : found->second;
}

std::string Call::query_value(std::string_view name) const {
  return std::string(request.query_value(name).value_or(std::string_view()));
}

bool Call::query_flag(std::string_view name) const {
  const auto value = request.query_value(name);
  return value && (value->empty() || *value == "true");
}

std::optional<std::uint64_t> Call::if_match(std::optional<Problem>& problem) const {
  const std::string_view text = request.header("if-match");
  if (text.empty() || text == "*") return std::nullopt;
  const bool quoted = text.size() > 2 && text.front() == '"' && text.back() == '"';
  const auto version =
      manifest::parse_integer(quoted ? text.substr(1, text.size() - 2) : std::string_view("x"));
  if (!version || *version < 0) {
    problem = bad_value("If-Match", std::string(text), "the header If-Match names no version",
                        "send the ETag of the answer that you read, with its quotes");
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*version);
}

bool Call::has_version(std::uint64_t version) const {
  return request.header("if-none-match") == entity_tag(version);
}

std::string entity_tag(std::uint64_t version) { return fmt::format("\"{}\"", version); }

Page Page::of(const Call& call, std::optional<Problem>& problem) {
  Page page;
  if (const auto text = call.request.query_value("limit")) {
    const auto limit = manifest::parse_integer(*text);
    if (!limit || *limit < 1 || *limit > static_cast<std::int64_t>(kMost)) {
      problem =
          bad_value("limit", std::string(*text), fmt::format("limit: \"{}\" is not 1 to {}", *text, kMost),
                    fmt::format("write a number from 1 to {}", kMost));
    } else {
      page.limit = static_cast<std::size_t>(*limit);
    }
  }
  if (const auto text = call.request.query_value("after")) {
    if (auto key = decode_token(*text)) {
      page.after = std::move(*key);
    } else {
      problem = bad_value("after", std::string(*text), "after: is not the token of a page",
                          "send the \"next\" of the answer before as it is");
    }
  }
  return page;
}

std::string page_token(std::string_view key) {
  std::string token;
  for (const char c : key) {
    token += kHexadecimal[static_cast<unsigned char>(c) >> 4U];
    token += kHexadecimal[static_cast<unsigned char>(c) & 15U];
  }
  return token;
}

Body::Body(const net::HttpRequest& request) : text_(request.body.empty() ? "{}" : request.body) {
  auto read = reader_.read(text_);
  if (!read) {
    unreadable_ =
        bad_value({}, {}, "the body is not JSON: " + read.error().message(), "send one JSON object");
    return;
  }
  if (!(*read)->is_object()) {
    unreadable_ = bad_value({}, {}, "the body is not a JSON object", "send one JSON object");
    return;
  }
  root_ = *read;
  fields_.emplace(*root_, manifest::Place{"the body", 1}, "", log_);
}

void Body::only(const base::JsonValue& object, std::initializer_list<std::string_view> names) {
  for (const auto& member : object.members()) {
    if (std::find(names.begin(), names.end(), member.key) != names.end()) continue;
    std::string known;
    for (const std::string_view name : names) known += (known.empty() ? "" : ", ") + std::string(name);
    fields_->error(member.value, "is not known here", "known are " + known);
  }
}

std::string Body::required_text(std::string_view key, std::string remedy) {
  std::string text = fields_->string(*root_, key);
  if (text.empty() && !fields_->failed()) fields_->missing(*root_, key, std::move(remedy));
  return text;
}

std::optional<Problem> Body::problem() {
  if (unreadable_) return unreadable_;
  for (const manifest::Diagnostic& diagnostic : log_.take()) {
    if (diagnostic.severity == manifest::Diagnostic::Severity::kError) return problem_of(diagnostic);
  }
  return std::nullopt;
}

net::HttpResponse json_response(std::string body, int status) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

net::HttpResponse not_modified(std::uint64_t version) {
  net::HttpResponse response = no_content();
  response.status = 304;
  response.headers.emplace_back("ETag", entity_tag(version));
  return response;
}

net::HttpResponse no_content() {
  net::HttpResponse response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

}  // namespace fairlead::server
