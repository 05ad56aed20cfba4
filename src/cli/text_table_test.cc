#include "cli/text_table.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

TEST(TextTable, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  TextTable table({{"NAME"}, {"PODS", TextTable::Align::kRight}, {"WHY"}});
  table.add_row({"a", "12", ""});
  table.add_row({"longer", "3", "because"});
  std::string out;
  table.write(out, Style(), 2);
  EXPECT_EQ(out,
            "  NAME    PODS  WHY\n"
            "  a         12\n"
            "  longer     3  because\n");
}

TEST(TextTable, WrapsTheLastColumnAtTheTerminal) {
  TextTable table({{"NAME"}, {"WHY"}});
  table.add_row({"a", "one two three four five six seven eight nine"});
  std::string out;
  table.write(out, Style(), 0, 38);
  EXPECT_EQ(out,
            "NAME  WHY\n"
            "a     one two three four five six\n"
            "      seven eight nine\n");
}

TEST(TextTable, PutsALastColumnWithoutRoomBelow) {
  TextTable table({{"NAME"}, {"WHY"}});
  table.add_row({"a-long-name", "one two three four five six seven"});
  table.add_row({"b", ""});
  std::string out;
  table.write(out, Style(), 1, 30);
  EXPECT_EQ(out,
            " NAME\n"
            " a-long-name\n"
            "     one two three four five\n"
            "     six seven\n"
            " b\n");
}

TEST(TextTable, CountsCharactersNotBytes) {
  TextTable table({{"X"}, {"Y"}});
  table.add_row({"\xC3\xA9", "1"});
  std::string out;
  table.write(out, Style());
  EXPECT_EQ(out, "X  Y\n\xC3\xA9  1\n");
}

TEST(TextTable, TextOfAnInputCannotSteerTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\nc\x7f\xC2\x9B"), "a?[31mb?c???");
  EXPECT_EQ(printable("caf\xC3\xA9"), "caf\xC3\xA9");
}

TEST(Style, ColoursOnlyWhenTold) {
  EXPECT_EQ(Style().bad("x"), "x");
  EXPECT_EQ(Style(true).bad("x"), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace fairlead::cli
