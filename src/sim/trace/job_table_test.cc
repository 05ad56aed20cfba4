#include "sim/trace/job_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::sim {
namespace {

base::Result<JobHistory> read(const std::string& text, const JobColumns& columns = {},
                              JobSelection selection = {
                                  .since = {}, .until = {}, .tenants = {{"vision", 16}}}) {
  auto table = CsvTable::parse(text, "jobs.csv");
  if (!table) return table.error();
  return read_jobs(*table, columns, selection);
}

TEST(JobTable, ReadsInstantsRunTimesAndDevicesAsSitesWriteThem) {
  struct Case {
    const char* submitted;
    const char* run_time;
    const char* devices;
  };
  for (const Case& one :
       {Case{"2017-10-09 07:01:55", "93784", "8"}, Case{"2017-10-09T07:01:55Z", "93784.0", "8"},
        Case{"2017-10-09T09:01:55+02:00", "1-02:03:04", "\"billing=4,gres/gpu=8,node=1\""},
        Case{"1507532515", "26:03:04", "gres/gpu=8"}}) {
    const auto history = read(std::string("timestamp,duration,num_gpus,cluster\n") + one.submitted + "," +
                              one.run_time + "," + one.devices + ",vision\n");
    ASSERT_TRUE(history.ok()) << history.error().message();
    ASSERT_EQ(history->jobs.size(), 1U);
    EXPECT_EQ(history->jobs[0].submitted, base::Time::from_unix_seconds(1'507'532'515)) << one.submitted;
    EXPECT_EQ(history->jobs[0].run_time, base::Duration::seconds(93'784)) << one.run_time;
    EXPECT_EQ(history->jobs[0].devices, 8) << one.devices;
  }
}

TEST(JobTable, SortsByInstantAndLeavesOutWhatIsTooLarge) {
  const auto history = read(
      "timestamp,duration,num_gpus,cluster\n"
      "30,10,1,vision\n20,10,17,vision\n10,10,2,vision\n5,0,2,vision\n5,1,2,other\n");
  ASSERT_TRUE(history.ok()) << history.error().message();
  ASSERT_EQ(history->jobs.size(), 2U);
  EXPECT_EQ(history->jobs[0].devices, 2);
  EXPECT_EQ(history->jobs[1].devices, 1);
  EXPECT_EQ(history->left_out, 2U);
}

TEST(JobTable, NamesTheFieldThatIsWrong) {
  const std::string header = "timestamp,duration,num_gpus,cluster\n";
  EXPECT_EQ(
      read(header + "soon,1,1,vision\n").error().message(),
      "jobs.csv, line 2, column timestamp: \"soon\" is no instant; write 2017-10-09T07:01:55Z, or seconds "
      "since 1970");
  EXPECT_EQ(read(header + "1,-1,1,vision\n").error().message(),
            "jobs.csv, line 2, column duration: \"-1\" is no run time; write seconds, or "
            "days-hours:minutes:seconds");
  EXPECT_EQ(read(header + "1,1,half,vision\n").error().message(),
            "jobs.csv, line 2, column num_gpus: \"half\" is no number of devices; write a whole number, or "
            "gres/gpu=8");
}

}  // namespace
}  // namespace fairlead::sim
