// A live cluster that is followed object by object is what reading all of it at once says.

#include "manifest/live_cluster.h"

#include "base/json_reader.h"
#include "manifest/objects.h"
#include "model/json/codec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace fairlead::manifest {
namespace {

base::Time at(std::int64_t seconds) { return base::Time::from_unix_seconds(1'800'000'000 + seconds); }

/// What a scheduler knows after the events it was told.
class Told {
 public:
  void apply(const std::vector<model::Event>& events) {
    for (const model::Event& event : events) {
      const auto& body = event.body;
      if (const auto* one = std::get_if<model::PodUpserted>(&body)) pods[one->pod.uid] = one->pod;
      if (const auto* one = std::get_if<model::PodRemoved>(&body)) {
        EXPECT_EQ(pods.erase(one->uid), 1U);
      }
      if (const auto* one = std::get_if<model::GroupUpserted>(&body)) groups[one->group.key] = one->group;
      if (const auto* one = std::get_if<model::GroupRemoved>(&body)) {
        EXPECT_EQ(groups.erase(one->key), 1U);
      }
      if (const auto* one = std::get_if<model::QueueUpserted>(&body)) queues[one->queue.name] = one->queue;
      if (const auto* one = std::get_if<model::QueueRemoved>(&body)) {
        EXPECT_EQ(queues.erase(one->name), 1U);
      }
      if (const auto* one = std::get_if<model::NodeUpserted>(&body)) nodes[one->node.name] = one->node;
      if (const auto* one = std::get_if<model::NodeRemoved>(&body)) {
        EXPECT_EQ(nodes.erase(one->name), 1U);
      }
      if (const auto* one = std::get_if<model::VolumeClaimUpserted>(&body))
        claims[one->claim.key] = one->claim;
      if (const auto* one = std::get_if<model::VolumeClaimRemoved>(&body)) claims.erase(one->key);
    }
  }
  std::string text() const {
    std::string all;
    const auto add = [&all](const auto& map) {
      for (const auto& [key, value] : map) {
        base::JsonWriter out(all);
        model::json::write(out, value);
        all += '\n';
      }
    };
    add(queues);
    add(nodes);
    add(claims);
    add(groups);
    add(pods);
    return all;
  }
  std::map<std::string, model::Pod> pods;
  std::map<std::string, model::PodGroup> groups;
  std::map<std::string, model::Queue> queues;
  std::map<std::string, model::Node> nodes;
  std::map<std::string, model::VolumeClaim> claims;
};

/// A cluster as its API server has it, and the one that follows it.
class Followed {
 public:
  void put(LiveKind kind, const std::string& key, const std::string& metadata, const std::string& rest) {
    const ApiResource& resource = of(kind);
    const auto slash = key.find('/');
    std::string names =
        fmt::format(R"("name":"{}","uid":"{}","resourceVersion":"{}")",
                    slash == key.npos ? key : key.substr(slash + 1), uid(kind, key), ++version_);
    if (slash != key.npos) names += fmt::format(R"(,"namespace":"{}")", key.substr(0, slash));
    if (!metadata.empty()) names += "," + metadata;
    const std::string api =
        resource.group.empty() ? resource.version : resource.group + "/" + resource.version;
    objects_[{kind, key}] = fmt::format(R"({{"apiVersion":"{}","kind":"{}","metadata":{{{}}}{}{}}})", api,
                                        resource.kind, names, rest.empty() ? "" : ",", rest);
    live_.upsert(source(kind), decode(kind, objects_[{kind, key}]));
  }
  void remove(LiveKind kind, const std::string& key) {
    const auto found = objects_.find({kind, key});
    if (found == objects_.end()) return;
    LiveObject gone = decode(kind, found->second);
    gone.resource_version = std::to_string(++version_);
    objects_.erase(found);
    live_.remove(source(kind), gone);
  }
  /// Everything is listed anew, as after a watch that was cut off.
  void relist(LiveKind kind) {
    live_.begin_list(source(kind));
    for (const auto& [id, text] : objects_)
      if (id.first == kind) live_.upsert(source(kind), decode(kind, text));
    live_.end_list(source(kind));
  }
  /// An object goes without anybody being told.
  void lose(LiveKind kind, const std::string& key) { objects_.erase({kind, key}); }
  /// A recreated object has a uid of its own.
  void renew(LiveKind kind, const std::string& key) { ++lives_[{kind, key}]; }

  std::string followed() {
    now_ += 10;
    LiveChanges changes = live_.take(at(now_));
    for (const auto& [group, kind] : changes.owner_kinds) live_.owners_listed(group, kind);
    last_ = changes.events.size();
    told_.apply(changes.events);
    now_ += 10;  // what waits for an owner waits no longer
    changes = live_.take(at(now_));
    last_ += changes.events.size();
    told_.apply(changes.events);
    return told_.text();
  }
  std::size_t last_events() const { return last_; }
  std::string read_at_once() const {
    ObjectReader reader(options_);
    for (const auto& [id, text] : objects_) reader.read(text, "test");
    Told told;
    told.apply(to_events(reader.finish(), at(0)));
    return told.text();
  }
  LiveCluster& live() { return live_; }
  const Told& told() const { return told_; }
  LiveObject decode(LiveKind kind, const std::string& text) {
    const auto value = reader_.read(text);
    EXPECT_TRUE(value) << text;
    return decoder_.decode(kind, of(kind), **value);
  }
  const std::string& text_of(LiveKind kind, const std::string& key) { return objects_.at({kind, key}); }
  static LiveSource source(LiveKind kind) { return source_of(kind); }
  std::string uid(LiveKind kind, const std::string& key) {
    return fmt::format("{}-{}-{}", static_cast<int>(kind), key, lives_[{kind, key}]);
  }

 private:
  static const ApiResource& of(LiveKind kind) {
    static const ApiResource replica_set{"apps", "v1", "replicasets", "ReplicaSet", true};
    return kind == LiveKind::kOwner ? replica_set : resource_of(kind);
  }

  ReadOptions options_;
  LiveDecoder decoder_{options_};
  base::JsonReader reader_;
  LiveCluster live_;
  Told told_;
  std::map<std::pair<LiveKind, std::string>, std::string> objects_;
  std::map<std::pair<LiveKind, std::string>, int> lives_;
  std::uint64_t version_ = 0;
  std::int64_t now_ = 0;
  std::size_t last_ = 0;
};

std::string pod_spec(const std::string& more = {}, const std::string& status = R"("phase":"Pending")") {
  return fmt::format(
      R"("spec":{{"schedulerName":"fairlead","containers":[{{"name":"c","resources":{{"limits":{{"nvidia.com/gpu":"1"}}}}}}]{}}},"status":{{{}}})",
      more, status);
}
std::string queue_spec(const std::string& parent = {}) {
  return fmt::format(
      R"("spec":{{"parentQueue":"{}","resources":{{"gpu":{{"quota":4,"limit":-1}},"cpu":{{"quota":-1,"limit":-1}},"memory":{{"quota":-1,"limit":-1}}}}}})",
      parent);
}

TEST(LiveCluster, IsAfterEachOfManyChangesWhatReadingEverythingSays) {
  Followed cluster;
  // Where a namespace has no claim at all, reading at once takes them for not shown.
  cluster.put(LiveKind::kVolumeClaim, "ml/always", "", R"("status":{"phase":"Bound"})");
  std::mt19937 random(7);
  const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  for (int step = 0; step < 1500; ++step) {
    const std::string n = std::to_string(pick(5));
    const std::string pod = "ml/pod-" + n;
    switch (pick(14)) {
      case 0:
        cluster.put(LiveKind::kQueue, "q" + n, "",
                    queue_spec(pick(3) == 0 ? "q" + std::to_string(pick(5)) : ""));
        break;
      case 1:
        cluster.remove(LiveKind::kQueue, "q" + n);
        break;
      case 2:
        cluster.put(LiveKind::kPodGroup, "ml/gang-" + n, "",
                    fmt::format(R"("spec":{{"queue":"q{}","minMember":{}}})", pick(5), pick(3)));
        break;
      case 3:
        cluster.remove(LiveKind::kPodGroup, "ml/gang-" + n);
        break;
      case 4:
        cluster.put(LiveKind::kOwner, "ml/set-" + n,
                    fmt::format(R"("labels":{{"kai.scheduler/queue":"q{}"}})", pick(5)), "");
        break;
      case 5:
        cluster.remove(LiveKind::kOwner, "ml/set-" + n);
        break;
      case 6:
        cluster.put(LiveKind::kVolumeClaim, "ml/claim-" + n, "",
                    fmt::format(R"("spec":{{"volumeName":"{}"}},"status":{{"phase":"{}"}})",
                                pick(2) == 0 ? "" : "volume", pick(2) == 0 ? "Bound" : "Pending"));
        break;
      case 7:
        cluster.remove(LiveKind::kVolumeClaim, "ml/claim-" + n);
        break;
      case 8:
        cluster.remove(LiveKind::kPod, pod);
        cluster.renew(LiveKind::kPod, pod);
        break;
      case 9:
        if (pick(2) == 0) {
          cluster.lose(LiveKind::kPod, pod);
          cluster.renew(LiveKind::kPod, pod);
        }
        cluster.relist(LiveKind::kPod);
        break;
      case 10:
        cluster.put(LiveKind::kNode, "node-" + n, "",
                    fmt::format(R"("status":{{"allocatable":{{"cpu":"{}"}}}})", pick(3)));
        break;
      default: {
        std::string metadata = fmt::format(R"("labels":{{"kai.scheduler/queue":"q{}"}})", pick(5));
        if (pick(3) == 0)
          metadata += fmt::format(R"(,"annotations":{{"pod-group-name":"gang-{}"}})", pick(5));
        if (pick(3) == 0) {
          const std::string set = "ml/set-" + std::to_string(pick(5));
          metadata += fmt::format(
              R"(,"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{}","uid":"{}","controller":true}}])",
              set.substr(3), cluster.uid(LiveKind::kOwner, set));
        }
        std::string spec =
            pick(4) == 0
                ? fmt::format(
                      R"(,"volumes":[{{"name":"v","persistentVolumeClaim":{{"claimName":"claim-{}"}}}}])",
                      pick(5))
                : "";
        const int phase = pick(5);
        if (phase >= 1) spec += R"(,"nodeName":"node-1")";
        static const char* const phases[] = {"Pending", "Pending", "Running", "Succeeded", "Failed"};
        cluster.put(LiveKind::kPod, pod, metadata,
                    pod_spec(spec, fmt::format(R"("phase":"{}")", phases[phase])));
      }
    }
    ASSERT_EQ(cluster.followed(), cluster.read_at_once()) << "after step " << step;
  }
}

TEST(LiveCluster, SaysNothingWhenNothingChanged) {
  Followed cluster;
  cluster.put(LiveKind::kPod, "ml/a", "", pod_spec());
  cluster.put(LiveKind::kNode, "n", "", R"("status":{"allocatable":{"cpu":"4"}})");
  cluster.followed();
  cluster.put(LiveKind::kPod, "ml/a", "", pod_spec());  // another version of the same
  cluster.put(LiveKind::kNode, "n", "", R"("status":{"allocatable":{"cpu":"4"}})");
  cluster.relist(LiveKind::kPod);
  cluster.followed();
  EXPECT_EQ(cluster.last_events(), 0U);
}

TEST(LiveCluster, AnOldStateThatComesLateChangesNothing) {
  Followed cluster;
  cluster.put(LiveKind::kPod, "ml/a", "", pod_spec());
  const std::string before = cluster.text_of(LiveKind::kPod, "ml/a");
  cluster.put(LiveKind::kPod, "ml/a", "", pod_spec(R"(,"nodeName":"n")", R"("phase":"Running")"));
  cluster.followed();
  cluster.live().upsert(source_of(LiveKind::kPod), cluster.decode(LiveKind::kPod, before));
  cluster.followed();
  EXPECT_EQ(cluster.told().pods.begin()->second.node, "n");
  const std::string bound = cluster.text_of(LiveKind::kPod, "ml/a");
  cluster.remove(LiveKind::kPod, "ml/a");
  cluster.followed();
  cluster.live().upsert(source_of(LiveKind::kPod), cluster.decode(LiveKind::kPod, bound));
  cluster.followed();
  EXPECT_TRUE(cluster.told().pods.empty());
}

TEST(LiveCluster, APodWaitsForTheObjectOfItsOwner) {
  LiveDecoder decoder{ReadOptions{}};
  base::JsonReader reader;
  LiveCluster live;
  const auto pod = reader.read(
      R"({"metadata":{"name":"a","namespace":"ml","uid":"u","resourceVersion":"1","ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"j","uid":"job","controller":true}]},)" +
      pod_spec() + "}");
  ASSERT_TRUE(pod);
  live.upsert(source_of(LiveKind::kPod), decoder.decode(LiveKind::kPod, resource_of(LiveKind::kPod), **pod));
  const auto tells_pod = [](const LiveChanges& changes) {
    for (const model::Event& event : changes.events)
      if (std::holds_alternative<model::PodUpserted>(event.body)) return true;
    return false;
  };
  LiveChanges changes = live.take(at(0));
  EXPECT_FALSE(tells_pod(changes));
  ASSERT_EQ(changes.owner_kinds.size(), 1U);
  EXPECT_EQ(changes.owner_kinds[0], (std::pair<std::string, std::string>("batch", "Job")));
  EXPECT_FALSE(tells_pod(live.take(at(60))));  // as long as jobs are not known at all
  const ApiResource jobs{"batch", "v1", "jobs", "Job", true};
  const auto job = reader.read(
      R"({"metadata":{"name":"j","namespace":"ml","uid":"job","resourceVersion":"2","labels":{"kai.scheduler/queue":"q"}}})");
  ASSERT_TRUE(job);
  live.upsert(kLiveKinds, decoder.decode(LiveKind::kOwner, jobs, **job));
  live.owners_listed("batch", "Job");
  changes = live.take(at(61));
  EXPECT_TRUE(tells_pod(changes));
}

TEST(LiveCluster, KeepsWhatIsNotThereYetFromTheScheduler) {
  Followed cluster;
  cluster.put(LiveKind::kPod, "ml/half", R"("annotations":{"gpu-fraction":"0.5"})",
              R"("spec":{"schedulerName":"fairlead","containers":[{"name":"c"}]})");
  const LiveChanges changes = cluster.live().take(at(0));
  ASSERT_EQ(changes.refused.size(), 1U);
  EXPECT_NE(cluster.live().pod(changes.refused[0])->live.refusal.find("share of a device"),
            std::string::npos);
  for (const model::Event& event : changes.events)
    EXPECT_FALSE(std::holds_alternative<model::PodUpserted>(event.body));
}

}  // namespace
}  // namespace fairlead::manifest
