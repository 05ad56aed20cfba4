#include "engine/place/placement_scorer.h"

#include "engine/place/bin_pack.h"
#include "engine/place/fragmentation_gradient.h"
#include "engine/place/spread.h"

namespace fairlead::engine {

void PlacementScorer::set_expected_workload(std::span<const ExpectedTask> /*tasks*/) {}

std::unique_ptr<PlacementScorer> make_placement_scorer(model::PlacementStrategy strategy) {
  switch (strategy) {
    case model::PlacementStrategy::kBinPack:
      return std::make_unique<BinPackScorer>();
    case model::PlacementStrategy::kSpread:
      return std::make_unique<SpreadScorer>();
    case model::PlacementStrategy::kFragmentationGradient:
      break;
  }
  return std::make_unique<FragmentationGradientScorer>();
}

}  // namespace fairlead::engine
