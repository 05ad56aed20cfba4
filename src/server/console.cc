#include "server/console.h"

#include "server/problem.h"
#include "server/secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fairlead::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr std::string_view kNonceMark = "@nonce@";
constexpr std::string_view kAssets = "/assets/";

HttpResponse page_response(std::string body, std::string_view nonce, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.headers.emplace_back("Content-Security-Policy", content_security_policy(nonce));
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  response.body = std::move(body);
  return response;
}

HttpResponse file_response(const ConsoleFile& file, const HttpRequest& request) {
  // Every browser takes gzip; who does not is a program that asked for one file.
  if (request.header("accept-encoding").find("gzip") == std::string_view::npos) {
    return Problem{406, "the files of the console are compressed",        {},
                   {},  "send Accept-Encoding: gzip (curl --compressed)", {}}
        .response();
  }
  HttpResponse response;
  response.content_type = file.content_type;
  response.headers.emplace_back("Content-Encoding", "gzip");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  // Names below /assets/ hold a hash of the content.
  response.headers.emplace_back("Cache-Control", file.path.starts_with(kAssets)
                                                     ? "public, max-age=31536000, immutable"
                                                     : "public, max-age=3600");
  response.body = file.gzip;
  return response;
}

HttpResponse console_page(const ConsoleFiles& console) {
  const std::string nonce = random_secret();
  std::string body;
  std::string_view rest = console.page;
  for (std::size_t at = rest.find(kNonceMark); at != std::string_view::npos; at = rest.find(kNonceMark)) {
    body += rest.substr(0, at);
    body += nonce;
    rest.remove_prefix(at + kNonceMark.size());
  }
  body += rest;
  return page_response(std::move(body), nonce, 200);
}

// What programs ask for is never answered with a page.
bool is_for_programs(std::string_view path) {
  constexpr std::array<std::string_view, 5> kPrefixes = {"/api/", "/assets/", "/serve/", "/openapi.json",
                                                         "/metrics"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return path.starts_with(prefix); });
}

}  // namespace

std::string content_security_policy(std::string_view nonce) {
  return fmt::format(
      "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{}'; img-src 'self' data:; "
      "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
      "frame-ancestors 'none'; base-uri 'none'",
      nonce);
}

HttpResponse plain_page(std::string_view content, int status) {
  const std::string nonce = random_secret();
  std::string body = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Fairlead</title>"
      "<meta name=\"viewport\" content=\"width=device-width\">"
      "<link rel=\"icon\" href=\"data:,\"><style nonce=\"{}\">"
      ":root{{color-scheme:light dark}}"
      "body{{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}"
      "button{{font:inherit;padding:.5rem 1.5rem}}</style></head><body><main>"
      "<h1>Fairlead</h1>",
      nonce);
  body += content;
  body += "</main></body></html>\n";
  return page_response(std::move(body), nonce, status);
}

std::optional<HttpResponse> console_answer(const ConsoleFiles& console, const HttpRequest& request) {
  if (console.page.empty() || (request.method != "GET" && request.method != "HEAD")) return std::nullopt;
  for (const ConsoleFile& file : console.files) {
    if (file.path == request.path) return file_response(file, request);
  }
  const bool wants_page = request.header("accept").find("text/html") != std::string_view::npos;
  if (!wants_page || is_for_programs(request.path)) return std::nullopt;
  return console_page(console);
}

HttpResponse console_home(const ConsoleFiles& console) {
  if (!console.page.empty()) return console_page(console);
  return plain_page(
      fmt::format("<p>The platform runs. {}</p><p>From a terminal: <code>fairlead list</code>, "
                  "<code>fairlead top</code>, <code>fairlead submit --help</code>. The API is described at "
                  "<a href=\"/openapi.json\">/openapi.json</a>.</p>",
                  console.absent.empty() ? "This program has no console." : console.absent));
}

}  // namespace fairlead::server
