// Waiting for SIGINT and SIGTERM together with what happens in other threads.
#pragma once

#include <chrono>

#include "base/file.h"

namespace logstone::cli {

/// Blocks SIGINT and SIGTERM in this thread and all that it starts later: make it before any other thread. A blocked
/// SIGPIPE turns writes to closed pipes into errors.
class SignalWaiter {
 public:
  SignalWaiter();
  enum class Event { kSignal, kWoken };
  /// Until a signal comes or `wake` was called.
  [[nodiscard]] Event wait();
  /// From any thread.
  void wake();

 private:
  UniqueFd signals_;
  UniqueFd wakes_;
};

}  // namespace logstone::cli
