#include "device/vendors.h"

#include <array>

namespace fairlead::device {
namespace {

constexpr std::array<Vendor, 16> kVendors = {{
    {"nvidia", "CUDA_VISIBLE_DEVICES", true},
    {"amd", "ROCR_VISIBLE_DEVICES", false},
    {"intel", "ZE_AFFINITY_MASK", false},
    {"habana", "HABANA_VISIBLE_DEVICES", false},
    {"huawei", "ASCEND_RT_VISIBLE_DEVICES", false},
    {"google", "TPU_VISIBLE_CHIPS", false},
    {"aws", "NEURON_RT_VISIBLE_CORES", false},
    {"cambricon", "MLU_VISIBLE_DEVICES", false},
    {"hygon", "HIP_VISIBLE_DEVICES", false},
    {"iluvatar", "CUDA_VISIBLE_DEVICES", false},
    {"metax", "CUDA_VISIBLE_DEVICES", false},
    {"mthreads", "MUSA_VISIBLE_DEVICES", false},
    {"enflame", "TOPS_VISIBLE_DEVICES", false},
    {"kunlunxin", "XPU_VISIBLE_DEVICES", false},
    {"qualcomm", "QAIC_VISIBLE_DEVICES", false},
    {"birentech", "SUPA_VISIBLE_DEVICES", false},
}};

struct ModelPrefix {
  std::string_view prefix;
  std::string_view vendor;
};

constexpr std::array<ModelPrefix, 40> kPrefixes = {{
    {"NVIDIA", "nvidia"}, {"GH200", "nvidia"},   {"GB200", "nvidia"},   {"GB300", "nvidia"},
    {"H100", "nvidia"},   {"H200", "nvidia"},    {"H800", "nvidia"},    {"H20", "nvidia"},
    {"A100", "nvidia"},   {"A800", "nvidia"},    {"A30", "nvidia"},     {"A40", "nvidia"},
    {"A10", "nvidia"},    {"A2", "nvidia"},      {"A16", "nvidia"},     {"B100", "nvidia"},
    {"B200", "nvidia"},   {"B300", "nvidia"},    {"L40", "nvidia"},     {"L4", "nvidia"},
    {"T4", "nvidia"},     {"V100", "nvidia"},    {"P100", "nvidia"},    {"RTX", "nvidia"},
    {"Tesla", "nvidia"},  {"GeForce", "nvidia"}, {"Quadro", "nvidia"},  {"AMD", "amd"},
    {"MI", "amd"},        {"Radeon", "amd"},     {"Intel", "intel"},    {"Arc", "intel"},
    {"Max-", "intel"},    {"Flex-", "intel"},    {"Gaudi", "habana"},   {"Ascend", "huawei"},
    {"TPU", "google"},    {"Trainium", "aws"},   {"Inferentia", "aws"}, {"MLU", "cambricon"},
}};

}  // namespace

const Vendor* find_vendor(std::string_view name) {
  for (const Vendor& vendor : kVendors) {
    if (vendor.name == name) return &vendor;
  }
  return nullptr;
}

const Vendor* vendor_of_model(std::string_view model) {
  for (const ModelPrefix& known : kPrefixes) {
    if (model.substr(0, known.prefix.size()) == known.prefix) return find_vendor(known.vendor);
  }
  return nullptr;
}

}  // namespace fairlead::device
