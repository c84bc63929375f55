#include "tests/nodefiles/log_follower.h"

#include <gtest/gtest.h>

#include <chrono>

namespace logstone::testing {

void Bell::ring() {
  const std::lock_guard lock(mutex_);
  ++count_;
  rang_.notify_all();
}

bool Bell::wait_beyond(int seen) {
  std::unique_lock lock(mutex_);
  return rang_.wait_for(lock, std::chrono::seconds(30), [&] { return count_ > seen; });
}

int Bell::rung() {
  const std::lock_guard lock(mutex_);
  return count_;
}

void LogFollower::open() {
  reader_.reset();
  auto reader = watcher_.open(
      place_, cursor, [this] { return terminated.load(); }, [this] { bell.ring(); });
  ASSERT_TRUE(reader) << reader.error().message();
  reader_ = *std::move(reader);
}

bool LogFollower::read_some(std::size_t max_bytes) {
  auto result = reader_->read(max_bytes);
  if (!result) {
    ADD_FAILURE() << result.error().message();
    return false;
  }
  const LogBatch batch = *std::move(result);  // Pieces must survive the batch's being moved.
  if (batch.gap) {
    text += "<gap>";
    gaps.push_back(*batch.gap);
  }
  for (LogPiece piece : batch.pieces) {
    text += piece.text;
    if (piece.ends_line) text += '\n';
    piece.text = {};
    pieces.push_back(piece);
  }
  cursor = batch.after;
  const bool news = !batch.pieces.empty() || batch.gap || (batch.end && !ended);
  ended = batch.end;
  return news;
}

bool LogFollower::read_while_not(const std::function<bool()>& done) {
  for (;;) {
    const int seen = bell.rung();
    read_all();
    if (done()) return true;
    if (::testing::Test::HasFailure() || !bell.wait_beyond(seen)) return false;
  }
}

bool LogFollower::read_until(const std::string& expected) {
  return read_while_not([&] { return text == expected; });
}

bool LogFollower::read_to_end() {
  return read_while_not([&] { return ended; });
}

}  // namespace logstone::testing
