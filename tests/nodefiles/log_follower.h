// A reader of a node's log together with what it has read, for tests.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cluster/nodefiles/node_log.h"

namespace logstone::testing {

/// Counts the calls of a reader's `more`.
class Bell {
 public:
  void ring();
  /// Waits until there were more than `seen` calls; false after 30 s.
  [[nodiscard]] bool wait_beyond(int seen);
  [[nodiscard]] int rung();

 private:
  std::mutex mutex_;
  std::condition_variable rang_;
  int count_ = 0;
};

class LogFollower {
 public:
  LogFollower(NodeLogWatcher& watcher, NodeLogPlace place) : watcher_(watcher), place_(std::move(place)) {}

  /// Opens, or opens anew from the cursor of what was read.
  void open();
  /// One read; false where nothing was new. Fails the test on an error.
  bool read_some(std::size_t max_bytes = 64 << 10);
  void read_all(std::size_t max_bytes = 64 << 10) {
    while (read_some(max_bytes)) {
    }
  }
  /// Reads whenever there may be more, until `text` is what was read; false after 30 s without news.
  [[nodiscard]] bool read_until(const std::string& expected);

  /// The same until the stream has ended.
  [[nodiscard]] bool read_to_end();

  std::atomic<bool> terminated = false;
  std::string text;  ///< Newlines included; a gap is "<gap>".
  std::vector<Gap> gaps;
  std::vector<LogPiece> pieces;  ///< Without their texts.
  bool ended = false;
  Cursor cursor;
  Bell bell;

 private:
  [[nodiscard]] bool read_while_not(const std::function<bool()>& done);

  NodeLogWatcher& watcher_;
  const NodeLogPlace place_;
  std::unique_ptr<LogReader> reader_;
};

}  // namespace logstone::testing
