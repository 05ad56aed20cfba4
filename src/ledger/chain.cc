#include "ledger/chain.h"

#include "base/json_reader.h"
#include "base/json_writer.h"

#include <fmt/format.h>

#include <charconv>

namespace fairlead::ledger {
namespace {

void add_optional(Hasher& hasher, const std::optional<Hash>& hash) {
  hasher.add(std::int64_t{hash ? 1 : 0});
  if (hash) hasher.add(*hash);
}

base::Time time_at(const Statement& row, int column) {
  return base::Time::from_unix_nanoseconds(row.integer(column));
}

template <class Integer>
bool read_integer(const base::JsonValue& json, std::string_view name, Integer& value) {
  const base::JsonValue* member = json.find(name);
  if (member == nullptr || member->kind() != base::JsonValue::Kind::kNumber) return false;
  const std::string_view digits = member->text();
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return problem == std::errc() && end == digits.data() + digits.size();
}

}  // namespace

Hash hash_of(const BatchRow& row, const Hash& before) {
  Hasher hasher;
  hasher.add(before).add(row.number);
  add_optional(hasher, row.rounds);
  add_optional(hasher, row.history);
  add_optional(hasher, row.usage);
  hasher.add(row.documents).add(row.last_position).add(row.last_version).add(row.last_usage);
  hasher.add(row.last_round).add(std::string_view(row.retained));
  return hasher.finish();
}

std::string to_json(const Retained& retained) {
  std::string text;
  base::JsonWriter out(text);
  out.begin_object();
  out.member("rounds", retained.rounds);
  out.member("history", retained.history);
  out.member("usage", retained.usage);
  out.member("first", retained.first);
  out.member("before_first", to_hexadecimal(retained.before_first));
  out.end_object();
  return text;
}

std::optional<Retained> retained_from_json(std::string_view text) {
  base::JsonReader reader;
  const auto json = reader.read(text);
  if (!json) return std::nullopt;
  Retained retained;
  const base::JsonValue& object = **json;
  if (!read_integer(object, "rounds", retained.rounds) ||
      !read_integer(object, "history", retained.history) || !read_integer(object, "usage", retained.usage) ||
      !read_integer(object, "first", retained.first))
    return std::nullopt;
  const base::JsonValue* before = object.find("before_first");
  const auto hash = before == nullptr ? std::nullopt : hash_from_hexadecimal(before->text());
  if (!hash) return std::nullopt;
  retained.before_first = *hash;
  return retained;
}

void add_to(Hasher& hasher, const SegmentRow& row) {
  hasher.add("segment").add(row.id).add(row.batch).add(row.began.unix_nanoseconds()).add(row.first_round);
  hasher.add(std::int64_t{row.engine_revision}).add(std::int64_t{row.event_version}).add(row.snapshot);
}

void add_to(Hasher& hasher, const RoundRow& row) {
  hasher.add("round").add(row.id).add(row.batch).add(row.number).add(row.time.unix_nanoseconds());
  hasher.add(row.body);
}

void add_to(Hasher& hasher, const HistoryEntry& entry) {
  hasher.add("history").add(entry.position).add(entry.time.unix_nanoseconds());
  hasher.add(entry.kind).add(entry.subject).add(entry.actor).add(entry.json);
}

void add_to(Hasher& hasher, std::int64_t id, const UsageSample& sample) {
  hasher.add("usage").add(id).add(sample.since.unix_nanoseconds()).add(sample.until.unix_nanoseconds());
  hasher.add(sample.department).add(sample.project).add(sample.user).add(sample.workload);
  hasher.add(sample.device_model).add(sample.allocated_thousandths).add(sample.over_quota_thousandths);
  hasher.add(sample.used_thousandths).add(sample.lost_thousandths);
}

Hash hash_of(const Document& document) {
  Hasher hasher;
  hasher.add(document.kind).add(document.key).add(document.version).add(document.json);
  return hasher.finish();
}

base::Result<BatchRow> batch_of(const Statement& row) {
  BatchRow batch;
  batch.number = static_cast<std::uint64_t>(row.integer(0));
  const auto damaged = [&](std::string_view column) {
    return base::Error(base::Code::kInternal,
                       fmt::format("batch {}: column {} does not hold a hash", batch.number, column));
  };
  const auto optional_hash = [&row](int column, std::optional<Hash>& hash) {
    if (row.text(column).empty()) return true;
    hash = hash_from_bytes(row.text(column));
    return hash.has_value();
  };
  if (!optional_hash(1, batch.rounds)) return damaged("rounds");
  if (!optional_hash(2, batch.history)) return damaged("history");
  if (!optional_hash(3, batch.usage)) return damaged("usage");
  const auto documents = hash_from_bytes(row.text(4));
  if (!documents) return damaged("documents");
  batch.documents = *documents;
  batch.last_position = static_cast<std::uint64_t>(row.integer(5));
  batch.last_version = static_cast<std::uint64_t>(row.integer(6));
  batch.last_usage = row.integer(7);
  batch.last_round = row.integer(8);
  batch.retained = row.text(9);
  const auto hash = hash_from_bytes(row.text(10));
  if (!hash) return damaged("hash");
  batch.hash = *hash;
  return batch;
}

SegmentRow segment_of(const Statement& row) {
  return {
      row.integer(0), static_cast<std::uint64_t>(row.integer(1)), time_at(row, 2),
      row.integer(3), static_cast<std::uint32_t>(row.integer(4)), static_cast<std::int32_t>(row.integer(5)),
      row.text(6)};
}

RoundRow round_of(const Statement& row) {
  return {row.integer(0), static_cast<std::uint64_t>(row.integer(1)),
          static_cast<std::uint64_t>(row.integer(2)), time_at(row, 3), row.text(4)};
}

HistoryEntry history_of(const Statement& row) {
  HistoryEntry entry;
  entry.position = static_cast<std::uint64_t>(row.integer(0));
  entry.time = time_at(row, 2);
  entry.kind = row.text(3);
  entry.subject = row.text(4);
  entry.actor = row.text(5);
  entry.json = row.text(6);
  return entry;
}

UsageSample usage_of(const Statement& row) {
  UsageSample sample;
  sample.since = time_at(row, 2);
  sample.until = time_at(row, 3);
  sample.department = row.text(4);
  sample.project = row.text(5);
  sample.user = row.text(6);
  sample.workload = row.text(7);
  sample.device_model = row.text(8);
  sample.allocated_thousandths = row.integer(9);
  sample.over_quota_thousandths = row.integer(10);
  if (!row.is_null(11)) sample.used_thousandths = row.integer(11);
  sample.lost_thousandths = row.integer(12);
  return sample;
}

Document document_of(const Statement& row) {
  Document document;
  document.kind = row.text(0);
  document.key = row.text(1);
  document.version = static_cast<std::uint64_t>(row.integer(2));
  document.json = row.text(3);
  return document;
}

}  // namespace fairlead::ledger
