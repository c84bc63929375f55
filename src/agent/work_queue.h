// Work that is due now or later, done by a few threads, one item never by two at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"

namespace logstone {

/// For delays and ages: a clock that nobody sets.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Nanoseconds>;
[[nodiscard]] inline SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

/// Fair: what has been due for longest is done first. Threads without due work sleep until there is some.
class WorkQueue {
  struct State;

 public:
  /// A piece of work that is done again whenever it was asked for. Thread-safe; may outlive its queue.
  class Item : public std::enable_shared_from_this<Item> {
   public:
    /// Asks for a run. Asking during a run makes it run once more; several requests become one, at the earliest time.
    void soon() { after(Nanoseconds::zero()); }
    void after(Nanoseconds delay);

   private:
    friend class WorkQueue;
    /// When, and the number of the request: equal times keep the order of asking.
    using Turn = std::pair<SteadyTime, std::uint64_t>;
    Item(std::weak_ptr<State> queue, std::function<void()> run) : queue_(std::move(queue)), run_(std::move(run)) {}

    std::weak_ptr<State> queue_;
    std::function<void()> run_;
    std::optional<Turn> turn_;         ///< These three are guarded by the queue's mutex.
    std::optional<SteadyTime> again_;  ///< Asked for while it ran.
    bool running_ = false;
  };

  explicit WorkQueue(std::size_t threads);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  [[nodiscard]] std::shared_ptr<Item> make_item(std::function<void()> run);
  /// Waits for what is being done; nothing runs after it. Not from one of the queue's own threads.
  void stop();

 private:
  static void work(State& state);

  std::shared_ptr<State> state_;
  std::vector<std::thread> threads_;
};

/// Delays of work that failed: each twice the one before, up to `last`.
class Backoff {
 public:
  Backoff(Nanoseconds first, Nanoseconds last) : first_(first), last_(last), next_(first) {}
  [[nodiscard]] Nanoseconds next() {
    const Nanoseconds delay = next_;
    next_ = std::min(next_ * 2, last_);
    return delay;
  }
  void reset() { next_ = first_; }

 private:
  Nanoseconds first_;
  Nanoseconds last_;
  Nanoseconds next_;
};

}  // namespace logstone
