#pragma once

// Objects as text, for the tests of what reads them.
#include "manifest/objects.h"

#include <string>
#include <vector>

namespace fairlead::manifest {

using Severity = Diagnostic::Severity;

inline ClusterObjects read(const std::string& text) {
  ObjectReader reader(ReadOptions{});
  reader.read(text, "file.yaml");
  return reader.finish();
}

inline std::vector<std::string> messages(const ClusterObjects& objects, Severity severity) {
  std::vector<std::string> result;
  for (const Diagnostic& diagnostic : objects.diagnostics) {
    if (diagnostic.severity == severity) result.push_back(format(diagnostic));
  }
  return result;
}

inline std::string queue(const std::string& name, const std::string& parent,
                         const std::string& gpu = "quota: 1, limit: -1, overQuotaWeight: 1",
                         const std::string& labels = "{}") {
  const std::string other = "{quota: -1, limit: -1, overQuotaWeight: 1}";
  return "---\napiVersion: scheduling.run.ai/v2\nkind: Queue\nmetadata: {name: " + name +
         ", labels: " + labels + "}\nspec:\n  parentQueue: " + parent + "\n  resources: {gpu: {" + gpu +
         "}, cpu: " + other + ", memory: " + other + "}\n";
}

inline std::string pod(const std::string& name, const std::string& metadata = "",
                       const std::string& spec = "") {
  return "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  namespace: team\n  uid: uid-" +
         name + "\n" + metadata + "spec:\n  schedulerName: fairlead\n" + spec;
}

inline std::string owned_by(const std::string& version, const std::string& kind, const std::string& name) {
  return "  ownerReferences:\n  - {apiVersion: " + version + ", kind: " + kind + ", name: " + name +
         ", uid: uid-" + name + ", controller: true}\n";
}

inline std::string owner(const std::string& version, const std::string& kind, const std::string& name,
                         const std::string& metadata = "") {
  return "---\napiVersion: " + version + "\nkind: " + kind + "\nmetadata:\n  name: " + name +
         "\n  namespace: team\n  uid: uid-" + name + "\n" + metadata;
}

struct GroupOf {
  std::string group;
  model::PodGroup value;
};

/// The group of the first pod.
inline GroupOf group_of(const ClusterObjects& objects) {
  GroupOf result;
  result.group = objects.pods.at(0).group;
  for (const model::PodGroup& group : objects.groups) {
    if (group.key == result.group) result.value = group;
  }
  return result;
}

}  // namespace fairlead::manifest
