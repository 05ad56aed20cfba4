// What the ledger exports of an instant is decided by `fairlead plan --cycle` as it was decided then.

#include "base/json_reader.h"
#include "cli/command_line.h"
#include "engine/engine.h"
#include "ledger/round_reader.h"
#include "ledger/small_world_test.h"
#include "ledger/temporary_folder_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fairlead {
namespace {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

Ran run(std::vector<std::string> arguments, const std::string& input = {}) {
  std::ostringstream out;
  std::ostringstream err;
  cli::Environment environment{out, err, [&input] { return base::Result<std::string>(input); },
                               [] { return base::Time::from_unix_seconds(1'900'000'000); },
                               [] { return engine::make_engine(); }};
  std::vector<const char*> argv = {"fairlead"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  const int code = cli::run_command_line(static_cast<int>(argv.size()), argv.data(), environment, {});
  return {code, out.str(), err.str()};
}

/// Binds, evictions and nominations as lines, in order.
std::string recorded(const std::vector<model::Decision>& decisions) {
  std::string binds;
  std::string evictions;
  std::map<std::string, std::string> nominations;
  for (const model::Decision& decision : decisions) {
    if (const auto* bind = std::get_if<model::Bind>(&decision.body)) {
      binds += "bind lab/" + bind->pod + " " + bind->node;
      for (const std::string& group : bind->device_groups) binds += " " + group;
      binds += '\n';
    } else if (const auto* evict = std::get_if<model::Evict>(&decision.body)) {
      evictions += "evict lab/" + evict->pod + " " + evict->reason + '\n';
    } else if (const auto* nominate = std::get_if<model::Nominate>(&decision.body)) {
      nominations["lab/" + nominate->pod] = nominate->node;
    } else if (const auto* withdrawn = std::get_if<model::WithdrawNomination>(&decision.body)) {
      nominations.erase("lab/" + withdrawn->pod);
    }
  }
  for (const auto& [pod, node] : nominations) binds += "nominate " + pod + " " + node + '\n';
  return binds + evictions;
}

std::string planned(const std::string& json) {
  base::JsonReader reader;
  const auto document = reader.read(json);
  if (!document) return document.error().message();
  const auto text = [](const base::JsonValue& object, const char* name) {
    const base::JsonValue* member = object.find(name);
    return member == nullptr ? std::string() : std::string(member->text());
  };
  std::string lines;
  for (const base::JsonValue& bind : (*document)->find("binds")->items()) {
    lines += "bind " + text(bind, "pod") + " " + text(bind, "node");
    if (const base::JsonValue* groups = bind.find("gpuGroups")) {
      for (const base::JsonValue& group : groups->items()) lines += " " + std::string(group.text());
    }
    lines += '\n';
  }
  std::map<std::string, std::string> nominations;
  for (const base::JsonValue& nomination : (*document)->find("nominations")->items())
    nominations[text(nomination, "pod")] = text(nomination, "node");
  for (const auto& [pod, node] : nominations) lines += "nominate " + pod + " " + node + '\n';
  for (const base::JsonValue& eviction : (*document)->find("evictions")->items())
    lines += "evict " + text(eviction, "pod") + " " + text(eviction, "reason") + '\n';
  return lines;
}

TEST(LedgerExport, PlanDecidesOnItAsWasDecided) {
  int decided = 0;
  std::size_t objects = 0;
  std::size_t exact = 0;
  for (std::uint64_t seed = 21; seed <= 23; ++seed) {
    const ledger::TemporaryFolder folder;
    ledger::record(folder.file(), {.seed = seed, .segments = 2, .steps = 40});
    auto reader = ledger::RoundReader::open(folder.file());
    ASSERT_TRUE(reader.ok());
    const auto segments = reader->segments();
    ASSERT_TRUE(segments.ok());
    for (const ledger::Segment& segment : *segments) {
      std::set<base::Time> seen;
      ASSERT_TRUE(reader
                      ->each_round(segment,
                                   [&](ledger::RoundRecord& round) {
                                     if (!seen.insert(round.time).second || seen.size() % 3 != 0) return true;
                                     const Ran exported = run({"ledger", "export", "--state", folder.file(),
                                                               "--at", base::format_time(round.time)});
                                     EXPECT_EQ(exported.code, cli::kExitOk) << exported.err;
                                     const Ran plan = run({"plan", "--cycle"}, exported.out);
                                     EXPECT_EQ(plan.code, cli::kExitOk) << plan.err;
                                     EXPECT_EQ(plan.err, "");
                                     const std::string before = recorded(round.decisions);
                                     EXPECT_EQ(planned(plan.out), before)
                                         << "seed " << seed << ", round " << round.number;
                                     if (!before.empty()) ++decided;
                                     base::JsonReader json;
                                     const auto document = json.read(exported.out);
                                     objects += (*document)->find("objects")->items().size();
                                     if (const auto* list = (*document)->find("state")->find("exact"))
                                       exact += list->items().size();
                                     return !testing::Test::HasFailure();
                                   })
                      .ok());
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(decided, 25);
  // Most is said by the objects: the rest are nodes whose devices have identities, and pods with shares.
  EXPECT_LT(exact * 2, objects) << exact << " of " << objects;
}

TEST(LedgerExport, SaysWhatCannotBeExported) {
  const ledger::TemporaryFolder folder;
  ledger::record(folder.file(), {.seed = 1, .segments = 1, .steps = 2});
  const Ran early = run({"ledger", "export", "--state", folder.file(), "--at", "2001-01-01T00:00:00Z"});
  EXPECT_EQ(early.code, cli::kExitFailed);
  EXPECT_NE(early.err.find("does not reach back to 2001"), std::string::npos) << early.err;
  EXPECT_EQ(run({"ledger", "export", "--state", folder.file(), "--at", "noon"}).code, cli::kExitUsage);
}

}  // namespace
}  // namespace fairlead
