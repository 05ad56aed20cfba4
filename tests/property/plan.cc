#include "plan.h"

#include <string_view>

namespace fairlead::property {
namespace {

using rc::gen::build;
using rc::gen::inRange;
using rc::gen::set;

/// Mostly 0, else [1, end): keeps what is special rare, so that most of a plan is plain.
rc::Gen<int> rarely(int end) {
  return rc::gen::weightedOneOf<int>({{3, rc::gen::just(0)}, {1, inRange(0, end)}});
}

/// A list of at most `most` of them, at least one where `required`.
template <class T>
rc::Gen<std::vector<T>> few(rc::Gen<T> of, int least, int most) {
  return rc::gen::mapcat(inRange(least, most + 1), [of](int count) {
    return rc::gen::container<std::vector<T>>(static_cast<std::size_t>(count), of);
  });
}

rc::Gen<NodePlan> node_plans() {
  return build<NodePlan>(set(&NodePlan::devices, inRange(0, 5)), set(&NodePlan::large, rarely(2)),
                         set(&NodePlan::cpu, rarely(3)), set(&NodePlan::zone, inRange(0, 2)),
                         set(&NodePlan::rack, inRange(0, 2)), set(&NodePlan::pool, inRange(0, 2)),
                         set(&NodePlan::oddity, rarely(kNodeOddities)), set(&NodePlan::listed, rarely(3)),
                         set(&NodePlan::other, rarely(2)), set(&NodePlan::second, rarely(3)));
}

rc::Gen<QueuePlan> queue_plans() {
  return build<QueuePlan>(set(&QueuePlan::parent, inRange(0, 4)), set(&QueuePlan::priority, rarely(3)),
                          set(&QueuePlan::quota, inRange(0, 7)), set(&QueuePlan::limit, rarely(6)),
                          set(&QueuePlan::weight, rarely(4)), set(&QueuePlan::cpu, rarely(3)),
                          set(&QueuePlan::users, rarely(2)), set(&QueuePlan::model, rarely(3)),
                          set(&QueuePlan::runtime, rarely(3)));
}

rc::Gen<GroupPlan> group_plans() {
  return build<GroupPlan>(
      set(&GroupPlan::queue, inRange(0, 5)), set(&GroupPlan::minimum, rarely(4)),
      set(&GroupPlan::more, rarely(3)), set(&GroupPlan::demand, inRange<int>(0, kDemands)),
      set(&GroupPlan::cpu, rarely(3)), set(&GroupPlan::priority, inRange(0, 4)),
      set(&GroupPlan::preemptible, rarely(3)), set(&GroupPlan::parts, rarely(kPartsEnd)),
      set(&GroupPlan::company, rarely(kCompanies)), set(&GroupPlan::user, inRange(0, 2)),
      set(&GroupPlan::topology, rarely(5)), set(&GroupPlan::pickiness, rarely(kPickinesses)),
      set(&GroupPlan::pool, inRange(0, 4)), set(&GroupPlan::running, inRange(0, 7)),
      set(&GroupPlan::node, inRange(0, 4)));
}

rc::Gen<StepPlan> step_plans() {
  return build<StepPlan>(set(&StepPlan::kind, inRange<int>(0, kStepKinds)),
                         set(&StepPlan::subject, inRange(0, 6)), set(&StepPlan::wait, inRange(0, 4)),
                         set(&StepPlan::group, group_plans()));
}

rc::Gen<BudgetPlan> budget_plans() {
  return build<BudgetPlan>(set(&BudgetPlan::family, inRange(0, 3)), set(&BudgetPlan::kind, inRange(0, 5)),
                           set(&BudgetPlan::amount, inRange(0, 4)));
}

rc::Gen<ConfigurationPlan> configuration_plans() {
  return build<ConfigurationPlan>(
      set(&ConfigurationPlan::spread, rarely(4)), set(&ConfigurationPlan::strict, rarely(2)),
      set(&ConfigurationPlan::min_runtime, rarely(3)), set(&ConfigurationPlan::usage, rarely(2)),
      set(&ConfigurationPlan::no_consolidation, rarely(2)), set(&ConfigurationPlan::no_moves, rarely(2)),
      set(&ConfigurationPlan::flat, rarely(2)), set(&ConfigurationPlan::least_lost_work, rarely(2)),
      set(&ConfigurationPlan::depth, rarely(3)), set(&ConfigurationPlan::second, rarely(3)));
}

rc::Gen<std::vector<BudgetPlan>> some_budgets() {
  return rc::gen::weightedOneOf<std::vector<BudgetPlan>>(
      {{3, rc::gen::just(std::vector<BudgetPlan>())}, {1, few(budget_plans(), 1, 2)}});
}

rc::Gen<int> luck() { return rc::gen::weightedOneOf<int>({{2, rc::gen::just(0)}, {1, inRange(0, 16)}}); }

/// Writes the fields that are not 0, as they would be typed.
class Fields {
 public:
  explicit Fields(std::ostream& out) : out_(out) { out_ << "{"; }
  ~Fields() { out_ << "}"; }
  Fields& operator()(std::string_view name, int value) {
    if (value == 0) return *this;
    out_ << (first_ ? "." : ", .") << name << " = " << value;
    first_ = false;
    return *this;
  }

 private:
  std::ostream& out_;
  bool first_ = true;
};

void show(const GroupPlan& group, std::ostream& out) {
  Fields{out}("queue", group.queue)("minimum", group.minimum)("more", group.more)("demand", group.demand)(
      "cpu", group.cpu)("priority", group.priority)("preemptible", group.preemptible)("parts", group.parts)(
      "company", group.company)("user", group.user)("topology", group.topology)("pickiness", group.pickiness)(
      "pool", group.pool)("running", group.running)("node", group.node);
}

}  // namespace

void showValue(const Plan& plan, std::ostream& out) {
  const ConfigurationPlan& c = plan.configuration;
  out << "Plan{.configuration = ";
  Fields{out}("spread", c.spread)("strict", c.strict)("min_runtime", c.min_runtime)("usage", c.usage)(
      "no_consolidation", c.no_consolidation)("no_moves", c.no_moves)("flat", c.flat)(
      "least_lost_work", c.least_lost_work)("depth", c.depth)("second", c.second);
  out << ", .pools = " << plan.pools << ", .complete = " << plan.complete << ",\n.nodes = {";
  for (const NodePlan& node : plan.nodes) {
    Fields{out}("devices", node.devices)("large", node.large)("cpu", node.cpu)("zone", node.zone)(
        "rack", node.rack)("pool", node.pool)("oddity", node.oddity)("listed", node.listed)(
        "other", node.other)("second", node.second);
    out << ", ";
  }
  out << "},\n.queues = {";
  for (const QueuePlan& queue : plan.queues) {
    Fields{out}("parent", queue.parent)("priority", queue.priority)("quota", queue.quota)(
        "limit", queue.limit)("weight", queue.weight)("cpu", queue.cpu)("users", queue.users)(
        "model", queue.model)("runtime", queue.runtime);
    out << ", ";
  }
  out << "},\n.groups = {";
  for (const GroupPlan& group : plan.groups) {
    show(group, out);
    out << ", ";
  }
  out << "},\n.budgets = {";
  for (const BudgetPlan& budget : plan.budgets) {
    Fields{out}("family", budget.family)("kind", budget.kind)("amount", budget.amount);
    out << ", ";
  }
  out << "},\n.steps = {";
  for (const StepPlan& step : plan.steps) {
    out << "{.kind = " << step.kind << ", .subject = " << step.subject << ", .wait = " << step.wait;
    if (step.kind == kSubmit) {
      out << ", .group = ";
      show(step.group, out);
    }
    out << "}, ";
  }
  out << "},\n.luck = {";
  for (const int value : plan.luck) out << value << ", ";
  out << "}}";
}

rc::Gen<Plan> plans() {
  return build<Plan>(set(&Plan::configuration, configuration_plans()), set(&Plan::pools, rarely(2)),
                     set(&Plan::complete, inRange(0, 2)), set(&Plan::nodes, few(node_plans(), 1, 4)),
                     set(&Plan::queues, few(queue_plans(), 1, 5)),
                     set(&Plan::groups, few(group_plans(), 0, 6)), set(&Plan::budgets, some_budgets()),
                     set(&Plan::steps, few(step_plans(), 0, 8)), set(&Plan::luck, few(luck(), 0, 24)));
}

rc::Gen<Plan> still_plans() {
  return build<Plan>(set(&Plan::configuration, configuration_plans()), set(&Plan::complete, inRange(0, 2)),
                     set(&Plan::nodes, few(node_plans(), 1, 3)), set(&Plan::queues, few(queue_plans(), 1, 4)),
                     set(&Plan::groups, few(group_plans(), 0, 4)), set(&Plan::budgets, some_budgets()));
}

}  // namespace fairlead::property
