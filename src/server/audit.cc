#include "server/audit.h"

#include "base/json_reader.h"
#include "base/json_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::server {
namespace {

constexpr std::string_view kKind = "audit";
constexpr std::size_t kTrimEvery = 100;

std::string text_of(const base::JsonValue& object, std::string_view key) {
  const base::JsonValue* member = object.find(key);
  return member == nullptr ? std::string() : std::string(member->text());
}

}  // namespace

base::Result<void> Audit::note(std::string_view actor, std::string_view peer, std::string_view action,
                               std::string_view subject, bool allowed) {
  std::lock_guard lock(mutex_);
  // Ids ascend even when the clock does not.
  last_nanoseconds_ = std::max(last_nanoseconds_ + 1, now_().unix_nanoseconds());
  const std::string id = fmt::format("{:020}", last_nanoseconds_);
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("time", base::format_time(now_()));
  json.member("actor", actor);
  json.member("peer", peer);
  json.member("action", action);
  json.member("subject", subject);
  json.member("allowed", allowed);
  json.end_object();
  if (auto put = world_.put_record(kKind, {id, 0, std::move(text)}); !put) return put;
  if (until_trimmed_-- > 0) return {};
  until_trimmed_ = kTrimEvery;
  auto records = world_.records(kKind);
  if (!records) return records.error();
  std::vector<std::string> keys;
  for (const world::Record& record : *records) keys.push_back(record.key);
  std::sort(keys.begin(), keys.end());
  for (std::size_t i = 0; i + kMostKept < keys.size(); ++i) {
    if (auto removed = world_.remove_record(kKind, keys[i]); !removed) return removed;
  }
  return {};
}

base::Result<std::vector<AuditEntry>> Audit::newest(std::size_t limit, std::string_view before) const {
  auto records = world_.records(kKind);
  if (!records) return records.error();
  std::sort(records->begin(), records->end(), [](const auto& a, const auto& b) { return a.key > b.key; });
  std::vector<AuditEntry> entries;
  base::JsonReader reader;
  for (const world::Record& record : *records) {
    if (entries.size() >= limit) break;
    if (!before.empty() && record.key >= before) continue;
    const auto object = reader.read(record.json);
    if (!object) return object.error().in("audit " + record.key);
    AuditEntry entry;
    entry.id = record.key;
    const auto time = base::parse_time(text_of(**object, "time"));
    if (time) entry.time = *time;
    entry.actor = text_of(**object, "actor");
    entry.peer = text_of(**object, "peer");
    entry.action = text_of(**object, "action");
    entry.subject = text_of(**object, "subject");
    const base::JsonValue* allowed = (*object)->find("allowed");
    entry.allowed = allowed != nullptr && allowed->boolean();
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace fairlead::server
