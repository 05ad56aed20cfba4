#include "base/time.h"

#include <array>

namespace fairlead::base {
namespace {

using Wide = __int128;

constexpr std::int64_t kSecond = 1'000'000'000;
// Within these bounds neither a difference of two instants nor an instant plus a duration overflows.
constexpr std::int64_t kFirstYear = 1900;
constexpr std::int64_t kLastYear = 2149;
constexpr std::int64_t kLongest = 100LL * 365 * 86'400 * kSecond;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool fits(Wide value) { return value <= kLongest; }

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
std::int64_t days_from_date(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

struct Date {
  std::int64_t year;
  std::int64_t month;
  std::int64_t day;
};

Date date_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const std::int64_t month = shifted + (shifted < 10 ? 3 : -9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day_of_year - (153 * shifted + 2) / 5 + 1};
}

std::int64_t days_in_month(std::int64_t year, std::int64_t month) {
  constexpr std::array<std::int64_t, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

/// Reads a text from its front.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  char take() {
    const char c = peek();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }
  bool take(char expected) {
    if (peek() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  /// Exactly `count` digits with a value in [low, high].
  bool number(int count, std::int64_t low, std::int64_t high, std::int64_t& value) {
    value = 0;
    for (int i = 0; i < count; ++i) {
      if (!is_digit(peek())) return false;
      value = value * 10 + (take() - '0');
    }
    return value >= low && value <= high;
  }

 private:
  std::string_view rest_;
};

/// Digits after a decimal point as a fraction of `unit`, rounded down; at least one digit.
bool fraction_of(Cursor& cursor, std::int64_t unit, std::int64_t& value) {
  if (!is_digit(cursor.peek())) return false;
  Wide numerator = 0;
  Wide denominator = 1;
  while (is_digit(cursor.peek())) {
    const int digit = cursor.take() - '0';
    if (denominator < Wide{1'000'000'000} * 1'000'000'000) {
      numerator = numerator * 10 + digit;
      denominator *= 10;
    }
  }
  value = static_cast<std::int64_t>(numerator * unit / denominator);
  return true;
}

bool offset_seconds(Cursor& cursor, std::int64_t& offset) {
  offset = 0;
  const char sign = cursor.take();
  if (sign == 'Z' || sign == 'z') return true;
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if ((sign != '+' && sign != '-') || !cursor.number(2, 0, 23, hours) || !cursor.take(':') ||
      !cursor.number(2, 0, 59, minutes)) {
    return false;
  }
  offset = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
  return true;
}

std::int64_t unit_of(Cursor& cursor) {
  if (cursor.take("ns")) return 1;
  if (cursor.take("us") || cursor.take("\u00b5s") || cursor.take("\u03bcs")) return 1000;
  if (cursor.take("ms")) return 1'000'000;
  switch (cursor.take()) {
    case 's':
      return kSecond;
    case 'm':
      return 60 * kSecond;
    case 'h':
      return 3600 * kSecond;
    case 'd':
      return 24 * 3600 * kSecond;
    case 'w':
      return 7 * 24 * 3600 * kSecond;
    default:
      return 0;
  }
}

void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
  std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

/// ".25" for a quarter of `unit`, without trailing zeros; nothing for zero.
void append_fraction(std::string& out, std::uint64_t value, std::size_t digits) {
  if (value == 0) return;
  std::string text;
  append_padded(text, value, digits);
  text.erase(text.find_last_not_of('0') + 1);
  out += '.';
  out += text;
}

}  // namespace

Result<Time> parse_time(std::string_view text) {
  const auto malformed = [&] {
    return invalid_argument("\"" + std::string(text.substr(0, 40)) +
                            "\" is not an instant; write it as RFC 3339, such as 2026-01-31T09:00:00Z");
  };
  Cursor cursor(text);
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  if (!cursor.number(4, 0, 9999, year) || !cursor.take('-') || !cursor.number(2, 1, 12, month) ||
      !cursor.take('-') || !cursor.number(2, 1, days_in_month(year, month), day)) {
    return malformed();
  }
  if (!cursor.take('T') && !cursor.take('t')) return malformed();
  if (!cursor.number(2, 0, 23, hour) || !cursor.take(':') || !cursor.number(2, 0, 59, minute) ||
      !cursor.take(':') || !cursor.number(2, 0, 59, second)) {
    return malformed();
  }
  std::int64_t nanoseconds = 0;
  if (cursor.take('.') && !fraction_of(cursor, kSecond, nanoseconds)) return malformed();
  std::int64_t offset = 0;
  if (!offset_seconds(cursor, offset) || !cursor.done()) return malformed();
  const std::int64_t seconds =
      days_from_date(year, month, day) * 86'400 + hour * 3600 + minute * 60 + second - offset;
  if (year < kFirstYear || year > kLastYear) {
    return Error(Code::kOutOfRange,
                 "\"" + std::string(text.substr(0, 40)) + "\" is outside the years 1900 to 2149");
  }
  return Time::from_unix_nanoseconds(seconds * kSecond + nanoseconds);
}

std::string format_time(Time time) {
  std::int64_t seconds = time.unix_nanoseconds() / kSecond;
  std::int64_t nanoseconds = time.unix_nanoseconds() % kSecond;
  if (nanoseconds < 0) {
    nanoseconds += kSecond;
    seconds -= 1;
  }
  std::int64_t days = seconds / 86'400;
  std::int64_t of_day = seconds % 86'400;
  if (of_day < 0) {
    of_day += 86'400;
    days -= 1;
  }
  const Date date = date_from_days(days);
  std::string out;
  const auto part = [&](std::int64_t value, std::size_t width, char end) {
    append_padded(out, static_cast<std::uint64_t>(value), width);
    if (end != '\0') out += end;
  };
  part(date.year, 4, '-');
  part(date.month, 2, '-');
  part(date.day, 2, 'T');
  part(of_day / 3600, 2, ':');
  part(of_day / 60 % 60, 2, ':');
  part(of_day % 60, 2, '\0');
  append_fraction(out, static_cast<std::uint64_t>(nanoseconds), 9);
  out += 'Z';
  return out;
}

Result<Duration> parse_duration(std::string_view text) {
  const auto malformed = [&] {
    return invalid_argument("\"" + std::string(text.substr(0, 40)) +
                            "\" is not a duration; write a number with a unit, such as 90s, 1h30m or 250ms");
  };
  Cursor cursor(text);
  const bool negative = cursor.take('-');
  if (!negative) cursor.take('+');
  if (cursor.peek() == '0' && text.substr(text.find('0')) == "0") return Duration();
  if (cursor.done()) return malformed();
  Wide total = 0;
  while (!cursor.done()) {
    Wide whole = 0;
    bool digits = false;
    while (is_digit(cursor.peek())) {
      digits = true;
      whole = whole * 10 + (cursor.take() - '0');
      if (!fits(whole))
        return Error(Code::kOutOfRange, "\"" + std::string(text.substr(0, 40)) + "\" is too long");
    }
    // The fraction is kept as parts of 10^18 until the unit, which follows it, is known.
    constexpr std::int64_t kParts = 1'000'000'000'000'000'000;
    std::int64_t parts = 0;
    if (cursor.take('.')) {
      if (is_digit(cursor.peek())) {
        if (!fraction_of(cursor, kParts, parts)) return malformed();
      } else if (!digits) {
        return malformed();
      }
    } else if (!digits) {
      return malformed();
    }
    const std::int64_t unit = unit_of(cursor);
    if (unit == 0) return malformed();
    total += whole * unit + Wide{parts} * unit / kParts;
    if (!fits(total))
      return Error(Code::kOutOfRange, "\"" + std::string(text.substr(0, 40)) + "\" is too long");
  }
  return Duration::nanoseconds(static_cast<std::int64_t>(negative ? -total : total));
}

std::string format_duration(Duration duration) {
  const std::int64_t signed_value = duration.nanoseconds();
  if (signed_value == 0) return "0s";
  std::string out;
  std::uint64_t value = static_cast<std::uint64_t>(signed_value);
  if (signed_value < 0) {
    out += '-';
    value = 0 - value;
  }
  if (value < 1'000'000'000) {
    const bool nano = value < 1000;
    const bool micro = value < 1'000'000;
    const std::uint64_t unit = nano ? 1 : micro ? 1000 : 1'000'000;
    out += std::to_string(value / unit);
    if (!nano) append_fraction(out, value % unit, micro ? 3 : 6);
    out += nano ? "ns" : micro ? "\u00b5s" : "ms";
    return out;
  }
  const std::uint64_t seconds = value / 1'000'000'000;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  out += std::to_string(seconds % 60);
  append_fraction(out, value % 1'000'000'000, 9);
  out += 's';
  return out;
}

}  // namespace fairlead::base
