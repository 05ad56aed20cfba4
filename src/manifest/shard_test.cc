#include "manifest/object_text_test.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

TEST(Shards, BecomeTheConfiguration) {
  const ClusterObjects objects = read(
      "apiVersion: kai.scheduler/v1\nkind: SchedulingShard\nmetadata: {name: default}\nspec:\n  "
      "placementStrategy: {gpu: spread, cpu: "
      "binpack}\n  kValue: 0.5\n  minRuntime: {preemptMinRuntime: 5m, reclaimMinRuntime: 1h}\n  args: "
      "{default-staleness-grace-period: 90s, max-consolidation-preemptees: '4', full-hierarchy-fairness: "
      "'false', qps: '50'}\n  plugins: "
      "{minruntime: {arguments: {reclaimResolveMethod: queue}}, proportion: {arguments: "
      "{relcaimerSaturationMultiplier: '1.5'}}, elastic: "
      "{enabled: false}, unheard: {}}\n  queueDepthPerAction: {preempt: 7}\n  usageDBConfig: {usageParams: "
      "{halfLifePeriod: 12h}}\n"
      "---\napiVersion: kai.scheduler/v1\nkind: SchedulingShard\nmetadata: {name: blue}\nspec: "
      "{partitionLabelValue: blue, kValue: 3, "
      "placementStrategy: {gpu: binpack, cpu: spread}}\n");
  ASSERT_TRUE(objects.configuration.has_value());
  const model::Configuration& configuration = *objects.configuration;
  EXPECT_EQ(configuration.usage_weight, 0.5);
  EXPECT_EQ(configuration.preempt_min_runtime, base::Duration::seconds(300));
  EXPECT_EQ(configuration.reclaim_min_runtime, base::Duration::seconds(3600));
  EXPECT_EQ(configuration.reclaim_min_runtime_scope, model::MinRuntimeScope::kQueue);
  EXPECT_EQ(configuration.saturation_multiplier, 1.5);
  EXPECT_EQ(configuration.staleness_grace, base::Duration::seconds(90));
  EXPECT_EQ(configuration.max_consolidation_victims, 4);
  EXPECT_FALSE(configuration.full_hierarchy_fairness);
  EXPECT_FALSE(configuration.policies.elastic);
  EXPECT_EQ(configuration.usage_half_life, base::Duration::seconds(12 * 3600));
  EXPECT_EQ(configuration.queue_depth.at(3), 7);
  // Where devices spread, nothing is moved together.
  EXPECT_TRUE(std::find(configuration.actions.begin(), configuration.actions.end(),
                        model::Action::kConsolidate) == configuration.actions.end());
  ASSERT_EQ(configuration.pools.size(), 2U);
  EXPECT_EQ(configuration.pools[0].placement.devices, model::PlacementStrategy::kSpread);
  EXPECT_EQ(configuration.pools[1].pool, "blue");
  EXPECT_EQ(configuration.pools[1].placement.cpu, model::PlacementStrategy::kSpread);
  const auto warnings = messages(objects, Severity::kWarning);
  EXPECT_EQ(warnings.size(), 4U);  // qps, the plugin, the database, and kValue of the second shard
}

std::string shard(const std::string& name, const std::string& annotations, const std::string& spec) {
  return "---\napiVersion: kai.scheduler/v1\nkind: SchedulingShard\nmetadata: {name: " + name +
         ", annotations: {" + annotations + "}}\nspec: {" + spec + "}\n";
}

TEST(Shards, SetByAnnotationsWhatTheirFieldsHaveNoWordsFor) {
  const ClusterObjects objects = read(
      shard("default", "fairlead.dev/victim-order: least-lost-work, fairlead.dev/restart-cost: 10m", "") +
      shard("blue", "fairlead.dev/queue-discipline: strict", "partitionLabelValue: blue"));
  ASSERT_TRUE(objects.configuration.has_value());
  EXPECT_EQ(messages(objects, Severity::kWarning), std::vector<std::string>{});
  EXPECT_EQ(objects.configuration->victim_order, model::VictimOrder::kLeastLostWork);
  EXPECT_EQ(objects.configuration->restart_cost, base::Duration::seconds(600));
  ASSERT_EQ(objects.configuration->pools.size(), 2U);
  EXPECT_EQ(objects.configuration->pools[0].discipline, model::QueueDiscipline::kSkip);
  EXPECT_EQ(objects.configuration->pools[1].discipline, model::QueueDiscipline::kStrict);
}

TEST(Shards, SayWhichAnnotationCannotBeUsed) {
  const ClusterObjects objects =
      read(shard("default",
                 "fairlead.dev/victim-order: oldest, fairlead.dev/restart-cost: -1m, "
                 "fairlead.dev/queue-discipline: fifo",
                 "") +
           shard("blue", "fairlead.dev/victim-order: least-lost-work", "partitionLabelValue: blue"));
  ASSERT_TRUE(objects.configuration.has_value());
  EXPECT_EQ(objects.configuration->victim_order, model::VictimOrder::kNewestFirst);
  EXPECT_EQ(objects.configuration->restart_cost, base::Duration::seconds(60));
  const auto errors = messages(objects, Severity::kError);
  ASSERT_EQ(errors.size(), 3U);
  EXPECT_NE(errors[0].find("write skip or strict"), std::string::npos) << errors[0];
  EXPECT_NE(errors[1].find("write newest-first or least-lost-work"), std::string::npos) << errors[1];
  EXPECT_NE(errors[2].find("write a duration such as 10m"), std::string::npos) << errors[2];
  EXPECT_EQ(messages(objects, Severity::kWarning).size(), 1U);
}

TEST(RunConfiguration, TakesWhatKaisHasNoWordsFor) {
  std::vector<Diagnostic> diagnostics;
  const model::Configuration configuration = read_run_configuration(
      R"({"victim_order":"least-lost-work","restart_cost":"5m","queue_discipline":"strict"})", diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_EQ(configuration.victim_order, model::VictimOrder::kLeastLostWork);
  EXPECT_EQ(configuration.restart_cost, base::Duration::seconds(300));
  ASSERT_EQ(configuration.pools.size(), 1U);
  EXPECT_EQ(configuration.pools[0].discipline, model::QueueDiscipline::kStrict);
  read_run_configuration(R"({"victim_order":7})", diagnostics);
  EXPECT_EQ(diagnostics.size(), 1U);
}

}  // namespace
}  // namespace fairlead::manifest
