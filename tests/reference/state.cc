#include "reference/state.h"

#include "reference/claims.h"

#include <tuple>

namespace fairlead::reference {
namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Task order: task-priority label, leaders, creation, UID.
bool task_before(const model::Configuration& configuration, const model::Pod* a, const model::Pod* b) {
  auto rank = [&](const model::Pod* pod) {
    bool ordered = configuration.policies.task_order;
    return std::tuple(ordered ? -pod->task_priority : 0, ordered && pod->leader ? 0 : 1, pod->created,
                      std::cref(pod->uid).get());
  };
  return rank(a) < rank(b);
}

Part make_part(const model::PodGroup& group, const model::SubGroup& sub_group) {
  Part part;
  part.name = lower(sub_group.name);
  part.min_member = sub_group.min_member;
  part.min_sub_group = sub_group.min_sub_group;
  part.topology = sub_group.topology;
  for (const model::SubGroup& child : group.sub_groups)
    if (!child.parent.empty() && lower(child.parent) == part.name)
      part.children.push_back(make_part(group, child));
  part.leaf = part.children.empty();
  return part;
}

Part* find_leaf(Part& part, const std::string& name) {
  if (part.leaf) return part.name == name ? &part : nullptr;
  for (Part& child : part.children)
    if (Part* found = find_leaf(child, name)) return found;
  return nullptr;
}

/// A group without sub-groups has one leaf; pods of no known sub-group are a leaf without a minimum.
Part make_tree(const model::PodGroup& group, const std::vector<const model::Pod*>& pods) {
  Part root;
  root.leaf = false;
  if (!group.sub_groups.empty()) root.min_sub_group = group.min_sub_group;
  root.topology = group.topology;
  for (const model::SubGroup& sub_group : group.sub_groups)
    if (sub_group.parent.empty()) root.children.push_back(make_part(group, sub_group));
  if (root.children.empty()) root.children.emplace_back().min_member = group.min_member;
  for (const model::Pod* pod : pods) {
    Part* leaf = group.sub_groups.empty() ? &root.children.front() : find_leaf(root, lower(pod->sub_group));
    if (!leaf) {
      leaf = &root.children.emplace_back();
      leaf->name = lower(pod->sub_group);
    }
    leaf->pods.push_back(pod);
  }
  return root;
}

bool queue_reaches_root(const World& world, const std::string& name) {
  std::string at = name;
  for (std::size_t steps = 0; steps <= world.queues.size(); ++steps) {
    auto queue = world.queues.find(at);
    if (queue == world.queues.end()) return false;
    if (queue->second.parent.empty()) return true;
    at = queue->second.parent;
  }
  return false;
}

bool is_parent(const World& world, const std::string& name) {
  return std::any_of(world.queues.begin(), world.queues.end(),
                     [&](const auto& entry) { return entry.second.parent == name; });
}

/// In a queue that is fair between users each user has a leaf "QUEUE/USER".
const model::Queue& user_queue(Facts& facts, const std::string& queue, const std::string& user) {
  std::string name = queue + "/" + user;
  model::Queue& object = facts.user_queues[name];
  object.name = object.uid = name;
  object.parent = queue;
  return object;
}

void make_queues(const World& world, Facts& facts) {
  bool flat = !world.configuration.full_hierarchy_fairness;
  for (const auto& [name, queue] : world.queues)
    if (queue_reaches_root(world, name))
      facts.queues[name] = {.object = &queue, .parent = flat ? "" : queue.parent, .children = {}};
  for (const auto& [key, group] : world.groups) {
    auto queue = world.queues.find(group.queue);
    if (queue == world.queues.end() || !queue->second.fair_between_users || is_parent(world, group.queue) ||
        !queue_reaches_root(world, group.queue))
      continue;
    const model::Queue& leaf = user_queue(facts, group.queue, group.user);
    facts.queues[leaf.name] = {.object = &leaf, .of_user = true, .parent = leaf.parent, .children = {}};
  }
  std::vector<const model::Queue*> order;
  for (const auto& [name, queue] : facts.queues) order.push_back(queue.object);
  std::sort(order.begin(), order.end(), [](const model::Queue* a, const model::Queue* b) {
    return std::tie(a->created, a->uid, a->name) < std::tie(b->created, b->uid, b->name);
  });
  for (const model::Queue* queue : order) {
    const std::string& parent = facts.queues[queue->name].parent;
    // Without the hierarchy the leaves compete under one parent, and inner queues take no part.
    if (parent.empty() && flat && is_parent(world, queue->name)) continue;
    (parent.empty() ? facts.roots : facts.queues[parent].children).push_back(queue->name);
  }
}

Status world_status(const model::Pod& pod) {
  using Phase = model::Pod::Phase;
  if (pod.phase == Phase::kSucceeded) return Status::kSucceeded;
  if (pod.phase == Phase::kFailed) return Status::kFailed;
  if (pod.releasing) return pod.phase == Phase::kPending ? Status::kFailed : Status::kReleasing;
  if (pod.phase == Phase::kPending) return pod.gated ? Status::kGated : Status::kPending;
  return Status::kRunning;
}

}  // namespace

Place place_in_world(const model::Pod& pod) {
  Place place{pod.node, pod.device_groups};
  if (!pod.devices.shares_devices() || pod.node.empty()) return place;
  for (auto i = static_cast<std::int64_t>(place.device_groups.size()); i < pod.devices.count; ++i)
    place.device_groups.push_back(pod.uid + "-" + std::to_string(i));
  return place;
}

std::string device_name(const std::string& resource) { return "devices of " + resource; }

Facts make_facts(const World& world) {
  Facts facts;
  facts.world = &world;
  make_queues(world, facts);
  std::map<std::string, std::vector<const model::Pod*>> members;
  for (const auto& [uid, pod] : world.pods)
    if (pod.served && !pod.group.empty()) members[pod.group].push_back(&pod);
  for (const auto& [key, object] : world.groups) {
    Group group;
    group.object = &object;
    if (facts.queues.count(object.queue) && !is_parent(world, object.queue)) group.queue = object.queue;
    if (std::string leaf = object.queue + "/" + object.user; facts.user_queues.count(leaf))
      group.queue = leaf;
    group.pods = members[key];
    auto priority = world.priority_classes.find(object.priority_class);
    group.priority =
        priority == world.priority_classes.end() ? object.fallback_priority : priority->second.value;
    group.preemptible = object.preemptible.value_or(group.priority < 100);
    std::sort(group.pods.begin(), group.pods.end(), [&](const model::Pod* a, const model::Pod* b) {
      return task_before(world.configuration, a, b);
    });
    group.root = make_tree(object, group.pods);
    facts.groups[key] = std::move(group);
  }
  for (const auto& [name, node] : world.nodes) {
    std::int64_t mib = node.devices.empty() ? 0 : node.devices.front().memory_mib;
    if (mib > 0 && (facts.smallest_device_mib == 0 || mib < facts.smallest_device_mib))
      facts.smallest_device_mib = mib;
  }
  return facts;
}

State make_state(const World& world) {
  State state;
  for (const auto& [uid, pod] : world.pods) {
    PodState entry;
    entry.pod = &pod;
    entry.status = world_status(pod);
    Place at = place_in_world(pod);
    if (auto known = world.memory.find(uid); !pod.claims.empty() && !pod.node.empty())
      at.claims =
          told_claims(world, pod, known == world.memory.end() ? ClaimAllocations() : known->second.claims);
    if (entry.status == Status::kRunning) entry.place = at;
    if (entry.status == Status::kReleasing && !pod.node.empty()) entry.leaving = at;
    auto memory = world.memory.find(uid);
    bool waits = entry.status == Status::kPending || entry.leaving;  // or moves
    if (waits && memory != world.memory.end() && memory->second.reserved &&
        world.nodes.count(memory->second.reserved->node) != 0) {
      entry.status = Status::kPipelined;
      entry.place = *memory->second.reserved;
    }
    state.pods[uid] = std::move(entry);
  }
  return state;
}

std::int64_t share_mib(const model::DeviceRequest& request, const model::DeviceSet& devices) {
  if (request.kind == model::DeviceRequest::Kind::kMemory) return request.memory_mib;
  return request.thousandths * devices.memory_mib / model::kThousandthsPerDevice;
}

Amounts charge(const Facts& facts, const model::Pod& pod, const model::Node* node) {
  Amounts amounts{{"cpu", pod.requests.cpu_milli}, {"memory", pod.requests.memory_bytes}, {"gpu", 0}};
  const model::DeviceRequest& request = pod.devices;
  std::int64_t whole = 0;
  switch (request.kind) {
    case model::DeviceRequest::Kind::kNone:
      break;
    case model::DeviceRequest::Kind::kWhole:
      whole = request.count * model::kThousandthsPerDevice;
      break;
    case model::DeviceRequest::Kind::kFraction:
      whole = request.count * request.thousandths;
      break;
    case model::DeviceRequest::Kind::kMemory: {
      std::int64_t size =
          node && !node->devices.empty() ? node->devices.front().memory_mib : facts.smallest_device_mib;
      if (size > 0) whole = request.count * ((100 * request.memory_mib + size - 1) / size) * 10;
      break;
    }
  }
  auto of_model = [&](const std::string& resource, std::int64_t devices) {
    for (const model::DeviceSet& set : node->devices)
      if (set.resource == resource && !set.model.empty() && devices > 0)
        amounts["gpu/" + set.model] += devices;
  };
  if (node && !node->devices.empty())
    of_model(request.shares_devices() ? node->devices.front().resource : request.resource, whole);
  if (node) of_model(request.second_resource, request.second_count * model::kThousandthsPerDevice);
  whole += request.second_count * model::kThousandthsPerDevice;
  for (const model::Partition& partition : request.partitions)
    whole += partition.count * partition.quota_thousandths;
  amounts["gpu"] = whole + claims_charge(*facts.world, pod);
  return amounts;
}

Amounts current_charge(const Facts& facts, const PodState& pod) {
  const std::string& name = pod.place.node;
  auto node = facts.world->nodes.find(name);
  return charge(facts, *pod.pod, node == facts.world->nodes.end() ? nullptr : &node->second);
}

Amounts node_request(const model::Pod& pod) {
  Amounts request{{"cpu", pod.requests.cpu_milli}, {"memory", pod.requests.memory_bytes}, {"pods", 1}};
  for (const model::ResourceCount& counted : pod.requests.counted) request[counted.name] += counted.count;
  if (pod.devices.kind == model::DeviceRequest::Kind::kWhole)
    request[device_name(pod.devices.resource)] += pod.devices.count;
  if (pod.devices.second_count > 0)
    request[device_name(pod.devices.second_resource)] += pod.devices.second_count;
  for (const model::Partition& partition : pod.devices.partitions)
    request[partition.resource] += partition.count;
  return request;
}

std::int64_t NodeUse::free_later(const std::string& name) const {
  return get(capacity, name) - get(active, name) - get(pipelined, name);
}
/// What is idle, less what the pods that wait for released capacity will not find among it (rule 9).
std::int64_t NodeUse::free_now(const std::string& name) const {
  return std::min(get(capacity, name) - get(active, name) - get(releasing, name), free_later(name));
}

namespace {

void occupy(NodeUse& use, const model::Node& node, const model::Pod& pod, const Place& place, Amounts& sum,
            bool SharedDevice::* has, std::int64_t SharedDevice::* mib) {
  Amounts request = node_request(pod);
  if (pod.reservation)
    for (const model::DeviceSet& set : node.devices) request.erase(device_name(set.resource));
  add(sum, request);
  if (!pod.devices.shares_devices() || node.devices.empty()) return;
  for (const std::string& group : place.device_groups) {
    use.shared[group].*has = true;
    use.shared[group].*mib += share_mib(pod.devices, node.devices.front());
  }
}

/// Until a bind has its outcome there is no pod yet that reserves the pod's new shared devices.
bool awaits_bind(const World& world, const model::Pod& pod) {
  auto memory = world.memory.find(pod.uid);
  return pod.phase == model::Pod::Phase::kBinding && memory != world.memory.end() &&
         memory->second.decision != 0;
}

/// A device group with active users is a whole device in use; with users that all leave it is one releasing
/// whole device (rule 4); with waiting users only it is one that is waited for.
void count_shared_devices(NodeUse& use) {
  for (const auto& [group, device] : use.shared) {
    if (device.has_active)
      use.active[use.shareable] += 1;
    else if (device.has_releasing)
      use.releasing[use.shareable] += 1;
    if (!device.has_active && device.has_pipelined) use.pipelined[use.shareable] += 1;
  }
}

}  // namespace

NodeUse node_use(const Facts& facts, const State& state, const model::Node& node) {
  NodeUse use;
  use.capacity = {{"cpu", node.allocatable.cpu_milli},
                  {"memory", node.allocatable.memory_bytes},
                  {"pods", node.pod_capacity}};
  for (const model::ResourceCount& counted : node.allocatable.counted)
    use.capacity[counted.name] += counted.count;
  for (const model::Partition& partition : node.partitions)
    use.capacity[partition.resource] += partition.count;
  for (const model::DeviceSet& set : node.devices) {
    std::int64_t unhealthy = std::count_if(set.devices.begin(), set.devices.end(),
                                           [](const model::Device& device) { return !device.healthy; });
    use.capacity[device_name(set.resource)] += set.count - unhealthy;
  }
  if (!node.devices.empty()) {
    use.device_mib = node.devices.front().memory_mib;
    use.shareable = device_name(node.devices.front().resource);
  }
  std::map<std::string, bool>
      reserved;  // device groups that the world knows; others need a slot for a reservation pod
  for (const auto& [uid, pod] : state.pods) {
    if (pod.leaving && pod.leaving->node == node.name)
      occupy(use, node, *pod.pod, *pod.leaving, use.releasing, &SharedDevice::has_releasing,
             &SharedDevice::releasing);
    if (pod.leaving && pod.leaving->node == node.name && !only_decided(pod))
      for (const std::string& group : pod.leaving->device_groups) reserved[group] = true;
    if (pod.place.node != node.name || !is_active(pod.status)) continue;
    if (pod.status == Status::kPipelined)
      occupy(use, node, *pod.pod, pod.place, use.pipelined, &SharedDevice::has_pipelined,
             &SharedDevice::pipelined);
    else
      occupy(use, node, *pod.pod, pod.place, use.active, &SharedDevice::has_active, &SharedDevice::active);
    for (const std::string& group : pod.place.device_groups)
      reserved[group] =
          reserved[group] || (pod.status == Status::kRunning && !awaits_bind(*facts.world, *pod.pod));
  }
  for (const auto& [group, is_reserved] : reserved)
    if (!is_reserved) (use.shared[group].has_active ? use.active : use.pipelined)["pods"] += 1;
  count_shared_devices(use);
  return use;
}

void evict(State& state, const std::string& uid) {
  PodState& pod = state.pods.at(uid);
  pod.home_status = pod.status;
  pod.home = pod.place;
  pod.home_leaving = pod.leaving;
  if (pod.status == Status::kRunning || pod.status == Status::kAllocated) pod.leaving = pod.place;
  pod.status = Status::kEvicted;
  pod.place = {};
}

}  // namespace fairlead::reference
