#include "device/pci_accelerators.h"

#include <array>
#include <cstdio>
#include <string_view>

namespace fairlead::device {
namespace {

struct Maker {
  std::uint32_t id;
  std::string_view vendor;
  /// Makes nothing else, so that the class code need not be looked at.
  bool accelerators_only;
};

constexpr std::array<Maker, 17> kMakers = {{
    {0x10de, "nvidia", false},
    {0x1002, "amd", false},
    {0x8086, "intel", false},
    {0x1da3, "habana", true},
    {0x19e5, "huawei", false},
    {0x1ae0, "google", false},
    {0x1d0f, "aws", false},
    {0xcabc, "cambricon", true},
    {0x1d94, "hygon", false},
    {0x1e3e, "iluvatar", true},
    {0x9999, "metax", true},
    {0x1ed5, "mthreads", false},
    {0x1e36, "enflame", true},
    {0x1d22, "kunlunxin", true},
    {0x17cb, "qualcomm", false},
    {0x1ee0, "birentech", true},
    {0x1ec6, "vastaitech", true},
}};

struct Model {
  std::uint32_t vendor;
  std::uint32_t device;
  std::string_view name;
  std::int64_t memory_gib;
};

constexpr std::array<Model, 59> kModels = {{
    {0x10de, 0x20b0, "NVIDIA-A100-SXM4-40GB", 40},
    {0x10de, 0x20f1, "NVIDIA-A100-PCIE-40GB", 40},
    {0x10de, 0x20b2, "NVIDIA-A100-SXM4-80GB", 80},
    {0x10de, 0x20b5, "NVIDIA-A100-80GB-PCIe", 80},
    {0x10de, 0x20b7, "NVIDIA-A30", 24},
    {0x10de, 0x2235, "NVIDIA-A40", 48},
    {0x10de, 0x2236, "NVIDIA-A10", 24},
    {0x10de, 0x2330, "NVIDIA-H100-80GB-HBM3", 80},
    {0x10de, 0x2331, "NVIDIA-H100-PCIe", 80},
    {0x10de, 0x2335, "NVIDIA-H200", 141},
    {0x10de, 0x233b, "NVIDIA-H200-NVL", 141},
    {0x10de, 0x2901, "NVIDIA-B200", 180},
    {0x10de, 0x2941, "NVIDIA-GB200", 186},
    {0x10de, 0x3182, "NVIDIA-B300", 288},
    {0x10de, 0x1eb8, "Tesla-T4", 16},
    {0x10de, 0x26b5, "NVIDIA-L40", 48},
    {0x10de, 0x26b9, "NVIDIA-L40S", 48},
    {0x10de, 0x27b8, "NVIDIA-L4", 24},
    {0x10de, 0x2bb5, "NVIDIA-RTX-PRO-6000-Blackwell", 96},
    {0x10de, 0x2684, "NVIDIA-GeForce-RTX-4090", 24},
    {0x10de, 0x2204, "NVIDIA-GeForce-RTX-3090", 24},
    {0x1002, 0x738c, "AMD-Instinct-MI100", 32},
    {0x1002, 0x7408, "AMD-Instinct-MI250X", 64},
    {0x1002, 0x740c, "AMD-Instinct-MI250X", 64},
    {0x1002, 0x740f, "AMD-Instinct-MI210", 64},
    {0x1002, 0x74a0, "AMD-Instinct-MI300A", 128},
    {0x1002, 0x74a1, "AMD-Instinct-MI300X", 192},
    {0x1002, 0x74a5, "AMD-Instinct-MI325X", 256},
    {0x1002, 0x75a0, "AMD-Instinct-MI350X", 288},
    {0x1002, 0x75a3, "AMD-Instinct-MI355X", 288},
    {0x1002, 0x744c, "AMD-Radeon-RX-7900-XTX", 24},
    {0x8086, 0x0bd5, "Intel-Max-1550", 128},
    {0x8086, 0x0bda, "Intel-Max-1100", 48},
    {0x8086, 0x56c0, "Intel-Flex-170", 16},
    {0x8086, 0x56c1, "Intel-Flex-140", 12},
    {0x8086, 0x56a0, "Intel-Arc-A770", 16},
    {0x8086, 0xe20b, "Intel-Arc-B580", 12},
    {0x8086, 0xe211, "Intel-Arc-Pro-B60", 24},
    {0x1da3, 0x1000, "Gaudi", 32},
    {0x1da3, 0x1020, "Gaudi2", 96},
    {0x1da3, 0x1060, "Gaudi3", 128},
    {0x1da3, 0x1061, "Gaudi3", 128},
    {0x1da3, 0x1062, "Gaudi3", 128},
    {0x19e5, 0xd100, "Ascend310", 8},
    {0x19e5, 0xd500, "Ascend310P", 24},
    {0x19e5, 0xd801, "Ascend910A", 32},
    {0x19e5, 0xd802, "Ascend910B", 64},
    {0x19e5, 0xd803, "Ascend910C", 128},
    {0x1ae0, 0x005e, "TPU-v4", 32},
    {0x1ae0, 0x0062, "TPU-v5p", 95},
    {0x1ae0, 0x0063, "TPU-v5e", 16},
    {0x1ae0, 0x006f, "TPU-v6e", 32},
    {0x1d0f, 0x7064, "Inferentia", 8},
    {0x1d0f, 0x7164, "Trainium", 32},
    {0x1d0f, 0x7264, "Inferentia2", 32},
    {0x1d0f, 0x7364, "Trainium2", 96},
    {0xcabc, 0x0370, "MLU370", 24},
    {0xcabc, 0x0590, "MLU590", 80},
    {0x17cb, 0xa100, "Cloud-AI-100", 32},
}};

// By class code: display controllers and processing accelerators.
bool is_compute_class(std::uint32_t kind) { return kind >> 16U == 0x03 || kind >> 16U == 0x12; }

}  // namespace

std::optional<PciAccelerator> identify_pci(std::uint32_t vendor, std::uint32_t device, std::uint32_t kind) {
  for (const Model& model : kModels) {
    if (model.vendor != vendor || model.device != device) continue;
    for (const Maker& maker : kMakers) {
      if (maker.id == vendor) {
        return PciAccelerator{std::string(maker.vendor), std::string(model.name), model.memory_gib * 1024};
      }
    }
  }
  for (const Maker& maker : kMakers) {
    if (maker.id != vendor) continue;
    // These make network cards and bridges of the same classes.
    const bool models_only = maker.vendor == "google" || maker.vendor == "aws" || maker.vendor == "qualcomm";
    if (models_only || (!maker.accelerators_only && !is_compute_class(kind))) return std::nullopt;
    std::array<char, 8> number{};
    std::snprintf(number.data(), number.size(), "%04x", device);
    return PciAccelerator{std::string(maker.vendor), std::string(maker.vendor) + "-" + number.data(), 0};
  }
  return std::nullopt;
}

}  // namespace fairlead::device
