#include "kube/reflector.h"

#include "base/clock.h"
#include "base/json_fields.h"
#include "kube/object_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace fairlead::kube {
namespace {

using manifest::LiveKind;

/// A line of a watch holds one object; no object of a cluster is longer.
constexpr std::size_t kLongestLine = std::size_t{16} << 20U;
/// How long a server keeps one watch open, before another begins where it ended.
constexpr int kWatchSeconds = 290;
constexpr auto kShortestWatch = base::Duration::seconds(1);
constexpr auto kFirstWait = base::Duration::milliseconds(100);
constexpr auto kLongestWait = base::Duration::seconds(5);
/// How often a kind that is not installed is looked for.
constexpr auto kLookAgain = base::Duration::seconds(10);

constexpr const char* kMetadataList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
constexpr const char* kMetadata =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

}  // namespace

bool ChangeQueue::push(std::vector<Change> changes) {
  if (changes.empty()) return true;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return closed_ || changes_.size() < kMost; });
    if (closed_) return false;
    if (changes_.empty()) {
      changes_ = std::move(changes);
    } else {
      std::move(changes.begin(), changes.end(), std::back_inserter(changes_));
    }
  }
  wake_();
  return true;
}

std::vector<Change> ChangeQueue::take() {
  std::vector<Change> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(changes_);
  }
  room_.notify_all();
  return taken;
}

void ChangeQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
}

Reflector::Reflector(ReflectorOptions options, ChangeQueue& queue)
    : options_(std::move(options)), queue_(queue), client_(options_.server), decoder_(options_.reading) {
  reader_.skip_arrays_named("managedFields");
  thread_ = std::thread([this] { run(); });
}

Reflector::~Reflector() {
  stop_.stop();
  thread_.join();
}

void Reflector::say_listed(std::string trouble) {
  if (trouble != said_ && !trouble.empty() && options_.log)
    options_.log(fmt::format("{}: {}", options_.resource.kind, trouble));
  said_ = trouble;
  std::vector<Change> changes(1);
  changes[0].kind = Change::Kind::kListed;
  changes[0].source = options_.source;
  changes[0].trouble = std::move(trouble);
  queue_.push(std::move(changes));
}

void Reflector::run() {
  base::Duration wait = kFirstWait;
  bool listed = false;
  while (going()) {
    base::Result<void> done = options_.resource.plural.empty() ? find_resource() : base::Result<void>();
    if (done && !listed) {
      done = list();
      listed = done.ok();
    }
    if (done) {
      wait = kFirstWait;
      const base::Duration begun = base::monotonic_time();
      done = watch();
      // A server that ends each watch at once is not asked without a pause.
      if (done && base::monotonic_time() - begun < kShortestWatch) stop_.wait(kFirstWait);
      if (done) continue;
    }
    if (!going()) return;
    if (done.error().code() == base::Code::kOutOfRange) {
      listed = false;
      continue;
    }
    ++counts_.failures;
    const bool absent =
        done.error().code() == base::Code::kNotFound || done.error().code() == base::Code::kPermissionDenied;
    if (absent && manifest::is_optional(options_.kind)) {
      // As if there were none, until it is installed.
      std::vector<Change> changes(1);
      changes[0].kind = Change::Kind::kListBegun;
      changes[0].source = options_.source;
      queue_.push(std::move(changes));
      say_listed(done.error().code() == base::Code::kNotFound ? "" : done.error().message());
      listed = false;
      stop_.wait(kLookAgain);
      continue;
    }
    if (done.error().message() != said_ && options_.log)
      options_.log(fmt::format("{}: {}", options_.resource.kind, done.error().message()));
    said_ = done.error().message();
    if (absent) listed = false;
    stop_.wait(wait);
    wait = std::min(wait + wait, kLongestWait);
  }
}

base::Result<void> Reflector::find_resource() {
  manifest::ApiResource& resource = options_.resource;
  std::string path = "/api/v1";
  resource.version = "v1";
  if (!resource.group.empty()) {
    auto answer = client_.call_again({.path = "/apis/" + resource.group}, 3);
    if (!answer) return answer.error();
    if (!answer->ok()) return refusal(*answer);
    auto group = reader_.read(answer->body);
    if (!group) return group.error();
    const base::JsonValue* preferred = (*group)->find("preferredVersion");
    if (preferred == nullptr) return base::not_found("the API group has no version");
    resource.version = base::text_field(*preferred, "version");
    path = fmt::format("/apis/{}/{}", resource.group, resource.version);
  }
  auto answer = client_.call_again({.path = path}, 3);
  if (!answer) return answer.error();
  if (!answer->ok()) return refusal(*answer);
  auto list = reader_.read(answer->body);
  if (!list) return list.error();
  if (const base::JsonValue* resources = (*list)->find("resources")) {
    for (const base::JsonValue& one : resources->items()) {
      const std::string name = base::text_field(one, "name");
      if (base::text_field(one, "kind") != resource.kind || name.find('/') != std::string::npos) continue;
      resource.plural = name;
      resource.namespaced = base::boolean_field(one, "namespaced");
      return {};
    }
  }
  return base::not_found(fmt::format("the API has no kind {}", resource.kind));
}

base::Result<void> Reflector::list() {
  ++counts_.lists;
  std::vector<Change> changes(1);
  changes.back().kind = Change::Kind::kListBegun;
  changes.back().source = options_.source;
  ListRequest request;
  request.path = options_.resource.path();
  request.page = options_.page;
  if (options_.kind == LiveKind::kOwner) request.accept = kMetadataList;
  request.stop = &stop_;
  auto version = list_objects(
      client_, request, reader_,
      [&](const base::JsonValue& object) {
        Change change;
        change.source = options_.source;
        change.object = decoder_.decode(options_.kind, options_.resource, object);
        changes.push_back(std::move(change));
      },
      [&]() -> base::Result<void> {
        if (queue_.push(std::exchange(changes, {}))) return {};
        return base::Error(base::Code::kUnavailable, "stopped");
      });
  if (!version) return version.error();
  version_ = std::move(*version);
  say_listed({});
  return {};
}

base::Result<void> Reflector::take_line(std::string_view line, std::vector<Change>& changes) {
  const auto event = reader_.read(line);
  if (!event) return event.error();
  const std::string type = base::text_field(**event, "type");
  const base::JsonValue* object = (*event)->find("object");
  if (object == nullptr) return base::invalid_argument("the server's watch sent an event without an object");
  if (type == "ERROR") {
    const auto code = base::integer_field(*object, "code");
    const std::string message = base::text_field(*object, "message");
    if (code && *code == 410) return base::Error(base::Code::kOutOfRange, message);
    return base::Error(base::Code::kUnavailable, message);
  }
  const base::JsonValue* metadata = object->find("metadata");
  const std::string version = metadata == nullptr ? "" : base::text_field(*metadata, "resourceVersion");
  // The stream goes forward; what comes again, or late, does not take the place back.
  if (manifest::compare_versions(version, version_) > 0 || version_.empty()) version_ = version;
  if (type == "BOOKMARK") return {};
  ++counts_.events;
  Change change;
  change.kind = type == "DELETED" ? Change::Kind::kRemoved : Change::Kind::kUpserted;
  change.source = options_.source;
  change.object = decoder_.decode(options_.kind, options_.resource, *object);
  changes.push_back(std::move(change));
  return {};
}

base::Result<void> Reflector::watch() {
  ++counts_.watches;
  std::string rest;
  base::Result<void> result;
  ApiCall call;
  call.path = fmt::format("{}?watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                          options_.resource.path(), version_, kWatchSeconds + options_.source);
  if (options_.kind == LiveKind::kOwner) call.accept = kMetadata;
  call.longest_silence = options_.longest_silence;
  call.stop = &stop_;
  call.on_bytes = [&](std::string_view bytes) {
    std::vector<Change> changes;
    while (result && !bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        rest.append(bytes);
        if (rest.size() > kLongestLine) result = base::Error(base::Code::kUnavailable, "a line without end");
        break;
      }
      if (rest.empty()) {
        if (end > 0) result = take_line(bytes.substr(0, end), changes);
      } else {
        rest.append(bytes.substr(0, end));
        result = take_line(rest, changes);
        rest.clear();
      }
      bytes.remove_prefix(end + 1);
    }
    return queue_.push(std::move(changes)) && result.ok();
  };
  auto answer = client_.call(call);
  if (answer && !answer->ok()) {
    answer->body = std::move(rest);
    if (answer->retry_after > base::Duration()) stop_.wait(answer->retry_after);
    return refusal(*answer);
  }
  if (!result) return result;
  if (!answer) return answer.error();
  return {};
}

}  // namespace fairlead::kube
