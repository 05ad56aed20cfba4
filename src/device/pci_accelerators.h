#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::device {

/// What a PCI device's numbers tell.
struct PciAccelerator {
  std::string vendor;           ///< as resource rules call it
  std::string model;            ///< "NVIDIA-H100-80GB"; "nvidia-2330" where the number is not in the table
  std::int64_t memory_mib = 0;  ///< by its data sheet; 0: not known
};

/// `kind`: the class code, three bytes. None for what is no accelerator: network cards, audio functions of
/// graphics cards, bridges.
std::optional<PciAccelerator> identify_pci(std::uint32_t vendor, std::uint32_t device, std::uint32_t kind);

}  // namespace fairlead::device
