#include "host/attached_command.h"

#include "host/supervisor_bench_test.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string_view>

namespace fairlead::host {
namespace {

// A running workload to attach to.
class AttachedCommandTest : public testing::Test {
 protected:
  AttachedCommandTest() : platform_(folder_.path()) {}
  void SetUp() override {
    ReplicaSpec spec = platform_.shell("work", "while :; do sleep 1000; done");
    spec.environment = {{"RANK", "3"}};
    ASSERT_TRUE(platform_->start(spec, {{"TOKEN", "secret"}}).ok());
    ASSERT_TRUE(platform_.wait_for_start("work"));
  }
  void TearDown() override {
    ASSERT_TRUE(platform_->stop("work", 0, {}).ok());
    ASSERT_TRUE(platform_.wait_for_end("work"));
  }
  std::string replica_folder() const { return folder_.path() + "/replicas/work"; }

  static std::string read_until(int descriptor, std::string_view word) {
    std::string text;
    while (word.empty() || text.find(word) == std::string::npos) {
      pollfd watched{descriptor, POLLIN, 0};
      if (::poll(&watched, 1, kDeadlineMilliseconds) <= 0) return text + "[deadline]";
      std::array<char, 4096> buffer;
      const ssize_t got = read(descriptor, buffer.data(), buffer.size());
      if (got <= 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  static std::string read_all(int descriptor) { return read_until(descriptor, ""); }
  static std::optional<ProcessExit> wait_for(AttachedCommand& command) {
    for (;;) {
      if (auto exit = command.exit()) return exit;
      pollfd watched{command.descriptor(), POLLIN, 0};
      if (::poll(&watched, 1, kDeadlineMilliseconds) <= 0) return std::nullopt;
    }
  }

  TestFolder folder_;
  SupervisorBench platform_;
};

TEST_F(AttachedCommandTest, RunsBesideTheWorkloadWithPipes) {
  AttachRequest request;
  request.command = {"sh", "-c", "echo \"$RANK $TOKEN $EXTRA\"; pwd; echo oops >&2; cat; exit 7"};
  request.environment = {{"EXTRA", "more"}};
  auto command = AttachedCommand::start(replica_folder(), request);
  ASSERT_TRUE(command.ok()) << command.error().message();
  ASSERT_EQ(write(command->input(), "typed\n", 6), 6);
  command->close_input();
  EXPECT_EQ(read_all(command->output()), "3 secret more\n" + folder_.path() + "\ntyped\n");
  EXPECT_EQ(read_all(command->error()), "oops\n");
  const auto exit = wait_for(*command);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 7);
}

TEST_F(AttachedCommandTest, HasATerminalThatCanBeResized) {
  AttachRequest request;
  request.command = {
      "sh", "-c", "tty; stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done"};
  request.terminal = true;
  request.rows = 30;
  request.columns = 100;
  auto command = AttachedCommand::start(replica_folder(), request);
  ASSERT_TRUE(command.ok()) << command.error().message();
  const std::string first = read_until(command->output(), "ready");
  EXPECT_NE(first.find("/dev/pts/"), std::string::npos) << first;
  EXPECT_NE(first.find("30 100"), std::string::npos) << first;
  ASSERT_TRUE(command->resize(50, 132).ok());
  EXPECT_NE(read_until(command->output(), "50 132").find("50 132"), std::string::npos);
  const auto exit = wait_for(*command);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 0);
}

TEST_F(AttachedCommandTest, TheKeysOfATerminalSendSignals) {
  AttachRequest request;
  request.command = {"sh", "-c", "echo ready; exec sleep 1000"};
  request.terminal = true;
  auto command = AttachedCommand::start(replica_folder(), request);
  ASSERT_TRUE(command.ok());
  read_until(command->output(), "ready");
  ASSERT_EQ(write(command->input(), "\x03", 1), 1);
  const auto exit = wait_for(*command);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->signal, SIGINT);
}

TEST_F(AttachedCommandTest, IsHungUpWhenItIsDropped) {
  Signpost post(folder_.path() + "/post");
  pid_t pid = 0;
  {
    AttachRequest request;
    request.command = {"sh", "-c", "echo $$ > " + post.path() + "; exec sleep 1000"};
    auto command = AttachedCommand::start(replica_folder(), request);
    ASSERT_TRUE(command.ok());
    pid = static_cast<pid_t>(std::atoi(post.next().c_str()));
    ASSERT_GT(pid, 0);
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST_F(AttachedCommandTest, SaysWhyItCannotRun) {
  AttachRequest request;
  request.command = {"no-such-program-anywhere"};
  const auto missing = AttachedCommand::start(replica_folder(), request);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message().find("no-such-program-anywhere"), std::string::npos);
  request.command.clear();
  EXPECT_FALSE(AttachedCommand::start(replica_folder(), request).ok());
  request.command = {"true"};
  const auto nowhere = AttachedCommand::start(folder_.path() + "/replicas/other", request);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().code(), base::Code::kNotFound);
}

TEST_F(AttachedCommandTest, EndsWithTheWorkload) {
  AttachRequest request;
  request.command = {"sh", "-c", "trap '' HUP TERM; echo ready; while :; do sleep 1000; done"};
  auto command = AttachedCommand::start(replica_folder(), request);
  ASSERT_TRUE(command.ok());
  read_until(command->output(), "ready");
  ASSERT_TRUE(platform_->stop("work", 0, {}).ok());
  ASSERT_TRUE(platform_.wait_for_end("work"));
  const auto exit = wait_for(*command);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->signal, SIGKILL);
}

}  // namespace
}  // namespace fairlead::host
