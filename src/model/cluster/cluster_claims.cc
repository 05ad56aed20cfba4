// What events of claims, and of what drivers offer, change.

#include "model/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::model {

ClassId Cluster::acquire_class(const PodRecord& record) {
  const ClaimNeeds needs = claims_.needs(record.claims);
  std::vector<ResourceId> columns;
  columns.reserve(needs.columns.size() + 1);
  for (const auto& [slot, count] : needs.columns) columns.push_back(claims_.column(slot));
  if (needs.kind != ClaimNeeds::Kind::kNone) columns.push_back(claims_.device_column());
  return classes_.acquire(record.spec, needs, columns, resources_);
}

void Cluster::reclass(PodId id) {
  PodRecord& record = pods_[id.index()];
  charge(id, -1);
  const ClassId before = record.pod_class;
  record.pod_class = acquire_class(record);
  classes_.release(before);
  charge(id, +1);
}

void Cluster::reclass_changed_shapes() {
  if (claims_.shape_version() == claim_shapes_) return;
  claim_shapes_ = claims_.shape_version();
  for (std::size_t i = 0; i < pods_.size(); ++i)
    if (pods_[i].alive && !pods_[i].claims.empty()) reclass(PodId(i));
}

void Cluster::link_claims(PodId id) {
  PodRecord& record = pods_[id.index()];
  for (const std::string& key : record.spec.claims) {
    const ClaimId claim = claims_.intern(key);
    if (std::find(record.claims.begin(), record.claims.end(), claim) != record.claims.end()) continue;
    record.claims.push_back(claim);
    claims_.add_user(claim, id);
  }
}

void Cluster::unlink_claims(PodId id) {
  PodRecord& record = pods_[id.index()];
  for (ClaimId claim : record.claims) claims_.remove_user(claim, id);
  record.claims.clear();
}

void Cluster::settle_claims(PodId id, const ClaimIds& claims) {
  for (ClaimId claim : claims) {
    claims_.count_strangers(claim,
                            [&](PodId user) { return std::string_view(pods_[user.index()].spec.uid); });
    const std::vector<PodId> users = claims_.at(claim).users;
    for (PodId user : users)
      if (user != id) reclass(user);
  }
}

void Cluster::change_claim(ClaimId id, const std::function<void()>& change) {
  const std::vector<PodId> users = claims_.at(id).users;
  for (PodId user : users) charge(user, -1);
  change();
  claims_.count_strangers(id, [&](PodId user) { return std::string_view(pods_[user.index()].spec.uid); });
  for (PodId user : users) {
    PodRecord& record = pods_[user.index()];
    if (record.assignment.held.node.valid())
      record.assignment.held.grants = claims_.told_grants(record.claims, record.assignment.held.grants);
    const ClassId before = record.pod_class;
    record.pod_class = acquire_class(record);
    classes_.release(before);
    charge(user, +1);
  }
  reclass_changed_shapes();
}

base::Result<void> Cluster::apply_body(const DeviceClassUpserted& event) {
  if (event.device_class.name.empty()) return base::invalid_argument("device class has no name");
  claims_.set_class(event.device_class);
  reclass_changed_shapes();
  return {};
}

base::Result<void> Cluster::apply_body(const DeviceClassRemoved& event) {
  if (!claims_.remove_class(event.name))
    return base::not_found(fmt::format("device class {} is not known", event.name));
  reclass_changed_shapes();
  return {};
}

base::Result<void> Cluster::apply_body(const ResourceSliceUpserted& event) {
  if (event.slice.name.empty()) return base::invalid_argument("resource slice has no name");
  claims_.set_slice(event.slice);
  nodes_.add_columns();
  reclass_changed_shapes();
  return {};
}

base::Result<void> Cluster::apply_body(const ResourceSliceRemoved& event) {
  if (!claims_.remove_slice(event.name))
    return base::not_found(fmt::format("resource slice {} is not known", event.name));
  reclass_changed_shapes();
  return {};
}

base::Result<void> Cluster::apply_body(const ResourceClaimUpserted& event) {
  if (event.claim.key.empty()) return base::invalid_argument("resource claim has no key");
  const ClaimId id = claims_.intern(event.claim.key);
  change_claim(id, [&] { claims_.set_claim(id, event.claim); });
  return {};
}

base::Result<void> Cluster::apply_body(const ResourceClaimRemoved& event) {
  const ClaimId id = claims_.find(event.key);
  if (!id.valid() || !claims_.at(id).alive)
    return base::not_found(fmt::format("resource claim {} is not known", event.key));
  change_claim(id, [&] { claims_.remove_claim(id); });
  return {};
}

std::string Cluster::check_claim_sums() const {
  return claims_.check([&](const std::function<void(const PodGrants&, Hold)>& visit) {
    for (const PodRecord& record : pods_) {
      if (!record.alive) continue;
      const Assignment& assignment = record.assignment;
      if (assignment.held.grants)
        visit(*assignment.held.grants, is_leaving(assignment.state) ? Hold::kLeaving : Hold::kActive);
      if (assignment.reserved.grants) visit(*assignment.reserved.grants, Hold::kReserved);
    }
  });
}

}  // namespace fairlead::model
