#include "kube/api_server.h"

#include <gtest/gtest.h>

namespace fairlead::kube {
namespace {

constexpr const char* kConfig = R"(
apiVersion: v1
kind: Config
current-context: one
contexts:
  - {name: one, context: {cluster: a, user: token, namespace: team}}
  - {name: two, context: {cluster: a, user: certificate}}
  - {name: plugin, context: {cluster: a, user: plugin}}
  - {name: dangling, context: {cluster: nowhere, user: token}}
clusters:
  - {name: a, cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: QVVUSE9SSVRZ}}
users:
  - {name: token, user: {token: secret}}
  - {name: certificate, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}
  - {name: plugin, user: {exec: {command: aws}}}
)";

TEST(Kubeconfig, ReadsTheCurrentContext) {
  const auto server = read_kubeconfig(kConfig, "", "");
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_EQ(server->url, "https://10.0.0.1:6443");
  EXPECT_EQ(server->token, "secret");
  EXPECT_EQ(server->namespace_name, "team");
  EXPECT_EQ(server->tls->authority, "AUTHORITY");
}

TEST(Kubeconfig, ReadsANamedContextWithACertificate) {
  const auto server = read_kubeconfig(kConfig, "", "two");
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_EQ(server->tls->certificate, "CERT");
  EXPECT_EQ(server->tls->key, "KEY");
  EXPECT_EQ(server->namespace_name, "default");
}

TEST(Kubeconfig, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* context;
    const char* part;
  } cases[] = {
      {kConfig, "three", "has no context \"three\"; it has one, two, plugin, dangling"},
      {kConfig, "plugin", "user plugin: signs in through exec, which is not supported yet"},
      {kConfig, "dangling", "has no cluster \"nowhere\""},
      {"", "", "is empty"},
      {"a: [", "", ""},
      {"kind: Config", "", "has no current context"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {}}]",
       "", "cluster c: names no server"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: "
       "{server: s, "
       "certificate-authority-data: \"*\"}}]",
       "", "certificate-authority-data is not base64"},
  };
  for (const auto& c : cases) {
    const auto server = read_kubeconfig(c.text, "", c.context);
    ASSERT_FALSE(server) << c.text;
    EXPECT_NE(server.error().message().find(c.part), std::string::npos) << server.error().message();
  }
}

TEST(Kubeconfig, DecodesBase64) {
  EXPECT_EQ(decode_base64("TWFu"), "Man");
  EXPECT_EQ(decode_base64("TWE=\n"), "Ma");
  EXPECT_EQ(decode_base64("TQ=="), "M");
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("T!"), std::nullopt);
}

}  // namespace
}  // namespace fairlead::kube
