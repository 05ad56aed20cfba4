#include "kube/writer.h"

#include "base/clock.h"
#include "base/json_fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::kube {
namespace {

using manifest::LiveKind;

constexpr auto kSoon = base::Duration::milliseconds(200);
constexpr auto kLater = base::Duration::seconds(5);
constexpr auto kBudgetWait = base::Duration::seconds(10);
constexpr int kVersionTries = 5;

std::string pod_path(const manifest::PodIdentity& pod, std::string_view subresource = {}) {
  std::string path = manifest::resource_of(LiveKind::kPod).path(pod.namespace_name, pod.name);
  if (!subresource.empty()) path += fmt::format("/{}", subresource);
  return path;
}

Outcome outcome_of(const Write& write) {
  Outcome outcome;
  outcome.kind = write.kind;
  outcome.decision = write.decision;
  outcome.pod = write.pod;
  outcome.node = write.node;
  return outcome;
}

}  // namespace

Writer::Writer(WriterOptions options) : options_(std::move(options)) {
  for (int i = 0; i < options_.binders; ++i) threads_.emplace_back([this] { serve(urgent_); });
  for (int i = 0; i < options_.reporters; ++i) threads_.emplace_back([this] { serve(reports_); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stop_.stop();
  }
  urgent_.ready.notify_all();
  reports_.ready.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Writer::post(Write write) {
  const bool urgent = write.kind == Write::Kind::kBind || write.kind == Write::Kind::kEvict;
  Lane& lane = urgent ? urgent_ : reports_;
  {
    const std::lock_guard lock(mutex_);
    if (!urgent && lane.writes.size() >= kMostReports) {
      ++counts_.reports_dropped;
      return;
    }
    lane.writes.push_back({std::move(write), base::monotonic_time()});
  }
  lane.ready.notify_one();
}

std::size_t Writer::waiting() const {
  const std::lock_guard lock(mutex_);
  return urgent_.writes.size();
}

void Writer::serve(Lane& lane) {
  ApiClient client(options_.server);
  while (true) {
    Posted posted;
    {
      std::unique_lock lock(mutex_);
      lane.ready.wait(lock, [&] { return !going() || !lane.writes.empty(); });
      if (!going()) return;
      posted = std::move(lane.writes.front());
      lane.writes.pop_front();
    }
    carry_out(client, posted);
  }
}

void Writer::carry_out(ApiClient& client, const Posted& posted) {
  const Write& write = posted.write;
  if (write.kind == Write::Kind::kPatch || write.kind == Write::Kind::kCreate) {
    if (!options_.may_write || options_.may_write()) report(client, write);
    return;
  }
  Outcome outcome = write.kind == Write::Kind::kBind ? bind(client, write) : evict(client, write);
  if (!going() && !outcome.done) return;
  outcome.took = base::monotonic_time() - posted.at;
  if (write.kind == Write::Kind::kBind) {
    ++(outcome.done ? counts_.bound : counts_.bind_failures);
  } else {
    ++(outcome.done ? counts_.evicted : counts_.evictions_refused);
  }
  options_.on_outcome(std::move(outcome));
}

base::Result<Writer::Seen> Writer::look(ApiClient& client, const manifest::PodIdentity& pod) {
  auto answer = client.call({.path = pod_path(pod), .timeout = options_.timeout});
  if (!answer) return answer.error();
  Seen seen;
  if (answer->status == 404) return seen;
  if (!answer->ok()) return refusal(*answer);
  base::JsonReader reader;
  reader.skip_arrays_named("managedFields");
  const auto object = reader.read(answer->body);
  if (!object) return object.error();
  const base::JsonValue* metadata = (*object)->find("metadata");
  if (metadata == nullptr || base::text_field(*metadata, "uid") != pod.uid) return seen;
  seen.there = true;
  seen.resource_version = base::text_field(*metadata, "resourceVersion");
  seen.deleted = metadata->find("deletionTimestamp") != nullptr;
  if (const base::JsonValue* spec = (*object)->find("spec")) seen.node = base::text_field(*spec, "nodeName");
  return seen;
}

Outcome Writer::bind(ApiClient& client, const Write& write) {
  Outcome outcome = outcome_of(write);
  manifest::PodIdentity pod = write.pod;
  base::Duration wait = base::Duration::milliseconds(50);
  int versions = 0;
  while (going()) {
    if (options_.may_write && !options_.may_write()) {
      outcome.why = "another scheduler may lead now";
      outcome.retry_after = kSoon;
      return outcome;
    }
    ApiCall call{.method = "POST",
                 .path = pod_path(pod, "binding"),
                 .body = manifest::binding_json(pod, write.node, write.annotations),
                 .timeout = options_.timeout};
    auto answer = client.call(call);
    if (answer && answer->ok()) {
      outcome.done = true;
      return outcome;
    }
    if (answer && answer->status == 429) {
      stop_.wait(std::max(answer->retry_after, wait));
      continue;
    }
    outcome.why = answer ? refusal_text(*answer) : answer.error().message();
    outcome.retry_after = kLater;
    if (answer && answer->status == 404) {
      // The pod is gone; the watch will say so.
      outcome.retry_after = kSoon;
      return outcome;
    }
    const bool conflict = answer && answer->status == 409;
    if (answer && !conflict && answer->status < 500) return outcome;
    // Changed meanwhile, or the answer was lost: the pod itself tells what became of it.
    auto seen = look(client, pod);
    while (!seen && going()) {
      stop_.wait(wait);
      wait = std::min(wait + wait, kLater);
      seen = look(client, pod);
    }
    if (!seen) return outcome;
    if (seen->there && seen->node == write.node) {
      outcome.done = true;
      return outcome;
    }
    outcome.retry_after = kSoon;
    if (!seen->there || seen->deleted || !seen->node.empty()) return outcome;
    if (conflict && ++versions >= kVersionTries) return outcome;
    if (!conflict) {
      stop_.wait(wait);
      wait = std::min(wait + wait, kLater);
    }
    pod.resource_version = seen->resource_version;
  }
  return outcome;
}

Outcome Writer::evict(ApiClient& client, const Write& write) {
  Outcome outcome = outcome_of(write);
  base::Duration wait = base::Duration::milliseconds(50);
  while (going()) {
    if (options_.may_write && !options_.may_write()) {
      outcome.why = "another scheduler may lead now";
      outcome.retry_after = kSoon;
      return outcome;
    }
    auto answer = client.call({.method = "POST",
                               .path = pod_path(write.pod, "eviction"),
                               .body = manifest::eviction_json(write.pod),
                               .timeout = options_.timeout});
    if (answer && (answer->ok() || answer->status == 404 || answer->status == 409)) {
      // A pod that is gone, or of whose name another one is there, was evicted for the purpose.
      outcome.done = true;
      return outcome;
    }
    outcome.why = answer ? refusal_text(*answer) : answer.error().message();
    if (answer && answer->status == 429) {
      outcome.retry_after = std::max(answer->retry_after, kBudgetWait);
      return outcome;
    }
    outcome.retry_after = kLater;
    if (answer && answer->status < 500) return outcome;
    // To evict twice does no harm.
    stop_.wait(wait);
    wait = std::min(wait + wait, kLater);
  }
  return outcome;
}

void Writer::report(ApiClient& client, const Write& write) {
  ApiCall call{.method = write.kind == Write::Kind::kPatch ? "PATCH" : "POST",
               .path = write.path,
               .body = write.body,
               .content_type = write.content_type,
               .timeout = options_.timeout,
               .stop = &stop_};
  const auto answer = client.call_again(call, 3);
  ++counts_.reports;
  // What it is about may be gone.
  if (answer && (answer->ok() || answer->status == 404 || answer->status == 409)) return;
  if (options_.log)
    options_.log(fmt::format("{} {}: {}", call.method, write.path,
                             answer ? refusal_text(*answer) : answer.error().message()));
}

}  // namespace fairlead::kube
