// What it costs to take in a large cluster: the same list read by a client that does nothing with it, and by
// the controller's own way (reflector, joining, the engine), in one run, from a server that answers from
// memory.
//
//   kubernetes_list_bench [PODS] [NODES]

#include "base/clock.h"
#include "base/files.h"
#include "engine/engine.h"
#include "kube/object_list.h"
#include "kube/reflector.h"
#include "net/http_server.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace {

using namespace fairlead;

std::string pod(int i, int nodes) {
  // As an API server prints it, fields of managers included.
  return fmt::format(
      R"({{"metadata":{{"name":"train-{0}-worker-{1}","namespace":"team-{2}","uid":"0c2f6c1e-0000-4000-8000-{3:012}","resourceVersion":"{4}","creationTimestamp":"2026-11-20T10:00:00Z","labels":{{"app":"train","kai.scheduler/queue":"team-{2}","batch.kubernetes.io/job-name":"train-{0}","controller-uid":"5a1d0000-0000-4000-8000-{0:012}"}},"annotations":{{"received-resource-type":"Regular"}},"managedFields":[{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-20T10:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:labels":{{".":{{}},"f:app":{{}},"f:kai.scheduler/queue":{{}}}}}},"f:spec":{{"f:containers":{{"k:{{\"name\":\"main\"}}":{{".":{{}},"f:image":{{}},"f:imagePullPolicy":{{}},"f:name":{{}},"f:resources":{{".":{{}},"f:limits":{{".":{{}},"f:nvidia.com/gpu":{{}}}}}},"f:terminationMessagePath":{{}},"f:terminationMessagePolicy":{{}}}}}},"f:dnsPolicy":{{}},"f:enableServiceLinks":{{}},"f:restartPolicy":{{}},"f:schedulerName":{{}},"f:securityContext":{{}},"f:terminationGracePeriodSeconds":{{}}}}}}}},{{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-11-20T10:00:09Z","fieldsType":"FieldsV1","fieldsV1":{{"f:status":{{"f:conditions":{{"k:{{\"type\":\"ContainersReady\"}}":{{".":{{}},"f:lastProbeTime":{{}},"f:status":{{}},"f:type":{{}}}}}},"f:containerStatuses":{{}},"f:hostIP":{{}},"f:phase":{{}},"f:podIP":{{}},"f:podIPs":{{}},"f:startTime":{{}}}}}},"subresource":"status"}}]}},"spec":{{"volumes":[{{"name":"kube-api-access","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}}],"defaultMode":420}}}}],"containers":[{{"name":"main","image":"registry.example.com/train:1.4","command":["python","train.py"],"env":[{{"name":"RANK","value":"{1}"}},{{"name":"WORLD_SIZE","value":"8"}}],"resources":{{"limits":{{"cpu":"8","memory":"64Gi","nvidia.com/gpu":"1"}},"requests":{{"cpu":"8","memory":"64Gi","nvidia.com/gpu":"1"}}}},"volumeMounts":[{{"name":"kube-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}],"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"}}],"restartPolicy":"Never","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","nodeName":"node-{5}","securityContext":{{}},"schedulerName":"fairlead","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}},"status":{{"phase":"Running","conditions":[{{"type":"Initialized","status":"True","lastTransitionTime":"2026-11-20T10:00:01Z"}},{{"type":"Ready","status":"True","lastTransitionTime":"2026-11-20T10:00:09Z"}},{{"type":"PodScheduled","status":"True","lastTransitionTime":"2026-11-20T10:00:01Z"}}],"hostIP":"10.0.0.1","podIP":"10.1.0.1","startTime":"2026-11-20T10:00:01Z","containerStatuses":[{{"name":"main","state":{{"running":{{"startedAt":"2026-11-20T10:00:08Z"}}}},"ready":true,"restartCount":0,"image":"registry.example.com/train:1.4","imageID":"registry.example.com/train@sha256:0000000000000000000000000000000000000000000000000000000000000000","started":true}}],"qosClass":"Guaranteed"}}}})",
      i / 8, i % 8, i % 50, i, 1000 + i, i % nodes);
}

constexpr int kPage = 500;

/// Serves the list of pods from memory, until it is killed; the port goes to the pipe.
[[noreturn]] void serve(int pods, int nodes, int pipe_end) {
  std::vector<std::string> pages;
  const int count = (pods + kPage - 1) / kPage;
  for (int page = 0; page < count; ++page) {
    std::string body = fmt::format(
        R"({{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"999999"{}}},"items":[)",
        page + 1 < count ? fmt::format(R"(,"continue":"{}")", page + 1) : "");
    for (int i = page * kPage; i < std::min(pods, (page + 1) * kPage); ++i) {
      if (i % kPage > 0) body += ',';
      body += pod(i, nodes);
    }
    pages.push_back(body + "]}");
  }
  net::HttpHandlers handlers;
  handlers.on_request = [&pages](const net::HttpRequest& request) {
    net::HttpResponse response;
    if (request.query_value("watch")) {
      response.stream = [](const std::shared_ptr<net::BodyStream>& stream) { stream->end(); };
      return response;
    }
    const auto from = request.query_value("continue");
    response.body = pages[from ? static_cast<std::size_t>(std::atoi(std::string(*from).c_str())) : 0];
    return response;
  };
  auto server = net::HttpServer::start({}, std::move(handlers));
  const std::uint16_t port = server ? (*server)->port() : 0;
  if (write(pipe_end, &port, sizeof(port)) != sizeof(port)) _exit(1);
  while (true) pause();
}

/// Megabytes of this process now in memory.
double resident() {
  const auto status = base::read_file("/proc/self/statm");
  if (!status) return 0;
  const std::size_t space = status->find(' ');
  return std::strtod(status->c_str() + space, nullptr) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// Seconds of processor time that this process has had: what a busy machine does not change.
double processor() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

std::shared_ptr<const kube::ApiServer> at(std::uint16_t port) {
  auto server = std::make_shared<kube::ApiServer>();
  server->url = fmt::format("http://127.0.0.1:{}", port);
  return server;
}

double read_only(std::uint16_t port) {
  kube::ApiClient client(at(port));
  const base::Duration begun = base::monotonic_time();
  std::string next;
  do {
    const auto answer =
        client.call({.path = "/api/v1/pods?limit=500" + (next.empty() ? "" : "&continue=" + next)});
    if (!answer) return 0;
    const std::size_t found = answer->body.find("\"continue\":\"");
    next = found == std::string::npos || found > 200
               ? ""
               : answer->body.substr(found + 12, answer->body.find('"', found + 12) - found - 12);
  } while (!next.empty());
  return (base::monotonic_time() - begun).in_seconds();
}

void take_in(std::uint16_t port, int nodes, double alone) {
  const double before = resident();
  const double processor_before = processor();
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  kube::ChangeQueue queue([&] {
    {
      const std::lock_guard lock(mutex);
      woken = true;
    }
    changed.notify_one();
  });
  const base::Time now = base::system_time();
  manifest::LiveCluster cluster;
  cluster.owners_listed("batch", "Job");
  auto engine = engine::make_engine();
  std::vector<model::Event> events{{now, model::ConfigurationChanged{}}};
  for (int i = 0; i < nodes; ++i) {
    model::Node node;
    node.name = fmt::format("node-{}", i);
    node.allocatable = {1'000'000, std::int64_t{8} << 40U, {}};
    node.devices.push_back({"nvidia.com/gpu", "nvidia", "H100", 64, 81'500, {}});
    events.push_back({now, model::NodeUpserted{std::move(node)}});
  }
  engine->apply(events);
  const base::Duration begun = base::monotonic_time();
  kube::ReflectorOptions options;
  options.server = at(port);
  options.source = manifest::source_of(manifest::LiveKind::kPod);
  options.resource = manifest::resource_of(manifest::LiveKind::kPod);
  kube::Reflector reflector(std::move(options), queue);
  bool listed = false;
  std::size_t told = 0;
  while (!listed) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return woken; });
      woken = false;
    }
    for (kube::Change& change : queue.take()) {
      if (change.kind == kube::Change::Kind::kUpserted)
        cluster.upsert(change.source, std::move(change.object));
      if (change.kind == kube::Change::Kind::kListed) listed = true;
    }
    manifest::LiveChanges changes = cluster.take(now);
    told += changes.events.size();
    engine->apply(changes.events);
  }
  const double seconds = (base::monotonic_time() - begun).in_seconds();
  queue.close();
  fmt::print(
      "  listed, joined and told to the engine   {:6.2f} s, {:.2f} times the reading alone ({} events)\n",
      seconds, seconds / alone, told);
  fmt::print("  of it processor time                    {:6.2f} s\n", processor() - processor_before);
  fmt::print("  memory of it                            {:6.0f} MB\n", resident() - before);
}

}  // namespace

int main(int argc, char** argv) {
  const int pods = argc > 1 ? std::atoi(argv[1]) : 100'000;
  const int nodes = argc > 2 ? std::atoi(argv[2]) : 5'000;
  int ends[2] = {0, 0};
  if (pods <= 0 || nodes <= 0 || pipe(ends) != 0) return 2;
  const pid_t server = fork();
  if (server == 0) serve(pods, nodes, ends[1]);
  std::uint16_t port = 0;
  if (read(ends[0], &port, sizeof(port)) != sizeof(port) || port == 0) return 1;
  const double first = read_only(port);
  const double alone = std::min(first, read_only(port));
  fmt::print("{} pods, {} nodes\n  read and thrown away                    {:6.2f} s\n", pods, nodes, alone);
  std::fflush(stdout);
  take_in(port, nodes, alone);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return 0;
}
