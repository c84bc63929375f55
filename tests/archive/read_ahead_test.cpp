// Reading ahead, and one read for all who want the same block.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "archive/log_view.h"
#include "tests/archive/stored_log.h"

namespace logstone {
namespace {

using test::MemoryStore;

constexpr std::size_t kBlock = 64 << 10;

/// One stream of `blocks` blocks that hardly compress.
StreamRecord store_blocks(MemoryStore& store, std::size_t blocks) {
  std::mt19937 random(11);
  SegmentSettings settings;
  settings.block_bytes = kBlock;
  SegmentWriter writer(settings, test::some_place());
  std::string text(1023, ' ');
  for (std::size_t line = 0; line < blocks * kBlock / 1024; ++line) {
    for (char& c : text) c = static_cast<char>(' ' + random() % 90);
    const LogPiece piece{test::at(static_cast<int>(line)), Output::kStdout, true, text};
    writer.append({&piece, 1});
  }
  StreamRecord record;
  record.id = test::some_stream();
  record.segments = {test::store_segment(store, writer, {}, true)};
  record.bytes = record.segments[0].bytes;
  record.lines = record.segments[0].lines;
  record.complete = true;
  return record;
}

void wait_until(const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!reached() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(reached());
}

TEST(ReadAhead, TakesTheNextBlocksButNoneBeyondTheEnd) {
  MemoryStore store;
  const StreamRecord record = store_blocks(store, 40);
  BlockCache cache(std::size_t{16} << 20);
  const auto view = open_archived_log(store, cache, record);
  ASSERT_TRUE(view->read(0, 100));
  store.reset_counts();
  const auto reads = [&store] { return store.counts().ranged_gets; };
  view->read_ahead(100, 3 * kBlock + 1);
  wait_until([&] { return reads() == 3; });
  ASSERT_TRUE(view->read(3 * kBlock, 1));
  EXPECT_EQ(reads(), 3U) << "it was there already";
  ASSERT_TRUE(view->read(4 * kBlock, 1));
  EXPECT_EQ(reads(), 4U) << "nobody had asked for it ahead";
}

TEST(ReadAhead, IsBoundedByTheCache) {
  MemoryStore store;
  const StreamRecord record = store_blocks(store, 40);
  BlockCache cache(std::size_t{32} * kBlock);
  const auto view = open_archived_log(store, cache, record);
  ASSERT_TRUE(view->read(0, 1));
  store.reset_counts();
  view->read_ahead(1, record.bytes);
  wait_until([&] { return store.counts().ranged_gets == 4; });
  view->read_ahead(2, record.bytes);
  ASSERT_TRUE(view->read(20 * kBlock, 1));
  EXPECT_EQ(store.counts().ranged_gets, 5U) << "an eighth of the cache is read ahead, not the whole log";
}

TEST(ReadAhead, FollowsAReaderThatJumpsAndSurvivesABrokenStore) {
  MemoryStore store;
  const StreamRecord record = store_blocks(store, 40);
  BlockCache cache(std::size_t{16} << 20);
  const auto view = open_archived_log(store, cache, record);
  ASSERT_TRUE(view->read(0, 1));
  store.set_broken(true);
  store.reset_counts();
  view->read_ahead(1, 10 * kBlock);
  wait_until([&] { return store.counts().ranged_gets == 1; });
  store.set_broken(false);
  view->read_ahead(30 * kBlock, 31 * kBlock);
  const auto read = view->read(30 * kBlock, 10);
  ASSERT_TRUE(read) << read.error().message();
  wait_until([&] { return store.counts().ranged_gets == 2; });
}

TEST(ReadAhead, TheCachesEndWaitsForWhatRuns) {
  MemoryStore store;
  const StreamRecord record = store_blocks(store, 8);
  for (int i = 0; i < 20; ++i) {
    BlockCache cache(std::size_t{16} << 20);
    const auto view = open_archived_log(store, cache, record);
    view->read_ahead(0, record.bytes);
  }
}

TEST(BlockCache, ABlockThatManyWantIsReadOnce) {
  MemoryStore store;
  const StreamRecord record = store_blocks(store, 2);
  BlockCache cache(std::size_t{16} << 20);
  ASSERT_TRUE(open_archived_log(store, cache, record)->read(0, 1));
  store.reset_counts();
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::atomic<int> waiting = 0;
  store.set_before_range([&] {
    ++waiting;
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return open; });
  });
  std::atomic<int> right = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      const auto read = open_archived_log(store, cache, record)->read(kBlock, 10);
      if (read && read->size() == 10) ++right;
    });
  }
  wait_until([&] { return waiting == 1; });
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  changed.notify_all();
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(store.counts().ranged_gets, 1U);
}

TEST(BlockCache, WhoWaitsForABlockThatCannotBeHadIsToldToo) {
  MemoryStore store;
  const StreamRecord record = store_blocks(store, 2);
  BlockCache cache(std::size_t{16} << 20);
  ASSERT_TRUE(open_archived_log(store, cache, record)->read(0, 1));
  store.set_broken(true);
  std::atomic<int> failed = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      const auto read = open_archived_log(store, cache, record)->read(kBlock, 10);
      if (!read && read.error().retryable()) ++failed;
    });
  }
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(failed, 8);
  store.set_broken(false);
  EXPECT_TRUE(open_archived_log(store, cache, record)->read(kBlock, 10)) << "a failure is not kept";
}

}  // namespace
}  // namespace logstone
