// What goes wrong around the platform: a full disk, a folder that may not be written, a damaged database, a
// clock that jumps. Each leads to a clear error and no damage, and is mended as docs/platform.md and
// docs/ledger.md say.

#include "platform/running_platform.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace fairlead::platform_tests {
namespace {

namespace fs = std::filesystem;

/// A small disk of its own, where this account may have one.
class SmallDisk {
 public:
  SmallDisk() {
    std::string pattern = "/tmp/fairlead-disk-XXXXXX";
    path_ = mkdtemp(pattern.data());
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=16m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
    fs::remove_all(path_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  std::string state() const { return path_ + "/state"; }
  void fill() const {
    std::ofstream file(filler(), std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() const { fs::remove(filler()); }
  bool make_read_only(bool read_only) const {
    return mount("tmpfs", path_.c_str(), "tmpfs", read_only ? MS_REMOUNT | MS_RDONLY : MS_REMOUNT,
                 "size=16m") == 0;
  }

 private:
  std::string filler() const { return path_ + "/filler"; }
  std::string path_;
  bool mounted_ = false;
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Setup on(const std::string& state) {
  Setup setup;
  setup.folder = state;
  return setup;
}

Output verify(const RunningPlatform& platform) {
  return run({FAIRLEAD_PROGRAM, "ledger", "verify", "--state", platform.folder()});
}

constexpr const char* kLong = R"({"project":"default","command":["sleep","1423"],"devices":1})";
constexpr const char* kShort = R"({"project":"default","command":["true"],"devices":1})";

TEST(Faults, OnAFullDiskNothingIsPromisedAndNothingIsLost) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "this account may not make a disk";
  RunningPlatform platform(on(disk.state()));
  platform.submit("long", kLong);
  platform.wait_for_state("long", "running");
  disk.fill();
  int accepted = 0;
  net::ClientResponse answer;
  // What the database has set aside already is used first.
  constexpr int kMostThatFit = 2000;
  for (int i = 0; i < kMostThatFit; ++i) {
    answer = platform.ask("POST", "/api/v1/workloads",
                          fmt::format(R"({{"metadata":{{"name":"w{}"}},"spec":{}}})", i, kShort));
    if (answer.status != 201) break;
    ++accepted;
  }
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_NE(answer.body.find("nothing can be recorded"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("full"), std::string::npos) << answer.body;
  EXPECT_EQ(platform.state("long"), "running") << "it can be looked at";
  EXPECT_EQ(RunningPlatform::processes_with("1423"), 1) << "running work goes on";
  EXPECT_EQ(platform.ask("GET", fmt::format("/api/v1/workloads/default/w{}", accepted)).status, 404);
  disk.make_room();
  platform.wait_until("it writes again", [&] {
    return platform
               .ask("POST", "/api/v1/workloads",
                    fmt::format(R"({{"metadata":{{"name":"after"}},"spec":{}}})", kShort))
               .status == 201;
  });
  platform.wait_for_state("after", "succeeded");
  EXPECT_EQ(platform.end(SIGKILL), -SIGKILL);
  platform.start();
  for (int i = 0; i < accepted; ++i) EXPECT_NE(platform.state(fmt::format("w{}", i)), "") << i;
  EXPECT_EQ(platform.state("long"), "running");
  EXPECT_EQ(verify(platform).code, 0) << verify(platform).text;
}

TEST(Faults, OnAFullDiskItStartsNotAndSaysWhy) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "this account may not make a disk";
  disk.fill();
  RunningPlatform platform(on(disk.state()), RunningPlatform::Later());
  ASSERT_FALSE(platform.try_start());
  EXPECT_EQ(platform.end(0), 1);
  EXPECT_NE(platform.output().find("No space left"), std::string::npos) << platform.output();
  disk.make_room();
  platform.start();
  platform.submit("first", kShort);
  platform.wait_for_state("first", "succeeded");
  platform.end(SIGTERM);
  disk.fill();
  if (platform.try_start()) {  // in what the database had set aside
    platform.end(SIGTERM);
  } else {
    EXPECT_EQ(platform.end(0), 1);
    EXPECT_NE(platform.output().find("disk is full"), std::string::npos) << platform.output();
  }
  disk.make_room();
  platform.start();
  EXPECT_EQ(platform.state("first"), "succeeded");
  EXPECT_EQ(verify(platform).code, 0) << verify(platform).text;
}

TEST(Faults, InAFolderThatMayNotBeWrittenItStartsNotAndSaysWhy) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "this account may not make a disk";
  RunningPlatform platform(on(disk.state()));
  platform.submit("before", kShort);
  platform.wait_for_state("before", "succeeded");
  platform.end(SIGINT);
  ASSERT_TRUE(disk.make_read_only(true));
  ASSERT_FALSE(platform.try_start());
  EXPECT_EQ(platform.end(0), 1);
  EXPECT_NE(platform.output().find(disk.state()), std::string::npos) << platform.output();
  EXPECT_NE(platform.output().find("ead-only"), std::string::npos) << platform.output();
  ASSERT_TRUE(disk.make_read_only(false));
  platform.start();
  EXPECT_EQ(platform.state("before"), "succeeded");
}

/// Bytes in the middle of the pages from the second on.
void damage(const std::string& path) {
  const auto size = static_cast<std::streamoff>(fs::file_size(path));
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  constexpr std::streamoff kPage = 4096;
  for (std::streamoff at = kPage + 3000; at + 64 < size; at += kPage) {
    file.seekp(at);
    file.write("damage damage damage damage damage damage damage damage damage!!", 64);
  }
}

TEST(Faults, ADamagedDatabaseIsRefusedUntouchedAndABackupServes) {
  RunningPlatform platform;
  platform.submit("one", kShort);
  platform.wait_for_state("one", "succeeded");
  const std::string backup = platform.folder() + "-backup.db";
  const Output saved = run({FAIRLEAD_PROGRAM, "ledger", "backup", "--state", platform.folder(), backup});
  ASSERT_EQ(saved.code, 0) << saved.text;
  platform.submit("two", kLong);
  platform.wait_for_state("two", "running");
  platform.end(SIGKILL);
  EXPECT_EQ(RunningPlatform::processes_with("1423"), 1);
  const std::string database = platform.folder() + "/fairlead.db";
  ASSERT_EQ(verify(platform).code, 0);
  // Everything into the one file, then damage to it.
  platform.start();
  platform.end(SIGTERM);
  damage(database);
  const std::string damaged = content(database);
  ASSERT_FALSE(platform.try_start());
  EXPECT_EQ(platform.end(0), 1);
  EXPECT_NE(platform.output().find("damaged"), std::string::npos) << platform.output();
  EXPECT_NE(platform.output().find("backup"), std::string::npos) << platform.output();
  EXPECT_EQ(content(database), damaged) << "it was not touched";
  const Output verified = verify(platform);
  EXPECT_EQ(verified.code, 1) << verified.text;
  fs::remove(database + "-wal");
  fs::remove(database + "-shm");
  fs::rename(backup, database);
  platform.start();
  EXPECT_EQ(platform.state("one"), "succeeded");
  EXPECT_EQ(platform.ask("GET", "/api/v1/workloads/default/two").status, 404);
  EXPECT_EQ(RunningPlatform::processes_with("1423"), 0) << "its device is given out again, so it was ended";
  EXPECT_EQ(verify(platform).code, 0) << verify(platform).text;
}

TEST(Faults, WithoutABackupWhatIsSoundIsSalvaged) {
  RunningPlatform platform;
  for (int i = 0; i < 30; ++i) platform.submit(fmt::format("w{}", i), kShort);
  platform.wait_for_state("w29", "succeeded");
  platform.end(SIGTERM);
  const std::string database = platform.folder() + "/fairlead.db";
  const auto size = static_cast<std::streamoff>(fs::file_size(database));
  {
    std::fstream file(database, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(size * 3 / 4);
    file.write("damage!", 7);
  }
  const std::string salvaged = platform.folder() + "-salvaged.db";
  const Output said = run({FAIRLEAD_PROGRAM, "ledger", "salvage", "--state", database, salvaged});
  ASSERT_TRUE(fs::exists(salvaged)) << said.text;
  for (const char* beside : {"-wal", "-shm"}) fs::remove(database + beside);
  fs::rename(salvaged, database);
  platform.start();
  EXPECT_NE(platform.ask("GET", "/api/v1/workloads").body.find("\"w1\""), std::string::npos);
  platform.submit("after", kShort);
  platform.wait_for_state("after", "succeeded");
  EXPECT_EQ(verify(platform).code, 0) << verify(platform).text;
}

std::optional<std::string> fake_clock_library() {
  for (const char* folder : {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}) {
    const std::string path = std::string(folder) + "/faketime/libfaketime.so.1";
    if (access(path.c_str(), R_OK) == 0) return path;
  }
  return std::nullopt;
}

class JumpingClock : public testing::Test {
 protected:
  void SetUp() override {
    library_ = fake_clock_library();
    if (!library_) GTEST_SKIP() << "libfaketime is not installed";
    std::string pattern = "/tmp/fairlead-clock-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    set("+0d");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void set(const std::string& shift) const {
    std::ofstream(folder_ + "/new") << shift << '\n';
    fs::rename(folder_ + "/new", folder_ + "/clock");
  }
  platform_tests::Setup jumping() const {
    platform_tests::Setup setup;
    setup.environment = {"LD_PRELOAD=" + *library_, "FAKETIME_TIMESTAMP_FILE=" + folder_ + "/clock",
                         "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"};
    return setup;
  }

  std::optional<std::string> library_;
  std::string folder_;
};

TEST_F(JumpingClock, ByADayInBothDirectionsDoesNoHarm) {
  RunningPlatform platform(jumping());
  platform.submit("long", kLong);
  platform.wait_for_state("long", "running");
  const char* shifts[] = {"+1d", "-1d", "+0d"};
  for (const char* shift : shifts) {
    SCOPED_TRACE(shift);
    set(shift);
    const std::string name = fmt::format("at-{}", shift[0] == '+' ? shift[1] : 'b');
    platform.submit(name, kShort);
    platform.wait_for_state(name, "succeeded");
    platform.submit(name + "-fails",
                    R"({"project":"default","command":["false"],"retries":1,"retryDelay":"200ms"})");
    platform.wait_for_state(name + "-fails", "failed");
    platform.submit(name + "-limited", R"({"project":"default","command":["sleep","1429"],"timeLimit":"500ms",
        "retries":0})");
    platform.wait_for_state(name + "-limited", "failed");
    EXPECT_EQ(platform.state("long"), "running");
  }
  EXPECT_EQ(verify(platform).code, 0) << verify(platform).text;
}

TEST_F(JumpingClock, BetweenTwoStartsNobodyWaitsForTheDayThatWas) {
  set("+1d");
  RunningPlatform platform(jumping());
  platform.submit("long", kLong);
  platform.submit("limited",
                  R"({"project":"default","command":["sleep","1433"],"timeLimit":"8s","retries":0})");
  platform.submit("retried", R"({"project":"default","command":["false"],"retries":1,"retryDelay":"3s"})");
  platform.wait_for_state("limited", "running");
  platform.wait_for_state("retried", "back-off");
  platform.end(SIGKILL);
  set("+0d");
  platform.start();
  EXPECT_EQ(platform.state("long"), "running");
  platform.wait_for_state("retried", "failed");
  platform.wait_for_state("limited", "failed");
  platform.submit("now", kShort);
  platform.wait_for_state("now", "succeeded");
  EXPECT_EQ(verify(platform).code, 0) << verify(platform).text;
  platform.end(SIGKILL);
  set("+1d");
  platform.start();
  EXPECT_EQ(platform.state("long"), "running");
  platform.submit("later", kShort);
  platform.wait_for_state("later", "succeeded");
  EXPECT_EQ(verify(platform).code, 0) << verify(platform).text;
}

}  // namespace
}  // namespace fairlead::platform_tests
