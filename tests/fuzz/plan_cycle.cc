// What `fairlead plan --cycle` does, for any text: a plan or an error, the same each time, and only of what
// is there.
#include "cli/plan.h"
#include "cli/plan_input.h"
#include "cli/plan_json.h"
#include "demand.h"
#include "engine/engine.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

using namespace fairlead;

namespace {

void demand_possible(const cli::PlanInput& input, const cli::PlanResult& result) {
  std::set<std::string> nodes;
  for (const auto& node : input.cluster.nodes) nodes.insert(node.name);
  std::set<std::size_t> bound;
  for (const auto& bind : result.binds) {
    const auto& pod = input.cluster.pods.at(bind.pod);
    fuzz::demand(nodes.contains(bind.node));
    fuzz::demand(bound.insert(bind.pod).second);
    fuzz::demand(pod.served && !pod.gated && !pod.releasing && pod.phase == model::Pod::Phase::kPending);
  }
  std::set<std::size_t> evicted;
  for (const auto& eviction : result.evictions) {
    const auto& pod = input.cluster.pods.at(eviction.pod);
    fuzz::demand(evicted.insert(eviction.pod).second);
    fuzz::demand(pod.served && pod.phase != model::Pod::Phase::kPending);
  }
  for (const auto& nomination : result.nominations) fuzz::demand(nodes.contains(nomination.node));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto input = cli::read_cycle_input(text, manifest::ReadOptions{});
  if (!input) return 0;
  const auto once = [&] {
    const auto scheduler = engine::make_engine();
    const cli::PlanResult result = cli::plan(*input, *scheduler);
    demand_possible(*input, result);
    return cli::plan_json(input->cluster, result, 0);
  };
  fuzz::demand(once() == once());
  return 0;
}
