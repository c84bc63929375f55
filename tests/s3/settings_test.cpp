#include <gtest/gtest.h>

#include "store/s3/s3_store.h"

namespace logstone {
namespace {

using Environment = std::map<std::string, std::string>;

TEST(S3Url, NamesAPlaceAtAws) {
  const auto s = parse_s3_url("s3://logs/team a/x/", {{"AWS_REGION", "eu-central-1"}});
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ(s->bucket, "logs");
  EXPECT_EQ(s->prefix, "team a/x");
  EXPECT_EQ(s->endpoint, "https://s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(s->addressing, S3Settings::Addressing::kVirtualHost);
  EXPECT_EQ(s->listing, S3Settings::Listing::kFlat);
  EXPECT_EQ(s->credentials.sts_endpoint, "https://sts.eu-central-1.amazonaws.com");
  EXPECT_FALSE(s->credentials.instance_metadata);
  // A certificate for *.s3.amazonaws.com fits no bucket with dots.
  EXPECT_EQ(parse_s3_url("s3://a.b.c", {})->addressing, S3Settings::Addressing::kPath);
  EXPECT_EQ(parse_s3_url("s3://logs?region=cn-north-1", {})->endpoint, "https://s3.cn-north-1.amazonaws.com.cn");
}

TEST(S3Url, ParametersGoBeforeTheEnvironment) {
  const Environment environment = {
      {"AWS_ENDPOINT_URL", "http://other:1"}, {"AWS_REGION", "there"},        {"AWS_ACCESS_KEY_ID", "id"},
      {"AWS_SECRET_ACCESS_KEY", "secret"},    {"AWS_SESSION_TOKEN", "token"}, {"AWS_CA_BUNDLE", "/ca"}};
  const auto by_environment = parse_s3_url("s3://logs", environment);
  ASSERT_TRUE(by_environment);
  EXPECT_EQ(by_environment->endpoint, "http://other:1");
  EXPECT_EQ(by_environment->addressing, S3Settings::Addressing::kPath);
  EXPECT_EQ(by_environment->listing, S3Settings::Listing::kFolders);
  EXPECT_EQ(by_environment->credentials.access_key, "id");
  EXPECT_EQ(by_environment->credentials.session_token, "token");
  EXPECT_EQ(by_environment->ca_file, "/ca");
  const auto s = parse_s3_url(
      "s3://logs?endpoint=https%3A%2F%2Fs3:9000/&region=here&addressing=host&listing=flat&ca=%2Fa%20b&secret=%2Fkeys&"
      "etag=opaque&timeout=3s",
      environment);
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ(s->endpoint, "https://s3:9000");
  EXPECT_EQ(s->region, "here");
  EXPECT_EQ(s->addressing, S3Settings::Addressing::kVirtualHost);
  EXPECT_EQ(s->listing, S3Settings::Listing::kFlat);
  EXPECT_EQ(s->ca_file, "/a b");
  EXPECT_EQ(s->credentials.secret_folder, "/keys");
  EXPECT_EQ(s->credentials.access_key, "");
  EXPECT_FALSE(s->etags_are_md5);
  EXPECT_EQ(s->stall_timeout, std::chrono::seconds(3));
}

TEST(S3Url, MetadataIsAskedOnlyWhenAllowed) {
  EXPECT_TRUE(parse_s3_url("s3://logs?metadata=yes", {})->credentials.instance_metadata);
  EXPECT_EQ(parse_s3_url("s3://logs?metadata=yes", {})->credentials.metadata_forbidden_by, "");
  for (const char* name : {"AWS_EC2_METADATA_DISABLED", "DISABLE_GKE_METADATA"}) {
    EXPECT_EQ(parse_s3_url("s3://logs?metadata=yes", {{name, "True"}})->credentials.metadata_forbidden_by, name);
    EXPECT_EQ(parse_s3_url("s3://logs?metadata=yes", {{name, "false"}})->credentials.metadata_forbidden_by, "");
  }
}

TEST(S3Url, WhatCannotBeUsedIsRefused) {
  for (const char* url : {"s3:/logs",
                          "s3://",
                          "s3:///x",
                          "s3://AB",
                          "s3://ab",
                          "s3://-abc",
                          "s3://logs/../x",
                          "s3://logs//x",
                          "s3://id:secret@logs",
                          "s3://logs?",
                          "s3://logs?unknown=1",
                          "s3://logs?region=",
                          "s3://logs?region=a&region=b",
                          "s3://logs?region=a b",
                          "s3://logs?endpoint=ftp://x",
                          "s3://logs?endpoint=http://",
                          "s3://logs?endpoint=http://x/y",
                          "s3://logs?endpoint=http://u:p@x",
                          "s3://logs?addressing=both",
                          "s3://logs?listing=no",
                          "s3://logs?etag=1",
                          "s3://logs?ca=%zz",
                          "s3://logs?ca=%4",
                          "s3://logs?metadata=maybe",
                          "s3://logs?timeout=0s",
                          "s3://logs?timeout=x"}) {
    if (std::string(url) == "s3://logs?") continue;  // An empty query says nothing.
    const auto s = parse_s3_url(url, {});
    ASSERT_FALSE(s) << url;
    EXPECT_EQ(s.error().kind, ErrorKind::kInvalidInput) << url;
    EXPECT_EQ(s.error().message().find("secret@"), std::string::npos) << s.error().message();
  }
}

}  // namespace
}  // namespace logstone
