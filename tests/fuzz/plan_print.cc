// A plan is printed in every form, whatever the cluster holds, and so is the plan of the cycle after it.
#include "base/json_reader.h"
#include "cli/explain.h"
#include "cli/plan.h"
#include "cli/plan_input.h"
#include "cli/plan_json.h"
#include "cli/plan_table.h"
#include "cli/yaml_text.h"
#include "demand.h"
#include "engine/engine.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

using namespace fairlead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = cli::read_cycle_input(std::string_view(reinterpret_cast<const char*>(data), size), {});
  if (!input) return 0;
  // A cluster that a person could have typed; larger ones only cost time.
  if (input->cluster.pods.size() > 200 || input->cluster.nodes.size() > 100) return 0;
  for (int cycle = 0; cycle < 2; ++cycle) {
    auto scheduler = engine::make_engine();
    const cli::PlanResult result = cli::plan(*input, *scheduler);
    base::JsonReader reader;
    const std::string json = cli::plan_json(input->cluster, result, 0);
    auto document = reader.read(json);
    fuzz::demand(document.ok());
    fuzz::demand(!cli::yaml_text(**document).empty());
    fuzz::demand(!cli::plan_table(input->cluster, result, {}).empty());
    if (!input->cluster.groups.empty()) {
      const auto explanation = cli::explain(*input, result, 0, {});
      fuzz::demand(!cli::explanation_text(input->cluster, explanation, cli::Style(), 80).empty());
    }
    *input = cli::next_cycle(std::move(*input), result);
  }
  return 0;
}
