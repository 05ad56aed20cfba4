#include "host/rotating_log.h"

#include "host/supervisor_bench_test.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace fairlead::host {
namespace {

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(1000 + i) + "\n";
  return text;
}

// What the files hold, oldest first.
std::string all(const std::string& folder) {
  std::string text;
  for (int number = RotatingLog::kOlderFiles; number >= 0; --number) {
    const auto part =
        base::read_file(folder + "/output.log" + (number == 0 ? "" : "." + std::to_string(number)));
    if (part) text += *part;
  }
  return text;
}

TEST(RotatingLog, KeepsTheLastBytesInWholeLines) {
  const TestFolder folder;
  auto log = RotatingLog::open(folder.path() + "/logs", 4 * 4096);
  ASSERT_TRUE(log.ok());
  for (int i = 0; i < 4000; ++i) log->append(lines(i, i + 1));
  std::int64_t size = 0;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() + "/logs")) {
    size += static_cast<std::int64_t>(entry.file_size());
    ++files;
  }
  EXPECT_LE(size, 4 * 4096);
  EXPECT_GT(size, 3 * 4000);
  EXPECT_EQ(files, 4);
  const std::string text = all(folder.path() + "/logs");
  EXPECT_EQ(text, lines(4000 - static_cast<int>(text.size() / 10), 4000))
      << "no line is cut, none is missing";
}

TEST(RotatingLog, CutsALineThatIsLongerThanAFile) {
  const TestFolder folder;
  auto log = RotatingLog::open(folder.path() + "/logs", 4 * 4096);
  ASSERT_TRUE(log.ok());
  log->append(std::string(10'000, 'x'));
  EXPECT_EQ(all(folder.path() + "/logs"), std::string(10'000, 'x'));
}

TEST(RotatingLog, GoesOnWhereItWas) {
  const TestFolder folder;
  for (const char* text : {"first\n", "second\n"}) {
    auto log = RotatingLog::open(folder.path() + "/logs", 1 << 20);
    ASSERT_TRUE(log.ok());
    log->append(text);
  }
  EXPECT_EQ(*base::read_file(folder.path() + "/logs/output.log"), "first\nsecond\n");
}

TEST(RotatingLog, SaysWhatWasLostWhenTheDiskWasFull) {
  const TestFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    auto log = RotatingLog::open(folder.path() + "/logs", 1 << 20);
    const rlimit small{8, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &small);
    log->append("12345");
    log->append("67890");  // three more fit
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &large);
    log->append("end\n");
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(*base::read_file(folder.path() + "/logs/output.log"),
            "12345678[fairlead: 2 bytes of output were lost: the log could not be written]\nend\n");
}

}  // namespace
}  // namespace fairlead::host
