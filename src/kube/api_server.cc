#include "kube/api_server.h"

#include "base/files.h"
#include "base/json_fields.h"
#include "base/json_reader.h"
#include "manifest/yaml_reader.h"

#include <fmt/format.h>

namespace fairlead::kube {
namespace {

using base::JsonValue;

/// The entry of that name in a list of {name, KEY: {...}}.
const JsonValue* named(const JsonValue& config, std::string_view list, std::string_view name,
                       std::string_view key) {
  const JsonValue* entries = config.find(list);
  if (entries == nullptr) return nullptr;
  for (const JsonValue& entry : entries->items()) {
    const JsonValue* entry_name = entry.find("name");
    if (entry_name != nullptr && entry_name->text() == name) return entry.find(key);
  }
  return nullptr;
}

class Config {
 public:
  Config(const JsonValue& root, std::string_view folder) : root_(root), folder_(folder) {}

  base::Result<ApiServer> server(std::string_view wanted) const {
    ApiServer server;
    server.context = wanted.empty() ? base::text_field(root_, "current-context") : std::string(wanted);
    if (server.context.empty())
      return base::invalid_argument("the kubeconfig has no current context; name one with --context");
    const JsonValue* context = named(root_, "contexts", server.context, "context");
    if (context == nullptr)
      return base::not_found(
          fmt::format("the kubeconfig has no context \"{}\"; it has {}", server.context, names("contexts")));
    server.namespace_name = base::text_field(*context, "namespace");
    if (server.namespace_name.empty()) server.namespace_name = "default";
    const std::string cluster_name = base::text_field(*context, "cluster");
    const JsonValue* cluster = named(root_, "clusters", cluster_name, "cluster");
    if (cluster == nullptr)
      return base::not_found(fmt::format("the kubeconfig has no cluster \"{}\", which context {} names",
                                         cluster_name, server.context));
    auto tls = std::make_shared<net::ClientTls>();
    auto read = read_cluster(*cluster, server, *tls);
    if (!read) return read.error().in(fmt::format("cluster {}", cluster_name));
    const std::string user_name = base::text_field(*context, "user");
    if (const JsonValue* user = named(root_, "users", user_name, "user")) {
      read = read_user(*user, server, *tls);
      if (!read) return read.error().in(fmt::format("user {}", user_name));
    }
    server.tls = std::move(tls);
    return server;
  }

 private:
  std::string names(std::string_view list) const {
    std::string text;
    const JsonValue* entries = root_.find(list);
    if (entries == nullptr) return "none";
    for (const JsonValue& entry : entries->items())
      text += (text.empty() ? "" : ", ") + base::text_field(entry, "name");
    return text.empty() ? "none" : text;
  }

  std::string path(const std::string& file) const {
    return file.starts_with('/') || folder_.empty() ? file : fmt::format("{}/{}", folder_, file);
  }

  /// A text that stands in the file itself as base64, or in a file of its own.
  base::Result<std::string> material(const JsonValue& object, const std::string& name) const {
    const std::string data = base::text_field(object, name + "-data");
    if (!data.empty()) {
      auto decoded = decode_base64(data);
      if (!decoded) return base::invalid_argument(fmt::format("{}-data is not base64", name));
      return std::move(*decoded);
    }
    const std::string file = base::text_field(object, name);
    if (file.empty()) return std::string();
    return base::read_file(path(file));
  }

  base::Result<void> read_cluster(const JsonValue& cluster, ApiServer& server, net::ClientTls& tls) const {
    server.url = base::text_field(cluster, "server");
    while (server.url.ends_with('/')) server.url.pop_back();
    if (server.url.empty()) return base::invalid_argument("names no server");
    for (const char* unknown : {"proxy-url", "tls-server-name"}) {
      if (!base::text_field(cluster, unknown).empty())
        return base::Error(base::Code::kUnimplemented, fmt::format("{} is not supported", unknown));
    }
    auto authority = material(cluster, "certificate-authority");
    if (!authority) return authority.error();
    tls.authority = std::move(*authority);
    tls.accept_any_server = base::boolean_field(cluster, "insecure-skip-tls-verify");
    return {};
  }

  base::Result<void> read_user(const JsonValue& user, ApiServer& server, net::ClientTls& tls) const {
    for (const char* unknown : {"exec", "auth-provider"}) {
      if (user.find(unknown) != nullptr)
        return base::Error(base::Code::kUnimplemented,
                           fmt::format("signs in through {}, which is not supported yet; use a context with "
                                       "a token or a certificate",
                                       unknown));
    }
    if (!base::text_field(user, "username").empty())
      return base::Error(base::Code::kUnimplemented,
                         "signs in with a name and a password, which API servers no longer take");
    auto certificate = material(user, "client-certificate");
    if (!certificate) return certificate.error();
    auto key = material(user, "client-key");
    if (!key) return key.error();
    tls.certificate = std::move(*certificate);
    tls.key = std::move(*key);
    server.token = base::text_field(user, "token");
    const std::string file = base::text_field(user, "tokenFile");
    if (!file.empty()) server.token_file = path(file);
    return {};
  }

  const JsonValue& root_;
  std::string_view folder_;
};

class FirstDocument final : public manifest::YamlObjects {
 public:
  explicit FirstDocument(std::string_view folder, std::string_view context)
      : folder_(folder), context_(context) {}
  void object(const JsonValue& value, std::optional<std::size_t>, std::string_view,
              std::string_view) override {
    if (!result) result = Config(value, folder_).server(context_);
  }
  void progress(std::size_t) override {}
  std::optional<base::Result<ApiServer>> result;

 private:
  std::string_view folder_;
  std::string_view context_;
};

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=' || c == '\n' || c == '\r' || c == ' ') continue;
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '-') {
      value = 62;
    } else if (c == '/' || c == '_') {
      value = 63;
    } else {
      return std::nullopt;
    }
    bits = (bits << 6U) | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU);
  }
  return bytes;
}

base::Result<ApiServer> read_kubeconfig(std::string_view text, std::string_view folder,
                                        std::string_view context) {
  while (!text.empty()) {
    const std::string_view document = manifest::next_yaml_document(text);
    if (manifest::is_empty_yaml(document)) continue;
    manifest::YamlReader reader;
    FirstDocument first(folder, context);
    auto read = reader.read(document, first);
    if (!read) return read.error();
    if (first.result) return std::move(*first.result);
    break;
  }
  return base::invalid_argument("the kubeconfig is empty");
}

base::Result<ApiServer> load_kubeconfig(const std::string& path, const std::string& context,
                                        const Variable& variable) {
  std::string file = path;
  if (file.empty()) file = variable("KUBECONFIG").value_or("");
  // Of several files the first holds; merging them is kubectl's.
  file = file.substr(0, file.find(':'));
  if (file.empty()) {
    const auto home = variable("HOME");
    if (!home) return base::not_found("no kubeconfig is named, and HOME is not set");
    file = *home + "/.kube/config";
  }
  auto text = base::read_file(file);
  if (!text) return text.error();
  const auto slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? std::string() : file.substr(0, slash);
  auto server = read_kubeconfig(*text, folder, context);
  if (!server) return server.error().in(file);
  return server;
}

base::Result<ApiServer> in_cluster(const Variable& variable) {
  const auto host = variable("KUBERNETES_SERVICE_HOST");
  const auto port = variable("KUBERNETES_SERVICE_PORT");
  if (!host || !port)
    return base::not_found(
        "this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set; give --kubeconfig");
  const std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  ApiServer server;
  const bool bare = host->find(':') != std::string::npos;
  server.url =
      bare ? fmt::format("https://[{}]:{}", *host, *port) : fmt::format("https://{}:{}", *host, *port);
  server.token_file = folder + "/token";
  auto authority = base::read_file(folder + "/ca.crt");
  if (!authority) return authority.error();
  auto tls = std::make_shared<net::ClientTls>();
  tls->authority = std::move(*authority);
  server.tls = std::move(tls);
  auto own = base::read_file(folder + "/namespace");
  server.namespace_name = own ? *own : "default";
  server.context = "in-cluster";
  return server;
}

}  // namespace fairlead::kube
