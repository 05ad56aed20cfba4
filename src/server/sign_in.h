#pragma once

#include "base/time.h"
#include "net/http_server.h"
#include "server/access.h"
#include "server/directory.h"
#include "server/problem.h"
#include "server/rate_limit.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace fairlead::server {

/// What holds a browser's token.
inline constexpr std::string_view kSessionCookie = "fairlead_session";
/// How long a session that was begun with a password or a one-time code lasts.
inline constexpr base::Duration kSessionTime = base::Duration::seconds(24 * 3600);
/// How long a one-time code waits to be used.
inline constexpr base::Duration kCodeTime = base::Duration::seconds(24 * 3600);

/// Proves who sent a request: by the account at the other end of the Unix socket, a token in the header
/// Authorization, or a browser's cookie. Thread: any.
class SignIn {
 public:
  /// `own_account`: the server's Unix uid, which together with root's signs in as administrator.
  SignIn(Directory& directory, std::uint32_t own_account, bool secure_cookies,
         std::function<base::Time()> now);

  /// Status 401 when the request proves nobody, or with what is not valid; 403 for a cookie that another site
  /// made the browser send.
  std::variant<Identity, Problem> identify(const net::HttpRequest& request) const;

  /// Whose session it is, by the id of its token. Status 401.
  std::variant<Identity, Problem> identify_session(std::string_view id) const;

  /// Begins a session with a password: the token's text. Status 401; 429 after many wrong ones.
  std::variant<std::string, Problem> with_password(const std::string& user, std::string_view password,
                                                   std::string_view peer);
  /// Begins a session with a one-time code, which is used up. Status 401, 429.
  std::variant<std::string, Problem> with_code(std::string_view code, std::string_view peer,
                                               std::string* user);
  /// A code that signs the user in once.
  base::Result<std::string> make_code(const std::string& user);

  /// As in secrets.h, one at a time: each takes 64 MiB and a core for a moment.
  bool matches(const std::string& hash, std::string_view password);
  std::string hash(std::string_view password);

  std::string cookie(std::string_view token) const;
  std::string no_cookie() const;

 private:
  std::optional<Identity> local_identity(std::uint32_t account) const;
  Identity identity_of(const User& user) const;
  std::variant<std::string, Problem> begin_session(const std::string& user);
  std::optional<Problem> too_many(const std::string& user, std::string_view peer);

  Directory& directory_;
  const std::uint32_t own_account_;
  const bool secure_cookies_;
  const std::function<base::Time()> now_;
  RateLimit by_user_;
  RateLimit by_peer_;
  std::mutex hashing_;
  const std::string no_ones_hash_;
};

/// The value of a cookie in the header Cookie; empty: none.
std::string_view cookie_named(std::string_view cookies, std::string_view name);
/// The name of a Unix account, or "uid-1000".
std::string account_name(std::uint32_t account);

}  // namespace fairlead::server
