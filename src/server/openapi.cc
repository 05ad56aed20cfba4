#include "server/openapi.h"

#include "base/json_writer.h"
#include "server/schemas.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace fairlead::server {
namespace {

using base::JsonWriter;

void write_parameter(JsonWriter& json, std::string_view place, std::string_view name, std::string_view type,
                     std::string_view description) {
  json.begin_object();
  json.member("name", name);
  json.member("in", place);
  json.member("required", place == "path");
  if (!description.empty()) json.member("description", description);
  json.key("schema");
  json.begin_object();
  if (type.ends_with("[]")) {
    json.member("type", "array");
    json.key("items");
    json.begin_object();
    json.member("type", type.substr(0, type.size() - 2));
    json.end_object();
  } else if (type == "time") {
    json.member("type", "string");
    json.member("format", "date-time");
  } else {
    json.member("type", type);
  }
  json.end_object();
  json.end_object();
}

void write_content(JsonWriter& json, std::string_view media, std::string_view schema) {
  json.key("content");
  json.begin_object();
  json.key(media);
  json.begin_object();
  json.key("schema");
  json.begin_object();
  if (schema.empty()) {
    json.member("type", "string");
  } else {
    json.member("$ref", "#/components/schemas/" + std::string(schema));
  }
  json.end_object();
  json.end_object();
  json.end_object();
}

void write_operation(JsonWriter& json, const Route& route) {
  std::string method(route.method);
  std::transform(method.begin(), method.end(), method.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  json.key(method);
  json.begin_object();
  json.member("operationId", route.operation);
  json.member("summary", route.summary);
  json.member("description", "May be used by: " + access_text(route) + ".");
  json.key("parameters");
  json.begin_array();
  for (const std::string_view name : path_parameters(route.path)) {
    write_parameter(json, "path", name, "string", {});
  }
  for (const Parameter& parameter : route.query) {
    write_parameter(json, "query", parameter.name, parameter.type, parameter.description);
  }
  json.end_array();
  if (!route.body.empty()) {
    json.key("requestBody");
    json.begin_object();
    json.member("required", true);
    write_content(json, "application/json", route.body);
    json.end_object();
  }
  json.key("security");
  json.begin_array();
  if (route.access != Access::kAnyone) {
    for (const char* scheme : {"token", "cookie"}) {
      json.begin_object();
      json.key(scheme);
      json.begin_array();
      json.end_array();
      json.end_object();
    }
  }
  json.end_array();
  json.key("responses");
  json.begin_object();
  json.key(route.connect ? "101" : fmt::format("{}", route.status));
  json.begin_object();
  json.member("description", route.connect ? "A WebSocket" : "Done");
  if (!route.connect && route.status != 204) {
    write_content(json, route.answer.empty() ? route.media : "application/json", route.answer);
  }
  json.end_object();
  if (route.method == "PUT" && route.status == 200 && !route.answer.empty()) {
    json.key("201");
    json.begin_object();
    json.member("description", "Made: it was not there before");
    write_content(json, "application/json", route.answer);
    json.end_object();
  }
  if (route.method == "DELETE" && route.status != 204) {
    json.key("204");
    json.begin_object();
    json.member("description", "Done, and nothing is left of it");
    json.end_object();
  }
  const bool has_forecast =
      std::any_of(route.query.begin(), route.query.end(),
                  [](const Parameter& parameter) { return parameter.name == "dryRun"; });
  if (has_forecast && route.status != 200) {
    json.key("200");
    json.begin_object();
    json.member("description", "With dryRun: what would happen");
    write_content(json, "application/json", "Forecast");
    json.end_object();
  }
  json.key("default");
  json.begin_object();
  json.member("description", "Why it was refused");
  write_content(json, "application/problem+json", "Problem");
  json.end_object();
  json.end_object();
  json.end_object();
}

}  // namespace

std::string access_text(const Route& route) {
  switch (route.access) {
    case Access::kAnyone:
      return "anyone";
    case Access::kSignedIn:
      return "every user";
    case Access::kRole:
      break;
  }
  const std::string role(role_name(route.role));
  switch (route.scope) {
    case Scope::kSomewhere:
      return role + " of any queue";
    case Scope::kProject:
      return role + " of {project}";
    case Scope::kQueue:
      return role + " of {queue}";
    case Scope::kEverywhere:
      break;
  }
  return role + " of the whole tree";
}

std::string openapi_json(std::span<const Route> routes, std::string_view version) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.member("openapi", "3.1.0");
  json.key("info");
  json.begin_object();
  json.member("title", "Fairlead");
  json.member("version", version);
  json.member(
      "description",
      "Errors are problem details (RFC 9457) that name field, value and remedy. ETags are the versions of "
      "objects: If-None-Match answers 304, If-Match refuses with 412.");
  json.key("license");
  json.begin_object();
  json.member("name", "Apache-2.0");
  json.end_object();
  json.end_object();
  json.key("paths");
  json.begin_object();
  std::vector<std::string_view> done;
  for (const Route& first : routes) {
    if (std::find(done.begin(), done.end(), first.path) != done.end()) continue;
    done.push_back(first.path);
    json.key(first.path);
    json.begin_object();
    for (const Route& route : routes) {
      if (route.path == first.path) write_operation(json, route);
    }
    json.end_object();
  }
  json.end_object();
  json.key("components");
  json.begin_object();
  json.key("securitySchemes");
  json.begin_object();
  json.key("token");
  json.begin_object();
  json.member("type", "http");
  json.member("scheme", "bearer");
  json.end_object();
  json.key("cookie");
  json.begin_object();
  json.member("type", "apiKey");
  json.member("in", "cookie");
  json.member("name", "fairlead_session");
  json.end_object();
  json.end_object();
  json.key("schemas");
  json.begin_object();
  for (const auto& [name, schema] : schemas()) {
    json.key(name);
    json.raw(schema);
  }
  json.end_object();
  json.end_object();
  json.end_object();
  return text;
}

std::string api_reference(std::span<const Route> routes) {
  std::string out;
  for (const Route& route : routes) {
    out += fmt::format("### {} {}\n\n{}.\n\n- Who: {}\n", route.method, route.path, route.summary,
                       access_text(route));
    if (!route.body.empty()) out += fmt::format("- Body: `{}`\n", route.body);
    if (!route.answer.empty()) out += fmt::format("- Answer: {} `{}`\n", route.status, route.answer);
    if (route.answer.empty() && !route.connect) out += fmt::format("- Answer: {}\n", route.status);
    for (const Parameter& parameter : route.query) {
      out += fmt::format("- `?{}` ({}): {}\n", parameter.name, parameter.type, parameter.description);
    }
    out += '\n';
  }
  return out;
}

}  // namespace fairlead::server
