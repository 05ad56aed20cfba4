#pragma once

#include "kube/api_client.h"
#include "manifest/live_cluster.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::kube {

/// What a reflector found out.
struct Change {
  enum class Kind : std::uint8_t { kListBegun, kUpserted, kRemoved, kListed };
  Kind kind = Kind::kUpserted;
  manifest::LiveSource source = 0;
  manifest::LiveObject object;
  /// kListed: why the objects cannot be seen (the kind is not installed, no right to it); empty: they were.
  std::string trouble;
};

/// Carries changes from the reflectors to who joins them. Producers wait while too many are on their way.
class ChangeQueue {
 public:
  /// `wake` is called after each push.
  explicit ChangeQueue(std::function<void()> wake) : wake_(std::move(wake)) {}
  /// Returns false when closed.
  bool push(std::vector<Change> changes);
  std::vector<Change> take();
  void close();

 private:
  static constexpr std::size_t kMost = 20'000;
  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Change> changes_;
  bool closed_ = false;
};

struct ReflectorOptions {
  std::shared_ptr<const ApiServer> server;
  manifest::ReadOptions reading;
  manifest::LiveSource source = 0;
  manifest::LiveKind kind = manifest::LiveKind::kPod;
  manifest::ApiResource resource;  ///< of owners only group and kind, which are looked up
  std::int64_t page = 500;         ///< objects that are asked for at once
  /// A watch on which not even a bookmark comes for so long is given up.
  base::Duration longest_silence = base::Duration::seconds(100);
  std::function<void(const std::string& line)> log;
};

/// Figures of one reflector, for metrics.
struct ReflectorCounts {
  std::atomic<std::uint64_t> lists{0};
  std::atomic<std::uint64_t> watches{0};
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> failures{0};
};

/// Follows one kind of object: lists all of them in pages, then watches from there on, and lists again when
/// the server no longer knows the place (410). Decodes on its own thread. Ends when destroyed.
class Reflector {
 public:
  Reflector(ReflectorOptions options, ChangeQueue& queue);
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  const ReflectorCounts& counts() const { return counts_; }
  const manifest::ApiResource& resource() const { return options_.resource; }
  void ask_to_stop() { stop_.stop(); }

 private:
  void run();
  base::Result<void> find_resource();
  /// Lists everything; on success `version_` is where a watch may begin.
  base::Result<void> list();
  /// Watches until the stream ends. Errors: kOutOfRange when everything must be listed again.
  base::Result<void> watch();
  base::Result<void> take_line(std::string_view line, std::vector<Change>& changes);
  void say_listed(std::string trouble);
  bool going() const { return !stop_.stopped(); }

  ReflectorOptions options_;
  ChangeQueue& queue_;
  ApiClient client_;
  manifest::LiveDecoder decoder_;
  base::JsonReader reader_;
  std::string version_;
  std::string said_;  ///< the trouble that was logged last
  ReflectorCounts counts_;
  StopSignal stop_;
  std::thread thread_;
};

}  // namespace fairlead::kube
