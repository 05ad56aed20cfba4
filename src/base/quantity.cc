#include "base/quantity.h"

#include <limits>
#include <string>

namespace fairlead::base {
namespace {

using Wide = unsigned __int128;

/// A number as written: mantissa * 10^decimal * 2^binary, plus something below the last digit when `inexact`.
struct Scaled {
  bool negative = false;
  std::uint64_t mantissa = 0;
  int decimal = 0;
  int binary = 0;
  bool inexact = false;
};

constexpr int kMaxExponent = 1000;  // beyond it every mantissa is out of range, or rounds up to one unit

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes one digit in; past 19 significant ones only the magnitude and the fact of a remainder are kept.
void take_digit(Scaled& scaled, char digit, bool fraction) {
  if (scaled.mantissa < 1'000'000'000'000'000'000U) {
    scaled.mantissa = scaled.mantissa * 10 + static_cast<std::uint64_t>(digit - '0');
    if (fraction) scaled.decimal -= 1;
    return;
  }
  if (digit != '0') scaled.inexact = true;
  if (!fraction && scaled.decimal < kMaxExponent) scaled.decimal += 1;
}

bool take_exponent(Scaled& scaled, std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return false;
  int exponent = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    if (exponent < kMaxExponent) exponent = exponent * 10 + (c - '0');
  }
  scaled.decimal += negative ? -exponent : exponent;
  return true;
}

bool take_suffix(Scaled& scaled, std::string_view suffix) {
  constexpr std::string_view kBinary = "KMGTPE";
  if (suffix.empty()) return true;
  if (suffix.size() == 2 && suffix[1] == 'i') {
    auto power = kBinary.find(suffix[0]);
    if (power == std::string_view::npos) return false;
    scaled.binary = 10 * static_cast<int>(power + 1);
    return true;
  }
  if (suffix.size() > 1)
    return (suffix[0] == 'e' || suffix[0] == 'E') && take_exponent(scaled, suffix.substr(1));
  constexpr std::string_view kDecimal = "num kMGTPE";  // in steps of a thousand, from 10^-9
  auto power = kDecimal.find(suffix[0]);
  if (power == std::string_view::npos || suffix[0] == ' ') return false;
  scaled.decimal += 3 * static_cast<int>(power) - 9;
  return true;
}

Error malformed(std::string_view text) {
  return invalid_argument(
      "\"" + std::string(text.substr(0, 40)) +
      "\" is not a quantity; write a number with an optional unit, such as 500m, 2 or 16Gi");
}

Error too_large(std::string_view text) {
  return Error(Code::kOutOfRange, "\"" + std::string(text.substr(0, 40)) + "\" is out of range");
}

Result<Scaled> read(std::string_view text) {
  Scaled scaled;
  std::string_view rest = text;
  if (!rest.empty() && (rest.front() == '+' || rest.front() == '-')) {
    scaled.negative = rest.front() == '-';
    rest.remove_prefix(1);
  }
  std::size_t digits = 0;
  bool fraction = false;
  std::size_t position = 0;
  for (; position < rest.size(); ++position) {
    if (rest[position] == '.' && !fraction) {
      fraction = true;
    } else if (is_digit(rest[position])) {
      take_digit(scaled, rest[position], fraction);
      ++digits;
    } else {
      break;
    }
  }
  if (digits == 0 || !take_suffix(scaled, rest.substr(position))) return malformed(text);
  return scaled;
}

/// The value times 10^shift, rounded away from zero.
Result<std::int64_t> convert(std::string_view text, int shift) {
  auto read_result = read(text);
  if (!read_result) return read_result.error();
  const Scaled& scaled = *read_result;
  Wide value = Wide{scaled.mantissa} << scaled.binary;  // below 2^64 * 2^60
  bool remainder = scaled.inexact;
  int decimal = scaled.decimal + shift;
  constexpr Wide kLargest = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
  for (; decimal > 0 && value != 0; --decimal) {
    if (value > kLargest) return too_large(text);
    value *= 10;
  }
  for (; decimal < 0 && value != 0; ++decimal) {
    remainder = remainder || value % 10 != 0;
    value /= 10;
  }
  if (remainder) value += 1;
  if (value > kLargest) return too_large(text);
  auto amount = static_cast<std::int64_t>(value);
  return scaled.negative ? -amount : amount;
}

}  // namespace

Result<std::int64_t> parse_quantity_milli(std::string_view text) { return convert(text, 3); }
Result<std::int64_t> parse_quantity(std::string_view text) { return convert(text, 0); }

}  // namespace fairlead::base
