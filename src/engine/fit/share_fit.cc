#include "engine/fit/share_fit.h"

#include "engine/fit/node_fit.h"

namespace fairlead::engine {

bool ShareFit::turn_to(model::Cluster& cluster, model::PodId pod, const PodConstraints& constraints) {
  const model::PodRecord& record = cluster.pod(pod);
  const model::PodClass& pod_class = cluster.pod_class(record.pod_class);
  if (!pod_class.key.devices.shares_devices() || constraints.any() || !record.claims.empty() ||
      record.assignment.state == model::PodState::kEvicted) {
    return false;
  }
  const std::size_t id = record.pod_class.index();
  if (columns_.size() <= id) columns_.resize(id + 1);
  column_ = &columns_[id];
  if (column_->generation != pod_class.generation ||
      column_->configuration != cluster.configuration_version()) {
    *column_ = {pod_class.generation, cluster.configuration_version(), {}};
  }
  column_->entries.resize(cluster.nodes().size());
  cluster_ = &cluster;
  pod_ = pod;
  return true;
}

const ShareFit::Entry& ShareFit::of(model::NodeId node, const StaticFit::Entry& entry,
                                    PodConstraints& constraints) {
  Entry& kept = column_->entries[node.index()];
  const std::uint64_t version = cluster_->nodes().version_of(node);
  if (kept.version == version) return kept;
  kept.version = version;
  kept.now = !refusal(*cluster_, entry, constraints, pod_, node, When::kNow);
  kept.later = !refusal(*cluster_, entry, constraints, pod_, node, When::kLater);
  kept.joins = (kept.now || kept.later) && fits_on_shared_device(*cluster_, cluster_->class_of(pod_), node);
  return kept;
}

}  // namespace fairlead::engine
