#include "engine/fair_share.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fairlead::property {
namespace {

using model::Bound;

constexpr std::int64_t kPiece = 1000;

struct SiblingPlan {
  int deserved = 0;  ///< half devices; 20: unlimited
  int limit = 0;     ///< 0: none; else half devices
  int request = 0;   ///< quarters of a device
  int weight = 0;    ///< tenths
  int usage = 0;     ///< sixteenths
  int priority = 0;
  int age = 0;
};

void showValue(const SiblingPlan& plan, std::ostream& out) {
  out << "{" << plan.deserved << ", " << plan.limit << ", " << plan.request << ", " << plan.weight << ", "
      << plan.usage << ", " << plan.priority << ", " << plan.age << "}";
}

rc::Gen<std::vector<SiblingPlan>> sibling_plans() {
  using rc::gen::inRange;
  using rc::gen::set;
  return rc::gen::resize(
      8, rc::gen::container<std::vector<SiblingPlan>>(rc::gen::build<SiblingPlan>(
             set(&SiblingPlan::deserved, inRange(0, 21)), set(&SiblingPlan::limit, inRange(0, 15)),
             set(&SiblingPlan::request, inRange(0, 60)), set(&SiblingPlan::weight, inRange(0, 31)),
             set(&SiblingPlan::usage, inRange(0, 17)), set(&SiblingPlan::priority, inRange(0, 3)),
             set(&SiblingPlan::age, inRange(0, 3)))));
}

/// The siblings, and what one call made of them.
struct Divided {
  explicit Divided(const std::vector<SiblingPlan>& plans) {
    for (std::size_t i = 0; i < plans.size(); ++i) uids.push_back("uid-" + std::to_string(i));
    for (std::size_t i = 0; i < plans.size(); ++i) {
      engine::Sibling sibling;
      sibling.deserved = plans[i].deserved == 20 ? Bound::unlimited() : Bound::of(plans[i].deserved * 500);
      if (plans[i].limit != 0) sibling.limit = Bound::of(plans[i].limit * 500);
      sibling.request = plans[i].request * 250;
      sibling.over_quota_weight = plans[i].weight / 10.0;
      sibling.usage = plans[i].usage / 16.0;
      sibling.priority = plans[i].priority;
      sibling.created = base::Time::from_unix_seconds(plans[i].age);
      sibling.uid = uids[i];
      siblings.push_back(sibling);
    }
  }

  void divide(std::int64_t total, double k) {
    engine::FairShareScratch scratch;
    shares.assign(siblings.size(), 0);
    remaining = engine::divide_fairly(siblings, total, kPiece, k, scratch, shares);
  }

  std::int64_t requestable(std::size_t i) const {
    return siblings[i].limit.is_unlimited() ? siblings[i].request
                                            : std::min(siblings[i].limit.amount(), siblings[i].request);
  }
  std::int64_t guaranteed(std::size_t i, std::int64_t total) const {
    return std::min(siblings[i].deserved.is_unlimited() ? total : siblings[i].deserved.amount(),
                    requestable(i));
  }

  std::vector<std::string> uids;
  std::vector<engine::Sibling> siblings;
  std::vector<std::int64_t> shares;
  std::int64_t remaining = 0;
};

std::int64_t total() { return *rc::gen::inRange(0, 100) * 250; }
double k() { return *rc::gen::inRange(0, 5) / 2.0; }

RC_GTEST_PROP(FairShareProperty, NothingIsLostOrMade, ()) {
  Divided divided(*sibling_plans());
  const std::int64_t amount = total();
  divided.divide(amount, k());
  std::int64_t given = 0;
  std::int64_t guaranteed = 0;
  for (std::size_t i = 0; i < divided.shares.size(); ++i) {
    given += divided.shares[i];
    guaranteed += divided.guaranteed(i, amount);
  }
  RC_ASSERT(given + divided.remaining == std::max(amount, guaranteed));
  RC_ASSERT(divided.remaining >= 0);
}

RC_GTEST_PROP(FairShareProperty, EachGetsWhatItDeservesAndLessThanAPieceTooMuch, ()) {
  Divided divided(*sibling_plans());
  const std::int64_t amount = total();
  divided.divide(amount, k());
  for (std::size_t i = 0; i < divided.shares.size(); ++i) {
    const std::int64_t guaranteed = divided.guaranteed(i, amount);
    RC_ASSERT(divided.shares[i] >= guaranteed);
    RC_ASSERT(divided.shares[i] < std::max<std::int64_t>(1, divided.requestable(i) + kPiece));
    if (divided.siblings[i].over_quota_weight == 0) RC_ASSERT(divided.shares[i] == guaranteed);
    if (guaranteed == divided.requestable(i)) RC_ASSERT(divided.shares[i] == guaranteed);
  }
}

RC_GTEST_PROP(FairShareProperty, WithoutHistoryNothingRemainsWhileSomebodyWithWeightWaits, ()) {
  Divided divided(*sibling_plans());
  divided.divide(total(), 0);
  const auto waits = [&](std::size_t i) {
    return divided.siblings[i].over_quota_weight > 0 && divided.shares[i] < divided.requestable(i);
  };
  for (std::size_t i = 0; i < divided.shares.size(); ++i) {
    if (waits(i)) RC_ASSERT(divided.remaining == 0);
  }
}

RC_GTEST_PROP(FairShareProperty, OrderOfTheInputDoesNotMatter, ()) {
  std::vector<SiblingPlan> plans = *sibling_plans();
  Divided divided(plans);
  const std::int64_t amount = total();
  const double weight = k();
  divided.divide(amount, weight);
  Divided reversed(plans);
  std::reverse(reversed.siblings.begin(), reversed.siblings.end());
  reversed.divide(amount, weight);
  std::reverse(reversed.shares.begin(), reversed.shares.end());
  RC_ASSERT(reversed.shares == divided.shares);
}

RC_GTEST_PROP(FairShareProperty, ABucketOfLowerPriorityTakesNothingFromAHigherOne, ()) {
  std::vector<SiblingPlan> plans = *sibling_plans();
  for (SiblingPlan& plan : plans) plan.deserved = 0;
  Divided together(plans);
  const std::int64_t amount = total();
  together.divide(amount, 0);
  std::vector<SiblingPlan> high;
  std::vector<std::size_t> where;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].priority != 2) continue;
    high.push_back(plans[i]);
    where.push_back(i);
  }
  Divided alone(high);
  alone.divide(amount, 0);
  for (std::size_t i = 0; i < high.size(); ++i) {
    // The pieces that cutting leaves over are handed out after all buckets had their turn.
    RC_ASSERT(alone.shares[i] - together.shares[where[i]] <= kPiece);
    RC_ASSERT(alone.shares[i] - together.shares[where[i]] >= -kPiece);
  }
}

}  // namespace
}  // namespace fairlead::property
