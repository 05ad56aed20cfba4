#include "cli/fair_share_command.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "engine/fair_share.h"
#include "manifest/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

namespace fairlead::cli {
namespace {

using base::Error;
using base::JsonValue;
using base::Result;

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

Result<double> read_number(const JsonValue& from, std::string_view key, std::string_view path,
                           double absent) {
  const JsonValue* value = from.find(key);
  if (value == nullptr || value->is_null()) return absent;
  const auto number =
      value->kind() == JsonValue::Kind::kNumber ? manifest::parse_number(value->text()) : std::nullopt;
  if (!number) return wrong(fmt::format("{}.{}", path, key), "not a number", "write a number");
  return *number;
}

/// An amount in parts. `unlimited` says whether -1 may stand for no bound.
Result<model::Bound> read_amount(const JsonValue& from, std::string_view key, std::string_view path,
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
  const JsonValue* json;
};

Result<engine::Sibling> read_sibling(const NamedQueue& queue, const Resource& resource) {
  engine::Sibling sibling;
  sibling.uid = queue.id;
  const std::string path = fmt::format("queues[{}]", queue.id);
  const Result<double> priority = read_number(*queue.json, "Priority", path, 0);
  if (!priority) return priority.error();
  const Result<double> rank = read_number(*queue.json, "CreationRank", path, 0);
  if (!rank) return rank.error();
  if (!(std::abs(*priority) <= 2e9))
    return wrong(path + ".Priority", "out of range", "write a 32-bit integer");
  if (!(std::abs(*rank) <= 1e9))
    return wrong(path + ".CreationRank", "out of range", "write a small integer");
  sibling.priority = static_cast<std::int32_t>(*priority);
  sibling.created = base::Time::from_unix_seconds(static_cast<std::int64_t>(*rank));

  const JsonValue* found = queue.json->find(resource.input);
  if (found == nullptr || !found->is_object()) return sibling;
  const JsonValue& share = *found;
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

Result<std::vector<NamedQueue>> read_queues(const JsonValue& document) {
  const JsonValue* list = document.find("queues");
  if (list == nullptr || !list->is_array()) {
    return wrong("queues", "not a list", "write a list of sibling queues");
  }
  std::vector<NamedQueue> queues;
  for (const JsonValue& item : list->items()) {
    const JsonValue* id = item.find("ID");
    if (id == nullptr || !id->is_string()) {
      return wrong(fmt::format("queues[{}].ID", queues.size()), "missing",
                   "give each queue an \"ID\" of its own");
    }
    queues.push_back({std::string(id->text()), &item});
  }
  return queues;
}

double in_pieces(std::int64_t parts, const Resource& resource) {
  return static_cast<double>(parts) / static_cast<double>(resource.parts_per_piece);
}

}  // namespace

Result<std::string> answer_fair_share(std::string_view line) {
  base::JsonReader reader;
  const Result<const JsonValue*> read = reader.read(line);
  if (!read || !(*read)->is_object()) {
    return wrong("line", read ? "not an object" : read.error().message(), "write one JSON object a line");
  }
  const JsonValue& document = **read;
  const Result<std::vector<NamedQueue>> queues = read_queues(document);
  if (!queues) return queues.error();
  std::optional<std::string_view> only;
  if (const JsonValue* value = document.find("resource"); value != nullptr && value->is_string()) {
    const std::string_view name = value->text();
    const bool known = std::any_of(kResources.begin(), kResources.end(),
                                   [name](const Resource& resource) { return resource.input == name; });
    if (!known)
      return wrong("resource", fmt::format("\"{}\" is not known", name), "write GPU, CPU or Memory");
    only = name;
  }
  const JsonValue* total = document.find("total");
  if (total == nullptr || !total->is_object()) {
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
    const Result<model::Bound> amount = read_amount(*total, resource.input, "total", resource, false, 0);
    if (!amount) return amount.error();
    const std::int64_t left =
        engine::divide_fairly(siblings, amount->amount(), resource.parts_per_piece, *k, scratch, shares[r]);
    if (only || resource.input == "GPU") remaining = in_pieces(left, resource);
  }

  std::string answer;
  base::JsonWriter writer(answer);
  writer.begin_object();
  writer.key("fair_share");
  writer.begin_object();
  for (std::size_t i = 0; i < queues->size(); ++i) {
    writer.key((*queues)[i].id);
    writer.begin_object();
    for (std::size_t r = 0; r < kResources.size(); ++r)
      writer.member(kResources[r].output, in_pieces(shares[r][i], kResources[r]));
    writer.end_object();
  }
  writer.end_object();
  writer.member("remaining", remaining);
  writer.end_object();
  return answer;
}

}  // namespace fairlead::cli
