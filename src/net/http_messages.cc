#include "net/headers.h"
#include "net/http_client.h"
#include "net/http_server.h"

namespace fairlead::net {

std::string_view HttpRequest::header(std::string_view lower_case_name) const {
  return find_header(headers, lower_case_name);
}

std::optional<std::string_view> HttpRequest::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view ClientResponse::header(std::string_view lower_case_name) const {
  return find_header(headers, lower_case_name);
}

}  // namespace fairlead::net
