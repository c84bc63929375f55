#include "cluster/nodefiles/node_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "tests/nodefiles/log_follower.h"
#include "tests/nodefiles/log_writer.h"

namespace logstone {
namespace {

namespace fs = std::filesystem;
using testing::append_bytes;
using testing::LogFollower;
using testing::LogWriter;
using testing::ScratchFolder;

class NodeLog : public ::testing::Test {
 protected:
  void SetUp() override {
    auto watcher = NodeLogWatcher::start();
    ASSERT_TRUE(watcher) << watcher.error().message();
    watcher_ = *std::move(watcher);
  }

  fs::path folder() const { return scratch_.path() / "pods" / "ns_pod_uid" / "main"; }

  ScratchFolder scratch_;
  std::unique_ptr<NodeLogWatcher> watcher_;
};

TEST_F(NodeLog, ReadsPiecesWithTheirTimesAndOutputs) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("one");
  writer.write("half ", false, Output::kStderr);
  writer.write("whole", true, Output::kStderr);
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, "one\nhalf whole\n");
  ASSERT_EQ(follower.pieces.size(), 3U);
  EXPECT_FALSE(follower.pieces[1].ends_line);
  EXPECT_EQ(follower.pieces[1].output, Output::kStderr);
  EXPECT_EQ(follower.pieces[2].time - follower.pieces[1].time, std::chrono::microseconds(1));
  EXPECT_FALSE(follower.ended);
}

TEST_F(NodeLog, TellsOfEveryWriteAndEndsWhenTerminated) {
  LogWriter writer(folder());
  writer.make_folder();
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    const std::string line = "line " + std::to_string(i);
    writer.write(line);
    expected += line + "\n";
    ASSERT_TRUE(follower.read_until(expected));
  }
  EXPECT_FALSE(follower.ended);
  const int seen = follower.bell.rung();
  follower.terminated = true;
  watcher_->wake({folder(), 0});
  EXPECT_TRUE(follower.bell.wait_beyond(seen));
  follower.read_all();
  EXPECT_TRUE(follower.ended);
  EXPECT_TRUE(follower.gaps.empty());
}

TEST_F(NodeLog, WaitsForFoldersThatDoNotExistYet) {
  LogFollower follower(*watcher_, {scratch_.path() / "a" / "b" / "c" / "d", 0});
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, "");
  for (const char* part : {"a", "a/b", "a/b/c"}) fs::create_directory(scratch_.path() / part);
  LogWriter writer(scratch_.path() / "a" / "b" / "c" / "d");
  writer.make_folder();
  writer.write("at last");
  EXPECT_TRUE(follower.read_until("at last\n"));
}

TEST_F(NodeLog, FollowsOverRotationsAndCompression) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("0");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  std::string expected = "0\n";
  for (int i = 1; i < 20; ++i) {
    writer.rotate();
    writer.write(std::to_string(i));
    expected += std::to_string(i) + "\n";
    if (i > 1) writer.compress(static_cast<std::size_t>(i) - 2);
    if (i % 3 == 0) {
      ASSERT_TRUE(follower.read_until(expected));
    }
  }
  ASSERT_TRUE(follower.read_until(expected));
  EXPECT_TRUE(follower.gaps.empty());
}

TEST_F(NodeLog, ReadsRotatedFilesInTheOrderTheyWereWritten) {
  LogWriter writer(folder());
  writer.make_folder();
  std::string expected;
  for (int i = 0; i < 30; ++i) {
    writer.write(std::to_string(i));
    expected += std::to_string(i) + "\n";
    writer.rotate();
  }
  for (std::size_t i = 0; i < 29; i += 2) writer.compress(i);
  append_bytes(folder() / "0.log.20261125-090000.tmp", "unfinished");
  append_bytes(folder() / "notes.txt", "not a log");
  append_bytes(folder() / "10.log", "another attempt's");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.terminated = true;
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, expected);
  EXPECT_TRUE(follower.ended);
}

TEST_F(NodeLog, ResumesInAFileThatWasRenamedAndCompressed) {
  LogWriter writer(folder());
  writer.make_folder();
  for (int i = 0; i < 10; ++i) writer.write("record " + std::to_string(i));
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_some(25);
  const std::string before = follower.text;
  ASSERT_LT(before.size(), 60U);
  EXPECT_LE(follower.cursor.value.size(), 4096U);
  writer.rotate();
  writer.write("newer");
  writer.compress(0);
  follower.open();
  follower.read_all();
  std::string expected;
  for (int i = 0; i < 10; ++i) expected += "record " + std::to_string(i) + "\n";
  EXPECT_EQ(follower.text, expected + "newer\n");
  EXPECT_TRUE(follower.gaps.empty());
}

TEST_F(NodeLog, RecordsAGapWhereTheCursorsFileIsGone) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("first");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_all();
  writer.write("lost");
  writer.rotate();
  writer.write("second");
  writer.rotate();
  writer.write("third");
  writer.remove(0);
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, "first\n<gap>second\nthird\n");
  ASSERT_EQ(follower.gaps.size(), 1U);
  EXPECT_EQ(follower.gaps[0].reason, "rotated away before it was read");
}

TEST_F(NodeLog, AnOpenFileIsReadToItsEndThoughDeleted) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("first");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_some();
  writer.write("still there");
  fs::remove_all(folder().parent_path());
  follower.terminated = true;
  follower.read_all();
  EXPECT_EQ(follower.text, "first\nstill there\n");
  EXPECT_TRUE(follower.ended);
  EXPECT_TRUE(follower.gaps.empty());
}

TEST_F(NodeLog, AFileThatWasRotatedBeforeAllWereDeletedHadANewerOne) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("first");
  auto reader = watcher_->open(
      {folder(), 0}, {}, [] { return true; }, [] {});
  ASSERT_TRUE(reader);
  writer.rotate();
  writer.write("never seen");
  fs::remove_all(folder().parent_path());
  auto batch = (*reader)->read(1000);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->pieces.size(), 1U);
  batch = (*reader)->read(1000);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->end);
  ASSERT_TRUE(batch->gap);
  EXPECT_EQ(batch->gap->reason, "the log files were deleted before they were read to the end");
}

TEST_F(NodeLog, DeletedWhileRunningEndsWithAGapOnceItsWriterIsGone) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("first");
  UniqueFd container(::open(writer.current().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  ASSERT_TRUE(follower.read_until("first\n"));
  fs::remove_all(folder().parent_path());
  follower.read_all();
  EXPECT_FALSE(follower.ended) << "its writer may go on";
  const std::string last = writer.record("last words");
  ASSERT_TRUE(write_all(container.get(), last, "deleted log"));
  ASSERT_TRUE(follower.read_until("first\nlast words\n"));
  EXPECT_FALSE(follower.ended);
  container.reset();
  ASSERT_TRUE(follower.read_until("first\nlast words\n<gap>"));
  EXPECT_TRUE(follower.ended);
  EXPECT_EQ(follower.gaps[0].reason, "the log files were deleted while the container was running");
}

TEST_F(NodeLog, ATruncatedFileLeavesAGapAndIsReadFromItsStart) {
  LogWriter writer(folder());
  writer.make_folder();
  for (int i = 0; i < 5; ++i) writer.write("old");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_all();
  fs::resize_file(writer.current(), 0);
  writer.write("new");
  follower.read_all();
  EXPECT_EQ(follower.text, "old\nold\nold\nold\nold\n<gap>new\n");
}

TEST_F(NodeLog, TruncationIsSeenThoughTheFileGrewBeyondWhatWasRead) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("old");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_all();
  fs::resize_file(writer.current(), 0);
  for (int i = 0; i < 3; ++i) writer.write("new");
  follower.read_all();
  EXPECT_EQ(follower.text, "old\n<gap>new\nnew\nnew\n");
}

TEST_F(NodeLog, WaitsForTheRestOfARecord) {
  LogWriter writer(folder());
  writer.make_folder();
  const std::string record = writer.record("a line that comes in parts");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  for (const char c : record.substr(0, record.size() - 1)) {
    append_bytes(writer.current(), std::string_view(&c, 1));
    EXPECT_FALSE(follower.read_some());
  }
  append_bytes(writer.current(), "\n");
  follower.read_all();
  EXPECT_EQ(follower.text, "a line that comes in parts\n");
}

TEST_F(NodeLog, ACutOffLastRecordIsGivenOutWithAGapAfterIt) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("whole");
  const std::string record = writer.record("cut off here, the rest is lost");
  append_bytes(writer.current(), record.substr(0, record.size() - 18));
  LogFollower follower(*watcher_, {folder(), 0});
  follower.terminated = true;
  follower.open();
  follower.read_some();
  follower.read_some();
  EXPECT_EQ(follower.text, "whole\ncut off here,");
  follower.open();  // The gap is owed even when the reader is made anew at this place.
  follower.read_all();
  EXPECT_EQ(follower.text, "whole\ncut off here,<gap>");
  EXPECT_TRUE(follower.ended);
  EXPECT_FALSE(follower.pieces.back().ends_line);
}

TEST_F(NodeLog, ACutOffHeaderIsAGapOfItsLength) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("whole");
  append_bytes(writer.current(), "2026-11-25T09:3");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.terminated = true;
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, "whole\n<gap>");
  EXPECT_EQ(follower.gaps.at(0).lost_bytes, 15U);
  EXPECT_TRUE(follower.ended);
}

TEST_F(NodeLog, DamagedRecordsAreGapsOfTheirLength) {
  LogWriter writer(folder());
  writer.make_folder();
  append_bytes(writer.current(), "at the very start\n");
  writer.write("one");
  append_bytes(writer.current(), std::string("\0\0\0\n\n", 5));
  writer.write("two");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, "<gap>one\n<gap>two\n");
  ASSERT_EQ(follower.gaps.size(), 2U);
  EXPECT_EQ(follower.gaps[0].lost_bytes, 18U);
  EXPECT_EQ(follower.gaps[1].lost_bytes, 5U);
}

TEST_F(NodeLog, LongRecordsPassAndTooLongOnesAreGaps) {
  LogWriter writer(folder());
  writer.make_folder();
  const std::string fits(1'000'000, 'a');
  writer.write(fits);
  const std::string too_long = writer.record(std::string(3'000'000, 'b'));
  append_bytes(writer.current(), too_long);
  writer.write("after");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, fits + "\n<gap>after\n");
  EXPECT_EQ(follower.gaps.at(0).lost_bytes, too_long.size());

  const std::string growing = writer.record(std::string(2'000'000, 'c'));
  for (std::size_t at = 0; at < growing.size(); at += 300'000) {
    append_bytes(writer.current(), std::string_view(growing).substr(at, 300'000));
    follower.read_all();
  }
  writer.write("end");
  follower.read_all();
  EXPECT_EQ(follower.text, fits + "\n<gap>after\n<gap>end\n");
  EXPECT_EQ(follower.gaps.at(1).lost_bytes, growing.size());
}

TEST_F(NodeLog, ADamagedCompressedFileIsAGap) {
  LogWriter writer(folder());
  writer.make_folder();
  for (int i = 0; i < 1000; ++i) writer.write("record " + std::to_string(i * 7919 % 1000));
  writer.rotate();
  writer.compress(0);
  writer.write("newer");
  const fs::path file = writer.rotated()[0];
  fs::resize_file(file, fs::file_size(file) / 2);
  LogFollower follower(*watcher_, {folder(), 0});
  follower.terminated = true;
  follower.open();
  follower.read_all();
  EXPECT_TRUE(follower.ended);
  EXPECT_TRUE(follower.text.starts_with("record 0\nrecord 919\n"));
  EXPECT_TRUE(follower.text.ends_with("<gap>newer\n"));
}

TEST_F(NodeLog, RestartsAreOtherLogs) {
  LogWriter first(folder(), 0), second(folder(), 1);
  first.make_folder();
  first.write("first attempt");
  second.write("second attempt");
  LogFollower zero(*watcher_, {folder(), 0}), one(*watcher_, {folder(), 1});
  zero.open();
  one.open();
  zero.read_all();
  one.read_all();
  EXPECT_EQ(zero.text, "first attempt\n");
  EXPECT_EQ(one.text, "second attempt\n");
  const int heard = zero.bell.rung();
  second.write("more");
  EXPECT_TRUE(one.read_until("second attempt\nmore\n"));
  EXPECT_EQ(zero.bell.rung(), heard);
}

TEST_F(NodeLog, NotFoundWhereAnEndedContainerHasNoFiles) {
  fs::create_directories(folder());
  auto reader = watcher_->open(
      {folder(), 0}, {}, [] { return true; }, [] {});
  ASSERT_TRUE(reader);
  const auto batch = (*reader)->read(1000);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().kind, ErrorKind::kNotFound);
}

TEST_F(NodeLog, FilesDeletedBeforeResumingAreAGapButAMissingMountIsNot) {
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("first");
  LogFollower follower(*watcher_, {folder(), 0});
  follower.open();
  follower.read_all();
  const fs::path pods = scratch_.path() / "pods";
  fs::rename(pods, scratch_.path() / "unmounted");
  auto reader = watcher_->open(
      {folder(), 0}, follower.cursor, [] { return true; }, [] {});
  ASSERT_TRUE(reader);
  const auto batch = (*reader)->read(1000);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().kind, ErrorKind::kUnavailable);

  fs::create_directory(pods);
  follower.open();
  follower.read_all();
  EXPECT_EQ(follower.text, "first\n<gap>");
  EXPECT_TRUE(follower.ended);
}

TEST_F(NodeLog, RefusesACursorThatIsNotItsOwn) {
  for (const char* text : {"x", "cri1 ", "cri1 zz 10 0 5", "cri2 1 10 0 5", "cri1 1 0 0 5", "cri1 1 10 0 5 2",
                           "cri1 1 10 0 -5", "cri1 1 5000 0 5", "cri1 1 10 0 5 1 1"}) {
    const auto reader = watcher_->open(
        {folder(), 0}, Cursor{text}, [] { return false; }, [] {});
    ASSERT_FALSE(reader) << text;
    EXPECT_EQ(reader.error().kind, ErrorKind::kInvalidInput);
  }
}

TEST_F(NodeLog, ABatchHoldsAboutWhatWasAskedFor) {
  LogWriter writer(folder());
  writer.make_folder();
  std::string all;
  for (int i = 0; i < 20000; ++i) all += writer.record("twenty bytes of text");
  append_bytes(writer.current(), all);
  auto reader = watcher_->open(
      {folder(), 0}, {}, [] { return false; }, [] {});
  ASSERT_TRUE(reader);
  std::size_t records = 0;
  for (const std::size_t max : {1UL, 100UL, 50'000UL, 100'000'000UL}) {
    auto batch = (*reader)->read(max);
    ASSERT_TRUE(batch);
    ASSERT_FALSE(batch->pieces.empty());
    EXPECT_LE(batch->pieces.size() * 21, max + (16 << 10));
    EXPECT_LE(batch->buffer.capacity(), std::size_t{300} << 10);
    records += batch->pieces.size();
  }
  EXPECT_LT(records, 20000U);
}

TEST_F(NodeLog, LostEventsDoNotLoseChanges) {
  std::size_t events = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> events;
  if (events == 0 || events > 100'000) GTEST_SKIP() << "the queue is too long to fill";
  LogWriter writer(folder());
  writer.make_folder();
  writer.write("first");
  std::mutex blocked;
  testing::Bell bell;
  auto reader = watcher_->open(
      {folder(), 0}, {}, [] { return false; },
      [&] {
        bell.ring();
        const std::lock_guard wait(blocked);
      });
  ASSERT_TRUE(reader);
  std::unique_lock block(blocked);
  ASSERT_TRUE((*reader)->read(1000));
  const fs::path deep = scratch_.path() / "pods" / "later_pod_uid" / "main";
  LogFollower waiting(*watcher_, {deep, 0});
  waiting.open();
  writer.write("stops the watcher's thread");
  ASSERT_TRUE(bell.wait_beyond(0));
  const fs::path noise = folder() / "0.log.noise";
  for (std::size_t i = 0; i < events / 2 + 100; ++i) {
    append_bytes(noise, "");
    fs::remove(noise);
  }
  writer.rotate();
  writer.write("second");
  LogWriter later(deep);
  later.make_folder();
  later.write("of another pod");
  ASSERT_TRUE((*reader)->read(1000));
  const int seen = bell.rung();
  block.unlock();
  EXPECT_TRUE(bell.wait_beyond(seen));
  EXPECT_TRUE(waiting.read_until("of another pod\n"));
  std::string text;
  for (int i = 0; i < 5; ++i) {
    auto batch = (*reader)->read(1000);
    ASSERT_TRUE(batch);
    for (const auto& piece : batch->pieces) text += std::string(piece.text) + "\n";
  }
  EXPECT_TRUE(text.ends_with("second\n")) << text;
}

TEST_F(NodeLog, ThousandsOfReadersShareOneWatcher) {
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlimit before = files;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4000);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  const int pod_count = files.rlim_cur < 4000 ? 500 : 2000;
  const fs::path pods = scratch_.path() / "pods";
  fs::create_directories(pods);
  std::vector<std::unique_ptr<LogFollower>> followers;
  for (int i = 0; i < pod_count; ++i) {
    followers.push_back(
        std::make_unique<LogFollower>(*watcher_, NodeLogPlace{pods / ("p" + std::to_string(i)) / "main", 0}));
    followers.back()->open();
  }
  for (int i = 0; i < pod_count; ++i) {
    LogWriter writer(pods / ("p" + std::to_string(i)) / "main");
    writer.make_folder();
    writer.write(std::to_string(i));
  }
  for (int i = 0; i < pod_count; ++i) {
    ASSERT_TRUE(followers[static_cast<std::size_t>(i)]->read_until(std::to_string(i) + "\n")) << i;
  }
  followers.clear();
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace logstone
