#include "host/rotating_log.h"

#include "host/log_reader.h"
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

std::string all(LogReader& reader) {
  std::string text;
  for (std::string part = reader.read(7); !part.empty(); part = reader.read(7)) text += part;
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
  auto reader = LogReader::open(folder.path() + "/logs");
  ASSERT_TRUE(reader.ok());
  const std::string text = all(*reader);
  EXPECT_EQ(text, lines(4000 - static_cast<int>(text.size() / 10), 4000))
      << "no line is cut, none is missing";
}

TEST(RotatingLog, CutsALineThatIsLongerThanAFile) {
  const TestFolder folder;
  auto log = RotatingLog::open(folder.path() + "/logs", 4 * 4096);
  ASSERT_TRUE(log.ok());
  log->append(std::string(10'000, 'x'));
  auto reader = LogReader::open(folder.path() + "/logs");
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(all(*reader), std::string(10'000, 'x'));
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

TEST(LogReader, FollowsOverRotations) {
  const TestFolder folder;
  auto log = RotatingLog::open(folder.path() + "/logs", 4 * 4096);
  ASSERT_TRUE(log.ok());
  log->append(lines(0, 10));
  auto reader = LogReader::open(folder.path() + "/logs");
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(all(*reader), lines(0, 10));
  EXPECT_EQ(reader->read(100), "");
  reader->take();
  pollfd watched{reader->descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
  log->append(lines(10, 1000));  // more than two files
  EXPECT_EQ(::poll(&watched, 1, kDeadlineMilliseconds), 1);
  EXPECT_EQ(all(*reader), lines(10, 1000));
  // So much that what came next is gone: it goes on with what is left.
  log->append(lines(1000, 5000));
  const std::string rest = all(*reader);
  EXPECT_EQ(rest.substr(rest.size() - 10), "line 5999\n");
}

TEST(LogReader, ReadsTheLastLines) {
  const TestFolder folder;
  auto log = RotatingLog::open(folder.path() + "/logs", 4 * 4096);
  ASSERT_TRUE(log.ok());
  log->append(lines(0, 1000));
  const struct {
    std::int64_t count;
    int from;
  } cases[] = {{1, 999}, {10, 990}, {700, 300}, {0, 1000}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.count);
    auto reader = LogReader::open(folder.path() + "/logs", c.count);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(all(*reader), lines(c.from, 1000));
  }
  auto everything = LogReader::open(folder.path() + "/logs", 1'000'000);
  ASSERT_TRUE(everything.ok());
  EXPECT_EQ(all(*everything), lines(0, 1000));
  log->append("no end");
  auto reader = LogReader::open(folder.path() + "/logs", 2);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(all(*reader), lines(999, 1000) + "no end");
  EXPECT_FALSE(LogReader::open(folder.path() + "/nothing").ok());
}

}  // namespace
}  // namespace fairlead::host
