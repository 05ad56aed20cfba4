#include "host/records.h"

#include "host/loop_fakes_test.h"

#include <gtest/gtest.h>

namespace fairlead::host {
namespace {

TEST(Records, WorkloadsReadBackAsTheyWereWritten) {
  WorkloadRecord record;
  record.uid = "u";
  record.spec = training("w", 2, 4, 1);
  record.submitted_by = "ada \"the first\"";
  record.account = 1000;
  record.submitted = base::Time::from_unix_nanoseconds(1'234'567'890'123'456'789);
  record.retry_at = record.submitted + base::Duration::seconds(10);
  record.ran = base::Duration::seconds(7);
  record.stage = Stage::kBackOff;
  record.reason = "worker 0 exited with code 3";
  record.failures = 2;
  record.run = 3;
  record.master_port = 40'001;
  record.previous_spec = training("w", 1);
  record.version = 9;
  const auto read = workload_from_json(to_json(record));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(to_json(*read), to_json(record));
  EXPECT_EQ(read->spec, record.spec);
  EXPECT_EQ(read->account, record.account);
  EXPECT_EQ(read->retry_at, record.retry_at);
  EXPECT_EQ(read->stage, Stage::kBackOff);
  EXPECT_EQ(*read->previous_spec, *record.previous_spec);
}

TEST(Records, ReplicasReadBackAsTheyWereWritten) {
  ReplicaRecord record;
  record.uid = "u-worker-0-1";
  record.workload = "p/w";
  record.role = "worker";
  record.attempt = 1;
  record.progress = Progress::kReleasing;
  record.slots = {3, 0};
  record.devices = {"d", "a"};
  record.device_groups = {"g", "h"};
  record.share_thousandths = 500;
  record.exit_code = 0;
  record.stop_reason = StopReason::kShutdown;
  record.borrowing = true;
  const auto read = replica_from_json(to_json(record));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(to_json(*read), to_json(record));
  EXPECT_EQ(read->slots, record.slots);
  EXPECT_EQ(read->progress, Progress::kReleasing);
  EXPECT_EQ(read->stop_reason, StopReason::kShutdown);
  EXPECT_EQ(read->exit_code, 0) << "a code of 0 is not the same as none";
}

TEST(Records, OtherTextsAreErrors) {
  EXPECT_FALSE(workload_from_json("{}"));
  EXPECT_FALSE(workload_from_json("not json"));
  EXPECT_FALSE(replica_from_json("{}"));
}

}  // namespace
}  // namespace fairlead::host
