#include "host/secrets.h"

#include "host/loop_fakes_test.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fairlead::host {
namespace {

class Secrets : public testing::Test {
 protected:
  Secrets() {
    std::string pattern = "/tmp/fairlead-secrets-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Secrets() override { std::filesystem::remove_all(folder_); }
  std::string key() const { return folder_ + "/secret.key"; }
  std::string folder_;
};

TEST_F(Secrets, AreReadWithTheirKeyOnly) {
  auto box = SecretBox::open(key());
  ASSERT_TRUE(box) << box.error().message();
  const std::string text = box->encrypt("hunter2");
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_NE(text, box->encrypt("hunter2")) << "each time another nonce";
  auto again = SecretBox::open(key());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->decrypt(text), "hunter2");
  std::string altered = text;
  altered.back() = altered.back() == '0' ? '1' : '0';
  EXPECT_FALSE(again->decrypt(altered));
  auto other = SecretBox::open(folder_ + "/other.key");
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->decrypt(text));
}

TEST_F(Secrets, AKeyThatOthersMayReadIsRefused) {
  ASSERT_TRUE(SecretBox::open(key()));
  struct stat status = {};
  ASSERT_EQ(stat(key().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  chmod(key().c_str(), 0644);
  const auto open = SecretBox::open(key());
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code(), base::Code::kPermissionDenied);
}

TEST_F(Secrets, ReachTheReplicaApartFromItsSpec) {
  auto box = SecretBox::open(key());
  ASSERT_TRUE(box);
  FakePlatform platform;
  platform.secrets = &*box;
  platform.restart();
  platform.loop().put_secret("default", "hub", "hunter2", {"ada", std::nullopt},
                             [](const auto& done) { EXPECT_TRUE(done); });
  model::Workload workload = training("w", 1);
  workload.secrets = {{"TOKEN", "hub"}};
  ASSERT_TRUE(platform.submit(workload));
  platform.restart();  // from the ledger, too
  const std::string uid = platform.uid("w");
  ASSERT_EQ(platform.supervisors.given_secrets[uid].size(), 1U);
  EXPECT_EQ(platform.supervisors.given_secrets[uid].front().second, "hunter2");
  for (const auto& [name, value] : platform.supervisors.started[uid].environment)
    EXPECT_NE(value, "hunter2") << name;
  for (const auto& [document, json] : platform.ledger.documents)
    EXPECT_EQ(json.find("hunter2"), std::string::npos) << document.second;
}

}  // namespace
}  // namespace fairlead::host
