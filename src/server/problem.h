#pragma once

#include "base/result.h"
#include "manifest/objects.h"
#include "net/http_server.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::server {

/// Why a request was refused, as RFC 9457 says it, and what to do about it.
struct Problem {
  int status = 500;
  std::string detail;  ///< one sentence: what is wrong here
  std::string field;   ///< of the body or the query: "spec.devices.count"; empty: none in particular
  std::string value;   ///< as given
  std::string remedy;  ///< what to do; empty: nothing can be told
  std::vector<std::pair<std::string, std::string>> headers;

  net::HttpResponse response() const;
};

/// The code's status: kInvalidArgument 400, kNotFound 404, kAlreadyExists and kFailedPrecondition 409 ...
Problem problem_of(const base::Error& error);
/// The first error of a text that was read. Status 400.
Problem problem_of(const manifest::Diagnostic& diagnostic);

/// Status 400 for a parameter or member.
Problem bad_value(std::string field, std::string value, std::string detail, std::string remedy);
/// Status 404: "there is no workload a/b".
Problem missing(std::string_view kind, std::string_view name);
/// Status 403.
Problem forbidden(std::string detail, std::string remedy);

/// "Not Found" for 404.
std::string_view status_title(int status);

}  // namespace fairlead::server
