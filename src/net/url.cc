#include "net/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fairlead::net {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHexDigits[byte >> 4U];
      out += kHexDigits[byte & 15U];
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (plus_is_space && text[i] == '+') {
      out += ' ';
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string encode_path(const std::vector<std::string_view>& segments) {
  std::string out;
  for (const std::string_view segment : segments) {
    out += '/';
    out += percent_encode(segment);
  }
  return out.empty() ? "/" : out;
}

std::string encode_query(const Query& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    out += percent_encode(name);
    out += '=';
    out += percent_encode(value);
  }
  return out;
}

base::Result<Query> decode_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return base::invalid_argument("the query holds a % without two hexadecimal digits");
    for (const std::string& part : {std::cref(*name), std::cref(*value)}) {
      if (part.find('\0') != part.npos) return base::invalid_argument("the query holds a NUL");
      if (!is_utf8(part)) return base::invalid_argument("the query is not UTF-8");
    }
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

base::Result<Target> parse_target(std::string_view target) {
  if (target.empty() || target.front() != '/') {
    return base::invalid_argument("the target of the request does not begin with /");
  }
  if (has_control(target) || target.find('#') != target.npos) {
    return base::invalid_argument("the target of the request holds a character that must be encoded");
  }
  const std::size_t mark = std::min(target.find('?'), target.size());
  Target out;
  std::string_view rest = target.substr(0, mark);
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const auto segment = percent_decode(rest.substr(0, end));
    rest.remove_prefix(end);
    if (!segment) return base::invalid_argument("the path holds a % without two hexadecimal digits");
    if (*segment == "." || *segment == "..") {
      return base::invalid_argument("the path holds \".\" or \"..\"; send the path that is meant");
    }
    if (has_control(*segment) || segment->find('\\') != segment->npos) {
      return base::invalid_argument("the path holds a control character or a backslash");
    }
    if (!is_utf8(*segment)) return base::invalid_argument("the path is not UTF-8");
    out.path += '/';
    for (const char c : *segment) {
      if (c == '/') {
        out.path += "%2F";
      } else {
        out.path += c;
      }
    }
  }
  if (mark < target.size()) {
    auto query = decode_query(target.substr(mark + 1));
    if (!query) return query.error();
    out.query = std::move(*query);
  }
  return out;
}

std::string Url::authority() const {
  const bool brackets = host.find(':') != host.npos;
  return fmt::format("{}{}{}:{}", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

base::Result<Url> parse_url(std::string_view text) {
  const auto wrong = [text](std::string_view why) {
    return base::invalid_argument(
        fmt::format("\"{}\" is not a URL: {} (like http://127.0.0.1:7070/path)", text, why));
  };
  Url url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == text.npos) return wrong("it has no scheme");
  url.scheme = std::string(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
    return wrong("its scheme is not http, https, ws or wss");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  std::string_view target = rest.substr(authority_end);
  target = target.substr(0, std::min(target.find('#'), target.size()));
  if (has_control(text) || text.find(' ') != text.npos) return wrong("it holds a blank or control character");
  if (authority.find('@') != authority.npos) return wrong("names and passwords do not belong in it");
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == authority.npos) return wrong("a bracket is not closed");
    url.host = std::string(authority.substr(1, close - 1));
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority.front() != ':') return wrong("text follows the bracket");
    port = authority.empty() ? authority : authority.substr(1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = std::string(authority.substr(0, colon));
    port = authority.substr(std::min(colon + 1, authority.size()));
  }
  if (url.host.empty()) return wrong("it names no host");
  url.port = url.secure() ? 443 : 80;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0) {
      return wrong("its port is not a number of 1 to 65535");
    }
  }
  url.target = target.empty() || target.front() != '/' ? "/" + std::string(target) : std::string(target);
  return url;
}

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    std::size_t more = 0;
    std::uint32_t code = 0;
    std::uint32_t least = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1, code = lead & 0x1fU, least = 0x80;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2, code = lead & 0x0fU, least = 0x800;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3, code = lead & 0x07U, least = 0x10000;
    } else {
      return false;
    }
    if (i + more >= text.size()) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0U) != 0x80U) return false;
      code = code << 6U | (next & 0x3fU);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    i += more + 1;
  }
  return true;
}

}  // namespace fairlead::net
