#include "host/control_group.h"
#include "host/control_groups.h"
#include "host/device_filter.h"
#include "host/supervisor_bench_test.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>

namespace fairlead::host {
namespace {

// Accounts without a name: nothing has to be added to the machine for them.
constexpr std::uint32_t kAlice = 61001;
constexpr std::uint32_t kBob = 61002;

std::string first_line(const std::string& path) {
  const auto text = base::read_file(path);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

// A folder that other accounts may pass through, as the state folder of root's platform is.
void open_to_all(const std::string& path) { chmod(path.c_str(), 0755); }

TEST(Isolation, SaysWhatHoldsAndWhatDoesNot) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  const Guarantees& guarantees = platform->guarantees();
  const std::size_t missing = (guarantees.memory_limit ? 0U : 1U) + (guarantees.cpu_limit ? 0U : 1U) +
                              (guarantees.device_access ? 0U : 1U) + (guarantees.other_accounts ? 0U : 1U);
  EXPECT_EQ(guarantees.not_enforced.size(), missing);
  EXPECT_EQ(guarantees.other_accounts, geteuid() == 0);
}

TEST(Isolation, AReplicaBeyondItsMemoryLimitIsKilledAndReported) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  if (!platform->guarantees().memory_limit) GTEST_SKIP() << "memory limits are not enforced here";
  ReplicaSpec spec = platform.shell("eater", "exec tail /dev/zero");  // keeps a line without an end
  spec.memory_bytes = 32LL << 20;
  ASSERT_TRUE(platform->start(spec, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("eater"));
  EXPECT_EQ(platform.ended["eater"].exit_signal, SIGKILL);
  EXPECT_TRUE(platform.ended["eater"].memory_limit_hit);
  ReplicaSpec modest = platform.shell("modest", "exit 0");
  modest.memory_bytes = 32LL << 20;
  ASSERT_TRUE(platform->start(modest, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("modest"));
  EXPECT_FALSE(platform.ended["modest"].memory_limit_hit);
  EXPECT_EQ(platform.ended["modest"].exit_code, 0);
}

TEST(Isolation, TheCpuLimitIsSetAndSlowsAReplica) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  if (!platform->guarantees().cpu_limit) GTEST_SKIP() << "cpu limits are not enforced here";
  Signpost post(folder.path() + "/post");
  ReplicaSpec spec = platform.shell("spinner", "echo ready > " + post.path() + "; while :; do :; done");
  spec.cpu_milli = 100;
  ASSERT_TRUE(platform->start(spec, {}).ok());
  ASSERT_EQ(post.next(), "ready");
  const auto group =
      ControlGroup::find(platform.started.count("spinner") > 0
                             ? platform.started["spinner"].cgroup
                             : (platform.wait_for_start("spinner"), platform.started["spinner"].cgroup));
  ASSERT_TRUE(group.has_value());
  // Throttled: it was kept from running, which happens to none that may use whole processors.
  const std::string stat = group->folder("cpu") + "/cpu.stat";
  EXPECT_TRUE(platform.until([&] {
    const auto text = base::read_file(stat);
    return text && text->find("nr_throttled 0") == std::string::npos;
  }));
  ASSERT_TRUE(platform->stop("spinner", 0, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("spinner"));
}

TEST(Isolation, NoControlGroupIsLeft) {
  const TestFolder folder;
  std::vector<std::string> folders;
  {
    SupervisorBench platform(folder.path());
    if (platform->guarantees().containment == Guarantees::Containment::kSession) {
      GTEST_SKIP() << "there are no control groups here";
    }
    ASSERT_TRUE(platform->start(platform.shell("brief", "true"), {}).ok());
    ASSERT_TRUE(platform.wait_for_end("brief"));
    const auto group = ControlGroup::find(platform.ended["brief"].cgroup);
    ASSERT_TRUE(group.has_value());
    for (const char* controller : {"memory", "cpu", "cpuacct", "devices", "freezer"}) {
      if (!group->folder(controller).empty()) folders.push_back(group->folder(controller));
    }
    platform->forget("brief");
    for (const std::string& path : folders) EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
  for (const std::string& path : folders) {
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path())) << path;
  }
}

TEST(Isolation, AGroupIsKilledThoughItForksWithoutEnd) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  if (platform->guarantees().containment == Guarantees::Containment::kSession) {
    GTEST_SKIP() << "there are no control groups here";
  }
  Signpost post(folder.path() + "/post");
  // Each hands on to two, which leave their session and their parent.
  std::ofstream(folder.path() + "/spread") << "[ $1 -gt 5 ] && exec sleep 1000\n"
                                              "setsid sh $0 $(($1+1)) & setsid sh $0 $(($1+1)) & wait\n";
  ASSERT_TRUE(
      platform->start(platform.shell("spread", "sh ./spread 0 & echo ready > " + post.path() + "; wait"), {})
          .ok());
  ASSERT_EQ(post.next(), "ready");
  ASSERT_TRUE(platform.wait_for_start("spread"));
  const auto group = ControlGroup::find(platform.started["spread"].cgroup);
  ASSERT_TRUE(group.has_value());
  const std::vector<std::int64_t> before = group->pids();
  EXPECT_FALSE(before.empty());
  ASSERT_TRUE(platform->stop("spread", 0, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("spread"));
  EXPECT_TRUE(group->empty());
  for (const std::int64_t pid : before) EXPECT_FALSE(process_entry(static_cast<pid_t>(pid)).has_value());
}

TEST(Isolation, AnAccountCannotReachAnothersFilesProcessesOrDevice) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: work runs as two accounts";
  const TestFolder folder;
  open_to_all(folder.path());
  SupervisorBench platform(folder.path());
  for (const auto& [name, account] : {std::pair{"alice", kAlice}, std::pair{"bob", kBob}}) {
    const std::string home = folder.path() + "/" + name;
    ASSERT_EQ(mkdir(home.c_str(), 0700), 0);
    ASSERT_EQ(chown(home.c_str(), account, account), 0);
  }
  // A device like an accelerator's: everybody may open the node; it stands for /dev/full.
  const std::string device = folder.path() + "/accelerator0";
  ASSERT_EQ(mknod(device.c_str(), S_IFCHR | 0666, makedev(1, 7)), 0);
  ASSERT_EQ(chmod(device.c_str(), 0666), 0);

  Signpost post(folder.path() + "/post");
  Signpost hold(folder.path() + "/hold");
  ReplicaSpec alice = platform.shell("alice-replica", "id -u; id -G; (: < " + device + ") && echo opened; " +
                                                          "echo private > file; echo $$ > " + post.path() +
                                                          "; read line < " + hold.path());
  alice.account = kAlice;
  alice.working_directory = folder.path() + "/alice";
  alice.environment = {{"TOKEN", "hers"}};
  alice.device_nodes = {device};
  ASSERT_TRUE(platform->start(alice, {}).ok());
  const std::string pid = post.next();
  ASSERT_NE(pid, "");

  ReplicaSpec bob =
      platform.shell("bob-replica", "id -u; grep NoNewPrivs /proc/self/status; cat " + folder.path() +
                                        "/alice/file; kill -0 " + pid + "; cat /proc/" + pid +
                                        "/environ; ls " + folder.path() + "/replicas/alice-replica; (: < " +
                                        device + ") && echo opened; echo > /dev/stdout; true");
  bob.account = kBob;
  bob.working_directory = folder.path() + "/bob";
  bob.environment = {{"LC_ALL", "C"}};
  bob.denied_device_nodes = {device};
  ASSERT_TRUE(platform->start(bob, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("bob-replica"));
  const std::string log = platform.log("bob-replica");
  EXPECT_EQ(log.substr(0, 6), "61002\n");
  EXPECT_NE(log.find("NoNewPrivs:\t1"), std::string::npos) << log;
  EXPECT_NE(log.find("alice/file: Permission denied"), std::string::npos) << log;
  EXPECT_NE(log.find("Operation not permitted"), std::string::npos) << log;
  EXPECT_NE(log.find("environ: Permission denied"), std::string::npos) << log;
  EXPECT_NE(log.find("alice-replica': Permission denied"), std::string::npos) << log;
  EXPECT_EQ(log.find("hers"), std::string::npos);
  EXPECT_EQ(log.find("private"), std::string::npos);
  EXPECT_EQ(log.find("cannot create /dev/stdout"), std::string::npos) << log;
  if (platform->guarantees().device_access) {
    EXPECT_EQ(log.find("opened"), std::string::npos) << log;
  }

  EXPECT_EQ(platform.log("alice-replica"), "61001\n61001\nopened\n");
  std::ofstream(hold.path()) << "go\n";
  ASSERT_TRUE(platform.wait_for_end("alice-replica"));
  EXPECT_EQ(platform.ended["alice-replica"].exit_code, 0);
}

// The unified hierarchy, also where the machine's controllers are elsewhere: killing and devices need none.
class UnifiedGroup : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream mounts("/proc/self/mounts");
    std::string source;
    std::string place;
    std::string type;
    std::string rest;
    while (mounts >> source >> place >> type && std::getline(mounts, rest)) {
      if (type == "cgroup2") mount_ = place;
    }
    if (mount_.empty() || access(mount_.c_str(), W_OK) != 0) {
      GTEST_SKIP() << "there is no unified hierarchy that may be written to";
    }
    group_ = ControlGroup::find("v2;=" + mount_ + "/fairlead-test-" + std::to_string(getpid()));
    ASSERT_TRUE(group_.has_value());
  }
  void TearDown() override {
    if (group_) group_->remove();
  }
  // Runs in a process of the group, once that is in it; its result is the exit code.
  template <class Work>
  pid_t in_group(Work work) const {
    std::array<int, 2> gate{};
    EXPECT_EQ(pipe(gate.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      char byte = 0;
      if (read(gate[0], &byte, 1) != 1) _exit(99);
      _exit(work());
    }
    EXPECT_TRUE(group_->add(child).ok());
    EXPECT_EQ(write(gate[1], "g", 1), 1);
    close(gate[0]);
    close(gate[1]);
    return child;
  }
  std::string mount_;
  std::optional<ControlGroup> group_;
};

TEST_F(UnifiedGroup, IsKilledAtOnce) {
  ASSERT_TRUE(group_->create({}).ok());
  const pid_t child = in_group([] {
    pause();
    return 0;
  });
  EXPECT_EQ(group_->pids(), (std::vector<std::int64_t>{child}));
  group_->kill();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(group_->empty());
  group_->remove();
  EXPECT_FALSE(std::filesystem::exists(group_->folder("")));
}

TEST_F(UnifiedGroup, RefusesDevicesByAFilter) {
  ASSERT_TRUE(group_->create({}).ok());
  const auto attached = attach_device_filter(group_->folder(""), {{false, 1, 7}, {false, 195, 3}});
  if (!attached) GTEST_SKIP() << "this kernel takes no device filter: " << attached.error().message();
  const pid_t child = in_group([] {
    if (open("/dev/full", O_RDONLY) >= 0 || errno != EPERM) return 1;
    return open("/dev/null", O_RDONLY) >= 0 ? 0 : 2;
  });
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ControlGroup, WritesTheLimitsOfTheUnifiedHierarchy) {
  // Stands for a folder whose controllers are switched on: the files are there before.
  const TestFolder folder;
  const std::string path = folder.path() + "/group";
  mkdir(path.c_str(), 0755);
  for (const char* file : {"memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "cgroup.kill"}) {
    std::ofstream(path + "/" + file) << "";
  }
  std::ofstream(path + "/memory.events") << "low 0\noom 2\noom_kill 1\n";
  std::ofstream(path + "/memory.stat") << "anon 4096\nfile 99\nshmem 8192\n";
  std::ofstream(path + "/cpu.stat") << "usage_usec 1500\nuser_usec 1000\n";
  std::ofstream(path + "/cgroup.procs") << "12\n34\n";
  const auto group = ControlGroup::find("v2;=" + path);
  ASSERT_TRUE(group.has_value());
  ASSERT_TRUE(group->create({1500, 1 << 20, {}}).ok());
  EXPECT_EQ(first_line(path + "/memory.max"), "1048576");
  EXPECT_EQ(first_line(path + "/memory.swap.max"), "0");
  EXPECT_EQ(first_line(path + "/memory.oom.group"), "1");
  EXPECT_EQ(first_line(path + "/cpu.max"), "150000 100000");
  group->kill();
  EXPECT_EQ(first_line(path + "/cgroup.kill"), "1");
  EXPECT_TRUE(group->memory_limit_hit());
  EXPECT_EQ(group->memory_bytes(), 4096 + 8192);
  EXPECT_EQ(group->cpu_nanoseconds(), 1'500'000);
  EXPECT_EQ(group->pids(), (std::vector<std::int64_t>{12, 34}));
}

TEST(ControlGroup, IsFoundByItsTextOnly) {
  for (const char* text : {"", "v2", "v3;=/x", "/sys/fs/cgroup/x", "v1;memory"}) {
    EXPECT_FALSE(ControlGroup::find(text).has_value()) << text;
  }
  const auto group = ControlGroup::find("v1;memory=/m/x;cpu=/c/x");
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->folder("cpu"), "/c/x");
  EXPECT_EQ(group->folder("devices"), "");
}

}  // namespace
}  // namespace fairlead::host
