#pragma once

#include "base/interner.h"
#include "model/cluster/ids.h"
#include "model/pod.h"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::model {

/// A condition on other pods within a domain of a node label, shared by all constraints that say the same.
using TermId = base::StrongId<struct TermTag>;
using TermIds = boost::container::small_vector<TermId, 2>;

/// Which pods a term speaks of.
struct PodTerm {
  std::optional<LabelSelector> selector;
  std::vector<std::string> namespaces;
  std::optional<LabelSelector> namespace_selector;
  std::string topology_key;

  friend auto operator<=>(const PodTerm&, const PodTerm&) = default;
};

/// Pods by how they use a place.
struct PodCounts {
  std::int64_t active = 0;
  std::int64_t leaving = 0;
  std::int64_t reserved = 0;

  /// In the way of a pod that is to start at once.
  std::int64_t there_now() const { return active + leaving + reserved; }
  /// There when everything that leaves has left and every reservation is used.
  std::int64_t there_later() const { return active + reserved; }
};

/// How many pods in each domain a term selects, and how many there keep such pods away or attract them.
/// Counts change with the pods, so that a check costs a look-up and no scan of pods.
class PodTermTable {
 public:
  /// The domain's value of a term's topology key, interned.
  using DomainId = NameId;

  TermId intern(const PodTerm& term);
  std::size_t size() const { return terms_.size(); }
  const PodTerm& at(TermId id) const { return terms_[id.index()].term; }

  bool selects(TermId id, const Pod& pod) const;
  void set_namespace(std::string_view name, const Labels* labels);

  /// The domain of a node for a term; invalid where the node lacks the label.
  DomainId domain(TermId id, const Labels& node_labels) const;
  DomainId intern_domain(TermId id, const Labels& node_labels);

  /// A selected pod comes to (+1) or leaves (-1) a node of a domain.
  void count_selected(TermId id, DomainId domain, NodeId node, std::int64_t PodCounts::* use, int change);
  /// So does a pod that has the term as required anti-affinity.
  void count_keeping_away(TermId id, DomainId domain, std::int64_t PodCounts::* use, int change);
  /// So does a pod that prefers selected pods near by, or (a negative weight) far away.
  void count_attraction(TermId id, DomainId domain, std::int64_t weight);

  PodCounts selected(TermId id, DomainId domain) const {
    return look_up(terms_[id.index()].selected, domain);
  }
  PodCounts selected_on(TermId id, NodeId node) const {
    return look_up(terms_[id.index()].selected_on_node, node);
  }
  /// Over all domains.
  const PodCounts& selected_anywhere(TermId id) const { return terms_[id.index()].selected_total; }
  PodCounts keeping_away(TermId id, DomainId domain) const {
    return look_up(terms_[id.index()].keeping_away, domain);
  }
  /// The sum of weights.
  std::int64_t attraction(TermId id, DomainId domain) const {
    return look_up(terms_[id.index()].attraction, domain);
  }

 private:
  struct Entry {
    PodTerm term;
    boost::unordered_flat_map<DomainId, PodCounts> selected;
    boost::unordered_flat_map<NodeId, PodCounts> selected_on_node;
    boost::unordered_flat_map<DomainId, PodCounts> keeping_away;
    boost::unordered_flat_map<DomainId, std::int64_t> attraction;
    PodCounts selected_total;
  };
  template <class Map, class Key>
  static typename Map::mapped_type look_up(const Map& map, Key key) {
    auto found = map.find(key);
    return found == map.end() ? typename Map::mapped_type() : found->second;
  }

  std::vector<Entry> terms_;
  base::Interner<DomainId> domains_;
  boost::unordered_flat_map<std::string, Labels> namespaces_;
};

PodTerm term_of(const PodAffinityTerm& affinity);
PodTerm term_of(const SpreadConstraint& spread, std::string_view namespace_name);

}  // namespace fairlead::model
