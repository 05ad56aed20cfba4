#include "server/directory.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "manifest/fields.h"
#include "server/secrets.h"

#include <array>
#include <utility>

namespace fairlead::server {
namespace {

constexpr std::string_view kUsers = "user";
constexpr std::string_view kTokens = "token";
constexpr std::string_view kRules = "access-rule";

std::string text_of(const base::JsonValue& object, std::string_view key) {
  const base::JsonValue* member = object.find(key);
  return member == nullptr ? std::string() : std::string(member->text());
}

base::Time time_of(const base::JsonValue& object, std::string_view key) {
  const auto time = base::parse_time(text_of(object, key));
  return time ? *time : base::Time();
}

std::string user_json(const User& user) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("passwordHash", user.password_hash);
  if (user.account) json.member("account", *user.account);
  json.member("disabled", user.disabled);
  json.member("created", base::format_time(user.created));
  json.end_object();
  return text;
}

User user_from(const std::string& name, const base::JsonValue& object) {
  User user;
  user.name = name;
  user.password_hash = text_of(object, "passwordHash");
  if (const auto account = manifest::parse_integer(text_of(object, "account"))) {
    user.account = static_cast<std::uint32_t>(*account);
  }
  const base::JsonValue* disabled = object.find("disabled");
  user.disabled = disabled != nullptr && disabled->boolean();
  user.created = time_of(object, "created");
  return user;
}

std::string token_json(const Token& token) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("user", token.user);
  json.member("name", token.name);
  json.member("use", token_use_name(token.use));
  json.member("hash", token.hash);
  json.member("created", base::format_time(token.created));
  if (token.expires) json.member("expires", base::format_time(*token.expires));
  json.end_object();
  return text;
}

Token token_from(const std::string& id, const base::JsonValue& object) {
  Token token;
  token.id = id;
  token.user = text_of(object, "user");
  token.name = text_of(object, "name");
  token.hash = text_of(object, "hash");
  const std::string use = text_of(object, "use");
  for (const Token::Use known : {Token::Use::kSession, Token::Use::kApi, Token::Use::kOnce}) {
    if (token_use_name(known) == use) token.use = known;
  }
  token.created = time_of(object, "created");
  if (object.find("expires") != nullptr) token.expires = time_of(object, "expires");
  return token;
}

std::string rule_json(const AccessRule& rule) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("user", rule.user);
  json.member("role", role_name(rule.grant.role));
  json.member("queue", rule.grant.queue);
  json.member("created", base::format_time(rule.created));
  json.member("createdBy", rule.created_by);
  json.end_object();
  return text;
}

AccessRule rule_from(const std::string& id, const base::JsonValue& object) {
  AccessRule rule;
  rule.id = id;
  rule.user = text_of(object, "user");
  rule.grant.role = role_named(text_of(object, "role")).value_or(Role::kViewer);
  rule.grant.queue = text_of(object, "queue");
  rule.created = time_of(object, "created");
  rule.created_by = text_of(object, "createdBy");
  return rule;
}

template <class Value, class Read>
base::Result<void> load_kind(world::World& world, std::string_view kind,
                             std::map<std::string, Value, std::less<>>& into, Read read) {
  auto records = world.records(kind);
  if (!records) return records.error();
  base::JsonReader reader;
  for (const world::Record& record : *records) {
    const auto object = reader.read(record.json);
    if (!object) return object.error().in(std::string(kind) + " " + record.key);
    into.emplace(record.key, read(record.key, **object));
  }
  return {};
}

}  // namespace

std::string_view token_use_name(Token::Use use) {
  switch (use) {
    case Token::Use::kSession:
      return "session";
    case Token::Use::kApi:
      return "api";
    case Token::Use::kOnce:
      break;
  }
  return "once";
}

base::Result<std::unique_ptr<Directory>> Directory::load(world::World& world) {
  std::unique_ptr<Directory> directory(new Directory(world));
  if (auto read = load_kind(world, kUsers, directory->users_, user_from); !read) return read.error();
  if (auto read = load_kind(world, kTokens, directory->tokens_, token_from); !read) return read.error();
  if (auto read = load_kind(world, kRules, directory->rules_, rule_from); !read) return read.error();
  return directory;
}

std::vector<User> Directory::users() const {
  std::shared_lock lock(reading_);
  std::vector<User> all;
  for (const auto& [name, user] : users_) all.push_back(user);
  return all;
}

std::optional<User> Directory::user(std::string_view name) const {
  std::shared_lock lock(reading_);
  const auto found = users_.find(name);
  return found == users_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<User> Directory::user_of_account(std::uint32_t account) const {
  std::shared_lock lock(reading_);
  for (const auto& [name, user] : users_) {
    if (user.account == account && !user.disabled) return user;
  }
  return std::nullopt;
}

base::Result<void> Directory::put_user(const User& user) {
  std::lock_guard writing(writing_);
  if (auto put = world_.put_record(kUsers, {user.name, 0, user_json(user)}); !put) return put;
  std::unique_lock lock(reading_);
  users_.insert_or_assign(user.name, user);
  return {};
}

base::Result<void> Directory::remove_user(const std::string& name) {
  std::lock_guard writing(writing_);
  // The user first: a crash in between leaves tokens and rules of nobody, which allow nothing.
  if (auto removed = world_.remove_record(kUsers, name); !removed) return removed;
  {
    std::unique_lock lock(reading_);
    users_.erase(name);
  }
  std::vector<std::pair<std::string_view, std::string>> theirs;
  for (const auto& [id, token] : tokens_) {
    if (token.user == name) theirs.emplace_back(kTokens, id);
  }
  for (const auto& [id, rule] : rules_) {
    if (rule.user == name) theirs.emplace_back(kRules, id);
  }
  for (const auto& [kind, id] : theirs) {
    if (auto removed = world_.remove_record(kind, id); !removed) return removed;
    std::unique_lock lock(reading_);
    tokens_.erase(id);
    rules_.erase(id);
  }
  return {};
}

std::vector<Token> Directory::tokens(std::string_view user) const {
  std::shared_lock lock(reading_);
  std::vector<Token> all;
  for (const auto& [id, token] : tokens_) {
    if (user.empty() || token.user == user) all.push_back(token);
  }
  return all;
}

base::Result<void> Directory::put_token(const Token& token) {
  std::lock_guard writing(writing_);
  if (auto put = world_.put_record(kTokens, {token.id, 0, token_json(token)}); !put) return put;
  std::unique_lock lock(reading_);
  tokens_.insert_or_assign(token.id, token);
  return {};
}

base::Result<void> Directory::remove_token(const std::string& id) {
  std::lock_guard writing(writing_);
  {
    std::shared_lock lock(reading_);
    if (!tokens_.contains(id)) return base::not_found("there is no token " + id);
  }
  if (auto removed = world_.remove_record(kTokens, id); !removed) return removed;
  std::unique_lock lock(reading_);
  tokens_.erase(id);
  return {};
}

std::optional<Token> Directory::find_token(std::string_view text, base::Time now) const {
  if (!text.starts_with(kTokenPrefix)) return std::nullopt;
  text.remove_prefix(kTokenPrefix.size());
  const std::size_t end = text.find('_');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string hash = hash_secret(text.substr(end + 1));
  std::shared_lock lock(reading_);
  const auto found = tokens_.find(text.substr(0, end));
  if (found == tokens_.end() || !equal_in_constant_time(found->second.hash, hash)) return std::nullopt;
  return is_live(found->second, now) ? std::optional(found->second) : std::nullopt;
}

std::optional<Token> Directory::live_token(std::string_view id, base::Time now) const {
  std::shared_lock lock(reading_);
  const auto found = tokens_.find(id);
  return found == tokens_.end() || !is_live(found->second, now) ? std::nullopt : std::optional(found->second);
}

bool Directory::is_live(const Token& token, base::Time now) const {
  if (token.expires && *token.expires <= now) return false;
  const auto user = users_.find(token.user);
  return user != users_.end() && !user->second.disabled;
}

base::Result<std::string> Directory::make_token(Token token) {
  const std::string secret = random_secret();
  token.id = random_id();
  token.hash = hash_secret(secret);
  std::string text = std::string(kTokenPrefix) + token.id + "_" + secret;
  if (auto put = put_token(token); !put) return put.error();
  return text;
}

void Directory::forget_expired(base::Time now) {
  std::vector<std::string> expired;
  for (const Token& token : tokens({})) {
    if (token.expires && *token.expires <= now) expired.push_back(token.id);
  }
  // An expired token signs nobody in; one that cannot be deleted now is deleted another time.
  for (const std::string& id : expired) static_cast<void>(remove_token(id));
}

std::vector<AccessRule> Directory::rules() const {
  std::shared_lock lock(reading_);
  std::vector<AccessRule> all;
  for (const auto& [id, rule] : rules_) all.push_back(rule);
  return all;
}

std::vector<Grant> Directory::grants(std::string_view user) const {
  std::shared_lock lock(reading_);
  std::vector<Grant> all;
  for (const auto& [id, rule] : rules_) {
    if (rule.user == user) all.push_back(rule.grant);
  }
  return all;
}

base::Result<void> Directory::put_rule(const AccessRule& rule) {
  std::lock_guard writing(writing_);
  if (auto put = world_.put_record(kRules, {rule.id, 0, rule_json(rule)}); !put) return put;
  std::unique_lock lock(reading_);
  rules_.insert_or_assign(rule.id, rule);
  return {};
}

base::Result<void> Directory::remove_rule(const std::string& id) {
  std::lock_guard writing(writing_);
  {
    std::shared_lock lock(reading_);
    if (!rules_.contains(id)) return base::not_found("there is no access rule " + id);
  }
  if (auto removed = world_.remove_record(kRules, id); !removed) return removed;
  std::unique_lock lock(reading_);
  rules_.erase(id);
  return {};
}

}  // namespace fairlead::server
