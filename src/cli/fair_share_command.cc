#include "cli/fair_share_command.h"

#include "engine/fair_share.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

namespace fairlead::cli {
namespace {

using base::Error;
using base::Result;
using simdjson::dom::element;
using simdjson::dom::object;

/// A resource as the input and the answer spell it. Amounts are counted in parts of one piece, fine enough
/// that the shares of devices in use anywhere are exact, coarse enough that bytes of a large cluster fit.
struct Resource {
  std::string_view input;
  std::string_view output;
  std::int64_t parts_per_piece;
};
constexpr std::array<Resource, 3> kResources = {{
    {"GPU", "gpu", 1'000'000'000},
    {"CPU", "cpu", 1'000},
    {"Memory", "memory", 1'000},
}};

Error wrong(std::string_view field, std::string_view problem, std::string_view remedy) {
  return base::invalid_argument(fmt::format("{}: {}; {}", field, problem, remedy));
}

Result<double> read_number(const object& from, std::string_view key, std::string_view path, double absent) {
  element value;
  if (from.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return absent;
  double number = 0;
  if (value.get(number) != simdjson::SUCCESS) {
    return wrong(fmt::format("{}.{}", path, key), "not a number", "write a number");
  }
  return number;
}

/// An amount in parts. `unlimited` says whether -1 may stand for no bound.
Result<model::Bound> read_amount(const object& from, std::string_view key, std::string_view path,
                                 const Resource& resource, bool unlimited, double absent) {
  const Result<double> number = read_number(from, key, path, absent);
  if (!number) return number.error();
  if (unlimited && *number == -1) return model::Bound::unlimited();
  const double parts = std::round(*number * static_cast<double>(resource.parts_per_piece));
  if (!(parts >= 0 && parts < 9.0e18)) {
    return wrong(
        fmt::format("{}.{}", path, key), fmt::format("{} is out of range", *number),
        unlimited ? "write an amount of at least 0, or -1 for no bound" : "write an amount of at least 0");
  }
  return model::Bound::of(static_cast<std::int64_t>(parts));
}

struct NamedQueue {
  std::string id;
  object json;
};

Result<engine::Sibling> read_sibling(const NamedQueue& queue, const Resource& resource) {
  engine::Sibling sibling;
  sibling.uid = queue.id;
  const std::string path = fmt::format("queues[{}]", queue.id);
  const Result<double> priority = read_number(queue.json, "Priority", path, 0);
  if (!priority) return priority.error();
  const Result<double> rank = read_number(queue.json, "CreationRank", path, 0);
  if (!rank) return rank.error();
  if (!(std::abs(*priority) <= 2e9))
    return wrong(path + ".Priority", "out of range", "write a 32-bit integer");
  if (!(std::abs(*rank) <= 1e9))
    return wrong(path + ".CreationRank", "out of range", "write a small integer");
  sibling.priority = static_cast<std::int32_t>(*priority);
  sibling.created = base::Time::from_unix_seconds(static_cast<std::int64_t>(*rank));

  object share;
  if (queue.json.at_key(resource.input).get(share) != simdjson::SUCCESS) return sibling;
  const std::string below = fmt::format("{}.{}", path, resource.input);
  const Result<model::Bound> deserved = read_amount(share, "Deserved", below, resource, true, 0);
  if (!deserved) return deserved.error();
  const Result<model::Bound> limit = read_amount(share, "MaxAllowed", below, resource, true, -1);
  if (!limit) return limit.error();
  const Result<model::Bound> request = read_amount(share, "Request", below, resource, false, 0);
  if (!request) return request.error();
  const Result<double> weight = read_number(share, "OverQuotaWeight", below, 0);
  if (!weight) return weight.error();
  const Result<double> usage = read_number(share, "Usage", below, 0);
  if (!usage) return usage.error();
  if (!(*weight >= 0)) return wrong(below + ".OverQuotaWeight", "negative", "write a weight of at least 0");
  if (!(*usage >= 0)) return wrong(below + ".Usage", "negative", "write a share of the capacity, at least 0");
  sibling.deserved = *deserved;
  sibling.limit = *limit;
  sibling.request = request->amount();
  sibling.over_quota_weight = *weight;
  sibling.usage = *usage;
  return sibling;
}

Result<std::vector<NamedQueue>> read_queues(const object& document) {
  simdjson::dom::array list;
  if (document.at_key("queues").get(list) != simdjson::SUCCESS) {
    return wrong("queues", "not a list", "write a list of sibling queues");
  }
  std::vector<NamedQueue> queues;
  for (const element item : list) {
    object json;
    std::string_view id;
    if (item.get(json) != simdjson::SUCCESS || json.at_key("ID").get(id) != simdjson::SUCCESS) {
      return wrong(fmt::format("queues[{}].ID", queues.size()), "missing",
                   "give each queue an \"ID\" of its own");
    }
    queues.push_back({std::string(id), json});
  }
  return queues;
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  result += '"';
  return result;
}

double in_pieces(std::int64_t parts, const Resource& resource) {
  return static_cast<double>(parts) / static_cast<double>(resource.parts_per_piece);
}

}  // namespace

Result<std::string> answer_fair_share(std::string_view line) {
  simdjson::dom::parser parser;
  object document;
  const simdjson::error_code parsed = parser.parse(simdjson::padded_string(line)).get(document);
  if (parsed != simdjson::SUCCESS) {
    return wrong("line", simdjson::error_message(parsed), "write one JSON object a line");
  }
  const Result<std::vector<NamedQueue>> queues = read_queues(document);
  if (!queues) return queues.error();
  std::optional<std::string_view> only;
  if (std::string_view name; document.at_key("resource").get(name) == simdjson::SUCCESS) {
    const bool known = std::any_of(kResources.begin(), kResources.end(),
                                   [name](const Resource& resource) { return resource.input == name; });
    if (!known)
      return wrong("resource", fmt::format("\"{}\" is not known", name), "write GPU, CPU or Memory");
    only = name;
  }
  object total;
  if (document.at_key("total").get(total) != simdjson::SUCCESS) {
    return wrong("total", "not an object", "write the amount to divide by resource, such as {\"GPU\": 8}");
  }
  const Result<double> k = read_number(document, "k", "line", 0);
  if (!k) return k.error();

  engine::FairShareScratch scratch;
  std::array<std::vector<std::int64_t>, kResources.size()> shares;
  double remaining = 0;
  for (std::size_t r = 0; r < kResources.size(); ++r) {
    const Resource& resource = kResources[r];
    shares[r].resize(queues->size());
    if (only && *only != resource.input) continue;
    std::vector<engine::Sibling> siblings;
    for (const NamedQueue& queue : *queues) {
      Result<engine::Sibling> sibling = read_sibling(queue, resource);
      if (!sibling) return sibling.error();
      siblings.push_back(*sibling);
    }
    const Result<model::Bound> amount = read_amount(total, resource.input, "total", resource, false, 0);
    if (!amount) return amount.error();
    const std::int64_t left =
        engine::divide_fairly(siblings, amount->amount(), resource.parts_per_piece, *k, scratch, shares[r]);
    if (only || resource.input == "GPU") remaining = in_pieces(left, resource);
  }

  std::string answer = "{\"fair_share\": {";
  for (std::size_t i = 0; i < queues->size(); ++i) {
    answer += fmt::format("{}{}: {{", i == 0 ? "" : ", ", json_string((*queues)[i].id));
    for (std::size_t r = 0; r < kResources.size(); ++r) {
      answer += fmt::format("{}\"{}\": {}", r == 0 ? "" : ", ", kResources[r].output,
                            in_pieces(shares[r][i], kResources[r]));
    }
    answer += "}";
  }
  answer += fmt::format("}}, \"remaining\": {}}}", remaining);
  return answer;
}

}  // namespace fairlead::cli
