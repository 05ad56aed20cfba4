#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::net {

/// Everything but letters, digits and "-._~" as %XX: what stands for one segment of a path, or one name or
/// value of a query.
std::string percent_encode(std::string_view text);

/// The bytes that %XX stand for; nothing when a "%" is not followed by two hexadecimal digits.
/// `plus_is_space`: as in queries of forms.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// "/api/v1/workloads" from {"api", "v1", "workloads"}, each encoded.
std::string encode_path(const std::vector<std::string_view>& segments);

using Query = std::vector<std::pair<std::string, std::string>>;

/// "a=1&b=x%20y", without "?"; empty when there is nothing.
std::string encode_query(const Query& query);

/// The pairs of a query in order; "a" alone has an empty value. Errors: a broken %XX, a NUL, text that is not
/// UTF-8.
base::Result<Query> decode_query(std::string_view text);

/// A target of a request ("/a%20b?x=1"), taken apart and checked once, so that nobody decodes it again.
struct Target {
  std::string path;
  Query query;
};

/// Errors (kInvalidArgument) for what no client sends in good faith: a target that does not begin with "/", a
/// broken %XX, control characters, text that is not UTF-8 (overlong forms included), a backslash, "." or ".."
/// as a segment, plain or encoded. "%2F" stays "%2F" in `path`, so that decoding never makes two segments of
/// one.
base::Result<Target> parse_target(std::string_view target);

/// An absolute URL of http, https, ws or wss.
struct Url {
  std::string scheme;
  std::string host;  ///< without the brackets of IPv6
  std::uint16_t port = 0;
  std::string target;  ///< path and query, as in the URL; "/" when it has none

  bool secure() const { return scheme == "https" || scheme == "wss"; }
  /// "host:port", with brackets where needed: what the Host header says.
  std::string authority() const;
};

/// Errors: another scheme, a name and password in the URL, no host, a port out of range.
base::Result<Url> parse_url(std::string_view text);

/// Whether the bytes are UTF-8 in its shortest form, without surrogates.
bool is_utf8(std::string_view text);

}  // namespace fairlead::net
