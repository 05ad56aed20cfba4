#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model::cel {

/// A version by semantic versioning 2.0.0. What follows a plus sign does not count.
struct Version {
  std::uint64_t major_number = 0;
  std::uint64_t minor_number = 0;
  std::uint64_t patch_number = 0;
  std::vector<std::string> pre_release;  ///< identifiers; empty: a release, which comes after all of them

  friend std::strong_ordering operator<=>(const Version& a, const Version& b);
  friend bool operator==(const Version& a, const Version& b) { return (a <=> b) == 0; }
};

/// `lenient` also takes "v1.2", as Kubernetes' semver(text, true) does: a leading v, missing parts, leading
/// zeros.
std::optional<Version> parse_version(std::string_view text, bool lenient = false);
std::string to_text(const Version& version);

}  // namespace fairlead::model::cel
