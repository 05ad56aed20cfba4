#pragma once

#include "base/result.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::model::cel {

/// A regular expression of the syntax of RE2, as CEL's matches() takes it: literals, ., classes, \d \w \s and
/// their opposites, groups, alternatives, * + ? {m,n}, ^ $ \A \z \b \B, and (?i) in front. It runs as a set
/// of states side by side, so that time is linear in the text, whatever the pattern.
class Pattern {
 public:
  /// Errors: kInvalidArgument for what is not such a pattern; kResourceExhausted for one that grows beyond
  /// kMostSteps.
  static base::Result<Pattern> compile(std::string_view text);
  /// Whether some part of the text matches. O(text · steps).
  bool found_in(std::string_view text) const;
  /// What found_in costs per character.
  std::size_t steps() const { return steps_.size(); }

  static constexpr std::size_t kMostSteps = 2000;

 private:
  friend class PatternCompiler;
  struct Step {
    enum class Kind : std::uint8_t {
      kClass,
      kSplit,
      kJump,
      kBegin,
      kEnd,
      kWordBoundary,
      kNoWordBoundary,
      kMatch
    };
    Kind kind = Kind::kMatch;
    std::uint32_t first = 0;   ///< kSplit, kJump: where to go on; kClass: which class
    std::uint32_t second = 0;  ///< kSplit: where else
  };
  using Ranges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  ///< code points, both ends included

  std::vector<Step> steps_;
  std::vector<Ranges> classes_;
};

}  // namespace fairlead::model::cel
