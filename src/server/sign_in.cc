#include "server/sign_in.h"

#include "server/secrets.h"

#include <fmt/format.h>
#include <pwd.h>

#include <array>
#include <utility>

namespace fairlead::server {
namespace {

constexpr std::uint32_t kRoot = 0;

Problem not_signed_in(std::string detail) {
  Problem problem;
  problem.status = 401;
  problem.detail = std::move(detail);
  problem.remedy = "sign in with 'fairlead login', or send a token in the header Authorization: Bearer TOKEN";
  problem.headers.emplace_back("WWW-Authenticate", "Bearer");
  return problem;
}

// "http://host:port" without the scheme.
std::string_view host_of(std::string_view origin) {
  const std::size_t begin = origin.find("://");
  return begin == std::string_view::npos ? origin : origin.substr(begin + 3);
}

bool from_elsewhere(const net::HttpRequest& request) {
  const std::string_view site = request.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return true;
  const std::string_view origin = request.header("origin");
  return !origin.empty() && host_of(origin) != request.header("host");
}

bool changes_something(const net::HttpRequest& request) {
  return (request.method != "GET" && request.method != "HEAD") || !request.header("upgrade").empty();
}

}  // namespace

std::string_view cookie_named(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = cookies.find(';');
    std::string_view cookie = cookies.substr(0, end);
    cookies.remove_prefix(end == std::string_view::npos ? cookies.size() : end + 1);
    while (cookie.starts_with(' ')) cookie.remove_prefix(1);
    if (cookie.starts_with(name) && cookie.substr(name.size()).starts_with('=')) {
      return cookie.substr(name.size() + 1);
    }
  }
  return {};
}

std::string account_name(std::uint32_t account) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (getpwuid_r(account, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return fmt::format("uid-{}", account);
}

// Six tries at once and then one in ten seconds for a user; a peer may try for several users.
SignIn::SignIn(Directory& directory, std::uint32_t own_account, bool secure_cookies,
               std::function<base::Time()> now)
    : directory_(directory),
      own_account_(own_account),
      secure_cookies_(secure_cookies),
      now_(std::move(now)),
      by_user_(0.1, 6),
      by_peer_(0.5, 30),
      no_ones_hash_(hash_password(random_secret())) {}

Identity SignIn::identity_of(const User& user) const {
  Identity identity;
  identity.user = user.name;
  identity.account = user.account;
  identity.grants = directory_.grants(user.name);
  return identity;
}

std::optional<Identity> SignIn::local_identity(std::uint32_t account) const {
  const auto user = directory_.user_of_account(account);
  const bool own = account == own_account_ || account == kRoot;
  if (!user && !own) return std::nullopt;
  Identity identity;
  if (user) {
    identity = identity_of(*user);
  } else {
    identity.user = account_name(account);
  }
  if (own) identity.grants.push_back({Role::kAdministrator, {}});
  return identity;
}

std::variant<Identity, Problem> SignIn::identify(const net::HttpRequest& request) const {
  std::string_view authorization = request.header("authorization");
  std::string_view text;
  bool by_cookie = false;
  if (!authorization.empty()) {
    if (!authorization.starts_with("Bearer ")) return not_signed_in("only bearer tokens are understood");
    text = authorization.substr(7);
  } else {
    text = cookie_named(request.header("cookie"), kSessionCookie);
    by_cookie = !text.empty();
  }
  if (text.empty()) {
    if (!request.peer_account) return not_signed_in("the request does not say who sends it");
    auto identity = local_identity(*request.peer_account);
    if (identity) return *std::move(identity);
    return not_signed_in(fmt::format("no user is bound to the Unix account {}, which an administrator can do",
                                     account_name(*request.peer_account)));
  }
  if (by_cookie && changes_something(request) && from_elsewhere(request)) {
    return forbidden("the browser sent this for another site", "use the platform's own pages");
  }
  const auto token = directory_.find_token(text, now_());
  if (!token || token->use == Token::Use::kOnce) {
    return not_signed_in("the token is not valid: it has expired or was revoked");
  }
  const auto user = directory_.user(token->user);
  if (!user) return not_signed_in("the token's user is gone");
  Identity identity = identity_of(*user);
  identity.token = token->id;
  identity.by_cookie = by_cookie;
  return identity;
}

std::variant<Identity, Problem> SignIn::identify_session(std::string_view id) const {
  const auto token = directory_.live_token(id, now_());
  const auto user = token && token->use != Token::Use::kOnce ? directory_.user(token->user) : std::nullopt;
  if (!user) return not_signed_in("the session has ended");
  Identity identity = identity_of(*user);
  identity.token = token->id;
  identity.by_cookie = true;
  return identity;
}

std::optional<Problem> SignIn::too_many(const std::string& user, std::string_view peer) {
  auto wait = by_peer_.refuse(peer, now_());
  if (!wait && !user.empty()) wait = by_user_.refuse(user, now_());
  if (!wait) return std::nullopt;
  Problem problem;
  problem.status = 429;
  problem.detail = "there were too many tries to sign in";
  const auto seconds = wait->nanoseconds() / 1'000'000'000 + 1;
  problem.remedy = fmt::format("try again in {} seconds", seconds);
  problem.headers.emplace_back("Retry-After", fmt::format("{}", seconds));
  return problem;
}

std::variant<std::string, Problem> SignIn::begin_session(const std::string& user) {
  const base::Time now = now_();
  directory_.forget_expired(now);
  Token token;
  token.user = user;
  token.name = "session";
  token.use = Token::Use::kSession;
  token.created = now;
  token.expires = now + kSessionTime;
  auto text = directory_.make_token(std::move(token));
  if (!text) return problem_of(text.error());
  return *std::move(text);
}

std::variant<std::string, Problem> SignIn::with_password(const std::string& user, std::string_view password,
                                                         std::string_view peer) {
  if (auto problem = too_many(user, peer)) return *std::move(problem);
  const auto known = directory_.user(user);
  // Somebody unknown takes as long as somebody known, so that names cannot be tried out.
  const bool has_password = known && !known->disabled && !known->password_hash.empty();
  const bool right = matches(has_password ? known->password_hash : no_ones_hash_, password);
  if (!right || !has_password) return not_signed_in("user and password do not belong together");
  by_user_.forgive(user);
  return begin_session(user);
}

std::variant<std::string, Problem> SignIn::with_code(std::string_view code, std::string_view peer,
                                                     std::string* user) {
  if (auto problem = too_many({}, peer)) return *std::move(problem);
  const auto token = directory_.find_token(code, now_());
  // Of two that use a code at once, one finds nothing to remove.
  if (!token || token->use != Token::Use::kOnce || !directory_.remove_token(token->id)) {
    return not_signed_in("the code is not valid: it was used, or has expired");
  }
  *user = token->user;
  return begin_session(token->user);
}

base::Result<std::string> SignIn::make_code(const std::string& user) {
  Token token;
  token.user = user;
  token.name = "sign-in code";
  token.use = Token::Use::kOnce;
  token.created = now_();
  token.expires = now_() + kCodeTime;
  return directory_.make_token(std::move(token));
}

bool SignIn::matches(const std::string& hash, std::string_view password) {
  std::lock_guard lock(hashing_);
  return password_matches(hash, password);
}

std::string SignIn::hash(std::string_view password) {
  std::lock_guard lock(hashing_);
  return hash_password(password);
}

std::string SignIn::cookie(std::string_view token) const {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kSessionCookie, token,
                     kSessionTime.nanoseconds() / 1'000'000'000, secure_cookies_ ? "; Secure" : "");
}

std::string SignIn::no_cookie() const {
  return fmt::format("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{}", kSessionCookie,
                     secure_cookies_ ? "; Secure" : "");
}

}  // namespace fairlead::server
