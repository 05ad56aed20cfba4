#pragma once

#include "base/json_reader.h"
#include "base/json_value.h"
#include "manifest/diagnostics.h"
#include "manifest/fields.h"
#include "net/http_server.h"
#include "server/access.h"
#include "server/problem.h"
#include "server/route.h"
#include "world/world.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::server {

/// A request whose sender is known and may use the route, with what its handler works on.
struct Call {
  const net::HttpRequest& request;
  const Route& route;
  Router::PathValues values;
  Identity identity;
  std::shared_ptr<const world::View> view;  ///< as of the request

  /// Of a name in braces.
  const std::string& path_value(std::string_view name) const;
  /// Of a parameter of the query; empty when it is absent.
  std::string query_value(std::string_view name) const;
  /// "true" or an empty value; anything else is false.
  bool query_flag(std::string_view name) const;

  bool may(Role role, std::string_view queue) const { return has_role(identity, role, queue, *view); }

  /// The version that the header If-Match names. Status 400 for what is no version; none: absent, or "*".
  std::optional<std::uint64_t> if_match(std::optional<Problem>& problem) const;
  /// Whether the sender has this version already (If-None-Match).
  bool has_version(std::uint64_t version) const;
};

/// The ETag of a version: quoted.
std::string entity_tag(std::uint64_t version);

/// Which part of a list is asked for: `limit` and `after`, the token of the page before.
struct Page {
  static constexpr std::size_t kMost = 1000;
  std::size_t limit = 100;
  std::string after;  ///< key of the last item of the page before; empty: from the beginning

  static Page of(const Call& call, std::optional<Problem>& problem);
};
/// The token for the page after the item with this key.
std::string page_token(std::string_view key);

/// The JSON object in a request's body. Members are read through `fields`; what is wrong with them is kept
/// and told by `problem`.
class Body {
 public:
  explicit Body(const net::HttpRequest& request);

  /// Null when there is no JSON object; `problem` then says so.
  const base::JsonValue* root() const { return root_; }
  /// Only when there is a root.
  manifest::Fields& fields() { return *fields_; }
  /// A member of another name is an error: a misspelt one would be passed over otherwise.
  void only(const base::JsonValue& object, std::initializer_list<std::string_view> names);
  /// A text that must be there and not be empty.
  std::string required_text(std::string_view key, std::string remedy);
  std::optional<Problem> problem();

 private:
  std::string text_;
  base::JsonReader reader_;
  manifest::DiagnosticLog log_;
  const base::JsonValue* root_ = nullptr;
  std::optional<manifest::Fields> fields_;
  std::optional<Problem> unreadable_;
};

/// A JSON answer.
net::HttpResponse json_response(std::string body, int status = 200);
/// The sender has this version already: 304.
net::HttpResponse not_modified(std::uint64_t version);
/// Nothing to say: 204.
net::HttpResponse no_content();

}  // namespace fairlead::server
