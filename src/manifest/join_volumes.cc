#include "manifest/collected.h"

#include <unordered_map>

namespace fairlead::manifest {
namespace {

template <class T>
std::unordered_map<std::string, const T*> by_name(const std::vector<T>& values) {
  std::unordered_map<std::string, const T*> result;
  for (const T& value : values) result.emplace(value.name, &value);
  return result;
}

}  // namespace

void join_volumes(Collected& collected) {
  const auto volumes = by_name(collected.volumes);
  const auto classes = by_name(collected.storage_classes);
  std::unordered_set<std::string> known;
  std::unordered_set<std::string> namespaces;
  for (const Claim& claim : collected.claims) {
    model::VolumeClaim result;
    result.key = claim.key;
    const auto volume = volumes.find(claim.volume);
    const auto storage_class = classes.find(claim.storage_class);
    if (claim.bound || volume != volumes.end()) {
      result.state = model::VolumeClaim::State::kBound;
      if (volume != volumes.end()) result.node_terms = volume->second->node_terms;
    } else if (storage_class == classes.end()) {
      // Without its class nothing is known against any node.
      result.state = model::VolumeClaim::State::kWaitForFirstConsumer;
    } else if (storage_class->second->wait_for_first_consumer) {
      result.state = model::VolumeClaim::State::kWaitForFirstConsumer;
      result.node_terms = storage_class->second->node_terms;
    }
    known.insert(claim.key);
    namespaces.insert(claim.key.substr(0, claim.key.find('/')));
    collected.objects.volume_claims.push_back(std::move(result));
  }
  MissingReferences missing;
  for (model::Pod& pod : collected.objects.pods) {
    if (!pod.served || pod.phase != model::Pod::Phase::kPending || !namespaces.contains(pod.namespace_name))
      continue;
    for (const std::string& name : pod.constraints.volume_claims) {
      const std::string key = pod.namespace_name + "/" + name;
      if (known.contains(key)) continue;
      pod.missing_references.push_back("volume claim " + key);
      missing.note(key, pod.display_name());
    }
  }
  missing.report("PersistentVolumeClaim", "pods", "create it; its pods wait until then", collected.log);
}

}  // namespace fairlead::manifest
