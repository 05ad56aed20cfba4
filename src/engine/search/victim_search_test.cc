// The search for victims takes short cuts, none of which changes what it finds.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fairlead::engine {
namespace {

const base::Time kNow = base::Time::from_unix_seconds(1'000'000);

/// Clusters that are nearly full with jobs of several queues: whole devices and shares of them, pods without
/// devices, gangs and groups that can shrink, on one node and on several; and gangs that wait for room that
/// only they can give.
class CrowdedCluster {
 public:
  explicit CrowdedCluster(std::uint32_t seed) : random_(seed) {
    nodes();
    queues();
    running();
    waiting();
  }
  const std::vector<model::Event>& events() const { return events_; }

 private:
  struct Job {
    std::int64_t devices = 0;  ///< of each pod
    std::int64_t thousandths = 0;
    std::vector<std::pair<std::string, std::string>>
        places;  ///< node and shared device; empty: the pod waits
  };

  std::int64_t below(std::int64_t bound) { return static_cast<std::int64_t>(random_()) % bound; }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  template <typename Body>
  void add(Body body) {
    events_.push_back({kNow, std::move(body)});
  }

  void nodes() {
    node_count_ = 2 + below(8);
    devices_ = one_in(3) ? 4 : 8;
    for (std::int64_t i = 0; i < node_count_; ++i) {
      model::Node node;
      node.name = node.uid = "node-" + std::to_string(i);
      node.allocatable.cpu_milli = one_in(5) ? 4000 : 32'000;
      node.devices.push_back({"nvidia.com/gpu", "nvidia", "H100", devices_, 1000, {}});
      add(model::NodeUpserted{std::move(node)});
    }
  }

  void queue(const std::string& name, const std::string& parent, std::int64_t quota) {
    model::Queue queue;
    queue.name = queue.uid = name;
    queue.parent = parent;
    queue.created = base::Time::from_unix_seconds(static_cast<std::int64_t>(events_.size()));
    model::PoolQuota own;
    own.dimensions.push_back({"gpu",
                              {model::Bound::of(quota * model::kThousandthsPerDevice),
                               model::Bound::unlimited(), static_cast<double>(below(3))}});
    for (const char* other : {"cpu", "memory"})
      own.dimensions.push_back({other, {model::Bound::unlimited(), model::Bound::unlimited(), 1}});
    queue.pools.push_back(std::move(own));
    add(model::QueueUpserted{std::move(queue)});
  }

  void queues() {
    const std::int64_t all = node_count_ * devices_;
    const std::int64_t departments = 1 + below(2);
    for (std::int64_t i = 0; i < departments; ++i) queue("department-" + std::to_string(i), "", all);
    queue("owner", "department-0", all);
    queue_count_ = 1 + below(5);
    for (std::int64_t i = 0; i < queue_count_; ++i)
      queue("lender-" + std::to_string(i), "department-" + std::to_string(below(departments)),
            one_in(3) ? below(all) : 0);
  }

  void group(const std::string& name, const std::string& queue, std::int64_t age_s, std::int64_t min_member,
             const Job& job) {
    model::PodGroup group;
    group.key = "ml/" + name;
    group.uid = name;
    group.queue = queue;
    group.created = kNow - base::Duration::seconds(age_s);
    group.min_member = static_cast<std::int32_t>(min_member);
    if (one_in(6)) group.fallback_priority = 60;
    add(model::GroupUpserted{group});
    for (std::size_t i = 0; i < job.places.size(); ++i) {
      model::Pod pod;
      pod.uid = name + "-" + std::to_string(i);
      pod.created = group.created;
      pod.group = group.key;
      pod.requests.cpu_milli = job.devices == 0 ? 500 : 100;
      if (job.devices > 0) {
        pod.devices.kind =
            job.thousandths > 0 ? model::DeviceRequest::Kind::kFraction : model::DeviceRequest::Kind::kWhole;
        pod.devices.resource = "nvidia.com/gpu";
        pod.devices.count = job.devices;
        pod.devices.thousandths = job.thousandths;
      }
      const auto& [node, device] = job.places[i];
      if (!node.empty()) {
        pod.phase = model::Pod::Phase::kRunning;
        pod.node = node;
        pod.started = group.created;
        if (!device.empty()) pod.device_groups = {device};
      }
      add(model::PodUpserted{std::move(pod)});
    }
  }

  void running() {
    std::vector<Job> jobs;
    for (std::int64_t i = 0; i < node_count_; ++i) {
      const std::string node = "node-" + std::to_string(i);
      for (std::int64_t left = devices_; left > 0;) {
        if (one_in(8)) jobs.push_back({0, 0, {{node, ""}}});
        if (one_in(12)) {
          --left;  // stays free
          continue;
        }
        const std::int64_t kind = below(5);
        if (kind == 0) {
          const std::string device = node + "-" + std::to_string(left--);
          for (std::int64_t half = one_in(5) ? 1 : 0; half < 2; ++half)
            jobs.push_back({1, 500, {{node, device}}});
        } else {
          const std::int64_t devices = std::min<std::int64_t>(left, kind < 4 ? 1 : 2);
          left -= devices;
          jobs.push_back({devices, 0, {{node, ""}}});
        }
      }
    }
    std::shuffle(jobs.begin(), jobs.end(), random_);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      // Some have pods in several places.
      while (!one_in(3) && i + 1 < jobs.size() && jobs.back().devices == jobs[i].devices &&
             jobs.back().thousandths == jobs[i].thousandths) {
        jobs[i].places.push_back(jobs.back().places.front());
        jobs.pop_back();
      }
      const auto pods = static_cast<std::int64_t>(jobs[i].places.size());
      group("runs-" + std::to_string(i), "lender-" + std::to_string(below(queue_count_)), 1000 + below(9000),
            one_in(3) ? pods : 1 + below(pods), jobs[i]);
    }
  }

  void waiting() {
    for (std::int64_t i = 1 + below(3); i > 0; --i) {
      const std::int64_t sizes[] = {1, 2, devices_ / 2, devices_, devices_};
      const std::int64_t devices = sizes[below(5)];
      const std::int64_t most = std::min<std::int64_t>(10, node_count_ * devices_ / devices);
      const auto pods = static_cast<std::size_t>(1 + below(most));
      group("waits-" + std::to_string(i), one_in(4) ? "lender-0" : "owner", i,
            static_cast<std::int64_t>(pods),
            {devices, 0, std::vector<std::pair<std::string, std::string>>(pods)});
    }
  }

  std::mt19937 random_;
  std::vector<model::Event> events_;
  std::int64_t node_count_ = 0;
  std::int64_t devices_ = 0;
  std::int64_t queue_count_ = 0;
};

std::string decisions(const CrowdedCluster& cluster, bool short_cuts) {
  const std::unique_ptr<model::Scheduler> engine = make_engine({.scorers = {}, .keep_caches = short_cuts});
  engine->apply(cluster.events());
  std::string text;
  for (const model::Decision& decision : engine->run({}).decisions) {
    if (const auto* bind = std::get_if<model::Bind>(&decision.body))
      text += "bind " + bind->pod + " " + bind->node + "\n";
    if (const auto* evict = std::get_if<model::Evict>(&decision.body))
      text += "evict " + evict->pod + " for " + evict->beneficiary + "\n";
    if (const auto* nominate = std::get_if<model::Nominate>(&decision.body))
      text += "nominate " + nominate->pod + " " + nominate->node + "\n";
  }
  return text;
}

TEST(VictimSearch, FindsTheSameWithoutShortCuts) {
  int evicting = 0;
  for (std::uint32_t seed = 1; seed <= 600; ++seed) {
    const CrowdedCluster cluster(seed);
    const std::string found = decisions(cluster, true);
    ASSERT_EQ(found, decisions(cluster, false)) << "cluster " << seed;
    evicting += found.find("evict") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(evicting, 100);
}

}  // namespace
}  // namespace fairlead::engine
