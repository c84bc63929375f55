// What is tried again, what is not, and what is never asked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/s3/s3_credentials.h"
#include "store/s3/s3_store.h"
#include "tests/s3/scripted_server.h"

namespace logstone::testing {
namespace {

const std::string kEmptyList = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
constexpr const char* kLastModified = "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

S3Settings settings_for(const ScriptedServer& server) {
  S3Settings settings;
  settings.bucket = "logs";
  settings.endpoint = server.url();
  settings.credentials.access_key = "id";
  settings.credentials.secret_key = "secret";
  settings.first_backoff = std::chrono::milliseconds(1);
  settings.longest_backoff = std::chrono::milliseconds(4);
  settings.metrics = std::make_shared<S3Metrics>();
  return settings;
}

/// Opened by the first answer; the rest follow `then`, one a request, the last for ever.
struct Scripted {
  explicit Scripted(std::vector<std::string> then)
      : answers(std::move(then)), server([this](const std::string& request) {
          if (request.find("list-type=2") != std::string::npos) return http(200, kEmptyList);
          const std::size_t at = std::min(next++, answers.size() - 1);
          return answers[at];
        }) {
    settings = settings_for(server);
    store = open_s3_store(settings).value();
  }
  std::vector<std::string> answers;
  std::size_t next = 0;
  ScriptedServer server;
  S3Settings settings;
  std::unique_ptr<ObjectStore> store;
};

TEST(S3Retries, WhatMayPassIsTriedAgain) {
  Scripted s({"", http(503, "<Error><Code>SlowDown</Code></Error>"), http(429), http(500),
              "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", http(200, "whole")});
  EXPECT_EQ(s.store->get("k").value(), "whole");
  EXPECT_EQ(s.next, 6u);
  EXPECT_EQ(s.settings.metrics->retries, 5u);
  EXPECT_EQ(s.settings.metrics->failures, 0u);
}

TEST(S3Retries, WhatDoesNotPassIsNotTriedAgain) {
  for (const int status : {400, 403, 404, 301}) {
    Scripted s({http(status)});
    EXPECT_FALSE(s.store->get("k"));
    EXPECT_EQ(s.next, 1u) << status;
  }
}

TEST(S3Retries, WrongBytesAreAskedForAgainAndNeverGivenOut) {
  const std::string etag = "ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n";  // Of "abc".
  Scripted mends({http(200, "abd", etag), http(200, "abc", etag)});
  EXPECT_EQ(mends.store->get("k").value(), "abc");
  EXPECT_EQ(mends.settings.metrics->corrupt_answers, 1u);
  Scripted stays({http(200, "abd", etag)});
  EXPECT_EQ(stays.store->get("k").error().kind, ErrorKind::kCorrupt);
  Scripted by_digest({http(200, "abd", "x-amz-meta-logstone-xxh3: " + std::string(32, '0') + "\r\n")});
  EXPECT_EQ(by_digest.store->get("k").error().kind, ErrorKind::kCorrupt);
  Scripted range({"HTTP/1.1 206 X\r\nContent-Range: bytes 1-3/9\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"});
  EXPECT_EQ(range.store->get_range("k", 0, 3).error().kind, ErrorKind::kCorrupt);
}

TEST(S3Retries, AConditionalWriteWhoseAnswerWasLostIsRecognised) {
  std::string mark;
  ScriptedServer server([&](const std::string& request) {
    if (request.find("list-type=2") != std::string::npos) return http(200, kEmptyList);
    if (request.starts_with("HEAD") && mark.empty()) return http(404);
    if (request.starts_with("HEAD")) {
      return http(200, "", kLastModified + ("x-amz-meta-logstone-write: " + mark + "\r\n"));
    }
    if (!mark.empty()) return http(412);
    const std::size_t at = request.find("x-amz-meta-logstone-write: ") + 27;
    mark = request.substr(at, request.find('\r', at) - at);
    return std::string();  // Stored; the answer is lost.
  });
  const auto store = open_s3_store(settings_for(server));
  ASSERT_TRUE(store) << store.error().message();
  EXPECT_TRUE((*store)->put_if_absent("k", "x"));
  mark = "another's";
  EXPECT_EQ((*store)->put_if_absent("k", "x").error().kind, ErrorKind::kConflict);
}

TEST(S3Retries, AStoreThatIsAwayIsTriedOnceACall) {
  Scripted s({http(503)});
  s.settings.deadline = std::chrono::milliseconds(30);
  const auto store = open_s3_store(s.settings).value();
  EXPECT_EQ(store->get("k").error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(s.settings.metrics->away);
  const std::size_t before = s.next;
  EXPECT_EQ(store->get("k").error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(s.next, before + 1);
  EXPECT_TRUE(store->list("", "", 1));
  EXPECT_FALSE(s.settings.metrics->away);
}

TEST(S3Retries, AnswersLongerThanAskedForAreGivenUp) {
  Scripted s({http(200, std::string(5 << 20, 'x'), kLastModified)});
  S3Settings settings = s.settings;
  EXPECT_EQ(s.store->get_range("k", 0, 10).value(), std::string(10, 'x'));  // A server that knows no ranges.
}

TEST(S3Credentials, MetadataIsNotAskedUnlessAllowed) {
  ScriptedServer metadata([](const std::string&) { return http(500); });
  S3CredentialSource source;
  source.metadata_endpoint = metadata.url();
  EXPECT_EQ(s3::read_keys(source).error().kind, ErrorKind::kInvalidInput);
  source.instance_metadata = true;
  source.metadata_forbidden_by = "DISABLE_GKE_METADATA";
  const auto forbidden = s3::read_keys(source);
  ASSERT_FALSE(forbidden);
  EXPECT_NE(forbidden.error().message().find("DISABLE_GKE_METADATA"), std::string::npos);
  EXPECT_TRUE(metadata.requests().empty());
  source.metadata_forbidden_by.clear();
  EXPECT_EQ(s3::read_keys(source).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(metadata.requests().size(), 1u);
}

TEST(S3Credentials, KeysOfAMachineAreRenewedBeforeTheyEnd) {
  int given = 0;
  ScriptedServer metadata([&](const std::string& request) {
    if (request.starts_with("PUT /latest/api/token")) return http(200, "a-token");
    if (request.find("x-aws-ec2-metadata-token: a-token") == std::string::npos) return http(401);
    if (request.starts_with("GET /latest/meta-data/iam/security-credentials/ ")) return http(200, "role\n");
    // The first keys end within the time that renewal is ahead.
    const auto ends = Clock::system().now() + std::chrono::seconds(given == 0 ? 60 : 3600);
    return http(200, R"({"AccessKeyId":"id)" + std::to_string(given++) +
                         R"(","SecretAccessKey":"s","Token":"t","Expiration":")" + format_rfc3339(ends) + "\"}");
  });
  S3CredentialSource source;
  source.metadata_endpoint = metadata.url();
  source.instance_metadata = true;
  s3::KeyKeeper keeper(source);
  EXPECT_EQ(keeper.keys()->access, "id0");
  EXPECT_EQ(keeper.keys()->access, "id0");  // Not asked again at once.
  EXPECT_TRUE(s3::read_instance_metadata_answer("[]").error().kind == ErrorKind::kCorrupt);
  EXPECT_TRUE(s3::read_web_identity_answer("<x/>").error().kind == ErrorKind::kCorrupt);
  s3::KeyKeeper second(source);
  EXPECT_EQ(second.keys()->access, "id1");
}

TEST(S3Credentials, WhatIsNoKeyIsRefused) {
  S3CredentialSource source;
  source.access_key = "id";
  EXPECT_EQ(s3::read_keys(source).error().kind, ErrorKind::kInvalidInput);
  source.secret_key = "secret\r\nx-injected: 1";
  EXPECT_EQ(s3::read_keys(source).error().kind, ErrorKind::kInvalidInput);
  EXPECT_EQ(s3::read_keys(source).error().message().find("secret\r"), std::string::npos);
  EXPECT_EQ(s3::read_profile("[a]\naws_access_key_id=x\n", "b", "file").error().kind, ErrorKind::kInvalidInput);
  const auto keys = s3::read_profile("[ a ]\n# no\naws_access_key_id = x\naws_secret_access_key=y=z\n[c]\n", "a", "f");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->secret, "y=z");
}

}  // namespace
}  // namespace logstone::testing
