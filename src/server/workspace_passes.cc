#include "server/workspace_passes.h"

#include "manifest/fields.h"
#include "server/secrets.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <iterator>
#include <utility>

namespace fairlead::server {
namespace {

constexpr std::string_view kTicket = "ticket";
constexpr std::string_view kPass = "pass";

std::string random_key() {
  std::string key(crypto_auth_KEYBYTES, '\0');
  randombytes_buf(key.data(), key.size());
  return key;
}

// "http://host:port" without the scheme.
std::string_view host_of(std::string_view origin) {
  const std::size_t begin = origin.find("://");
  return begin == std::string_view::npos ? origin : origin.substr(begin + 3);
}

}  // namespace

WorkspacePasses::WorkspacePasses(std::function<base::Time()> now)
    : now_(std::move(now)), key_(random_key()) {}

std::string WorkspacePasses::sign(std::string_view text) const {
  std::array<unsigned char, crypto_auth_BYTES> signature{};
  crypto_auth(signature.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
              reinterpret_cast<const unsigned char*>(key_.data()));
  std::string digits;
  for (const unsigned char byte : signature) fmt::format_to(std::back_inserter(digits), "{:02x}", byte);
  return digits;
}

// "SECONDS.SESSION.SIGNATURE"; the use and the audience are signed and not told.
std::string WorkspacePasses::make(std::string_view use, std::string_view session, std::string_view audience,
                                  base::Duration lifetime) const {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t until = (now_() + lifetime).unix_nanoseconds() / kSecond;
  const std::string signature = sign(fmt::format("{}\n{}\n{}\n{}", use, until, session, audience));
  return fmt::format("{}.{}.{}", until, session, signature);
}

std::optional<WorkspacePasses::Claim> WorkspacePasses::read(std::string_view text, std::string_view use,
                                                            std::string_view audience) const {
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto until = manifest::parse_integer(text.substr(0, first));
  if (!until || *until < 0) return std::nullopt;
  Claim claim;
  claim.until = base::Time::from_unix_seconds(*until);
  claim.session = text.substr(first + 1, last - first - 1);
  claim.signature = text.substr(last + 1);
  const std::string right = sign(fmt::format("{}\n{}\n{}\n{}", use, *until, claim.session, audience));
  if (!equal_in_constant_time(right, claim.signature) || claim.until < now_()) return std::nullopt;
  return claim;
}

std::string WorkspacePasses::ticket(std::string_view session, std::string_view audience) const {
  return make(kTicket, session, audience, kTicketTime);
}

std::optional<std::string> WorkspacePasses::redeem(std::string_view ticket, std::string_view audience) {
  const auto claim = read(ticket, kTicket, audience);
  if (!claim) return std::nullopt;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(used_, [now = now_()](const auto& one) { return one.second < now; });
    if (!used_.emplace(claim->signature, claim->until).second) return std::nullopt;
  }
  return make(kPass, claim->session, audience, kPassTime);
}

std::optional<std::string> WorkspacePasses::session_of(std::string_view pass,
                                                       std::string_view audience) const {
  auto claim = read(pass, kPass, audience);
  if (!claim) return std::nullopt;
  return std::move(claim->session);
}

bool is_from_another_page(const net::HttpRequest& request) {
  const std::string_view origin = request.header("origin");
  if (!origin.empty() && host_of(origin) != request.header("host")) return true;
  const std::string_view site = request.header("sec-fetch-site");
  if (site.empty() || site == "same-origin" || site == "none") return false;
  const bool goes_there = request.header("sec-fetch-mode") == "navigate" &&
                          request.header("sec-fetch-dest") == "document" && request.method == "GET";
  return !goes_there;
}

}  // namespace fairlead::server
