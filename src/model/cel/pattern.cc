#include "model/cel/pattern.h"

#include <algorithm>
#include <optional>
#include <string>

namespace fairlead::model::cel {
namespace {

constexpr std::uint32_t kLastCodePoint = 0x10FFFF;
constexpr int kDeepest = 50;
constexpr int kMostRepeats = 1000;

/// The code points of a text; a byte that is not UTF-8 stands for itself.
std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    std::uint32_t point = more == 0 ? lead : lead & (0x3FU >> more);
    std::size_t used = 1;
    for (; used <= more && i + used < text.size(); ++used) {
      const auto next = static_cast<unsigned char>(text[i + used]);
      if ((next & 0xC0U) != 0x80) break;
      point = (point << 6U) | (next & 0x3FU);
    }
    if (used != more + 1) {
      point = lead;
      used = 1;
    }
    points.push_back(point);
    i += used;
  }
  return points;
}

bool is_word(std::uint32_t point) {
  return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') ||
         point == '_';
}

}  // namespace

/// Turns a pattern into steps by recursive descent. What a part becomes is laid down at the end of the steps,
/// so that a part that is repeated is laid down several times by reading it again.
class PatternCompiler {
 public:
  explicit PatternCompiler(std::string_view text) : text_(code_points(text)) {}

  base::Result<Pattern> run() {
    if (take_text("(?i)")) fold_case_ = true;
    alternatives(0);
    if (!failure_ && position_ < text_.size()) fail("has a ) without its (");
    if (failure_) return *failure_;
    lay({Step::Kind::kMatch});
    if (failure_) return *failure_;
    return std::move(pattern_);
  }

 private:
  using Step = Pattern::Step;
  using Ranges = Pattern::Ranges;

  void fail(std::string why) {
    if (!failure_) failure_ = base::invalid_argument("the pattern " + std::move(why));
  }
  bool at_end() const { return position_ >= text_.size() || failure_.has_value(); }
  bool at(char c) const { return !at_end() && text_[position_] == static_cast<std::uint32_t>(c); }
  bool take(char c) {
    if (!at(c)) return false;
    ++position_;
    return true;
  }
  bool take_text(std::string_view wanted) {
    if (position_ + wanted.size() > text_.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (text_[position_ + i] != static_cast<std::uint32_t>(wanted[i])) return false;
    position_ += wanted.size();
    return true;
  }
  std::uint32_t here() const { return static_cast<std::uint32_t>(pattern_.steps_.size()); }
  std::uint32_t lay(Step step) {
    if (pattern_.steps_.size() >= Pattern::kMostSteps) {
      if (!failure_) failure_ = base::Error(base::Code::kResourceExhausted, "the pattern is too large");
      return 0;
    }
    pattern_.steps_.push_back(step);
    return here() - 1;
  }
  /// Makes room for one step in front of what was laid down from `from` on.
  void insert(std::uint32_t from, Step step) {
    lay({});
    if (failure_) return;
    auto& steps = pattern_.steps_;
    for (std::size_t i = steps.size() - 1; i > from; --i) {
      steps[i] = steps[i - 1];
      const bool jumps = steps[i].kind == Step::Kind::kSplit || steps[i].kind == Step::Kind::kJump;
      if (jumps && steps[i].first >= from) ++steps[i].first;
      if (jumps && steps[i].second >= from) ++steps[i].second;
    }
    steps[from] = step;
  }

  void alternatives(int depth) {
    if (depth > kDeepest) return fail("is nested too deeply");
    const std::uint32_t begin = here();
    std::vector<std::uint32_t> exits;
    std::uint32_t last = begin;
    sequence(depth);
    while (take('|')) {
      insert(last, {Step::Kind::kSplit, last + 1, 0});
      for (std::uint32_t& exit : exits)
        if (exit >= last) ++exit;
      exits.push_back(lay({Step::Kind::kJump}));
      if (failure_) return;
      pattern_.steps_[last].second = here();
      last = here();
      sequence(depth);
    }
    if (failure_) return;
    for (std::uint32_t exit : exits) pattern_.steps_[exit].first = here();
  }

  void sequence(int depth) {
    while (!at_end() && !at('|') && !at(')')) repeated(depth);
  }

  void repeated(int depth) {
    const std::size_t source = position_;
    const std::uint32_t begin = here();
    atom(depth);
    for (int repeats = 0; !at_end(); ++repeats) {
      if (repeats > kDeepest) return fail("repeats a repetition too often");
      int least = 0;
      int most = 0;
      if (take('*')) {
        most = -1;
      } else if (take('+')) {
        least = 1;
        most = -1;
      } else if (take('?')) {
        most = 1;
      } else if (!counted(least, most)) {
        return;
      }
      take('?');  // as little as possible: which match is found does not matter, only whether
      if (failure_) return;
      if (most == -1 && least <= 1) {
        if (least == 0) {
          insert(begin, {Step::Kind::kSplit, begin + 1, 0});
          lay({Step::Kind::kJump, begin});
          if (failure_) return;
          pattern_.steps_[begin].second = here();
        } else {
          lay({Step::Kind::kSplit, begin, here() + 1});
        }
      } else if (least == 0 && most == 1) {
        insert(begin, {Step::Kind::kSplit, begin + 1, 0});
        if (failure_) return;
        pattern_.steps_[begin].second = here();
      } else {
        if (repeats > 0) return fail("repeats a repetition by count; put it into a group");
        lay_repeatedly(source, begin, depth, least, most);
      }
    }
  }

  /// The atom that begins at `source` in the text and at `begin` in the steps, by count.
  void lay_repeatedly(std::size_t source, std::uint32_t begin, int depth, int least, int most) {
    const std::size_t after = position_;
    pattern_.steps_.resize(begin);
    std::vector<std::uint32_t> optional;
    const int copies = most == -1 ? std::max(least, 1) : most;
    for (int i = 0; i < copies && !failure_; ++i) {
      const bool may_end = i >= least;
      const std::uint32_t start = may_end ? lay({Step::Kind::kSplit, here() + 1, 0}) : here();
      if (may_end) optional.push_back(start);
      const std::uint32_t body = here();
      position_ = source;
      atom(depth);
      if (most == -1 && i == copies - 1) lay({Step::Kind::kSplit, body, here() + 1});
    }
    position_ = after;
    if (failure_) return;
    for (std::uint32_t split : optional) pattern_.steps_[split].second = here();
  }

  bool number(int& value) {
    if (at_end() || text_[position_] < '0' || text_[position_] > '9') return false;
    value = 0;
    while (!at_end() && text_[position_] >= '0' && text_[position_] <= '9') {
      value = std::min(kMostRepeats + 1, value * 10 + static_cast<int>(text_[position_] - '0'));
      ++position_;
    }
    return true;
  }

  /// {m}, {m,} or {m,n}; anything else with a brace is literal.
  bool counted(int& least, int& most) {
    const std::size_t begin = position_;
    if (take('{') && number(least)) {
      most = least;
      if (take(',')) {
        most = -1;
        number(most);
      }
      if (take('}')) {
        if (least > kMostRepeats || most > kMostRepeats || (most >= 0 && most < least))
          fail("has a repetition that is out of range");
        return true;
      }
    }
    position_ = begin;
    return false;
  }

  void atom(int depth) {
    if (take('(')) {
      if (take('?') && !take(':')) {
        // A name for the group does not matter here.
        take('P');
        if (!take('<')) return fail("has a group of a kind that is not known; write (?:...)");
        while (!at_end() && !at('>')) ++position_;
        take('>');
      }
      alternatives(depth + 1);
      if (!take(')')) fail("has a ( without its )");
      return;
    }
    if (at('*') || at('+') || at('?')) return fail("repeats nothing");
    if (take('[')) return bracket();
    if (take('.')) return lay_class({{0, '\n' - 1}, {'\n' + 1, kLastCodePoint}});
    if (take('^')) return void(lay({Step::Kind::kBegin}));
    if (take('$')) return void(lay({Step::Kind::kEnd}));
    if (take('\\')) return escape();
    const std::uint32_t point = text_[position_++];
    lay_class({{point, point}});
  }

  static Ranges without(const Ranges& ranges) {
    Ranges rest;
    std::uint32_t from = 0;
    for (const auto& [low, high] : ranges) {
      if (low > from) rest.emplace_back(from, low - 1);
      from = std::max(from, high + 1);
    }
    if (from <= kLastCodePoint) rest.emplace_back(from, kLastCodePoint);
    return rest;
  }

  /// Those of \d, \w, \s and their opposites; nothing for another letter.
  static std::optional<Ranges> known_class(std::uint32_t letter) {
    switch (letter) {
      case 'd':
        return Ranges{{'0', '9'}};
      case 'D':
        return without({{'0', '9'}});
      case 'w':
        return Ranges{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
      case 'W':
        return without({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
      case 's':
        return Ranges{{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
      case 'S':
        return without({{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}});
      default:
        return std::nullopt;
    }
  }

  std::optional<std::uint32_t> escaped_point() {
    if (at_end()) {
      fail("ends with a \\");
      return std::nullopt;
    }
    const std::uint32_t letter = text_[position_++];
    switch (letter) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      default:
        if (is_word(letter)) {
          fail("has an escape that is not known: \\" + std::string(1, static_cast<char>(letter)));
          return std::nullopt;
        }
        return letter;
    }
  }

  void escape() {
    if (!at_end()) {
      const std::uint32_t letter = text_[position_];
      if (auto ranges = known_class(letter)) {
        ++position_;
        return lay_class(std::move(*ranges));
      }
      if (take('b')) return void(lay({Step::Kind::kWordBoundary}));
      if (take('B')) return void(lay({Step::Kind::kNoWordBoundary}));
      if (take('A')) return void(lay({Step::Kind::kBegin}));
      if (take('z')) return void(lay({Step::Kind::kEnd}));
    }
    if (auto point = escaped_point()) lay_class({{*point, *point}});
  }

  void bracket() {
    const bool negated = take('^');
    Ranges ranges;
    bool first = true;
    while (!at_end() && (first || !at(']'))) {
      first = false;
      if (take_text("[:")) return fail("has a named class; write its characters");
      std::uint32_t low = text_[position_++];
      if (low == '\\') {
        if (!at_end()) {
          if (auto known = known_class(text_[position_])) {
            ++position_;
            ranges.insert(ranges.end(), known->begin(), known->end());
            continue;
          }
        }
        const auto point = escaped_point();
        if (!point) return;
        low = *point;
      }
      std::uint32_t high = low;
      if (at('-') && position_ + 1 < text_.size() && text_[position_ + 1] != ']') {
        ++position_;
        high = text_[position_++];
        if (high == '\\') {
          const auto point = escaped_point();
          if (!point) return;
          high = *point;
        }
        if (high < low) return fail("has a range that is the wrong way round");
      }
      ranges.emplace_back(low, high);
    }
    if (!take(']')) return fail("has a [ without its ]");
    lay_class(std::move(ranges), negated);
  }

  void lay_class(Ranges ranges, bool negated = false) {
    if (fold_case_) {
      const Ranges given = ranges;
      for (const auto& [low, high] : given) {
        for (std::uint32_t c = std::max<std::uint32_t>(low, 'A'); c <= std::min<std::uint32_t>(high, 'Z');
             ++c)
          ranges.emplace_back(c + 32, c + 32);
        for (std::uint32_t c = std::max<std::uint32_t>(low, 'a'); c <= std::min<std::uint32_t>(high, 'z');
             ++c)
          ranges.emplace_back(c - 32, c - 32);
      }
    }
    std::sort(ranges.begin(), ranges.end());
    if (negated) ranges = without(ranges);
    lay({Step::Kind::kClass, static_cast<std::uint32_t>(pattern_.classes_.size())});
    pattern_.classes_.push_back(std::move(ranges));
  }

  std::vector<std::uint32_t> text_;
  std::size_t position_ = 0;
  bool fold_case_ = false;
  Pattern pattern_;
  std::optional<base::Error> failure_;
};

base::Result<Pattern> Pattern::compile(std::string_view text) { return PatternCompiler(text).run(); }

bool Pattern::found_in(std::string_view text) const {
  const std::vector<std::uint32_t> points = code_points(text);
  std::vector<std::uint32_t> current;
  std::vector<std::uint32_t> next;
  std::vector<std::uint32_t> pending;
  std::vector<std::size_t> seen(steps_.size(), SIZE_MAX);  // the position at which a step was added last
  bool matched = false;
  const auto add = [&](std::vector<std::uint32_t>& list, std::uint32_t start, std::size_t position) {
    pending.assign(1, start);
    while (!pending.empty()) {
      const std::uint32_t at = pending.back();
      pending.pop_back();
      if (seen[at] == position) continue;
      seen[at] = position;
      const Step& step = steps_[at];
      const bool before = position > 0 && is_word(points[position - 1]);
      const bool after = position < points.size() && is_word(points[position]);
      switch (step.kind) {
        case Step::Kind::kClass:
          list.push_back(at);
          break;
        case Step::Kind::kSplit:
          pending.push_back(step.second);
          pending.push_back(step.first);
          break;
        case Step::Kind::kJump:
          pending.push_back(step.first);
          break;
        case Step::Kind::kBegin:
          if (position == 0) pending.push_back(at + 1);
          break;
        case Step::Kind::kEnd:
          if (position == points.size()) pending.push_back(at + 1);
          break;
        case Step::Kind::kWordBoundary:
          if (before != after) pending.push_back(at + 1);
          break;
        case Step::Kind::kNoWordBoundary:
          if (before == after) pending.push_back(at + 1);
          break;
        case Step::Kind::kMatch:
          matched = true;
          break;
      }
    }
  };
  for (std::size_t position = 0; position <= points.size(); ++position) {
    add(current, 0, position);
    if (matched) return true;
    if (position == points.size()) break;
    next.clear();
    for (std::uint32_t at : current) {
      const Ranges& ranges = classes_[steps_[at].first];
      const bool inside = std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
        return range.first <= points[position] && points[position] <= range.second;
      });
      if (inside) add(next, at + 1, position + 1);
    }
    if (matched) return true;
    current.swap(next);
  }
  return false;
}

}  // namespace fairlead::model::cel
