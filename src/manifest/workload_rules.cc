#include "manifest/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace fairlead::manifest {
namespace {

constexpr std::int32_t kNotPreemptibleFrom = 100;
constexpr std::size_t kLongestName = 63;

bool is_dns_label(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > kLongestName || !plain(name.front()) || !plain(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
}

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// Problems are written as "field: what is wrong; remedy" and taken apart at the end.
std::optional<std::string> problem_of_role(const model::WorkloadRole& role, const std::string& at) {
  if (!is_dns_label(role.name))
    return fmt::format("{}name: \"{}\" is not a name; write lower-case letters, digits and dashes", at,
                       role.name);
  if (role.command.empty() && role.arguments.empty())
    return fmt::format("{}command: is missing; write the program and its arguments", at);
  if (!role.command.empty() && role.command.front().empty())
    return fmt::format("{}command: begins with an empty text; write the program", at);
  for (const auto& [name, value] : role.environment) {
    if (!is_variable_name(name))
      return fmt::format("{}environment: \"{}\" is not a variable's name; write letters, digits and _", at,
                         name);
    if (value.find('\0') != std::string::npos)
      return fmt::format("{}environment.{}: holds a zero byte; remove it", at, name);
  }
  for (const auto* list : {&role.command, &role.arguments})
    for (const std::string& word : *list)
      if (word.find('\0') != std::string::npos)
        return fmt::format("{}command: holds a zero byte; remove it", at);
  if (role.minimum_replicas > role.replicas)
    return fmt::format("{}minimumReplicas: {} is more than the {} replicas; lower it", at,
                       role.minimum_replicas, role.replicas);
  return std::nullopt;
}

std::optional<std::string> problem_of_service(const model::ServiceSpec& service) {
  if (service.maximum_replicas < 1) return "spec.service.maximumReplicas: 0 serves nothing; write 1 or more";
  if (service.minimum_replicas > service.maximum_replicas)
    return fmt::format("spec.service.minimumReplicas: {} is more than the maximum {}; lower it",
                       service.minimum_replicas, service.maximum_replicas);
  if (service.initial_replicas > service.maximum_replicas ||
      service.initial_replicas < service.minimum_replicas)
    return fmt::format("spec.service.initialReplicas: {} is not between minimum and maximum; write {} to {}",
                       service.initial_replicas, service.minimum_replicas, service.maximum_replicas);
  if (!(service.target > 0))
    return "spec.service.target: is not above 0; write what one replica should carry";
  if (service.minimum_replicas == 0 && service.metric == model::ScaleMetric::kLatencyP95)
    return "spec.service.metric: latency-p95 cannot wake a service; write concurrency or requests-per-second";
  if (service.health_path.empty() || service.health_path.front() != '/')
    return fmt::format("spec.service.healthPath: \"{}\" is not a path; begin it with /", service.health_path);
  return std::nullopt;
}

}  // namespace

const std::vector<WorkloadPriority>& workload_priorities() {
  static const std::vector<WorkloadPriority> table = {{"very-low", 25},
                                                      {"low", 40},
                                                      {"train", 50},
                                                      {"medium-low", 65},
                                                      {"interactive-preemptible", 75},
                                                      {"medium", 80},
                                                      {"medium-high", 90},
                                                      {"build", 100},
                                                      {"inference", 125},
                                                      {"high", 125},
                                                      {"very-high", 150}};
  return table;
}

std::string_view default_priority(model::WorkloadKind kind) {
  switch (kind) {
    case model::WorkloadKind::kWorkspace:
      return "high";
    case model::WorkloadKind::kTraining:
      return "low";
    case model::WorkloadKind::kInference:
      return "very-high";
  }
  return "low";
}

std::int32_t priority_value(const model::Workload& workload) {
  const std::string_view name =
      workload.priority.empty() ? default_priority(workload.kind) : std::string_view(workload.priority);
  for (const WorkloadPriority& priority : workload_priorities())
    if (priority.name == name) return priority.value;
  return 0;
}

bool is_preemptible(const model::Workload& workload) {
  return workload.preemptible.value_or(priority_value(workload) < kNotPreemptibleFrom);
}

std::string_view workload_kind_name(model::WorkloadKind kind) {
  static constexpr std::array<std::string_view, 3> kNames = {"workspace", "training", "inference"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<model::WorkloadKind> workload_kind_named(std::string_view name) {
  for (const auto kind :
       {model::WorkloadKind::kWorkspace, model::WorkloadKind::kTraining, model::WorkloadKind::kInference})
    if (name == workload_kind_name(kind)) return kind;
  return std::nullopt;
}

std::string_view scale_metric_name(model::ScaleMetric metric) {
  static constexpr std::array<std::string_view, 3> kNames = {"concurrency", "requests-per-second",
                                                             "latency-p95"};
  return kNames[static_cast<std::size_t>(metric)];
}

namespace {

std::optional<std::string> first_problem(const model::Workload& workload) {
  if (!is_dns_label(workload.name))
    return fmt::format(
        "metadata.name: \"{}\" is not a name; write up to 63 lower-case letters, digits and dashes",
        workload.name.substr(0, kLongestName));
  if (workload.project.empty()) return "spec.project: is missing; name the project that it is charged to";
  const auto& priorities = workload_priorities();
  if (!workload.priority.empty() &&
      std::none_of(priorities.begin(), priorities.end(),
                   [&](const WorkloadPriority& one) { return one.name == workload.priority; }))
    return fmt::format(
        "spec.priority: \"{}\" is not a priority; write very-low, low, medium-low, medium, medium-high, high "
        "or "
        "very-high",
        workload.priority);
  if (workload.roles.empty()) return "spec.roles: is empty; write at least one role";
  std::set<std::string> names;
  std::int64_t replicas = 0;
  for (std::size_t i = 0; i < workload.roles.size(); ++i) {
    const bool only = workload.roles.size() == 1;
    if (auto problem = problem_of_role(workload.roles[i], only ? "spec." : fmt::format("spec.roles[{}].", i)))
      return problem;
    if (!names.insert(workload.roles[i].name).second)
      return fmt::format("spec.roles[{}].name: \"{}\" is there twice; give each role a name of its own", i,
                         workload.roles[i].name);
    replicas += workload.roles[i].replicas;
  }
  if (replicas < 1 && !workload.service) return "spec.replicas: there are none; write 1 or more";
  if (workload.service && workload.kind != model::WorkloadKind::kInference)
    return "spec.service: stands in a workload that is not inference; write kind: inference or remove it";
  if (workload.service && workload.roles.size() != 1)
    return "spec.roles: a service has one role; remove the others";
  if (!workload.ports.empty() && workload.kind != model::WorkloadKind::kWorkspace)
    return "spec.ports: only a workspace has ports; write kind: workspace or remove them";
  for (const auto& [variable, secret] : workload.secrets)
    if (!is_variable_name(variable) || secret.empty())
      return fmt::format("spec.secrets: \"{}\" is not a variable's name; write VARIABLE: name-of-a-secret",
                         variable);
  for (const std::string& name : workload.after)
    if (name == workload.name) return "spec.after: names the workload itself; remove it";
  if (workload.service) return problem_of_service(*workload.service);
  return std::nullopt;
}

}  // namespace

std::optional<WorkloadProblem> problem_of(const model::Workload& workload) {
  const std::optional<std::string> sentence = first_problem(workload);
  if (!sentence) return std::nullopt;
  const std::size_t colon = sentence->find(": ");
  const std::size_t semicolon = sentence->rfind("; ");
  return WorkloadProblem{sentence->substr(0, colon), sentence->substr(colon + 2, semicolon - colon - 2),
                         sentence->substr(semicolon + 2)};
}

}  // namespace fairlead::manifest
