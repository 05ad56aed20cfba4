#include "model/cluster/pod_terms.h"

#include <algorithm>

namespace fairlead::model {

TermId PodTermTable::intern(const PodTerm& term) {
  auto found =
      std::find_if(terms_.begin(), terms_.end(), [&](const Entry& entry) { return entry.term == term; });
  if (found != terms_.end()) return TermId(static_cast<std::size_t>(found - terms_.begin()));
  terms_.emplace_back().term = term;
  return TermId(terms_.size() - 1);
}

bool PodTermTable::selects(TermId id, const Pod& pod) const {
  const PodTerm& term = terms_[id.index()].term;
  if (!term.selector || !matches(*term.selector, pod.labels)) return false;
  if (std::find(term.namespaces.begin(), term.namespaces.end(), pod.namespace_name) != term.namespaces.end())
    return true;
  if (!term.namespace_selector) return false;
  auto labels = namespaces_.find(pod.namespace_name);
  return matches(*term.namespace_selector, labels == namespaces_.end() ? Labels() : labels->second);
}

void PodTermTable::set_namespace(std::string_view name, const Labels* labels) {
  if (labels) {
    namespaces_[std::string(name)] = *labels;
  } else {
    namespaces_.erase(std::string(name));
  }
}

PodTermTable::DomainId PodTermTable::domain(TermId id, const Labels& node_labels) const {
  auto value = find_label(node_labels, at(id).topology_key);
  return value ? domains_.find(*value).value_or(DomainId()) : DomainId();
}

PodTermTable::DomainId PodTermTable::intern_domain(TermId id, const Labels& node_labels) {
  auto value = find_label(node_labels, at(id).topology_key);
  return value ? domains_.intern(*value) : DomainId();
}

void PodTermTable::count_selected(TermId id, DomainId domain, NodeId node, std::int64_t PodCounts::* use,
                                  int change) {
  Entry& entry = terms_[id.index()];
  entry.selected_on_node[node].*use += change;
  entry.selected_total.*use += change;
  if (domain.valid()) entry.selected[domain].*use += change;
}

void PodTermTable::count_keeping_away(TermId id, DomainId domain, std::int64_t PodCounts::* use, int change) {
  if (domain.valid()) terms_[id.index()].keeping_away[domain].*use += change;
}

void PodTermTable::count_attraction(TermId id, DomainId domain, std::int64_t weight) {
  if (domain.valid()) terms_[id.index()].attraction[domain] += weight;
}

PodTerm term_of(const PodAffinityTerm& affinity) {
  return {affinity.selector, affinity.namespaces, affinity.namespace_selector, affinity.topology_key};
}

PodTerm term_of(const SpreadConstraint& spread, std::string_view namespace_name) {
  return {spread.selector, {std::string(namespace_name)}, std::nullopt, spread.topology_key};
}

}  // namespace fairlead::model
