// Durable commits of rounds, as the platform makes them: each commit is one transaction and one sync of the
// disk. The disk is that of $TMPDIR.

#include "ledger/ledger.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fairlead::bench {
namespace {

base::Time at(std::int64_t milliseconds) {
  return base::Time::from_unix_seconds(1'800'000'000) + base::Duration::milliseconds(milliseconds);
}

/// A folder that is gone afterwards.
class Folder {
 public:
  Folder() {
    path_ = (std::filesystem::temp_directory_path() / "fairlead-bench-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file() const { return path_ + "/fairlead.db"; }

 private:
  std::string path_;
};

/// A workload of one pod arrives and is bound: a round, two documents, two history entries.
void add_submission(ledger::Batch& batch, std::int64_t n) {
  const std::string uid = "0123456789abcdef0123456789abcdef-worker-" + std::to_string(n);
  model::PodGroup group;
  group.key = "research/llama-" + std::to_string(n);
  group.uid = group.key;
  group.created = at(n);
  group.queue = "research";
  group.priority_class = "train";
  model::Pod pod;
  pod.uid = uid;
  pod.namespace_name = "research";
  pod.name = uid;
  pod.created = at(n);
  pod.group = group.key;
  pod.requests.cpu_milli = 4000;
  pod.requests.memory_bytes = 16LL << 30;
  pod.devices.kind = model::DeviceRequest::Kind::kWhole;
  pod.devices.resource = "nvidia.com/gpu";
  pod.devices.count = 1;
  ledger::RoundRecord round;
  round.time = at(n);
  round.events = {{at(n), model::GroupUpserted{group}}, {at(n), model::PodUpserted{pod}}};
  round.decisions.push_back({static_cast<std::uint64_t>(n) + 1, model::Bind{uid, "node", {}, {}, 0, {}}});
  batch.rounds.push_back(std::move(round));
  const std::string subject = "workload " + group.key;
  batch.written.push_back({"workload", group.key, 0, std::string(900, 'w')});
  batch.written.push_back({"replica", uid, 0, std::string(400, 'r')});
  batch.history.push_back({0, at(n), "workload-submitted", subject, "ann", "{}"});
  batch.history.push_back({0, at(n), "replica-started", subject, "", "{}"});
}

/// Submissions made durable per second, in batches of the argument.
void BM_LedgerCommit(benchmark::State& state) {
  const Folder folder;
  auto ledger = ledger::Ledger::open(folder.file());
  if (!ledger || !(*ledger)->begin_segment(at(0), {})) return state.SkipWithError("the ledger does not open");
  std::int64_t n = 0;
  for (auto _ : state) {
    ledger::Batch batch;
    for (std::int64_t i = 0; i < state.range(0); ++i) add_submission(batch, n++);
    if (!(*ledger)->commit(std::move(batch))) state.SkipWithError("it was not written");
  }
  state.SetItemsProcessed(n);
  state.counters["bytes_per_round"] =
      static_cast<double>((*ledger)->open_segment_bytes()) / static_cast<double>(n);
}
BENCHMARK(BM_LedgerCommit)->Arg(1)->Arg(16)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// Start-up of a platform with so many workloads: opening, checking and reading all documents.
void BM_LedgerOpen(benchmark::State& state) {
  const Folder folder;
  {
    auto ledger = ledger::Ledger::open(folder.file());
    if (!ledger || !(*ledger)->begin_segment(at(0), {}))
      return state.SkipWithError("the ledger does not open");
    for (std::int64_t n = 0; n < state.range(0);) {
      ledger::Batch batch;
      for (int i = 0; i < 500 && n < state.range(0); ++i) add_submission(batch, n++);
      if (!(*ledger)->commit(std::move(batch))) return state.SkipWithError("it was not written");
    }
  }
  for (auto _ : state) {
    auto ledger = ledger::Ledger::open(folder.file());
    std::size_t bytes = 0;
    for (const char* kind : {"workload", "replica"}) {
      const auto read = (*ledger)->each_document(
          kind, [&bytes](const ledger::Document& document) { bytes += document.json.size(); });
      if (!read) state.SkipWithError("it cannot be read");
    }
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(BM_LedgerOpen)->Arg(1000)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fairlead::bench
