#pragma once

#include "model/labels.h"
#include "model/node.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::manifest {

/// What the resources of one vendor's device plugin mean. The first rule that matches a name holds.
struct AcceleratorRule {
  enum class Kind : std::uint8_t {
    kWhole,      ///< one unit is one device
    kPartition,  ///< one unit is one static partition of a device
    kCounted,    ///< a share or property of a device (replicas, cores, memory): only counted
  };
  std::string resource;  ///< "amd.com/gpu"; one star stands for any characters: "huawei.com/Ascend*", "*/gpu"
  std::string vendor;    ///< "amd"; empty: the first part of the resource's domain
  Kind kind = Kind::kWhole;
  /// kPartition: what one unit charges to a queue. 0: told by the name, as in mig-2g.20gb.
  std::int64_t quota_thousandths = 0;
  std::vector<std::string> model_labels = {};   ///< node labels that name the model; the first that is there
  std::vector<std::string> memory_labels = {};  ///< node labels with one device's memory: MiB, or with a unit
  std::vector<std::string> link_labels = {};    ///< node labels that name the domain of fast links it is in
};

/// The rules known for each vendor. Source: the vendors' device plugins and node labellers.
const std::vector<AcceleratorRule>& known_accelerators();

/// Finds rules by resource name: those of the site first, then the known ones.
class Accelerators {
 public:
  explicit Accelerators(std::vector<AcceleratorRule> site_rules = {});
  /// The rule for this resource, or null when it is no accelerator's. Cost: linear in the rules for a name
  /// that has a slash, nothing for others.
  const AcceleratorRule* find(std::string_view resource) const;
  std::string vendor(const AcceleratorRule& rule, std::string_view resource) const;

 private:
  std::vector<AcceleratorRule> rules_;
};

/// What a partition of this name charges: mig-2g.20gb charges 2 devices, and so does mig-2g.20gb.me.
std::optional<std::int64_t> partition_quota(const AcceleratorRule& rule, std::string_view resource);

/// The memory of one device in MiB by the rule's labels, floored to a multiple of 100 as KAI does; 0 when
/// unknown. A number of 2^20 or more (a TiB) is taken for bytes.
std::int64_t device_memory_mib(const AcceleratorRule& rule, const model::Labels& node_labels);
std::string device_model(const AcceleratorRule& rule, const model::Labels& node_labels);

}  // namespace fairlead::manifest
