#include "archive/log_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/archive/stored_log.h"

namespace logstone {
namespace {

using test::at;
using test::joined;
using test::LogModel;
using test::MemoryStore;
using test::PieceMaker;
using test::some_place;
using test::store_log;
using test::StoredLog;

std::vector<std::uint64_t> line_starts(const std::string& raw) {
  std::vector<std::uint64_t> starts;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (at == 0 || raw[at - 1] == '\n') starts.push_back(at);
  }
  return starts;
}

/// The first line whose time is at or after `time`, the slow way.
std::uint64_t slow_find_time(const LogModel& model, Timestamp time) {
  for (const PlacedPiece& piece : model.pieces) {
    const bool begins = piece.offset == 0 || model.raw[piece.offset - 1] == '\n';
    if (begins && piece.time >= time) return piece.offset;
  }
  return model.raw.size();
}

void expect_like_model(LogView& view, const StoredLog& log, std::mt19937& random) {
  const std::string& raw = log.model.raw;
  EXPECT_EQ(view.extent().bytes, raw.size());
  EXPECT_EQ(view.extent().lines, log.record.lines);
  EXPECT_TRUE(view.extent().complete);
  const auto starts = line_starts(raw);
  for (int i = 0; i < 40; ++i) {
    const std::uint64_t offset = random() % (raw.size() + 3);
    const std::size_t max = random() % 5000;
    const auto read = view.read(offset, max);
    ASSERT_TRUE(read) << read.error().message();
    if (offset < raw.size() && max > 0) {
      ASSERT_FALSE(read->empty());
      EXPECT_LE(read->size(), max);
      EXPECT_TRUE(*read == raw.substr(offset, read->size()));
    } else {
      EXPECT_TRUE(read->empty());
    }
    const std::uint64_t line = random() % (starts.size() + 2);
    const auto found = view.find_line(line);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(*found, line < starts.size() ? starts[line] : raw.size()) << "line " << line;
    const std::uint64_t tail = random() % (starts.size() + 2);
    const auto from = view.find_tail(tail);
    ASSERT_TRUE(from) << from.error().message();
    EXPECT_EQ(*from, tail == 0        ? raw.size()
                     : starts.empty() ? 0
                                      : starts[starts.size() - std::min<std::size_t>(tail, starts.size())]);
    if (!log.model.pieces.empty()) {
      const Timestamp time =
          log.model.pieces[random() % log.model.pieces.size()].time + Nanoseconds(static_cast<int>(random() % 3) - 1);
      const auto when = view.find_time(time);
      ASSERT_TRUE(when) << when.error().message();
      EXPECT_EQ(*when, slow_find_time(log.model, time));
    }
    const std::uint64_t length = random() % 20000;
    const auto pieces = view.pieces(offset, length);
    ASSERT_TRUE(pieces) << pieces.error().message();
    const std::uint64_t end = std::min<std::uint64_t>(raw.size(), offset + length);
    if (offset >= end) {
      EXPECT_TRUE(pieces->empty());
      continue;
    }
    EXPECT_LE(pieces->front().offset, offset);
    EXPECT_GT(pieces->front().offset + pieces->front().length, offset);
    EXPECT_LT(pieces->back().offset, end);
    EXPECT_GE(pieces->back().offset + pieces->back().length, end);
  }
  const auto all = view.pieces(0, raw.size());
  ASSERT_TRUE(all);
  EXPECT_TRUE(joined(*all) == joined(log.model.pieces));
  std::string whole;
  while (true) {
    const auto part = view.read(whole.size(), 1 << 20);
    ASSERT_TRUE(part);
    if (part->empty()) break;
    whole += *part;
  }
  EXPECT_TRUE(whole == raw);
}

TEST(LogView, AnswersLikeTheModel) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PieceMaker maker(seed);
    std::mt19937& random = maker.random();
    MemoryStore store;
    std::vector<std::size_t> cuts(random() % 6);
    for (auto& cut : cuts) cut = random() % 3 == 0 ? 0 : random() % 300;
    const StoredLog log = store_log(store, maker, cuts, {std::size_t{4096} << random() % 3, 1});
    BlockCache cache(seed % 3 == 0 ? 0 : seed % 3 == 1 ? 30000 : 10 << 20);
    expect_like_model(*open_archived_log(store, cache, log.record), log, random);
  }
}

TEST(LogView, ManyThreadsOverOneCache) {
  MemoryStore store;
  PieceMaker maker(77);
  const StoredLog log = store_log(store, maker, {300, 300, 300}, {4096, 1});
  BlockCache cache(60000);
  const auto view = open_archived_log(store, cache, log.record);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(i);
      expect_like_model(*view, log, random);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(LogView, TheTailOfManySegmentsReadsTwoBlocksAtMost) {
  MemoryStore store;
  std::mt19937 random(1);
  StreamRecord record;
  record.id = test::some_stream();
  std::string last_lines;
  SegmentWriter writer({}, some_place());
  std::size_t largest_block = 0;
  for (int segment = 0; segment < 20; ++segment) {
    while (writer.bytes() < std::size_t{4} << 20) {
      std::string text;
      for (int i = 0; i < 100; ++i) text.push_back(static_cast<char>(' ' + random() % 90));
      const LogPiece piece{at(0), Output::kStdout, true, text};
      writer.append({&piece, 1});
    }
    record.segments.push_back(test::store_segment(store, writer, {}, segment == 19));
    largest_block = std::max<std::size_t>(largest_block, record.segments.back().object_bytes / 4 + 1);
    writer = SegmentWriter({}, some_place(writer.end_byte(), writer.place().first_line + writer.lines()));
  }
  record.complete = true;
  record.bytes = writer.place().first_byte;
  record.lines = writer.place().first_line;

  BlockCache cache(64 << 20);
  const auto view = open_archived_log(store, cache, record);
  store.reset_counts();
  const auto from = view->find_tail(100);
  ASSERT_TRUE(from);
  EXPECT_EQ(*from, record.bytes - 100 * 101);
  std::string tail;
  while (*from + tail.size() < record.bytes) {
    const auto part = view->read(*from + tail.size(), 1 << 20);
    ASSERT_TRUE(part);
    tail += *part;
  }
  EXPECT_EQ(std::count(tail.begin(), tail.end(), '\n'), 100);
  EXPECT_EQ(store.counts().gets, 0U);
  EXPECT_EQ(store.counts().lists, 0U);
  EXPECT_LE(store.counts().ranged_gets, 4U);  // One segment's end, perhaps in two reads, and two blocks.
  EXPECT_LE(store.counts().bytes_read, 2 * largest_block + (32 << 10));
  // Again: all from the cache.
  store.reset_counts();
  EXPECT_EQ(*view->find_tail(100), *from);
  EXPECT_EQ(store.counts().ranged_gets, 0U);
}

TEST(LogView, OpensASegmentOfManyBlocksWithTwoReads) {
  MemoryStore store;
  SegmentWriter writer({4096, 1}, some_place());
  std::string text(1000, 'x');
  std::mt19937 random(1);
  while (writer.bytes() < std::size_t{8} << 20) {
    for (char& c : text) c = static_cast<char>('a' + random() % 26);
    const LogPiece piece{at(0), Output::kStdout, true, text};
    writer.append({&piece, 1});
  }
  const auto reference = test::store_segment(store, writer, {}, true);
  store.reset_counts();
  const auto reader = SegmentReader::open(store, reference.key, reference.object_bytes);
  ASSERT_TRUE(reader);
  EXPECT_GT((*reader)->blocks().size(), 2000U);
  EXPECT_EQ(store.counts().ranged_gets, 2U);
  EXPECT_LT(store.counts().bytes_read, 300000U);
}

TEST(LogView, NotifiesOnlyOfWhatIsThere) {
  MemoryStore store;
  BlockCache cache(1 << 20);
  PieceMaker maker(5);
  StoredLog log = store_log(store, maker, {10}, {});
  std::atomic<int> calls = 0;
  const auto count = [&calls] { ++calls; };
  const auto complete = open_archived_log(store, cache, log.record);
  auto handle = complete->notify(log.record.bytes + 10, count);
  EXPECT_EQ(calls, 1);
  log.record.complete = false;
  const auto growing = open_archived_log(store, cache, log.record);
  auto there = growing->notify(log.record.bytes - 1, count);
  EXPECT_EQ(calls, 2);
  auto never = growing->notify(log.record.bytes, count);
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(growing->extent().complete);
}

TEST(LogView, NamesTheObjectThatIsMissingOrDamaged) {
  MemoryStore store;
  BlockCache cache(0);
  PieceMaker maker(6);
  const StoredLog log = store_log(store, maker, {200, 200}, {4096, 1});
  const auto view = open_archived_log(store, cache, log.record);
  const SegmentReference& second = log.record.segments[1];
  store.at(second.key)[3] = 'x';
  auto read = view->read(second.first_byte, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(read.error().subject, second.key);
  EXPECT_TRUE(view->read(0, 10)) << "what is intact is still read";
  ASSERT_TRUE(store.remove(second.key));
  read = view->read(second.first_byte, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kNotFound);
  store.set_broken(true);
  read = view->read(0, 10);
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().retryable());
}

TEST(LogView, ARecordThatDiffersFromItsSegmentsIsDamage) {
  MemoryStore store;
  BlockCache cache(0);
  PieceMaker maker(7);
  StoredLog log = store_log(store, maker, {50, 50}, {});
  log.record.segments[1].lines += 1;
  const auto read = open_archived_log(store, cache, log.record)->read(log.record.segments[1].first_byte, 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
}

TEST(StreamListing, DropsWhatIsSupersededAndStopsAtHoles) {
  MemoryStore store;
  SegmentWriter writer({}, some_place());
  const auto append = [&writer](const std::string& text, bool newline) {
    const LogPiece piece{at(100), Output::kStdout, newline, text};
    writer.append({&piece, 1});
  };
  const auto next = [&writer] {
    writer = SegmentWriter({}, some_place(writer.end_byte(), writer.place().first_line + writer.lines()));
  };
  std::vector<SegmentReference> expected;
  append("one", true);
  test::store_segment(store, writer, {"1"}, false);
  append("two", true);
  writer.add_gap({0, 5, "lost", at(1)});
  expected.push_back(test::store_segment(store, writer, {"2"}, false));
  SegmentWriter within({}, some_place(4, 1));
  test::store_segment(store, within, {}, false);
  next();
  test::store_segment(store, writer, {"3"}, false);  // Nothing yet: superseded by the one with bytes.
  append("three", false);
  expected.push_back(test::store_segment(store, writer, {"4"}, false));
  SegmentWriter beyond({}, some_place(1000, 9));
  test::store_segment(store, beyond, {}, true);
  ASSERT_TRUE(store.put(segments_prefix(test::kWorkflowPrefix, test::some_stream()) + "notes.txt", "not a segment"));
  for (SegmentReference& segment : expected) segment.object_digest.clear();

  auto stream = read_stream_from_store(store, test::kWorkflowPrefix, test::some_stream());
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_EQ(stream->segments, expected);
  EXPECT_EQ(stream->bytes, 13U);
  EXPECT_EQ(stream->lines, 3U);
  EXPECT_FALSE(stream->complete);
  EXPECT_EQ(stream->gaps, (std::vector<Gap>{{8, 5, "lost", at(1)}}));

  next();  // The end comes with no more bytes.
  expected.push_back(test::store_segment(store, writer, {"5"}, true));
  expected.back().object_digest.clear();
  stream = read_stream_from_store(store, test::kWorkflowPrefix, test::some_stream());
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->segments, expected);
  EXPECT_TRUE(stream->complete);
  EXPECT_EQ(stream->bytes, 13U);
  BlockCache cache(1 << 20);
  const auto raw = open_archived_log(store, cache, *stream)->read(8, 100);
  ASSERT_TRUE(raw);
  EXPECT_EQ(*raw, "three");
}

TEST(StreamListing, ASegmentThatIsSupersededMeanwhileIsFollowedByItsSuccessor) {
  MemoryStore store;
  SegmentWriter writer({}, some_place());
  const LogPiece piece{at(1), Output::kStdout, true, "line"};
  writer.append({&piece, 1});
  const auto first = test::store_segment(store, writer, {}, false);
  store.set_after_list([&] {
    writer.append({&piece, 1});
    test::store_segment(store, writer, {}, false);
    ASSERT_TRUE(store.remove(first.key));
  });
  const auto stream = read_stream_from_store(store, test::kWorkflowPrefix, test::some_stream());
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_EQ(stream->bytes, 10U);
}

TEST(StreamListing, FindsNothingAndSaysSo) {
  MemoryStore store;
  const auto stream = read_stream_from_store(store, test::kWorkflowPrefix, test::some_stream());
  ASSERT_TRUE(stream);
  EXPECT_TRUE(stream->segments.empty());
  EXPECT_EQ(stream->bytes, 0U);
}

TEST(StreamListing, ASegmentUnderAWrongKeyIsDamage) {
  MemoryStore store;
  const SegmentWriter writer({}, some_place());
  ASSERT_TRUE(store.put(segment_key(segments_prefix(test::kWorkflowPrefix, test::some_stream()), 0, 50),
                        writer.object({}, false)));
  const auto stream = read_stream_from_store(store, test::kWorkflowPrefix, test::some_stream());
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace logstone
