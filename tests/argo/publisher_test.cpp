#include "argo/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "archive/segment_reader.h"
#include "archive/segment_writer.h"
#include "tests/archive/memory_store.h"
#include "tests/argo/packing.h"

namespace logstone::argo {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFormat =
    "artifacts/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/"
    "{{workflow.creationTimestamp.d}}/{{pod.name}}";

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() {
    record_.id = {"local", "team", "train-x7", "00000000-0000-4000-8000-000000000001"};
    record_.created = from_unix_nanoseconds(1'788'220'800'000'000'000);  // 2026-09-01
  }
  /// An archived attempt of a container.
  void archive(const std::string& pod, const std::string& container, std::uint32_t restart, const std::string& text) {
    StreamRecord stream;
    stream.id = {pod, pod, "00000000-0000-4000-8000-0000000000aa", container, restart};
    stream.bytes = text.size();
    stream.complete = true;
    SegmentWriter writer({}, {stream.id, record_.id.uid, 0, 0});
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t newline = text.find('\n', at);
      const std::size_t end = std::min(newline, text.size());
      const LogPiece piece{record_.created, Output::kStdout, newline != std::string::npos,
                           std::string_view(text).substr(at, end - at)};
      writer.append({&piece, 1});
      at = end + 1;
    }
    const std::string key = stream.id.key();
    const std::string object = writer.object({}, true);
    ASSERT_TRUE(archive_.put(key, object));
    auto segment = describe_segment(key, object);
    ASSERT_TRUE(segment) << segment.error().message();
    stream.segments = {*segment};
    stream.lines = segment->lines;
    record_.streams.push_back(stream);
  }
  Result<std::string> publish(const std::string& format = kFormat) {
    return Publisher({archive_, cache_, bucket_}, *KeyFormat::parse(format), std::filesystem::temp_directory_path())
        .publish(record_);
  }
  std::string at(const std::string& key) {
    const auto object = bucket_->get(key);
    return object ? *object : "absent: " + object.error().message();
  }

  test::MemoryStore archive_;
  std::shared_ptr<test::MemoryStore> bucket_ = std::make_shared<test::MemoryStore>();
  BlockCache cache_{8 << 20};
  WorkflowRecord record_;
};

const std::string kMain = "artifacts/train-x7/2026/09/01/train-x7-main-123/main.log";

TEST_F(PublisherTest, EveryContainersLogIsWhereAUiComputesIt) {
  archive("train-x7-main-123", "main", 0, "epoch 1\rloss \xff\n\nno newline");
  archive("train-x7-main-123", "wait", 0, "uploading\n");
  archive("train-x7-other-9", "main", 0, "other\n");
  const auto said = publish();
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_THAT(*said, HasSubstr("3 logs written"));
  EXPECT_EQ(at(kMain), "epoch 1\rloss \xff\n\nno newline");
  EXPECT_EQ(at("artifacts/train-x7/2026/09/01/train-x7-main-123/wait.log"), "uploading\n");
  EXPECT_EQ(at("artifacts/train-x7/2026/09/01/train-x7-other-9/main.log"), "other\n");
}

TEST_F(PublisherTest, AttemptsOfAContainerFollowOneAnother) {
  archive("train-x7-main-123", "main", 0, "first life\n");
  archive("train-x7-main-123", "main", 1, "second life\n");
  ASSERT_TRUE(publish());
  EXPECT_EQ(at(kMain), "first life\nsecond life\n");
}

TEST_F(PublisherTest, WhatHoldsAsMuchOrMoreIsNeverWrittenOver) {
  archive("train-x7-main-123", "main", 0, "ours\n");
  for (const std::string& theirs : {std::string("theirs, longer\n"), std::string("their\n"), test::gzip("x")}) {
    ASSERT_TRUE(bucket_->put(kMain, theirs));
    const auto said = publish();
    ASSERT_TRUE(said);
    EXPECT_THAT(*said, HasSubstr("0 logs written"));
    EXPECT_EQ(at(kMain), theirs);
  }
  ASSERT_TRUE(bucket_->put(kMain, "cut"));
  ASSERT_TRUE(publish());
  EXPECT_EQ(at(kMain), "ours\n");
  EXPECT_THAT(*publish(), HasSubstr("0 logs written")) << "once is enough";
}

TEST_F(PublisherTest, ALogLargerThanMemoryShouldHoldPassesThroughAFile) {
  std::string text;
  for (int i = 0; text.size() < (std::size_t{9} << 20); ++i) text += "line " + std::to_string(i) + "\n";
  archive("train-x7-main-123", "main", 0, text);
  ASSERT_TRUE(publish());
  EXPECT_TRUE(at(kMain) == text);
}

TEST_F(PublisherTest, ATagWithoutAValueIsNamedAndNothingIsGuessed) {
  archive("train-x7-main-123", "main", 0, "ours\n");
  const auto said = publish("{{workflow.parameters.bucket}}/{{pod.name}}");
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ErrorKind::kInvalidInput);
  EXPECT_THAT(said.error().message(), HasSubstr("workflow.parameters.bucket"));
  EXPECT_TRUE(bucket_->list("", "", 10)->objects.empty());
}

TEST_F(PublisherTest, ABrokenArchiveOrBucketIsAnErrorToTryAgain) {
  archive("train-x7-main-123", "main", 0, "ours\n");
  archive_.set_broken(true);
  auto said = publish();
  ASSERT_FALSE(said);
  EXPECT_TRUE(said.error().retryable());
  EXPECT_TRUE(bucket_->list("", "", 10)->objects.empty());
}

}  // namespace
}  // namespace logstone::argo
