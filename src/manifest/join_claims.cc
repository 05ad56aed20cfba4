#include "manifest/collected.h"

#include <fmt/format.h>

#include <unordered_map>

namespace fairlead::manifest {

/// Gives each pod the keys of its claims. What a template would make, and nobody has made yet, is made here,
/// so that a plan needs no controller.
void join_claims(Collected& collected) {
  std::unordered_map<std::string, std::size_t> known;
  std::vector<model::ResourceClaim>& claims = collected.objects.resource_claims;
  for (std::size_t i = 0; i < claims.size(); ++i) known.emplace(claims[i].key, i);
  std::unordered_map<std::string, const model::ResourceClaim*> templates;
  for (const model::ResourceClaim& one : collected.claim_templates) templates.emplace(one.key, &one);
  MissingReferences missing_claims;
  MissingReferences missing_templates;
  for (std::size_t i = 0; i < collected.links.size(); ++i) {
    model::Pod& pod = collected.objects.pods[i];
    const bool waits = pod.served && pod.phase == model::Pod::Phase::kPending;
    for (const PodClaimLink& link : collected.links[i].claims) {
      if (link.needs_none) continue;
      const std::string prefix = pod.namespace_name + "/";
      if (!link.claim.empty()) {
        const std::string key = prefix + link.claim;
        const auto found = known.find(key);
        if (found == known.end()) {
          if (!waits) continue;
          pod.missing_references.push_back("resource claim " + key);
          missing_claims.note(key, pod.display_name());
          continue;
        }
        if (!link.from_template.empty()) claims[found->second].from_template = true;
        pod.claims.push_back(key);
        continue;
      }
      if (!waits) continue;  // it runs with a claim that nobody told of
      const auto found = templates.find(prefix + link.from_template);
      if (found == templates.end()) {
        pod.missing_references.push_back("resource claim template " + prefix + link.from_template);
        missing_templates.note(prefix + link.from_template, pod.display_name());
        continue;
      }
      model::ResourceClaim made = *found->second;
      made.key = fmt::format("{}{}-{}", prefix, pod.name, link.name);
      made.created = pod.created;
      if (known.emplace(made.key, claims.size()).second) claims.push_back(made);
      pod.claims.push_back(std::move(made.key));
    }
  }
  missing_claims.report("ResourceClaim", "pods",
                        "create it, or pass its object too; its pods wait until then", collected.log);
  missing_templates.report("ResourceClaimTemplate", "pods",
                           "create it, or pass its object too; its pods wait until then", collected.log);
}

}  // namespace fairlead::manifest
