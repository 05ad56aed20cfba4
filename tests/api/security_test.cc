// Who can do what to whom, with the real program and real processes. What needs accounts of their own is
// skipped without root, and says so.

#include "api/signed_in.h"
#include "base/json_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fairlead::api_tests {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string shell(const std::string& name, const std::string& script) {
  std::string escaped;
  for (const char c : script) escaped += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"project":"vision","command":["sh","-c",")" +
         escaped + R"("]}})";
}

std::string log_of(Client& client, const std::string& name) {
  return client.ask("GET", "/api/v1/workloads/vision/" + name + "/logs").body;
}

void wait_for_state(RunningPlatform& platform, const std::string& name, const std::string& state) {
  const auto ask = [&] { return platform.ask("GET", "/api/v1/workloads/vision/" + name).body; };
  platform.wait_until(name + " is " + state,
                      [&] { return RunningPlatform::member(ask(), "state") == state; });
}

TEST(Security, WhoHasNoAccountRunsNothingAsRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only a platform of root's runs work as other accounts";
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "researcher", "vision");
  Client eve = signed_in(platform, "eve", "department-administrator", "research");
  const std::string account =
      RunningPlatform::member(platform.ask("GET", "/api/v1/users/ada").body, "account");
  ASSERT_EQ(platform.ask("PUT", "/api/v1/users/eve", R"({"account":null})").status, 200);
  for (const char* method : {"POST", "PUT"}) {
    const std::string path =
        std::string("/api/v1/workloads") + (*method == 'P' && method[1] == 'U' ? "/vision/w" : "");
    const auto refused = eve.ask(method, path, shell("w", "id -u"));
    EXPECT_EQ(refused.status, 403) << refused.body;
    EXPECT_FALSE(RunningPlatform::member(refused.body, "remedy").empty()) << refused.body;
  }
  // Work runs as its submitter, whoever starts it again, and nobody else may say what it runs.
  ASSERT_EQ(ada.ask("POST", "/api/v1/workloads", shell("own", "id -u; id -G; exec sleep 1000")).status, 201);
  wait_for_state(platform, "own", "running");
  platform.wait_until("it has printed", [&] { return log_of(ada, "own").ends_with("\n" + account + "\n"); });
  EXPECT_EQ(log_of(ada, "own"), account + "\n" + account + "\n") << "no group of root's either";
  EXPECT_EQ(eve.ask("PUT", "/api/v1/workloads/vision/own", shell("own", "id -u")).status, 403);
  EXPECT_EQ(eve.ask("POST", "/api/v1/workloads/vision/own/suspend").status, 200);
  wait_for_state(platform, "own", "suspended");
  EXPECT_EQ(eve.ask("POST", "/api/v1/workloads/vision/own/resume").status, 200);
  wait_for_state(platform, "own", "running");
  platform.wait_until("it has printed again", [&] { return log_of(ada, "own").starts_with(account + "\n"); });
  EXPECT_EQ(log_of(ada, "own").find("0\n"), std::string::npos) << log_of(ada, "own");
  // Only an administrator of everything binds accounts; also root's, if that is wanted.
  EXPECT_EQ(eve.ask("PUT", "/api/v1/users/eve", R"({"account":0})").status, 403);
  EXPECT_EQ(eve.ask("PUT", "/api/v1/users/ada", R"({"account":0})").status, 403);
  Client root = signed_in(platform, "chief", "administrator", "");
  ASSERT_EQ(root.ask("PUT", "/api/v1/users/chief", R"({"account":0})").status, 200);
  ASSERT_EQ(root.ask("POST", "/api/v1/workloads", shell("bound", "id -u")).status, 201);
  wait_for_state(platform, "bound", "succeeded");
  EXPECT_EQ(log_of(root, "bound"), "0\n");
}

TEST(Security, AnAccountReachesNothingOfAnothersOrOfThePlatforms) {
  if (geteuid() != 0) GTEST_SKIP() << "only a platform of root's runs work as other accounts";
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "researcher", "vision");
  Client eve = signed_in(platform, "eve", "researcher", "vision");
  ASSERT_EQ(
      ada.ask("POST", "/api/v1/workloads", shell("hers", "echo mine > notes; echo ready; exec sleep 1000"))
          .status,
      201);
  wait_for_state(platform, "hers", "running");
  platform.wait_until("it is ready", [&] { return log_of(ada, "hers") == "ready\n"; });
  const std::string pid =
      RunningPlatform::member(platform.ask("GET", "/api/v1/workloads/vision/hers").body, "pid");
  const std::string& state = platform.folder();
  const std::string work = "/proc/" + pid + "/cwd";
  const std::string script =
      "try() { name=$1; shift; if \"$@\" >/dev/null 2>&1; then echo \"$name: done\"; else echo "
      "\"$name: refused\"; fi; }; "
      "try files cat " +
      state +
      "/work/vision/hers/notes; "
      "try folder ls " +
      state +
      "/work/vision/hers; "
      "try cwd ls " +
      work +
      "/; "
      "try environment cat /proc/" +
      pid +
      "/environ; "
      "try signal kill -0 " +
      pid +
      "; "
      "try database cat " +
      state +
      "/fairlead.db; "
      "try key cat " +
      state +
      "/secret.key; "
      "try logs ls " +
      state +
      "/replicas; "
      "try platform kill -0 " +
      std::to_string(platform.pid()) +
      "; "
      "try own touch here";
  ASSERT_EQ(eve.ask("POST", "/api/v1/workloads", shell("theirs", script)).status, 201);
  wait_for_state(platform, "theirs", "succeeded");
  EXPECT_EQ(log_of(eve, "theirs"),
            "files: refused\nfolder: refused\ncwd: refused\nenvironment: refused\nsignal: refused\n"
            "database: refused\nkey: refused\nlogs: refused\nplatform: refused\nown: done\n");
  EXPECT_EQ(RunningPlatform::member(platform.ask("GET", "/api/v1/workloads/vision/hers").body, "state"),
            "running");
}

// All operations that only read and need no further name.
std::vector<std::string> readable_paths(RunningPlatform& platform) {
  const std::string text = platform.ask("GET", "/openapi.json").body;
  base::JsonReader reader;
  const auto document = reader.read(text);
  std::vector<std::string> paths = {"/api/v1/workloads/vision/reader",
                                    "/api/v1/workloads/vision/reader/events",
                                    "/api/v1/workloads/vision/reader/explanation",
                                    "/api/v1/workloads/vision/reader/logs", "/api/v1/users/ada"};
  if (!document) return paths;
  for (const auto& path : (*document)->find("paths")->members()) {
    const bool reads = path.value.find("get") != nullptr;
    if (reads && path.key.find('{') == std::string_view::npos) paths.emplace_back(path.key);
  }
  return paths;
}

TEST(Security, SecretsAreNowhereButInTheirProcess) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "researcher", "vision");
  const std::string stored = "correct-horse-battery-staple";
  const std::string password = "a-password-of-adas-own";
  const std::string token = ada.token().substr(ada.token().rfind('_') + 1);
  const std::string code = code_for(platform, "ada");
  ASSERT_EQ(ada.ask("PUT", "/api/v1/secrets/vision/hub", R"({"value":")" + stored + "\"}").status, 204);
  ASSERT_EQ(platform.ask("PUT", "/api/v1/users/ada", R"({"password":")" + password + "\"}").status, 200);
  Client again(platform);
  const auto session = again.ask("POST", "/api/v1/session", R"({"code":")" + code + "\"}");
  ASSERT_EQ(session.status, 201) << session.body;
  EXPECT_EQ(again.ask("POST", "/api/v1/session", R"({"user":"ada","password":")" + stored + "\"}").status,
            401);
  again.use_token(RunningPlatform::member(session.body, "token"));
  const std::string session_secret = again.token().substr(again.token().rfind('_') + 1);
  const auto made =
      again.ask("POST", "/api/v1/workloads",
                R"({"metadata":{"name":"reader"},"spec":{"project":"vision","secrets":{"HUB":"hub"},
          "command":["sh","-c","printf %s \"$HUB\" | wc -c; exec sleep 1000"]}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto length = std::to_string(stored.size()) + "\n";
  platform.wait_until("it has the secret", [&] { return log_of(again, "reader") == length; });
  const std::vector<std::string> secrets = {stored, password, token, code, session_secret};
  const auto expect_none = [&](const std::string& text, const std::string& where) {
    for (const std::string& secret : secrets) EXPECT_EQ(text.find(secret), std::string::npos) << where;
  };
  std::size_t answers = 0;
  for (const std::string& path : readable_paths(platform)) {
    const auto answer = platform.ask("GET", path);
    expect_none(answer.body, path);
    answers += answer.status == 200 ? 1 : 0;
  }
  EXPECT_GT(answers, 15U);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(platform.folder())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    expect_none(content(entry.path()), entry.path());
  }
  EXPECT_GT(files, 4U);
  const std::string replica =
      RunningPlatform::member(platform.ask("GET", "/api/v1/workloads/vision/reader").body, "pid");
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    expect_none(content(entry.path() / "cmdline"), pid + "/cmdline");
    if (pid != replica) expect_none(content(entry.path() / "environ"), pid + "/environ");
  }
  EXPECT_NE(content("/proc/" + replica + "/environ").find(stored), std::string::npos) << "where it belongs";
}

}  // namespace
}  // namespace fairlead::api_tests
