#include "sim/trace/csv.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fairlead::sim {
namespace {

TEST(Csv, ReadsFieldsByColumn) {
  const auto table = CsvTable::parse("name,cpu\r\n\na,1\n\"b, \"\"the second\"\"\n\",-2", "x.csv");
  ASSERT_TRUE(table) << table.error().message();
  ASSERT_EQ(table->rows(), 2U);
  EXPECT_EQ(table->text(0, 0), "a");
  EXPECT_EQ(table->text(1, 0), "b, \"the second\"\n");
  EXPECT_EQ(*table->integer(1, *table->column("cpu"), -5, 5), -2);
  EXPECT_TRUE(table->has_column("cpu"));
  EXPECT_FALSE(table->has_column("CPU"));
}

TEST(Csv, PassesOverAByteOrderMark) {
  const auto table = CsvTable::parse("\xef\xbb\xbfname\na\n", "x.csv");
  ASSERT_TRUE(table);
  EXPECT_TRUE(table->has_column("name"));
}

TEST(Csv, NamesLineAndRemedyOfABrokenFile) {
  struct Case {
    std::string_view text;
    std::string_view message;
  };
  const Case cases[] = {
      {"", "x.csv: the file is empty; its first line must name the columns"},
      {"a,b,a\n", "x.csv, line 1: two columns are called \"a\"; rename one"},
      {"a,b\n1,2\n\n1\n",
       "x.csv, line 4: 1 fields where the header has 2; write one field per column and quote fields that "
       "hold "
       "commas"},
      {"a\n\"1\n2\n", "x.csv, line 2: a double quote is opened and never closed; close it or double it"},
  };
  for (const Case& each : cases) {
    const auto table = CsvTable::parse(each.text, "x.csv");
    ASSERT_FALSE(table) << each.text;
    EXPECT_EQ(table.error().message(), each.message);
  }
}

TEST(Csv, NamesTheFieldThatIsNoNumber) {
  const auto table = CsvTable::parse("name,cpu\n\na,12x\nb,\nc,11\nd,99999999999999999999\n", "x.csv");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->integer(0, 1, 0, 10).error().message(),
            "x.csv, line 3, column cpu: \"12x\" is not a whole number from 0 to 10; correct the value");
  EXPECT_FALSE(table->integer(1, 1, 0, 10));
  EXPECT_FALSE(table->integer(2, 1, 0, 10));
  EXPECT_FALSE(table->integer(3, 1, 0, 10));
  EXPECT_EQ(table->column("gpu").error().message(),
            "x.csv, line 1: there is no column \"gpu\" (there are name, cpu); is this the right file?");
}

TEST(Csv, AMissingFileIsAnError) {
  const auto table = CsvTable::read("/nonexistent/nodes.csv");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), base::Code::kNotFound);
  EXPECT_EQ(table.error().message(),
            "cannot read /nonexistent/nodes.csv: No such file or directory; check the path");
}

TEST(Csv, AFolderIsAnError) {
  const auto table = CsvTable::read("/");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().message(), "cannot read /: Is a directory; check the path");
}

}  // namespace
}  // namespace fairlead::sim
