#include "cli/amounts.h"

#include <fmt/format.h>

#include <array>

namespace fairlead::cli {
namespace {

/// number / divisor, rounded to `places` decimals (half up), trailing zeros removed. The divisor is at most
/// 2^50.
std::string decimal(std::int64_t number, std::int64_t divisor, int places) {
  bool negative = number < 0;
  auto magnitude = static_cast<std::uint64_t>(number);
  if (negative) magnitude = 0 - magnitude;
  auto unit = static_cast<std::uint64_t>(divisor);
  std::uint64_t scale = 1;
  for (int i = 0; i < places; ++i) scale *= 10;
  std::uint64_t whole = magnitude / unit;
  std::uint64_t fraction = ((magnitude % unit) * scale + unit / 2) / unit;
  if (fraction == scale) {
    ++whole;
    fraction = 0;
  }
  std::string text = negative ? "-" : "";
  text += std::to_string(whole);
  if (fraction == 0) return text;
  text += fmt::format(".{:0{}}", fraction, places);
  while (text.back() == '0') text.pop_back();
  return text;
}

}  // namespace

std::string thousandths_text(std::int64_t thousandths) { return decimal(thousandths, 1000, 3); }

std::string bytes_text(std::int64_t bytes) {
  struct Unit {
    std::string_view name;
    int shift;
  };
  constexpr std::array<Unit, 5> kUnits = {{{"Pi", 50}, {"Ti", 40}, {"Gi", 30}, {"Mi", 20}, {"Ki", 10}}};
  for (const Unit& unit : kUnits) {
    std::int64_t size = std::int64_t{1} << unit.shift;
    if (bytes >= size) return decimal(bytes, size, 1) + std::string(unit.name);
  }
  return std::to_string(bytes);
}

std::string count_text(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string amount_number(std::string_view dimension, std::int64_t amount) {
  if (dimension == "memory") return bytes_text(amount);
  return thousandths_text(amount);
}

std::string amount_text(std::string_view dimension, std::int64_t amount) {
  std::string number = amount_number(dimension, amount);
  std::string_view plural = amount == 1000 ? "" : "s";
  if (dimension == "memory") return number + " of memory";
  if (dimension == "cpu") return fmt::format("{} CPU{}", number, plural);
  if (dimension == "gpu") return fmt::format("{} device{}", number, plural);
  if (dimension.starts_with("gpu/"))
    return fmt::format("{} {} device{}", number, dimension.substr(4), plural);
  return fmt::format("{} {}", number, dimension);
}

std::string bound_text(std::string_view dimension, const model::Bound& bound) {
  return bound.is_unlimited() ? "unlimited" : amount_number(dimension, bound.amount());
}

std::string device_request_text(const model::DeviceRequest& request) {
  using Kind = model::DeviceRequest::Kind;
  std::string text;
  auto add = [&](const std::string& part) {
    if (!text.empty()) text += ", ";
    text += part;
  };
  std::string times = request.count > 1 ? fmt::format("{} x ", request.count) : "";
  switch (request.kind) {
    case Kind::kNone:
      break;
    case Kind::kWhole:
      add(fmt::format("{} {}", request.count, request.resource.empty() ? "device" : request.resource));
      break;
    case Kind::kFraction:
      add(fmt::format("{}{} of a device", times, thousandths_text(request.thousandths)));
      break;
    case Kind::kMemory:
      add(fmt::format("{}{}Mi of a device", times, request.memory_mib));
      break;
  }
  if (request.second_count > 0) add(fmt::format("{} {}", request.second_count, request.second_resource));
  for (const model::Partition& partition : request.partitions) {
    add(fmt::format("{} {}", partition.count, partition.resource));
  }
  return text;
}

std::string request_text(const model::Pod& pod) {
  std::string text = device_request_text(pod.devices);
  auto add = [&](const std::string& part) {
    if (!text.empty()) text += ", ";
    text += part;
  };
  if (!pod.claims.empty()) add(count_text(static_cast<std::int64_t>(pod.claims.size()), "claim"));
  if (pod.requests.cpu_milli > 0) add(amount_text("cpu", pod.requests.cpu_milli));
  if (pod.requests.memory_bytes > 0) add(bytes_text(pod.requests.memory_bytes));
  for (const model::ResourceCount& counted : pod.requests.counted) {
    add(fmt::format("{} {}", counted.count, counted.name));
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace fairlead::cli
