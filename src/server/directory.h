#pragma once

#include "base/result.h"
#include "base/time.h"
#include "server/access.h"
#include "world/world.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::server {

/// How the text of every token begins.
inline constexpr std::string_view kTokenPrefix = "fairlead_";

struct User {
  std::string name;
  std::string password_hash;             ///< argon2id; empty: no password, other ways of signing in only
  std::optional<std::uint32_t> account;  ///< Unix uid that the user's work runs as, and that signs in as them
  bool disabled = false;
  base::Time created;
};

/// What proves that a request comes from a user. The secret itself is not kept.
struct Token {
  enum class Use : std::uint8_t {
    kSession,  ///< made by signing in; ends by itself
    kApi,      ///< made by the user, for programs
    kOnce,     ///< signs in a single time
  };
  std::string id;
  std::string user;
  std::string name;  ///< for people
  Use use = Use::kSession;
  std::string hash;
  base::Time created;
  std::optional<base::Time> expires;
};
std::string_view token_use_name(Token::Use use);

struct AccessRule {
  std::string id;
  std::string user;
  Grant grant;
  base::Time created;
  std::string created_by;
};

/// Users, tokens and access rules: records of the world, kept in memory besides. A change is durable when its
/// method returns. Thread: any.
class Directory {
 public:
  /// Reads the records. Errors: those of the world, kInternal for a record that cannot be read.
  static base::Result<std::unique_ptr<Directory>> load(world::World& world);

  std::vector<User> users() const;  ///< by name
  std::optional<User> user(std::string_view name) const;
  std::optional<User> user_of_account(std::uint32_t account) const;
  base::Result<void> put_user(const User& user);
  /// With the user's tokens and access rules.
  base::Result<void> remove_user(const std::string& name);

  std::vector<Token> tokens(std::string_view user) const;  ///< by id; of all users when empty
  base::Result<void> put_token(const Token& token);
  /// Errors: kNotFound.
  base::Result<void> remove_token(const std::string& id);
  /// The token of "fairlead_ID_SECRET" when it is known, not expired and its user not disabled.
  std::optional<Token> find_token(std::string_view text, base::Time now) const;
  /// The same by id, for who has proved otherwise that the token was there.
  std::optional<Token> live_token(std::string_view id, base::Time now) const;
  /// Makes one and returns its text, which nobody can read again.
  base::Result<std::string> make_token(Token token);
  /// Deletes what has expired.
  void forget_expired(base::Time now);

  std::vector<AccessRule> rules() const;  ///< by id
  std::vector<Grant> grants(std::string_view user) const;
  base::Result<void> put_rule(const AccessRule& rule);
  /// Errors: kNotFound.
  base::Result<void> remove_rule(const std::string& id);

 private:
  explicit Directory(world::World& world) : world_(world) {}
  bool is_live(const Token& token, base::Time now) const;  // with reading_ held

  world::World& world_;
  std::mutex writing_;  // held over a change, so that memory and records change in the same order
  mutable std::shared_mutex reading_;  // guards the maps
  std::map<std::string, User, std::less<>> users_;
  std::map<std::string, Token, std::less<>> tokens_;
  std::map<std::string, AccessRule, std::less<>> rules_;
};

}  // namespace fairlead::server
