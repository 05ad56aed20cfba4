#pragma once

#include "manifest/decoding.h"

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

namespace fairlead::manifest {

/// Everything that was read, before it is joined.
struct Collected {
  ClusterObjects objects;
  std::vector<PodLinks> links;  ///< one for each of objects.pods
  std::vector<Owner> owners;
  std::vector<PersistentVolume> volumes;
  std::vector<StorageClass> storage_classes;
  std::vector<Claim> claims;
  std::vector<model::ResourceClaim> claim_templates;  ///< what each makes, under its own name
  std::vector<BindRequest> bind_requests;
  std::unordered_set<std::string> config_maps;            ///< "namespace/name"
  std::unordered_set<std::string> config_map_namespaces;  ///< those whose config maps are in the input
  std::map<std::string, std::size_t> ignored;             ///< kinds that nothing here needs
  std::map<std::string, std::size_t> left_out;            ///< objects with errors, by kind
  DiagnosticLog log;
};

/// Something that is referred to and absent is said once, with how often.
class MissingReferences {
 public:
  void note(const std::string& name, const std::string& user);
  /// Past so many names only their number is said.
  static constexpr std::size_t kMostNames = 20;
  /// One warning for each name: `KIND "name" is not in the input; N groups refer to it, first X`.
  void report(std::string_view kind, std::string_view users, std::string_view remedy,
              DiagnosticLog& log) const;

 private:
  struct Use {
    std::size_t count = 0;
    std::string first;
  };
  std::map<std::string, Use> uses_;
};

/// Removes queues that cannot be used (their parent is missing, or they are their own ancestor), with their
/// subtrees; sorts parents before children. Without any queue makes the default ones that hold all groups.
/// Returns whether the queues are the default ones.
bool join_queues(Collected& collected);

/// Gives each served pod its group, and makes groups for pods that have none.
void join_groups(Collected& collected, bool default_queues);

/// Joins claims with volumes and storage classes, and says what pods wait for.
void join_volumes(Collected& collected);

/// Joins pods with their resource claims, and makes those that a template would make.
void join_claims(Collected& collected);

ClusterObjects join(Collected collected);

/// The value of a class that each Kubernetes or KAI installation has, whether or not the input shows it.
std::optional<std::int32_t> built_in_priority(std::string_view priority_class);

inline constexpr std::string_view kDefaultQueue = "default-queue";
inline constexpr std::string_view kDefaultParentQueue = "default-parent-queue";

}  // namespace fairlead::manifest
