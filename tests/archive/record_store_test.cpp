#include "archive/record_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/archive/stored_log.h"

namespace logstone {
namespace {

using test::MemoryStore;
using test::PieceMaker;
using test::StoredLog;

WorkflowRecord some_record(const std::string& name) {
  WorkflowRecord record;
  record.id = {"local", "segments", name, "workflow-uid"};  // A namespace that looks like a folder of ours.
  record.created = *parse_rfc3339("2026-01-02T03:04:05Z");
  record.message = "a \"message\"\nof two lines";
  record.manifest_json = R"({"kind":"Workflow"})";
  return record;
}

TEST(RecordStore, WritesAndReads) {
  MemoryStore store;
  WorkflowRecord record = some_record("a");
  PieceMaker maker(1);
  record.streams.push_back(store_log(store, maker, {20, 30}, {}).record);
  ASSERT_TRUE(write_record(store, record));
  const auto read = read_record(store, record_key(record.id, record.created));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->id, record.id);
  EXPECT_EQ(read->streams, record.streams);
  EXPECT_EQ(read->message, record.message);
  const auto none = read_record(store, "v1/workflows/none/record.json");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
}

TEST(RecordStore, FindsEveryFlippedByteAndEveryCut) {
  MemoryStore store;
  const WorkflowRecord record = some_record("a");
  ASSERT_TRUE(write_record(store, record));
  const std::string key = record_key(record.id, record.created);
  const std::string text = store.at(key);
  for (std::size_t i = 0; i < text.size(); ++i) {
    store.at(key) = text;
    store.at(key)[i] = static_cast<char>(text[i] ^ 0x01);
    const auto flipped = read_record(store, key);
    ASSERT_FALSE(flipped) << i;
    EXPECT_EQ(flipped.error().kind, ErrorKind::kCorrupt);
    store.at(key) = text.substr(0, i);
    EXPECT_FALSE(read_record(store, key)) << i;
  }
}

TEST(RecordStore, WalksAllRecordsPastSegmentsAndDamage) {
  MemoryStore store;
  for (const char* name : {"a", "b", "c"}) {
    const WorkflowRecord record = some_record(name);
    ASSERT_TRUE(write_record(store, record));
    const std::string folder = segments_prefix(workflow_prefix(record.id, record.created), test::some_stream());
    for (std::uint64_t i = 0; i < 1500; ++i) ASSERT_TRUE(store.put(segment_key(folder, i, i + 1), "x"));
  }
  const WorkflowRecord b = some_record("b");
  store.at(record_key(b.id, b.created))[5] = '!';
  std::vector<std::string> found;
  std::vector<std::string> damaged;
  store.reset_counts();
  const auto walked = for_each_record(
      store,
      [&](const WorkflowRecord& record, const std::string&) -> Result<> {
        found.push_back(record.id.name);
        return {};
      },
      [&](const std::string& key, const Error& error) {
        EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
        damaged.push_back(key);
      });
  ASSERT_TRUE(walked);
  EXPECT_EQ(found, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(damaged, std::vector<std::string>{record_key(b.id, b.created)});
  EXPECT_LE(store.counts().lists, 4U);
}

TEST(RecordStore, AWalkStopsWhenToldOrWhenTheStoreIsAway) {
  MemoryStore store;
  for (const char* name : {"a", "b"}) ASSERT_TRUE(write_record(store, some_record(name)));
  int seen = 0;
  const auto stop = [&seen](const WorkflowRecord&, const std::string&) -> Result<> {
    ++seen;
    return Error{ErrorKind::kCancelled, "walk", "", "enough", ""};
  };
  const auto ignore = [](const std::string&, const Error&) {};
  EXPECT_FALSE(for_each_record(store, stop, ignore));
  EXPECT_EQ(seen, 1);
  store.set_broken(true);
  const auto broken = for_each_record(store, stop, ignore);
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().retryable());
}

class Verify : public testing::Test {
 protected:
  Verify() : record_(some_record("a")) {
    PieceMaker maker(3);
    for (auto cuts : {std::vector<std::size_t>{100, 200, 0}, std::vector<std::size_t>{}}) {
      StoredLog log = store_log(store_, maker, cuts, {4096, 1});
      record_.streams.push_back(std::move(log.record));
    }
  }
  std::vector<Damage> damage() {
    const auto verified = verify_record(store_, record_);
    EXPECT_TRUE(verified) << verified.error().message();
    return *verified;
  }
  MemoryStore store_;
  WorkflowRecord record_;
};

TEST_F(Verify, FindsNothingWhereAllIsWell) { EXPECT_TRUE(damage().empty()); }

TEST_F(Verify, FindsAFlippedByteAnywhere) {
  const SegmentReference segment = record_.streams[0].segments[1];
  std::string& object = store_.at(segment.key);
  for (std::size_t i = 0; i < object.size(); i += 97) {
    object[i] = static_cast<char>(object[i] ^ 0x04);
    const auto found = damage();
    ASSERT_FALSE(found.empty()) << i;
    EXPECT_EQ(found[0].key, segment.key);
    object[i] = static_cast<char>(object[i] ^ 0x04);
  }
  EXPECT_TRUE(damage().empty());
}

TEST_F(Verify, FindsACutAndAMissingObject) {
  const std::string key = record_.streams[0].segments[0].key;
  const std::string object = store_.at(key);
  store_.at(key) = object.substr(0, object.size() / 2);
  EXPECT_EQ(damage().at(0).key, key);
  ASSERT_TRUE(store_.remove(key));
  const auto found = damage();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].key, key);
  EXPECT_NE(found[0].what.find("does not exist"), std::string::npos);
}

TEST_F(Verify, FindsARecordThatSaysOtherwise) {
  StreamRecord& stream = record_.streams[0];
  const StreamRecord good = stream;
  stream.bytes += 1;
  EXPECT_EQ(damage().size(), 1U);
  stream = good;
  stream.lines += 1;
  EXPECT_EQ(damage().size(), 1U);
  stream = good;
  stream.digest = Digest::hex_of("other");
  EXPECT_EQ(damage().size(), 1U);
  stream.digest.clear();
  EXPECT_EQ(damage().size(), 1U);
  stream = good;
  std::swap(stream.segments[0], stream.segments[1]);
  EXPECT_FALSE(damage().empty());
  stream = good;
  stream.segments.erase(stream.segments.begin());
  EXPECT_FALSE(damage().empty());
  stream = good;
  stream.segments[0].object_digest.clear();
  EXPECT_FALSE(damage().empty());
  stream = good;
  stream.id.restart += 1;
  EXPECT_FALSE(damage().empty());
  stream = good;
  record_.id.uid = "another";
  EXPECT_FALSE(damage().empty());
}

TEST_F(Verify, AStoreThatDoesNotAnswerIsNoDamage) {
  store_.set_broken(true);
  const auto verified = verify_record(store_, record_);
  ASSERT_FALSE(verified);
  EXPECT_TRUE(verified.error().retryable());
}

}  // namespace
}  // namespace logstone
