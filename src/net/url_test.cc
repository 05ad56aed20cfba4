#include "net/url.h"

#include <gtest/gtest.h>

namespace fairlead::net {
namespace {

TEST(Url, EncodesWhatIsNotUnreservedAndDecodesItBack) {
  EXPECT_EQ(percent_encode("a b/ü~"), "a%20b%2F%C3%BC~");
  EXPECT_EQ(percent_decode("a%20b%2f%c3%bc~"), "a b/ü~");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  EXPECT_EQ(encode_path({"api", "v1", "a b"}), "/api/v1/a%20b");
  EXPECT_EQ(encode_path({}), "/");
  EXPECT_EQ(encode_query({{"a", "1&2"}, {"b", ""}}), "a=1%262&b=");
}

TEST(Url, ReadsAQueryInOrder) {
  const auto query = decode_query("a=1&b&c=x%3Dy&a=2+3&&");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, (Query{{"a", "1"}, {"b", ""}, {"c", "x=y"}, {"a", "2 3"}}));
}

TEST(Url, TakesATargetApart) {
  const auto target = parse_target("/serve/team%20a/m%2Fn//x?limit=5");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/serve/team a/m%2Fn//x");
  EXPECT_EQ(target->query, (Query{{"limit", "5"}}));
}

struct BadTarget {
  const char* target;
  const char* why;
};

TEST(Url, RefusesTargetsThatMeanSomethingElse) {
  const BadTarget cases[] = {
      {"", "does not begin with /"},
      {"*", "does not begin with /"},
      {"api", "does not begin with /"},
      {"/a/../b", "\"..\""},
      {"/a/%2e%2E/b", "\"..\""},
      {"/%2e", "\"..\""},
      {"/a/..", "\"..\""},
      {"/a%00b", "control character"},
      {"/a%0d%0ab", "control character"},
      {"/a\x01", "must be encoded"},
      {"/a#b", "must be encoded"},
      {"/a%5cb", "backslash"},
      {"/%", "two hexadecimal digits"},
      {"/%g0", "two hexadecimal digits"},
      {"/%c0%ae%c0%ae/", "UTF-8"},
      {"/%e0%80%af", "UTF-8"},
      {"/%ed%a0%80", "UTF-8"},
      {"/%ff", "UTF-8"},
      {"/a?b=%00", "NUL"},
      {"/a?b=%c0%80", "UTF-8"},
      {"/a?%zz", "two hexadecimal digits"},
  };
  for (const BadTarget& bad : cases) {
    const auto target = parse_target(bad.target);
    ASSERT_FALSE(target) << bad.target;
    EXPECT_NE(target.error().message().find(bad.why), std::string::npos)
        << bad.target << ": " << target.error().message();
  }
}

TEST(Url, ReadsUrls) {
  const auto plain = parse_url("http://127.0.0.1:7070/api?x=1#part");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 7070);
  EXPECT_EQ(plain->target, "/api?x=1");
  EXPECT_FALSE(plain->secure());
  const auto six = parse_url("wss://[::1]:8443");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->authority(), "[::1]:8443");
  EXPECT_EQ(six->target, "/");
  EXPECT_TRUE(six->secure());
  EXPECT_EQ(parse_url("https://pool.example")->port, 443);
  EXPECT_EQ(parse_url("http://h?x=1")->target, "/?x=1");
  for (const char* bad :
       {"", "7070", "ftp://h/", "http://", "http://:1/", "http://h:0/", "http://h:99999/", "http://h:8a/",
        "http://u:p@h/", "http://[::1/", "http://[::1]x/", "http://h/a b"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace fairlead::net
