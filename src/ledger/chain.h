#pragma once

#include "base/result.h"
#include "ledger/hash.h"
#include "ledger/ledger.h"
#include "ledger/sqlite.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::ledger {

/// What the chain says about one transaction. Its hash is over the hash before it and all of this; `rounds`,
/// `history` and `usage` are hashes over the rows of these tables that the transaction wrote (empty: none),
/// `documents` is the digest of all documents as they stood after it. So the newest hash stands for every
/// byte of every row, and rows that retention deletes can go without the rest losing its proof.
struct BatchRow {
  std::uint64_t number = 0;  ///< from 1, without gaps
  std::optional<Hash> rounds;
  std::optional<Hash> history;
  std::optional<Hash> usage;
  Hash documents{};
  std::uint64_t last_position = 0;
  std::uint64_t last_version = 0;
  std::int64_t last_usage = 0;
  std::int64_t last_round = 0;
  std::string retained;  ///< of a transaction of retention: what it left (Retained as JSON); else empty
  Hash hash{};
};
Hash hash_of(const BatchRow& row, const Hash& before);

/// What retention left of each table: the rows of transactions from these numbers on.
struct Retained {
  std::uint64_t rounds = 1;  ///< and segments
  std::uint64_t history = 1;
  std::uint64_t usage = 1;
  std::uint64_t first = 1;     ///< the first that the chain still has
  Hash before_first = Hash{};  ///< the hash that it follows
};
std::string to_json(const Retained& retained);
std::optional<Retained> retained_from_json(std::string_view text);

// The hashes of single rows. Those of one table are added to one hasher in the order of their ids.

struct SegmentRow {
  std::int64_t id = 0;
  std::uint64_t batch = 0;
  base::Time began;
  std::int64_t first_round = 0;
  std::uint32_t engine_revision = 0;
  std::int32_t event_version = 0;
  std::string_view snapshot;
};
struct RoundRow {
  std::int64_t id = 0;
  std::uint64_t batch = 0;
  std::uint64_t number = 0;
  base::Time time;
  std::string_view body;
};
void add_to(Hasher& hasher, const SegmentRow& row);
void add_to(Hasher& hasher, const RoundRow& row);
void add_to(Hasher& hasher, const HistoryEntry& entry);
void add_to(Hasher& hasher, std::int64_t id, const UsageSample& sample);
Hash hash_of(const Document& document);

/// Statements that read the tables with all columns, in the order of their ids, and what takes a row apart.
/// Views are valid until the statement's next step.
inline constexpr std::string_view kSelectBatches =
    "SELECT number, rounds, history, usage, documents, last_position, last_version, last_usage, last_round, "
    "retained, hash FROM batch ";
inline constexpr std::string_view kSelectSegments =
    "SELECT id, batch, began, first_round, engine_revision, event_version, snapshot FROM segment ";
inline constexpr std::string_view kSelectRounds = "SELECT id, batch, number, time, body FROM round ";
inline constexpr std::string_view kSelectHistory =
    "SELECT position, batch, time, kind, subject, actor, json FROM history ";
inline constexpr std::string_view kSelectUsage =
    "SELECT id, batch, since, until, department, project, user, workload, device_model, allocated, "
    "over_quota, used, lost FROM usage ";
inline constexpr std::string_view kSelectDocuments = "SELECT kind, key, version, json, hash FROM document ";

/// Errors: kInternal for a hash of another length.
base::Result<BatchRow> batch_of(const Statement& row);
SegmentRow segment_of(const Statement& row);
RoundRow round_of(const Statement& row);
HistoryEntry history_of(const Statement& row);
UsageSample usage_of(const Statement& row);
Document document_of(const Statement& row);

}  // namespace fairlead::ledger
