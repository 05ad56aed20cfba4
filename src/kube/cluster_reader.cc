#include "kube/cluster_reader.h"

#include "base/json_fields.h"
#include "base/json_reader.h"
#include "kube/api_client.h"
#include "manifest/live_object.h"
#include "net/url.h"

#include <fmt/format.h>

namespace fairlead::kube {
namespace {

using manifest::ApiResource;
using manifest::LiveKind;

constexpr int kPage = 500;
constexpr int kTries = 3;

/// Kinds that own pods in most clusters; what a cluster does not have is passed over.
std::vector<ApiResource> owner_resources() {
  return {
      {"apps", "v1", "replicasets", "ReplicaSet", true},
      {"apps", "v1", "deployments", "Deployment", true},
      {"apps", "v1", "statefulsets", "StatefulSet", true},
      {"batch", "v1", "jobs", "Job", true},
      {"batch", "v1", "cronjobs", "CronJob", true},
      {"jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet", true},
      {"leaderworkerset.x-k8s.io", "v1", "leaderworkersets", "LeaderWorkerSet", true},
      {"kubeflow.org", "v1", "pytorchjobs", "PyTorchJob", true},
      {"kubeflow.org", "v1", "tfjobs", "TFJob", true},
      {"kubeflow.org", "v2beta1", "mpijobs", "MPIJob", true},
      {"ray.io", "v1", "rayclusters", "RayCluster", true},
      {"ray.io", "v1", "rayjobs", "RayJob", true},
  };
}

/// Where the next page begins; empty after the last.
std::string continuation(std::string_view body) {
  // The list's own metadata may stand before or after its items, and is short.
  base::JsonScanner scanner(body);
  scanner.skip_space();
  if (!scanner.take('{')) return {};
  scanner.skip_space();
  while (scanner.peek() == '"') {
    const auto key = scanner.key();
    if (!key) return {};
    scanner.skip_space();
    const auto value = scanner.value();
    if (!value) return {};
    if (*key == "metadata") {
      base::JsonReader reader;
      const auto metadata = reader.read(*value);
      return metadata ? base::text_field(**metadata, "continue") : std::string();
    }
    scanner.skip_space();
    if (!scanner.take(',')) return {};
    scanner.skip_space();
  }
  return {};
}

base::Result<void> read_all(ApiClient& client, const ApiResource& resource, manifest::ObjectReader& reader) {
  std::string next;
  do {
    ApiCall call;
    call.path = fmt::format("{}?limit={}", resource.path(), kPage);
    if (!next.empty()) call.path += "&continue=" + net::percent_encode(next);
    const auto answer = client.call_again(call, kTries);
    if (!answer) return answer.error();
    if (!answer->ok()) return refusal(*answer);
    reader.read(answer->body, resource.plural);
    next = continuation(answer->body);
  } while (!next.empty());
  return {};
}

}  // namespace

base::Result<std::vector<std::string>> read_cluster(const std::shared_ptr<const ApiServer>& server,
                                                    manifest::ObjectReader& reader) {
  std::vector<std::string> unseen;
  ApiClient client(server);
  const auto read = [&](const ApiResource& resource, bool needed) -> base::Result<void> {
    const auto done = read_all(client, resource, reader);
    if (done) return {};
    if (needed || done.error().code() == base::Code::kUnavailable) return done.error().in(resource.plural);
    if (done.error().code() != base::Code::kNotFound)
      unseen.push_back(fmt::format("{} are left out: {}", resource.plural, done.error().message()));
    return {};
  };
  for (std::size_t i = 0; i < manifest::kLiveKinds; ++i) {
    const auto kind = static_cast<LiveKind>(i);
    if (kind == LiveKind::kOwner) continue;
    auto done = read(manifest::resource_of(kind), kind == LiveKind::kPod || kind == LiveKind::kNode);
    if (!done) return done.error();
  }
  for (const ApiResource& resource : owner_resources()) {
    auto done = read(resource, false);
    if (!done) return done.error();
  }
  return unseen;
}

}  // namespace fairlead::kube
