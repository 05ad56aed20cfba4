#include "host/log_pieces.h"

#include "host/rotating_log.h"
#include "host/supervisor_bench_test.h"

#include <gtest/gtest.h>

namespace fairlead::host {
namespace {

TEST(LogPieces, ReadInPiecesAcrossRotation) {
  TestFolder folder;
  EXPECT_TRUE(read_log_piece(folder.path(), 0, 100, true)->ended) << "nothing was ever written";
  auto log = RotatingLog::open(folder.path(), 400);  // four files of a hundred bytes
  ASSERT_TRUE(log);
  log->append("first\n");
  auto piece = read_log_piece(folder.path(), 0, 3, false);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->bytes, "fir");
  piece = read_log_piece(folder.path(), piece->next, 100, false);
  EXPECT_EQ(piece->bytes, "st\n");
  EXPECT_FALSE(piece->ended);
  const std::string line(3'000, 'x');
  log->append(line + "\n");
  log->append(line + "\n");  // rotates
  std::string rest;
  do {
    piece = read_log_piece(folder.path(), piece->next, 700, true);
    ASSERT_TRUE(piece);
    rest += piece->bytes;
  } while (!piece->ended);
  EXPECT_EQ(rest, line + "\n" + line + "\n");
}

TEST(LogPieces, GoOnWithTheOldestWhenTheirFileIsGone) {
  TestFolder folder;
  auto log = RotatingLog::open(folder.path(), 400);
  ASSERT_TRUE(log);
  log->append("lost\n");
  const auto piece = read_log_piece(folder.path(), 0, 5, false);
  for (int i = 0; i < 6; ++i) log->append(std::string(100'000, static_cast<char>('a' + i)) + "\n");
  const auto next = read_log_piece(folder.path(), piece->next, 10'000'000, true);
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->bytes.ends_with("f\n")) << next->bytes.size();
  EXPECT_LT(next->bytes.size(), 600'000U) << "something was rotated away";
  EXPECT_TRUE(next->ended);
}

}  // namespace
}  // namespace fairlead::host
