#pragma once

#include "base/time.h"
#include "net/http_server.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::net {

/// How the body of an answer is delimited, and what becomes of the connection after it.
struct AnswerFraming {
  std::optional<std::uint64_t> length;  ///< absent: chunked, or until the end of the connection
  bool chunked = false;
  bool keep_alive = true;
};

/// The status line and fields, with the empty line. An answer whose fields would not stay what they are (a
/// line break in a value, a blank in a name) becomes a plain 500 without them. Fields that the framing owns
/// (Content-Length, Transfer-Encoding, Connection) are taken from the framing only.
std::string answer_head(const HttpResponse& response, const AnswerFraming& framing,
                        std::optional<base::Time> date);

/// Whether an answer with this status has a body at all.
bool status_has_body(int status);

/// An answer in the form of RFC 9457: {"title", "status", "detail"}.
HttpResponse problem(int status, std::string_view detail);

/// "Tue, 24 Nov 2026 08:50:00 GMT"
std::string format_http_date(base::Time time);

}  // namespace fairlead::net
