#include "agent/work_queue.h"

#include <condition_variable>
#include <map>
#include <mutex>

namespace logstone {

struct WorkQueue::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<Item::Turn, std::shared_ptr<Item>> due;
  std::uint64_t requests = 0;
  bool stopping = false;

  /// With the mutex held.
  void schedule(const std::shared_ptr<Item>& item, SteadyTime when) {
    if (item->turn_) {
      if (item->turn_->first <= when) return;
      due.erase(*item->turn_);
    }
    item->turn_ = {when, requests++};
    due.emplace(*item->turn_, item);
    changed.notify_one();
  }
};

void WorkQueue::Item::after(Nanoseconds delay) {
  const auto queue = queue_.lock();
  if (!queue) return;
  const SteadyTime when = steady_now() + delay;
  const std::lock_guard lock(queue->mutex);
  if (queue->stopping) return;
  if (running_) {
    again_ = again_ ? std::min(*again_, when) : when;
  } else {
    queue->schedule(shared_from_this(), when);
  }
}

WorkQueue::WorkQueue(std::size_t threads) : state_(std::make_shared<State>()) {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    threads_.emplace_back([state = state_] { work(*state); });
  }
}

WorkQueue::~WorkQueue() { stop(); }

std::shared_ptr<WorkQueue::Item> WorkQueue::make_item(std::function<void()> run) {
  return std::shared_ptr<Item>(new Item(state_, std::move(run)));
}

void WorkQueue::work(State& state) {
  std::unique_lock lock(state.mutex);
  while (!state.stopping) {
    if (state.due.empty()) {
      state.changed.wait(lock);
      continue;
    }
    const auto first = state.due.begin();
    if (const SteadyTime when = first->first.first; when > steady_now()) {
      state.changed.wait_until(lock, when);
      continue;
    }
    std::shared_ptr<Item> item = std::move(first->second);
    state.due.erase(first);
    item->turn_.reset();
    item->running_ = true;
    // Somebody must watch for the next one's time while this thread is busy.
    if (!state.due.empty()) state.changed.notify_one();
    lock.unlock();
    item->run_();
    lock.lock();
    item->running_ = false;
    if (const auto again = std::exchange(item->again_, std::nullopt); again && !state.stopping) {
      state.schedule(item, *again);
    }
    // The last reference may go with it, and what the item's function holds: not under the mutex.
    lock.unlock();
    item.reset();
    lock.lock();
  }
}

void WorkQueue::stop() {
  std::map<Item::Turn, std::shared_ptr<Item>> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    dropped.swap(state_->due);
    for (auto& [turn, item] : dropped) item->turn_.reset();
    state_->changed.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace logstone
