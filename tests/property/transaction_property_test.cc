#include "model/cluster/cluster.h"
#include "objects.h"
#include "plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

// Hypotheses on the live state: marks that nest, are rolled back or kept. Whatever is tried, each sum is what
// it is worked out to be from nothing, what is undone is as it was, and what is kept is as if only that had
// been done.

namespace fairlead::property {
namespace {

using model::Cluster;
using model::PodState;

/// One step of a transaction.
enum Step : int { kMark, kRollback, kKeep, kAssign, kEvict };
struct StepChoice {
  int step = kAssign;
  int pod = 0;
  int node = 0;
  int state = 0;
  int devices = 0;
};
void showValue(const StepChoice& choice, std::ostream& out) {
  const char* names[] = {"mark", "roll back", "keep", "assign", "evict"};
  out << names[choice.step] << " pod " << choice.pod << " node " << choice.node << " state " << choice.state
      << " devices " << choice.devices << "; ";
}
rc::Gen<StepChoice> step_choices() {
  using rc::gen::inRange;
  using rc::gen::set;
  return rc::gen::build<StepChoice>(
      set(&StepChoice::step,
          rc::gen::weightedElement<int>({{3, kMark}, {2, kRollback}, {1, kKeep}, {6, kAssign}, {3, kEvict}})),
      set(&StepChoice::pod, inRange(0, 30)), set(&StepChoice::node, inRange(0, 4)),
      set(&StepChoice::state, inRange(0, 5)), set(&StepChoice::devices, inRange(0, 3)));
}

void fill(Cluster& cluster, const Plan& plan) {
  for (const model::Event& event : report_everything(build(plan))) RC_ASSERT(cluster.apply(event).ok());
}

std::string text_of(const Cluster& cluster, const model::Place& place) {
  if (!place.node.valid()) return "nowhere";
  std::string text = cluster.nodes().at(place.node).spec.name;
  for (model::DeviceGroupId group : place.device_groups) text += "+" + cluster.device_group_name(group);
  return text;
}

/// Everything that an assignment changes, as text: where pods are, what nodes have left, what queues hold.
std::string describe(Cluster& cluster) {
  std::string text;
  for (std::size_t i = 0; i < cluster.pod_count(); ++i) {
    const model::PodRecord& pod = cluster.pod(model::PodId(i));
    if (!pod.alive) continue;
    text += fmt::format("{}: state {} on {}, set aside {}\n", pod.spec.uid,
                        static_cast<int>(pod.assignment.state), text_of(cluster, pod.assignment.held),
                        text_of(cluster, pod.assignment.reserved));
  }
  const model::NodeTable& nodes = cluster.nodes();
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    text += nodes.at(model::NodeId(n)).spec.name + ":";
    for (std::size_t r = 0; r < nodes.resource_count(); ++r)
      text += fmt::format(" {}/{}", nodes.now(model::ResourceId(r))[n], nodes.later(model::ResourceId(r))[n]);
    std::vector<std::string> shared;
    for (const model::SharedDevice& device : nodes.at(model::NodeId(n)).shared)
      shared.push_back(fmt::format(" {} {}+{}+{}", cluster.device_group_name(device.group), device.active_mib,
                                   device.leaving_mib, device.reserved_mib));
    std::sort(shared.begin(), shared.end());
    for (const std::string& device : shared) text += device;
    text += "\n";
  }
  for (std::size_t q = 0; q < cluster.queues().size(); ++q) {
    const model::QueueId queue(q);
    text += cluster.queues().at(queue).spec.name + ":";
    for (std::size_t p = 0; p < cluster.pool_count(); ++p)
      for (const model::DimensionAccount& one : cluster.queues().account(model::PoolId(p), queue).dimensions)
        text += fmt::format(" {} {} {}", one.allocated, one.non_preemptible, one.requested);
    for (model::GroupId group : cluster.placed_groups(queue))
      text += " holds " + cluster.group(group).spec.key;
    text += "\n";
  }
  for (std::size_t g = 0; g < cluster.groups().size(); ++g) {
    const model::GroupRecord& group = cluster.group(model::GroupId(g));
    text += fmt::format("{}: {} wait, {} placed\n", group.spec.key, group.waiting(), group.placed());
  }
  return text;
}

/// Puts the pod where the choice says, whether it fits or not: sums are right all the same.
void assign(Cluster& cluster, const StepChoice& choice) {
  if (cluster.pod_count() == 0 || cluster.nodes().size() == 0) return;
  const model::PodId pod(static_cast<std::size_t>(choice.pod) % cluster.pod_count());
  if (!cluster.pod(pod).group.valid()) return;
  model::Place place{model::NodeId(static_cast<std::size_t>(choice.node) % cluster.nodes().size()), {}};
  const model::DeviceRequest& request = cluster.pod(pod).spec.devices;
  if (request.shares_devices())
    for (std::int64_t i = 0; i < request.count; ++i)
      place.device_groups.push_back(
          cluster.new_device_group(fmt::format("device-{}", choice.devices), static_cast<std::size_t>(i)));
  model::Assignment next;
  switch (choice.state) {
    case 0:
      next.state = PodState::kBinding;
      next.held = place;
      break;
    case 1:
      next.state = PodState::kNominated;
      next.reserved = place;
      break;
    case 2:
      if (!cluster.pod(pod).assignment.held.node.valid()) return;
      next.state = PodState::kReleasing;
      next.held = cluster.pod(pod).assignment.held;
      break;
    case 3:
      if (!cluster.pod(pod).assignment.held.node.valid()) return;
      next.state = PodState::kMoved;
      next.held = cluster.pod(pod).assignment.held;
      next.reserved = place;
      break;
    default:
      break;
  }
  cluster.assign(pod, std::move(next));
}

/// Lets one state know the names of all shared devices of another: by a pod that comes and goes. Its ids by
/// those of the other.
std::vector<model::DeviceGroupId> know_device_groups_of(const Cluster& known, Cluster& other) {
  std::vector<model::DeviceGroupId> groups;
  model::Pod passes_by;
  passes_by.uid = "uid-passes-by";
  passes_by.served = false;
  passes_by.phase = model::Pod::Phase::kRunning;
  passes_by.node = "node-0";
  passes_by.devices.kind = model::DeviceRequest::Kind::kFraction;
  passes_by.devices.thousandths = 1;
  std::size_t most = 0;
  for (std::size_t i = 0; i < known.pod_count(); ++i)
    for (const model::Place* place :
         {&known.pod(model::PodId(i)).assignment.held, &known.pod(model::PodId(i)).assignment.reserved})
      for (model::DeviceGroupId group : place->device_groups) most = std::max(most, group.index() + 1);
  for (std::size_t i = 0; i < most; ++i)
    passes_by.device_groups.push_back(known.device_group_name(model::DeviceGroupId(i)));
  passes_by.devices.count = static_cast<std::int64_t>(most);
  if (most == 0) return groups;
  RC_ASSERT(other.apply({other.now(), model::PodUpserted{passes_by}}).ok());
  for (model::DeviceGroupId group : other.pod(other.find_pod(passes_by.uid)).assignment.held.device_groups)
    groups.push_back(group);
  RC_ASSERT(other.apply({other.now(), model::PodRemoved{passes_by.uid}}).ok());
  return groups;
}

void check(Cluster& cluster, const char* when) {
  const std::string differences = cluster.check_sums();
  if (!differences.empty()) RC_FAIL(std::string(when) + ": " + differences);
}

RC_GTEST_PROP(Transactions, AreExactHoweverTheyNest, ()) {
  const Plan plan = *plans();
  const auto choices = *rc::gen::container<std::vector<StepChoice>>(step_choices());
  Cluster cluster;
  fill(cluster, plan);
  check(cluster, "the state as it was told");
  struct Open {
    std::size_t mark;
    std::string before;
  };
  std::vector<Open> open;
  for (const StepChoice& choice : choices) {
    switch (choice.step) {
      case kMark: {
        std::string before = describe(cluster);
        open.push_back({cluster.mark(), std::move(before)});
        break;
      }
      case kRollback:
        if (open.empty()) break;
        cluster.rollback(open.back().mark);
        check(cluster, "after a rollback");
        RC_ASSERT(describe(cluster) == open.back().before);
        break;
      case kKeep:
        if (open.empty()) break;
        cluster.keep(open.back().mark);
        open.pop_back();
        break;
      case kAssign:
        assign(cluster, choice);
        break;
      case kEvict: {
        if (open.empty() || cluster.pod_count() == 0) break;
        const model::PodId pod(static_cast<std::size_t>(choice.pod) % cluster.pod_count());
        if (cluster.pod(pod).assignment.place().node.valid() && cluster.pod(pod).group.valid())
          cluster.evict(pod);
        break;
      }
      default:
        break;
    }
    check(cluster, "after a step");
  }
  while (!open.empty()) {
    cluster.rollback(open.back().mark);
    RC_ASSERT(describe(cluster) == open.back().before);
    cluster.keep(open.back().mark);
    open.pop_back();
  }
  // A state that never saw a hypothesis, given only what was kept.
  Cluster fresh;
  fill(fresh, plan);
  const std::vector<model::DeviceGroupId> groups = know_device_groups_of(cluster, fresh);
  for (std::size_t i = 0; i < cluster.pod_count(); ++i) {
    const model::PodId pod(i);
    model::Assignment kept = cluster.pod(pod).assignment;
    for (model::Place* place : {&kept.held, &kept.reserved})
      for (model::DeviceGroupId& group : place->device_groups) group = groups[group.index()];
    if (!(fresh.pod(pod).assignment == kept)) fresh.assign(pod, std::move(kept));
  }
  RC_ASSERT(describe(fresh) == describe(cluster));
  check(fresh, "the state that was only given what was kept");
}

}  // namespace
}  // namespace fairlead::property
