#include "sim/trace/openb.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::sim {
namespace {

CsvTable table(std::string_view text, std::string source) {
  auto parsed = CsvTable::parse(text, std::move(source));
  EXPECT_TRUE(parsed) << parsed.error().message();
  return std::move(*parsed);
}

TEST(Openb, ReadsNodesAndTasksByName) {
  const auto nodes =
      read_openb_nodes(table("sn,cpu_milli,memory_mib,gpu,model\nb,64000,1024,2,P100\na,8000,512,0,\n", "n"));
  ASSERT_TRUE(nodes) << nodes.error().message();
  ASSERT_EQ(nodes->size(), 2U);
  EXPECT_EQ((*nodes)[0].name, "a");
  EXPECT_EQ((*nodes)[1].cpu_milli, 64'000);
  EXPECT_EQ((*nodes)[1].memory_mib, 1024);
  EXPECT_EQ((*nodes)[1].devices, 2);
  EXPECT_EQ((*nodes)[1].model, "P100");
  EXPECT_EQ((OpenbTrace{.nodes = *nodes, .tasks = {}}.capacity()), 2000);

  const auto tasks =
      read_openb_tasks(table("name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"
                             "t3,1,2,8,1000,,LS\n"
                             "t1,1000,20,1,460,V100|P100|V100,LS\n"
                             "t2,4000,30,0,0,,BE\n",
                             "t"));
  ASSERT_TRUE(tasks) << tasks.error().message();
  ASSERT_EQ(tasks->size(), 3U);
  EXPECT_EQ((*tasks)[0].thousandths, 460);
  EXPECT_EQ((*tasks)[0].demand(), 460);
  EXPECT_EQ((*tasks)[0].models, (std::vector<std::string>{"P100", "V100"}));
  EXPECT_EQ((*tasks)[0].model_list, "V100|P100|V100");
  EXPECT_EQ((*tasks)[1].demand(), 0);
  EXPECT_EQ((*tasks)[2].demand(), 8000);
  EXPECT_TRUE((*tasks)[2].models.empty());
}

TEST(Openb, TheModelColumnMayBeAbsent) {
  const auto tasks =
      read_openb_tasks(table("name,cpu_milli,memory_mib,num_gpu,gpu_milli\nt,1,2,1,1000\n", "t"));
  ASSERT_TRUE(tasks);
  EXPECT_TRUE(tasks->front().models.empty());
}

TEST(Openb, SaysWhatIsWrongWithNodes) {
  struct Case {
    std::string_view rows;
    std::string_view message;
  };
  const Case cases[] = {
      {"a,64000,1024,2,P100\n,1,1,1,P100\n",
       "n.csv, line 3, column sn: \"\" is no name; every node needs one"},
      {"a,64000,1024,2,P100\na,1,1,1,P100\n", "n.csv: two nodes are called \"a\"; names must differ"},
      {"a,64000,1024,0,\n", "n.csv: no node has a device; a replay needs some"},
      {"a,-1,1024,2,P100\n",
       "n.csv, line 2, column cpu_milli: \"-1\" is not a whole number from 0 to 1000000000; correct the "
       "value"},
      {"a,1,1024,2000,P100\n",
       "n.csv, line 2, column gpu: \"2000\" is not a whole number from 0 to 1024; correct the value"},
  };
  for (const Case& each : cases) {
    const auto nodes =
        read_openb_nodes(table("sn,cpu_milli,memory_mib,gpu,model\n" + std::string(each.rows), "n.csv"));
    ASSERT_FALSE(nodes) << each.rows;
    EXPECT_EQ(nodes.error().message(), each.message);
  }
}

TEST(Openb, SaysWhatIsWrongWithTasks) {
  struct Case {
    std::string_view rows;
    std::string_view message;
  };
  const Case cases[] = {
      {"t,1,1,2,500\n",
       "t.csv, line 2, column gpu_milli: \"500\" is a share of 2 devices; a share is of one device, several "
       "are "
       "whole (1000)"},
      {"t,1,1,1,0\n",
       "t.csv, line 2, column gpu_milli: \"0\" is no share of the one device; write 1 to 1000"},
      {"t,1,1,0,0\n", "t.csv: no task asks for a device; a replay needs some"},
      {"t,1,1,1,1000\nt,1,1,1,1000\n", "t.csv: two tasks are called \"t\"; names must differ"},
      {"t,1,much,1,1000\n",
       "t.csv, line 2, column memory_mib: \"much\" is not a whole number from 0 to 1000000000000; correct "
       "the "
       "value"},
  };
  for (const Case& each : cases) {
    const auto tasks = read_openb_tasks(
        table("name,cpu_milli,memory_mib,num_gpu,gpu_milli\n" + std::string(each.rows), "t.csv"));
    ASSERT_FALSE(tasks) << each.rows;
    EXPECT_EQ(tasks.error().message(), each.message);
  }
}

}  // namespace
}  // namespace fairlead::sim
