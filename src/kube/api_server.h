#pragma once

#include "base/result.h"
#include "net/http_client.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::kube {

/// How an API server is reached, and as whom.
struct ApiServer {
  std::string url;  ///< "https://10.0.0.1:6443", without a slash at its end
  std::shared_ptr<const net::ClientTls> tls;
  std::string token;
  std::string token_file;      ///< read again now and then, since such tokens are renewed; before `token`
  std::string namespace_name;  ///< of the context; "default" where it names none
  std::string context;         ///< how people call it
};

/// Reads a variable of the environment.
using Variable = std::function<std::optional<std::string>(const std::string& name)>;

/// From the text of a kubeconfig; files that it names lie relative to `folder`. An empty context means the
/// current one. Errors: kInvalidArgument, kNotFound, naming what is missing or not supported (exec plugins).
base::Result<ApiServer> read_kubeconfig(std::string_view text, std::string_view folder,
                                        std::string_view context);
/// From a file; an empty path means $KUBECONFIG, else ~/.kube/config.
base::Result<ApiServer> load_kubeconfig(const std::string& path, const std::string& context,
                                        const Variable& variable);
/// From what a pod finds around it: the service account's token, the cluster's authority and the address in
/// the environment. Errors: kNotFound when this is no pod.
base::Result<ApiServer> in_cluster(const Variable& variable);

/// The bytes that base64 text stands for; nothing when it is not base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace fairlead::kube
