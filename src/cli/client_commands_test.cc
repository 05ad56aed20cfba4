#include "cli/command_line.h"
#include "cli/context.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace fairlead::cli {
namespace {

/// Answers from a list, and keeps what was asked.
struct Exchange {
  std::vector<net::ClientRequest> asked;
  std::deque<net::ClientResponse> answers;
  bool reachable = true;

  void answer(std::string body, int status = 200) { answers.push_back({status, {}, std::move(body)}); }
};

class FakeClient final : public net::HttpClient {
 public:
  explicit FakeClient(Exchange& exchange) : exchange_(exchange) {}
  base::Result<net::ClientResponse> send(const net::ClientRequest& request) override {
    exchange_.asked.push_back(request);
    if (!exchange_.reachable) {
      return base::Error(base::Code::kUnavailable, "127.0.0.1:7070: connection refused");
    }
    if (exchange_.answers.empty())
      return net::ClientResponse{404, {}, R"({"detail":"nothing was prepared"})"};
    net::ClientResponse answer = exchange_.answers.front();
    exchange_.answers.pop_front();
    if (request.on_bytes) {
      request.on_bytes(answer.body);
      answer.body.clear();
    }
    return answer;
  }

 private:
  Exchange& exchange_;
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

class ClientCommands : public testing::Test {
 protected:
  ClientCommands() {
    folder_ = testing::TempDir() + "fairlead_cli_XXXXXX";
    if (mkdtemp(folder_.data()) == nullptr) std::abort();
    variables_ = {{"FAIRLEAD_SERVER", "http://127.0.0.1:7070"}, {"FAIRLEAD_CONTEXT", folder_ + "/contexts"}};
  }
  ~ClientCommands() override { std::filesystem::remove_all(folder_); }

  Outcome run(std::vector<std::string> arguments, const std::string& input = "") {
    std::ostringstream out;
    std::ostringstream err;
    Environment environment{out,
                            err,
                            [&]() -> base::Result<std::string> { return input; },
                            [] { return base::Time::from_unix_seconds(1'767'225'600); },
                            {}};
    environment.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    environment.make_http_client = [this] { return std::make_unique<FakeClient>(exchange_); };
    environment.state_folder = folder_;
    std::vector<const char*> argv = {"fairlead"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    const int code = run_command_line(static_cast<int>(argv.size()), argv.data(), environment);
    return {code, out.str(), err.str()};
  }
  const net::ClientRequest& asked(std::size_t index = 0) const { return exchange_.asked.at(index); }

  std::string folder_;
  std::map<std::string, std::string> variables_;
  Exchange exchange_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

constexpr const char* kRunning =
    R"({"metadata":{"name":"llama"},"spec":{"project":"vision","kind":"training","command":["python3","train.py"],)"
    R"("replicas":4,"devices":{"count":2}},"status":{"uid":"u","version":7,"state":"running","reason":"",)"
    R"("submittedBy":"ada","submitted":"2025-12-31T23:00:00Z","devicesHeld":8,"replicasRunning":4,)"
    R"("replicasWanted":4,"priority":50,"preemptible":true,"failures":0,"preemptions":1,"simulated":true,)"
    R"("replicas":[{"role":"worker","index":0,"attempt":1,"state":"Running","node":"node-a","devices":["SIM-0"]}]}})";

TEST_F(ClientCommands, SubmitTakesTheFlagsOfRunAi) {
  exchange_.answer("{}", 201);
  const Outcome outcome = run({"submit",
                               "--name",
                               "llama",
                               "-p",
                               "vision",
                               "-g",
                               "2",
                               "--workers",
                               "4",
                               "--min-replicas",
                               "2",
                               "--cpu-core-request",
                               "500m",
                               "--cpu-memory-request",
                               "2Gi",
                               "-e",
                               "EPOCHS=3",
                               "--preemptibility",
                               "non-preemptible",
                               "--priority",
                               "high",
                               "--time-limit",
                               "1h30m",
                               "--",
                               "sh",
                               "-c",
                               "echo -f"});
  ASSERT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(outcome.out, "workload vision/llama submitted\n");
  EXPECT_EQ(asked().method, "POST");
  EXPECT_EQ(asked().url, "http://127.0.0.1:7070/api/v1/workloads");
  for (const char* part :
       {R"("name":"llama")", R"("project":"vision")", R"("command":["sh","-c","echo -f"])", R"("replicas":4)",
        R"("minimumReplicas":2)", R"("devices":{"count":2})", R"("cpu":"500m")", R"("EPOCHS":"3")",
        R"("preemptible":false)", R"("priority":"high")", R"("timeLimit":"1h30m0s")"}) {
    EXPECT_TRUE(has(asked().body, part)) << part << " in " << asked().body;
  }
}

TEST_F(ClientCommands, SharesOfDevices) {
  struct Case {
    std::vector<std::string> flags;
    std::string devices;
  };
  const Case cases[] = {
      {{"-g", "0.5"}, R"("devices":{"count":1,"fraction":0.5})"},
      {{"--gpu-portion-request", "0.25", "-g", "2"}, R"("devices":{"count":2,"fraction":0.25})"},
      {{"--gpu-memory-request", "20Gi"}, R"("devices":{"count":1,"memory":"20480Mi"})"},
      {{"--device-model", "H100-80GB"}, R"("devices":{"count":1,"model":"H100-80GB"})"},
  };
  for (const Case& c : cases) {
    exchange_.asked.clear();
    exchange_.answer("{}", 201);
    std::vector<std::string> arguments = {"submit", "x", "-p", "p"};
    arguments.insert(arguments.end(), c.flags.begin(), c.flags.end());
    arguments.insert(arguments.end(), {"--", "true"});
    ASSERT_EQ(run(arguments).code, kExitOk);
    EXPECT_TRUE(has(asked().body, c.devices)) << asked().body;
  }
}

TEST_F(ClientCommands, WhatIsWrongWithASubmissionNamesTheFlag) {
  struct Case {
    std::vector<std::string> flags;
    std::string part;
    int code;
  };
  const Case cases[] = {
      {{"-g", "1.5", "--", "a"}, "--gpu-devices-request: \"1.5\"", kExitFailed},
      {{"-g", "many", "--", "a"}, "--gpu-devices-request: \"many\"", kExitFailed},
      {{"--gpu-portion-request", "2", "--", "a"}, "--gpu-portion-request", kExitFailed},
      {{"-e", "NOVALUE", "--", "a"}, "write NAME=VALUE", kExitFailed},
      {{"--time-limit", "soon", "--", "a"}, "--time-limit: \"soon\"", kExitFailed},
      {{"--max-replicas", "2", "--", "a"}, "--type inference", kExitFailed},
      {{"--workers", "1", "--min-replicas", "2", "--", "a"}, "minimumReplicas", kExitFailed},
      {{"--name", "Big Name", "--", "a"}, "Big Name", kExitFailed},
      {{"--type", "game", "--", "a"}, "--type", kExitUsage},
      {{}, "-f FILE, or the command to run after --", kExitUsage},
      {{"-f", "x", "--", "a"}, "exclude each other", kExitUsage},
      {{"-f", "no/such/file"}, "no/such/file", kExitFailed},
  };
  for (const Case& c : cases) {
    std::vector<std::string> arguments = {"submit"};
    arguments.insert(arguments.end(), c.flags.begin(), c.flags.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, c.code) << outcome.err;
    EXPECT_TRUE(has(outcome.err, c.part)) << outcome.err;
  }
  EXPECT_TRUE(exchange_.asked.empty());
}

TEST_F(ClientCommands, ADryRunSaysWhereOrWhyNot) {
  exchange_.answer(R"({"starts":false,"node":"","evicted":[],"started":[],"reason":"no devices are free",
                       "remedies":["the quota of vision were 2"]})");
  Outcome outcome = run({"submit", "x", "-p", "vision", "--dry-run", "--", "true"});
  EXPECT_EQ(outcome.out,
            "vision/x would wait: no devices are free\n  to start it: the quota of vision were 2\n");
  EXPECT_TRUE(has(asked().url, "?dryRun=true"));
  exchange_.answer(
      R"({"starts":true,"node":"node-a","evicted":["search/b: it borrows"],"started":[],"reason":""})");
  outcome = run({"submit", "x", "-p", "vision", "--dry-run", "--", "true"});
  EXPECT_EQ(outcome.out, "vision/x would start now on node-a\n  stops search/b: it borrows\n");
}

TEST_F(ClientCommands, FilesAreSubmittedAndApplied) {
  const std::string yaml =
      "metadata: {name: a}\nspec: {project: vision, command: [sleep, '1']}\n---\n"
      "metadata: {name: b}\nspec: {project: vision, command: [sleep, '1']}\n";
  exchange_.answer("{}", 201);
  exchange_.answer("{}", 200);
  const Outcome outcome = run({"apply", "-f", "-"}, yaml);
  EXPECT_EQ(outcome.out, "workload vision/a submitted\nworkload vision/b changed\n") << outcome.err;
  EXPECT_EQ(asked(1).method, "PUT");
  EXPECT_TRUE(has(asked(1).url, "/api/v1/workloads/vision/b"));
  exchange_.asked.clear();
  const Outcome wrong =
      run({"submit", "-f", "-"}, "metadata: {name: a}\nspec: {project: vision, comand: [x]}\n");
  EXPECT_EQ(wrong.code, kExitFailed);
  EXPECT_TRUE(has(wrong.err, "spec.comand")) << wrong.err;
  EXPECT_TRUE(exchange_.asked.empty());
}

TEST_F(ClientCommands, ListShowsATableAndFollowsPages) {
  exchange_.answer(std::string(R"({"items":[)") + kRunning + R"(],"next":"6162","version":1})");
  exchange_.answer(R"({"items":[{"metadata":{"name":"b"},"spec":{"project":"vision","kind":"training"},
                      "status":{"state":"pending","reason":"no devices are free","replicasRunning":0,
                      "replicasWanted":1,"submitted":"2025-12-31T23:59:30Z"}}],"version":1})");
  const Outcome outcome = run({"list", "--state", "running", "--state", "pending"});
  EXPECT_EQ(outcome.out,
            "PROJECT  NAME   KIND      STATE    DEVICES  REPLICAS   AGE  REASON\n"
            "vision   llama  training  running  4 x 2    4/4       1h0m\n"
            "vision   b      training  pending  -        0/1        30s  no devices are free\n");
  EXPECT_EQ(outcome.err, "Devices are simulated.\n");
  EXPECT_TRUE(has(asked(0).url, "&state=running&state=pending")) << asked(0).url;
  EXPECT_TRUE(has(asked(1).url, "&after=6162")) << asked(1).url;
  exchange_.answer(std::string(R"({"items":[)") + kRunning + R"(],"version":1})");
  EXPECT_EQ(run({"list", "-o", "name"}).out, "vision/llama\n");
}

TEST_F(ClientCommands, ANameWithoutProjectIsLookedFor) {
  exchange_.answer(std::string(R"({"items":[)") + kRunning + "]}");
  exchange_.answer(kRunning);
  const Outcome yaml = run({"get", "llama", "-o", "yaml"});
  EXPECT_TRUE(has(yaml.out, "state: running")) << yaml.out << yaml.err;
  EXPECT_TRUE(has(asked(0).url, "name=llama"));
  EXPECT_TRUE(has(asked(1).url, "/api/v1/workloads/vision/llama"));
  exchange_.answer(R"({"items":[]})");
  EXPECT_EQ(run({"get", "nothing"}).code, kExitNotFound);
  exchange_.answer(std::string(R"({"items":[)") + kRunning + "," + kRunning + "]}");
  const Outcome several = run({"delete", "llama"});
  EXPECT_EQ(several.code, kExitUsage);
  EXPECT_TRUE(has(several.err, "-p PROJECT")) << several.err;
}

TEST_F(ClientCommands, ChangesAreCarriedOutOneAfterAnother) {
  exchange_.answer(R"({"detail":"there is no workload vision/a"})", 404);
  exchange_.answer("", 204);
  const Outcome outcome = run({"delete", "vision/a", "vision/b"});
  EXPECT_EQ(outcome.code, kExitNotFound);
  EXPECT_EQ(outcome.out, "workload vision/b deleted\n");
  EXPECT_EQ(outcome.err, "fairlead: there is no workload vision/a\n");
  exchange_.asked.clear();
  exchange_.answer("{}");
  EXPECT_EQ(run({"scale", "vision/b", "--replicas", "3"}).code, kExitOk);
  EXPECT_EQ(asked().body, R"({"replicas":3})");
}

TEST_F(ClientCommands, ProblemsBecomeExitCodesWithTheirRemedy) {
  struct Case {
    int status;
    int code;
  };
  for (const Case c : {Case{401, kExitNotAllowed}, Case{403, kExitNotAllowed}, Case{404, kExitNotFound},
                       Case{409, kExitConflict}, Case{412, kExitConflict}, Case{503, kExitUnavailable},
                       Case{400, kExitFailed}, Case{500, kExitFailed}}) {
    exchange_.answer(R"({"detail":"it is so","remedy":"do that"})", c.status);
    const Outcome outcome = run({"queue"});
    EXPECT_EQ(outcome.code, c.code) << c.status;
    EXPECT_EQ(outcome.err, "fairlead: it is so\n  do that\n");
  }
}

TEST_F(ClientCommands, WithoutAServerTheRemedyIsTold) {
  exchange_.reachable = false;
  const Outcome refused = run({"list"});
  EXPECT_EQ(refused.code, kExitUnavailable);
  EXPECT_TRUE(has(refused.err, "connection refused\nStart the platform on this machine with 'fairlead up'"))
      << refused.err;
  variables_.erase("FAIRLEAD_SERVER");
  const Outcome unknown = run({"list"});
  EXPECT_EQ(unknown.code, kExitUnavailable);
  EXPECT_TRUE(has(unknown.err, "fairlead up")) << unknown.err;
}

TEST_F(ClientCommands, ThePlatformOnThisMachineNeedsNoSigningIn) {
  variables_.erase("FAIRLEAD_SERVER");
  std::ofstream(folder_ + "/socket") << "";
  exchange_.answer(R"({"items":[]})");
  EXPECT_EQ(run({"list"}).code, kExitOk);
  EXPECT_EQ(asked().unix_socket, folder_ + "/socket");
  EXPECT_TRUE(asked().headers.empty());
}

TEST_F(ClientCommands, LoginRemembersTheTokenForOthersToNeed) {
  variables_.erase("FAIRLEAD_SERVER");
  exchange_.answer(R"({"user":"ada","token":"fairlead_1_secret","roles":[]})", 201);
  exchange_.answer(R"({"user":"ada","roles":[{"role":"researcher","queue":"vision"}]})");
  const Outcome outcome = run({"login", "http://pool:7070/sign-in?code=fairlead_2_once"});
  EXPECT_EQ(outcome.out, "Signed in to pool:7070 as ada (researcher of vision).\n") << outcome.err;
  EXPECT_EQ(asked(0).body, R"({"code":"fairlead_2_once"})");
  EXPECT_FALSE(has(outcome.out + outcome.err, "secret"));
  const auto mode = std::filesystem::status(folder_ + "/contexts").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  exchange_.asked.clear();
  exchange_.answer(R"({"items":[]})");
  run({"list"});
  EXPECT_EQ(asked().url.find("http://pool:7070/"), 0U);
  EXPECT_EQ(asked().headers.at(0).second, "Bearer fairlead_1_secret");
  EXPECT_TRUE(has(run({"context"}).out, "pool:7070"));
  EXPECT_EQ(run({"context", "use", "nowhere"}).code, kExitNotFound);
  // A password comes from standard input where there is no terminal.
  exchange_.asked.clear();
  exchange_.answer(R"({"detail":"user and password do not belong together"})", 401);
  EXPECT_EQ(run({"login", "pool2", "--user", "ada"}, "correct horse\n").code, kExitNotAllowed);
  EXPECT_EQ(asked().body, R"({"user":"ada","password":"correct horse"})");
  EXPECT_EQ(asked().url.find("https://pool2/"), 0U) << "without a scheme it is TLS";
}

TEST_F(ClientCommands, WhyEndsWithTheCommandThatWouldStartIt) {
  exchange_.answer(kRunning);
  exchange_.answer(R"({"starts":false,"evicted":[],"started":[],"reason":"vision is at its limit",
                       "remedies":["add 1 machine like node-a",
                         "raise the limit of vision to 8: fairlead queue set vision --gpu-limit 8"]})");
  const Outcome outcome = run({"why", "vision/llama"});
  EXPECT_EQ(outcome.out,
            "vision/llama is running.\nvision is at its limit\nWhat would start it:\n"
            "  add 1 machine like node-a\n"
            "  raise the limit of vision to 8: fairlead queue set vision --gpu-limit 8\n"
            "To start it now:\n  fairlead queue set vision --gpu-limit 8\n");
}

TEST_F(ClientCommands, QueuesAreATreeWithBars) {
  exchange_.answer(
      R"({"items":[{"name":"products","parent":"","resources":{"gpu":{"quota":4,"limit":"unlimited"}},"status":{"gpu":{"allocated":0,"requested":0}}},
        {"name":"research","parent":"","resources":{"gpu":{"quota":4,"limit":"unlimited"}},"status":{"gpu":{"allocated":6,"requested":8}}},
        {"name":"search","parent":"products","resources":{"gpu":{"quota":4}},"status":{"gpu":{"allocated":0,"requested":0}}},
        {"name":"vision","parent":"research","resources":{"gpu":{"quota":2,"limit":6.5}},"status":{"gpu":{"allocated":6,"requested":8}}}]})");
  const Outcome outcome = run({"queue"});
  EXPECT_LT(outcome.out.find("  search"), outcome.out.find("research")) << outcome.out;
  EXPECT_TRUE(has(outcome.out, "  vision  ████████|███████████████")) << outcome.out;
  EXPECT_TRUE(has(outcome.out, "6.5")) << outcome.out;
  exchange_.asked.clear();
  exchange_.answer("{}", 201);
  run({"queue", "create", "new", "--parent", "research", "--gpu-quota", "2", "--gpu-limit", "unlimited"});
  EXPECT_EQ(asked().body,
            R"({"name":"new","parent":"research","resources":{"gpu":{"quota":"2","limit":"unlimited"}}})");
  exchange_.answer(R"({"evicted":["vision/llama: above its quota"],"started":[]})");
  EXPECT_EQ(run({"queue", "set", "vision", "--gpu-quota", "0", "--dry-run"}).out,
            "stops vision/llama: above its quota\n");
}

TEST_F(ClientCommands, EventsAreTakenApartAndResumed) {
  exchange_.answer(
      "retry: 1000\n\nid: 7\nevent: x\ndata: {\"time\":\"T\",\"kind\":\"x\",\"subject\":\"node a\"}\n\n");
  exchange_.answer("id: 8\nevent: y\ndata: {\"time\":\"U\",\"kind\":\"y\",\"subject\":\"node b\"}\n\n");
  exchange_.answer("");
  const Outcome outcome = run({"events", "-w"});
  EXPECT_EQ(outcome.out, "T  x  node a\nU  y  node b\n") << outcome.err;
  EXPECT_EQ(asked(1).headers.back().second, "7");
  exchange_.asked.clear();
  exchange_.answer(R"({"detail":"no","remedy":""})", 403);
  EXPECT_EQ(run({"events", "-w"}).code, kExitNotAllowed);
}

TEST_F(ClientCommands, UsageForASpreadsheet) {
  exchange_.answer(
      R"({"since":"S","until":"U","items":[{"name":"a,b","deviceModel":"H100","allocatedHours":1.5,
                      "usedHours":null,"idleHours":null,"overQuotaHours":0,"lostHours":0.25}]})");
  const Outcome outcome = run({"usage", "--by", "user", "--since", "1d", "-o", "csv"});
  EXPECT_EQ(outcome.out,
            "user,device_model,allocated_hours,used_hours,idle_hours,over_quota_hours,lost_hours\n"
            "\"a,b\",H100,1.5,,,0,0.25\n");
  EXPECT_TRUE(has(asked().url, "since=2025-12-31T00%3A00%3A00Z")) << asked().url;
}

TEST_F(ClientCommands, TextsOfTheServerSteerNoTerminal) {
  exchange_.answer(R"({"detail":"evil \u001b[2J","remedy":"\u0007"})", 400);
  EXPECT_EQ(run({"list"}).err.find('\x1b'), std::string::npos);
}

TEST_F(ClientCommands, ExecSendsInputAndEndsWithTheExitCode) {
  class FakeSocket final : public net::ClientWebSocket {
   public:
    explicit FakeSocket(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    bool send(std::string_view bytes, bool binary) override {
      callbacks_.on_message(binary ? "got " + std::string(bytes) : "", true);
      callbacks_.on_message(R"({"exitCode":3})", false);
      callbacks_.on_close(1000, "");
      return true;
    }
    void close() override {}

   private:
    Callbacks callbacks_;
  };
  std::ostringstream out;
  std::ostringstream err;
  Environment environment{
      out, err, [] { return base::Result<std::string>(std::string()); }, [] { return base::Time(); }, {}};
  environment.variable = [this](const std::string& name) -> std::optional<std::string> {
    return variables_[name];
  };
  environment.make_http_client = [this] { return std::make_unique<FakeClient>(exchange_); };
  std::string url;
  environment.connect_web_socket = [&](const net::ClientRequest& request,
                                       net::ClientWebSocket::Callbacks callbacks) {
    url = request.url;
    return base::Result<std::unique_ptr<net::ClientWebSocket>>(
        std::make_unique<FakeSocket>(std::move(callbacks)));
  };
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  ASSERT_EQ(write(pipe_ends[1], "hi", 2), 2);
  environment.input_descriptor = pipe_ends[0];
  const char* argv[] = {"fairlead", "exec", "-i", "vision/a", "--", "cat", "-"};
  EXPECT_EQ(run_command_line(7, argv, environment), 3) << err.str();
  EXPECT_EQ(out.str(), "got hi");
  EXPECT_TRUE(has(url, "/api/v1/workloads/vision/a/exec?index=0&command=cat&command=-")) << url;
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace fairlead::cli
