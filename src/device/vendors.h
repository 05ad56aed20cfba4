#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::device {

/// What the layer knows of a maker of accelerators.
struct Vendor {
  std::string_view name;  ///< as resource rules call it: "nvidia"
  /// The variable by which its runtime limits a process to some devices; empty where there is none.
  std::string_view visibility_variable;
  /// Whether that variable takes unique ids; otherwise numbers, counted from 0 in the order of PCI addresses.
  bool visible_by_identity = false;
};

/// None for a name that is not known.
const Vendor* find_vendor(std::string_view name);
/// By how its models are called: "H100-80GB" is NVIDIA's. None when the model does not tell.
const Vendor* vendor_of_model(std::string_view model);

}  // namespace fairlead::device
