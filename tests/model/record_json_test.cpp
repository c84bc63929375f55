#include "model/record_json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/model/sample_record.h"

namespace logstone {
namespace {

const char kGolden[] = LOGSTONE_TEST_DATA "/golden/record-v1.json";

TEST(RecordJsonTest, EveryMemberComesBack) {
  const WorkflowRecord record = testing::full_record();
  const auto back = record_from_json(to_json(record));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(*back == record);
  WorkflowRecord bare;
  bare.retention = RetentionOverride{};
  const auto bare_back = record_from_json(to_json(bare));
  ASSERT_TRUE(bare_back) << bare_back.error().message();
  EXPECT_TRUE(*bare_back == bare);
}

void expect_golden(const std::string& path, const WorkflowRecord& record) {
  const std::string text = to_json(record) + "\n";
  if (std::getenv("LOGSTONE_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, text, LOGSTONE_TEST_DATA));
  }
  const auto golden = read_file(path);
  ASSERT_TRUE(golden) << golden.error().message();
  EXPECT_EQ(text, *golden);
  const auto back = record_from_json(*golden);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(*back == record);
}

TEST(RecordJsonTest, GoldenFileIsReadAndWrittenAsEver) {
  WorkflowRecord record = testing::full_record();
  for (StreamRecord& stream : record.streams) stream.external.reset();
  expect_golden(kGolden, record);
}

TEST(RecordJsonTest, GoldenFileOfAnAdoptedStream) {
  expect_golden(LOGSTONE_TEST_DATA "/golden/record-v1-adopted.json", testing::full_record());
}

TEST(RecordJsonTest, ManifestIsByteExact) {
  WorkflowRecord record = testing::full_record();
  record.manifest_json = "{\"n\":1.10,\"big\":123456789012345678901234567890,\"n\":2}\r\n\t\u2028 \\u0000";
  EXPECT_EQ(record_from_json(to_json(record)).value().manifest_json, record.manifest_json);
}

TEST(RecordJsonTest, InvalidUtf8IsReplacedNotThrown) {
  WorkflowRecord record = testing::full_record();
  record.message = "bad \xff\xfe bytes";
  record.labels = {{"k\xc3", "\x80"}};
  record.manifest_json = "\xed\xa0\x80";
  const auto back = record_from_json(to_json(record));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->message, "bad \uFFFD\uFFFD bytes");
  EXPECT_EQ(back->labels.begin()->first, "k\uFFFD");
}

TEST(RecordJsonTest, UnknownMembersAreIgnoredAndOptionalOnesMayLack) {
  const auto record = record_from_json(
      R"({"format":"logstone.record","version":1,"later":[1],"cluster":"c","namespace":"n","name":"w","uid":"u",)"
      R"("state":"running","generation":1,"phase":"Pending","created":"2026-01-01T00:00:00Z","message":null})");
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_EQ(record->id.uid, "u");
  EXPECT_FALSE(record->finished);
}

TEST(RecordJsonTest, DamageNamesThePlace) {
  const nlohmann::json good = nlohmann::json::parse(to_json(testing::full_record()));
  const struct {
    const char* pointer;
    nlohmann::json value;
    const char* named;
  } cases[] = {
      {"/uid", nullptr, "uid is missing"},
      {"/state", "asleep", "state is not a known word"},
      {"/generation", -1, "generation is out of range"},
      {"/created", "yesterday", "created is not a time"},
      {"/labels", {{"a", 1}}, "labels has a value"},
      {"/streams/0/restart", 4'294'967'296, "streams[0].restart is out of range"},
      {"/streams/0/gaps/1/offset", "x", "streams[0].gaps[1].offset is not a whole number"},
      {"/streams/0/exitCode", -3'000'000'000, "streams[0].exitCode is out of range"},
      {"/streams/0/segments", {{"a", 1}}, "streams[0].segments is not a list"},
      {"/nodes/0/children", {1}, "nodes[0].children has an item"},
      {"/nodes/0", 5, "nodes[0] is not an object"},
      {"/retention/keep", "soon", "retention.keep is not a duration"},
      {"/streams/0/complete", 1, "streams[0].complete is neither true nor false"},
      {"/format", "other", "format is not"},
      {"/version", 0, "version is 0"},
  };
  for (const auto& [pointer, value, named] : cases) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(pointer)] = value;
    const auto result = record_from_json(bad.dump());
    ASSERT_FALSE(result) << pointer;
    EXPECT_EQ(result.error().kind, ErrorKind::kCorrupt);
    EXPECT_NE(result.error().reason.find(named), std::string::npos) << result.error().reason;
  }
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("null"),
                                  std::string(100'000, '['), std::string("{\"format\":\"logstone.record\"}")}) {
    EXPECT_EQ(record_from_json(text).error().kind, ErrorKind::kCorrupt);
  }
}

TEST(RecordJsonTest, LaterVersionIsUnsupported) {
  nlohmann::json later = nlohmann::json::parse(to_json(testing::full_record()));
  later["version"] = WorkflowRecord::kVersion + 1;
  later["state"] = "frozen";  // What a later version may say is none of our business.
  EXPECT_EQ(record_from_json(later.dump()).error().kind, ErrorKind::kUnsupported);
}

TEST(RecordJsonTest, EveryCutIsRefused) {
  const std::string text = to_json(testing::full_record());
  for (std::size_t size = 0; size < text.size(); ++size) {
    ASSERT_FALSE(record_from_json(std::string_view(text).substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace logstone
