#include "kube/writer.h"

#include "kube/scripted_server_test.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::kube {
namespace {

std::string pod(const std::string& uid, const std::string& node, int version) {
  return fmt::format(
      R"({{"metadata":{{"name":"a","uid":"{}","resourceVersion":"{}"}},"spec":{{"nodeName":"{}"}}}})", uid,
      version, node);
}

/// What one write comes to when the server answers like this, one answer after the other.
struct Step {
  const char* asked;  ///< method and the end of the path
  int status;
  std::string body;
};

Outcome outcome_of(Write::Kind kind, const std::vector<Step>& steps) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Outcome> outcome;
  std::size_t at = 0;
  ScriptedServer scripted([&](const net::HttpRequest& request) {
    const std::lock_guard lock(mutex);
    if (at >= steps.size()) {
      ADD_FAILURE() << "one request too many: " << request.method << ' ' << request.target;
      return ScriptedServer::say(400, "{}");
    }
    const Step& step = steps[at++];
    EXPECT_TRUE((request.method + " " + request.target).ends_with(step.asked))
        << request.method << ' ' << request.target;
    if (request.method == "POST") {
      EXPECT_NE(request.body.find("\"uid\":\"u1\""), std::string::npos) << request.body;
    }
    return ScriptedServer::say(step.status, step.body);
  });
  WriterOptions options;
  options.server = scripted.server();
  options.binders = 1;
  options.reporters = 1;
  options.on_outcome = [&](Outcome told) {
    {
      const std::lock_guard lock(mutex);
      outcome = std::move(told);
    }
    changed.notify_all();
  };
  Writer writer(std::move(options));
  Write write;
  write.kind = kind;
  write.decision = 7;
  write.pod = {"team", "a", "u1", "5"};
  write.node = "n1";
  writer.post(std::move(write));
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return outcome.has_value(); });
  EXPECT_EQ(at, steps.size());
  EXPECT_EQ(outcome->decision, 7U);
  return *outcome;
}

TEST(Writer, ABindingHasOneTrueOutcome) {
  const char* post = "/api/v1/namespaces/team/pods/a/binding";
  const char* get = "GET /api/v1/namespaces/team/pods/a";
  const struct {
    const char* what;
    std::vector<Step> steps;
    bool done;
  } cases[] = {
      {"is accepted", {{post, 201, "{}"}}, true},
      {"the pod changed meanwhile, and is tried in its new state",
       {{post, 409, "{}"}, {get, 200, pod("u1", "", 6)}, {post, 201, "{}"}},
       true},
      {"the answer is lost, and it was done", {{post, 504, "{}"}, {get, 200, pod("u1", "n1", 6)}}, true},
      {"the answer is lost, and it was not done",
       {{post, 504, "{}"}, {get, 200, pod("u1", "", 5)}, {post, 201, "{}"}},
       true},
      {"another one has bound it", {{post, 409, "{}"}, {get, 200, pod("u1", "n2", 6)}}, false},
      {"another pod has its name now", {{post, 409, "{}"}, {get, 200, pod("u2", "", 9)}}, false},
      {"the pod is gone", {{post, 404, "{}"}}, false},
      {"is not allowed", {{post, 403, "{}"}}, false},
      {"too many requests", {{post, 429, "{}"}, {post, 201, "{}"}}, true},
      {"what became of it cannot be seen at first",
       {{post, 500, "{}"}, {get, 503, "{}"}, {get, 200, pod("u1", "n1", 6)}},
       true},
  };
  for (const auto& c : cases) {
    const testing::ScopedTrace trace(__FILE__, __LINE__, c.what);
    EXPECT_EQ(outcome_of(Write::Kind::kBind, c.steps).done, c.done);
  }
}

TEST(Writer, AnEvictionHasOneTrueOutcome) {
  const char* post = "/api/v1/namespaces/team/pods/a/eviction";
  const struct {
    const char* what;
    std::vector<Step> steps;
    bool done;
  } cases[] = {
      {"is accepted", {{post, 201, "{}"}}, true},
      {"a budget forbids it", {{post, 429, R"({"message":"would violate the budget"})"}}, false},
      {"the pod is gone", {{post, 404, "{}"}}, true},
      {"is not allowed", {{post, 403, "{}"}}, false},
      {"the answer is lost", {{post, 504, "{}"}, {post, 404, "{}"}}, true},
  };
  for (const auto& c : cases) {
    const testing::ScopedTrace trace(__FILE__, __LINE__, c.what);
    const Outcome outcome = outcome_of(Write::Kind::kEvict, c.steps);
    EXPECT_EQ(outcome.done, c.done) << outcome.why;
    if (!c.done) {
      EXPECT_GT(outcome.retry_after, base::Duration());
    }
  }
}

}  // namespace
}  // namespace fairlead::kube
