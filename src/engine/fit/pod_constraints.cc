#include "engine/fit/pod_constraints.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

using model::NodeReason;
using Domain = model::PodTermTable::DomainId;

bool overlaps(const model::HostPort& a, const model::HostPort& b) {
  return a.port == b.port && a.protocol == b.protocol && (a.ip.empty() || b.ip.empty() || a.ip == b.ip);
}

/// Whether a node's pods count for a spread constraint of a pod.
bool counts_node(const model::Constraints& constraints, const model::SpreadConstraint& spread,
                 const model::Node& node) {
  if (spread.honor_node_affinity) {
    for (const auto& [key, value] : constraints.node_selector)
      if (model::find_label(node.labels, key) != std::optional<std::string_view>(value)) return false;
    const auto& terms = constraints.required_nodes;
    if (constraints.has_required_nodes && std::none_of(terms.begin(), terms.end(), [&](const auto& term) {
          return model::matches(term, node.labels, node.name);
        }))
      return false;
  }
  if (!spread.honor_node_taints) return true;
  const auto& tolerations = constraints.tolerations;
  return std::all_of(node.taints.begin(), node.taints.end(), [&](const model::Taint& taint) {
    return taint.effect == model::Taint::Effect::kPreferNoSchedule ||
           std::any_of(tolerations.begin(), tolerations.end(),
                       [&](const auto& one) { return model::tolerates(one, taint); });
  });
}

}  // namespace

PodConstraints::PodConstraints(const model::Cluster& cluster, model::PodId pod, Series series)
    : cluster_(cluster), pod_(pod), record_(cluster.pod(pod)), series_(series) {
  any_ = !record_.exclusions.empty();
  if (!cluster.configuration().policies.filters && !cluster.configuration().policies.pod_affinity) return;
  any_ = any_ || !record_.selected_by.empty() || !record_.needs_near.empty() || !record_.keeps_away.empty() ||
         !record_.spreads_over.empty() || !record_.prefers.empty() ||
         !record_.spec.constraints.host_ports.empty();
}

std::optional<NodeReason> PodConstraints::refusal(model::NodeId node, When when) {
  if (excluded(node)) return NodeReason::kExcludedAfterFailure;
  if (!cluster_.configuration().policies.filters) return std::nullopt;
  const model::Labels& labels = cluster_.nodes().at(node).spec.labels;
  if (host_port_taken(node, when)) return NodeReason::kHostPort;
  if (!affinity_met(labels, when)) return NodeReason::kPodAffinity;
  if (anti_affinity_violated(labels, when)) return NodeReason::kPodAntiAffinity;
  if (spread_violated(labels, when)) return NodeReason::kSpread;
  return std::nullopt;
}

bool PodConstraints::excluded(model::NodeId node) const {
  return std::any_of(
      record_.exclusions.begin(), record_.exclusions.end(), [&](const model::Exclusion& exclusion) {
        return exclusion.until > cluster_.now() && (!exclusion.node.valid() || exclusion.node == node);
      });
}

bool PodConstraints::host_port_taken(model::NodeId node, When when) const {
  const auto& wanted = record_.spec.constraints.host_ports;
  if (wanted.empty()) return false;
  for (const model::NodeRecord::Entry& entry : cluster_.nodes().at(node).pods) {
    if (entry.pod == pod_) continue;
    const model::PodRecord& other = cluster_.pod(entry.pod);
    if (when == When::kLater && !entry.reserved && model::is_leaving(other.assignment.state)) continue;
    for (const model::HostPort& a : wanted)
      for (const model::HostPort& b : other.spec.constraints.host_ports)
        if (overlaps(a, b)) return true;
  }
  return false;
}

bool PodConstraints::affinity_met(const model::Labels& labels, When when) const {
  if (record_.needs_near.empty()) return true;
  const model::PodTermTable& terms = cluster_.terms();
  // What is only reserved supports a pod that waits as well, but not one that starts at once.
  auto support = [&](const model::PodCounts& counts) {
    return when == When::kNow ? counts.active : counts.there_later();
  };
  bool all_met = true;
  bool anyone = false;
  bool first_of_series = true;
  for (model::TermId term : record_.needs_near) {
    const Domain domain = terms.domain(term, labels);
    all_met = all_met && domain.valid() && support(terms.selected(term, domain)) > 0;
    anyone = anyone || support(terms.selected_anywhere(term)) > 0;
    first_of_series = first_of_series && terms.selects(term, record_.spec) &&
                      model::find_label(labels, terms.at(term).topology_key).has_value();
  }
  return all_met || (first_of_series && (!anyone || series_ == Series::kStays));
}

std::int64_t PodConstraints::in_the_way(const model::PodCounts& counts, model::TermId term, Domain domain,
                                        When when) const {
  if (when == When::kLater) return counts.there_later();
  // A victim that may come back is counted where it leaves; it is not in its own way.
  const model::Assignment& assignment = record_.assignment;
  std::int64_t own = 0;
  if (model::is_leaving(assignment.state) && assignment.held.node.valid() &&
      cluster_.terms().domain(term, cluster_.nodes().at(assignment.held.node).spec.labels) == domain)
    own = 1;
  return counts.there_now() - own;
}

bool PodConstraints::anti_affinity_violated(const model::Labels& labels, When when) const {
  const model::PodTermTable& terms = cluster_.terms();
  for (model::TermId term : record_.keeps_away) {
    const Domain domain = terms.domain(term, labels);
    if (!domain.valid()) continue;
    model::PodCounts counts = terms.selected(term, domain);
    const bool selects_itself =
        std::find(record_.selected_by.begin(), record_.selected_by.end(), term) != record_.selected_by.end();
    if ((selects_itself       ? in_the_way(counts, term, domain, when)
         : when == When::kNow ? counts.there_now()
                              : counts.there_later()) > 0)
      return true;
  }
  for (model::TermId term : record_.selected_by) {
    const Domain domain = terms.domain(term, labels);
    if (!domain.valid()) continue;
    model::PodCounts counts = terms.keeping_away(term, domain);
    const bool keeps_itself_away =
        std::find(record_.keeps_away.begin(), record_.keeps_away.end(), term) != record_.keeps_away.end();
    if ((keeps_itself_away    ? in_the_way(counts, term, domain, when)
         : when == When::kNow ? counts.there_now()
                              : counts.there_later()) > 0)
      return true;
  }
  return false;
}

void PodConstraints::count_spread(When when) {
  std::vector<Spread>& counted = spread_[static_cast<std::size_t>(when)].emplace();
  const auto& constraints = record_.spec.constraints;
  const model::PodTermTable& terms = cluster_.terms();
  for (std::size_t i = 0; i < constraints.spread.size(); ++i) {
    Spread& spread = counted.emplace_back();
    const model::TermId term = record_.spreads_over[i];
    spread.counts_itself = terms.selects(term, record_.spec);
    for (std::size_t n = 0; n < cluster_.nodes().size(); ++n) {
      const model::NodeId node(n);
      const model::NodeRecord& on = cluster_.nodes().at(node);
      if (!on.alive || !counts_node(constraints, constraints.spread[i], on.spec)) continue;
      auto value = model::find_label(on.spec.labels, constraints.spread[i].topology_key);
      if (!value) continue;
      const model::PodCounts counts = terms.selected_on(term, node);
      std::int64_t pods = when == When::kNow ? counts.there_now() : counts.there_later();
      const model::Assignment& own = record_.assignment;
      if (when == When::kNow && spread.counts_itself && model::is_leaving(own.state) && own.held.node == node)
        --pods;
      // A value that no pod was ever counted in has no id; one that never changes is enough for all of those.
      spread.pods[terms.domain(term, on.spec.labels)] += pods;
      spread.domains.insert(*value);
    }
    spread.least = INT64_MAX;
    for (const auto& [domain, pods] : spread.pods) spread.least = std::min(spread.least, pods);
    if (static_cast<std::int32_t>(spread.domains.size()) < constraints.spread[i].min_domains ||
        spread.pods.empty())
      spread.least = 0;
  }
}

bool PodConstraints::spread_violated(const model::Labels& labels, When when) {
  if (record_.spreads_over.empty()) return false;
  auto& counted = spread_[static_cast<std::size_t>(when)];
  if (!counted) count_spread(when);
  for (std::size_t i = 0; i < record_.spreads_over.size(); ++i) {
    const model::SpreadConstraint& constraint = record_.spec.constraints.spread[i];
    if (!constraint.required) continue;
    if (!model::find_label(labels, constraint.topology_key)) return true;
    const Spread& spread = (*counted)[i];
    auto found = spread.pods.find(cluster_.terms().domain(record_.spreads_over[i], labels));
    const std::int64_t here = found == spread.pods.end() ? 0 : found->second;
    if (here + (spread.counts_itself ? 1 : 0) - spread.least > constraint.max_skew) return true;
  }
  return false;
}

std::int64_t PodConstraints::score(model::NodeId node) const {
  if (!cluster_.configuration().policies.pod_affinity) return 0;
  const model::Labels& labels = cluster_.nodes().at(node).spec.labels;
  const model::PodTermTable& terms = cluster_.terms();
  std::int64_t score = 0;
  // Requirements are among the preferences (so that they attract others) but do not score for the pod itself.
  const std::size_t requirements = record_.needs_near.size();
  for (std::size_t i = 0; i + requirements < record_.prefers.size(); ++i) {
    const auto& [term, weight] = record_.prefers[i];
    const Domain domain = terms.domain(term, labels);
    if (domain.valid()) score += weight * terms.selected(term, domain).there_later();
  }
  for (model::TermId term : record_.selected_by) {
    const Domain domain = terms.domain(term, labels);
    if (domain.valid()) score += terms.attraction(term, domain);
  }
  return score;
}

}  // namespace fairlead::engine
