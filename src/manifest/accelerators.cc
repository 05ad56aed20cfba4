#include "manifest/accelerators.h"

#include "base/quantity.h"

#include <algorithm>
#include <charconv>

namespace fairlead::manifest {
namespace {

using Kind = AcceleratorRule::Kind;

bool matches_pattern(std::string_view pattern, std::string_view name) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  const std::string_view front = pattern.substr(0, star);
  const std::string_view back = pattern.substr(star + 1);
  return name.size() >= front.size() + back.size() && name.starts_with(front) && name.ends_with(back);
}

std::vector<AcceleratorRule> make_known() {
  const std::vector<std::string> nvidia_model = {"nvidia.com/gpu.product"};
  const std::vector<std::string> nvidia_memory = {"nvidia.com/gpu.memory"};
  const std::vector<std::string> nvidia_links = {"nvidia.com/gpu.clique"};
  const std::vector<std::string> amd_model = {"amd.com/gpu.product-name", "beta.amd.com/gpu.product-name",
                                              "amd.com/gpu.device-id"};
  const std::vector<std::string> amd_memory = {"amd.com/gpu.vram", "beta.amd.com/gpu.vram"};
  const std::vector<std::string> intel_model = {"gpu.intel.com/product", "gpu.intel.com/device-id"};
  const std::vector<std::string> ascend_model = {"node.kubernetes.io/npu.chip.name", "accelerator-type",
                                                 "accelerator"};
  const std::vector<std::string> aws_model = {"node.kubernetes.io/instance-type"};
  const auto counted = [](std::string resource, std::string vendor) {
    return AcceleratorRule{std::move(resource), std::move(vendor), Kind::kCounted};
  };
  return {
      {"nvidia.com/gpu", "nvidia", Kind::kWhole, 0, nvidia_model, nvidia_memory, nvidia_links},
      {"nvidia.com/mig-*", "nvidia", Kind::kPartition, 0, nvidia_model, nvidia_memory, nvidia_links},
      counted("nvidia.com/gpu.shared", "nvidia"),
      counted("nvidia.com/gpumem*", "nvidia"),
      counted("nvidia.com/gpucores", "nvidia"),
      {"amd.com/gpu", "amd", Kind::kWhole, 0, amd_model, amd_memory},
      {"amd.com/spx_*", "amd", Kind::kPartition, 1000, amd_model, amd_memory},
      {"amd.com/dpx_*", "amd", Kind::kPartition, 500, amd_model, amd_memory},
      {"amd.com/tpx_*", "amd", Kind::kPartition, 333, amd_model, amd_memory},
      {"amd.com/qpx_*", "amd", Kind::kPartition, 250, amd_model, amd_memory},
      {"amd.com/cpx_*", "amd", Kind::kPartition, 125, amd_model, amd_memory},
      counted("gpu.intel.com/*_monitoring", "intel"),
      counted("gpu.intel.com/memory.max", "intel"),
      counted("gpu.intel.com/millicores", "intel"),
      counted("gpu.intel.com/tiles", "intel"),
      {"gpu.intel.com/*", "intel", Kind::kWhole, 0, intel_model, {"gpu.intel.com/memory.max"}},
      {"habana.ai/gaudi", "habana", Kind::kWhole, 0, {"habana.ai/device.product", "habana.ai/hpu_type"}},
      counted("huawei.com/*-memory", "huawei"),
      counted("huawei.com/*-core", "huawei"),
      {"huawei.com/Ascend*", "huawei", Kind::kWhole, 0, ascend_model},
      {"huawei.com/npu", "huawei", Kind::kWhole, 0, ascend_model},
      {"google.com/tpu",
       "google",
       Kind::kWhole,
       0,
       {"cloud.google.com/gke-tpu-accelerator"},
       {},
       {"cloud.google.com/gke-nodepool"}},
      {"aws.amazon.com/neuron", "aws", Kind::kWhole, 0, aws_model},
      {"aws.amazon.com/neurondevice", "aws", Kind::kWhole, 0, aws_model},
      {"aws.amazon.com/neuroncore", "aws", Kind::kPartition, 500, aws_model},
      {"cambricon.com/mlu", "cambricon", Kind::kWhole},
      counted("cambricon.com/mlu.smlu.*", "cambricon"),
      {"hygon.com/dcu", "hygon", Kind::kWhole},
      counted("hygon.com/dcu*", "hygon"),
      {"iluvatar.ai/gpu", "iluvatar", Kind::kWhole},
      counted("iluvatar.ai/*", "iluvatar"),
      {"metax-tech.com/gpu", "metax", Kind::kWhole},
      counted("metax-tech.com/*", "metax"),
      {"mthreads.com/gpu", "mthreads", Kind::kWhole},
      counted("mthreads.com/*", "mthreads"),
      {"enflame.com/gcu", "enflame", Kind::kWhole},
      counted("enflame.com/vgcu*", "enflame"),
      {"kunlunxin.com/xpu", "kunlunxin", Kind::kWhole},
      counted("kunlunxin.com/vxpu*", "kunlunxin"),
      {"birentech.com/gpu", "birentech", Kind::kWhole},
      {"vastaitech.com/va", "vastaitech", Kind::kWhole},
      {"qualcomm.com/qaic", "qualcomm", Kind::kWhole},
      {"*/gpu", "", Kind::kWhole},
  };
}

std::int64_t floored_mib(std::int64_t amount) {
  constexpr std::int64_t kBytesFrom = std::int64_t{1} << 20U;  // a TiB in MiB: no device has as much
  if (amount >= kBytesFrom) amount /= 1024 * 1024;
  return amount - amount % 100;
}

}  // namespace

const std::vector<AcceleratorRule>& known_accelerators() {
  static const std::vector<AcceleratorRule> rules = make_known();
  return rules;
}

Accelerators::Accelerators(std::vector<AcceleratorRule> site_rules) : rules_(std::move(site_rules)) {
  const auto& known = known_accelerators();
  rules_.insert(rules_.end(), known.begin(), known.end());
}

const AcceleratorRule* Accelerators::find(std::string_view resource) const {
  if (resource.find('/') == std::string_view::npos) return nullptr;
  const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const AcceleratorRule& rule) {
    return matches_pattern(rule.resource, resource);
  });
  return found == rules_.end() ? nullptr : &*found;
}

std::string Accelerators::vendor(const AcceleratorRule& rule, std::string_view resource) const {
  if (!rule.vendor.empty()) return rule.vendor;
  return std::string(resource.substr(0, resource.find_first_of("./")));
}

std::optional<std::int64_t> partition_quota(const AcceleratorRule& rule, std::string_view resource) {
  if (rule.quota_thousandths > 0) return rule.quota_thousandths;
  const auto dash = resource.find_last_of('-');
  if (dash == std::string_view::npos) return std::nullopt;
  std::int64_t slices = 0;
  const char* end = resource.data() + resource.size();
  const auto [after, error] = std::from_chars(resource.data() + dash + 1, end, slices);
  if (error != std::errc() || after == end || *after != 'g' || slices < 1 || slices > 1000)
    return std::nullopt;
  return slices * model::kThousandthsPerDevice;
}

std::int64_t device_memory_mib(const AcceleratorRule& rule, const model::Labels& node_labels) {
  for (const std::string& name : rule.memory_labels) {
    const auto label = model::find_label(node_labels, name);
    if (!label || label->empty()) continue;
    const bool has_unit = label->back() < '0' || label->back() > '9';
    // "64G" of AMD's labeller means binary gigabytes.
    const auto amount = base::parse_quantity(has_unit && label->back() != 'i' ? std::string(*label) + "i"
                                                                              : std::string(*label));
    if (!amount || *amount <= 0) continue;
    const std::int64_t mib = has_unit ? *amount / (1024 * 1024) / 100 * 100 : floored_mib(*amount);
    constexpr std::int64_t kMost = 1'000'000'000;
    return mib > kMost ? 0 : mib;
  }
  return 0;
}

std::string device_model(const AcceleratorRule& rule, const model::Labels& node_labels) {
  for (const std::string& name : rule.model_labels) {
    const auto label = model::find_label(node_labels, name);
    if (label && !label->empty()) return std::string(*label);
  }
  return {};
}

}  // namespace fairlead::manifest
