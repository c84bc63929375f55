#include "archive/block_cache.h"

#include <new>
#include <utility>

namespace logstone {

namespace {
constexpr std::size_t kItemOverhead = 256;  // Nodes of list and map, and the key twice.
constexpr std::size_t kAheadThreads = 2;
constexpr std::size_t kAheadJobs = 4;  // Running and waiting; what is read ahead too early is dropped before its use.
}  // namespace

BlockCache::BlockCache(std::size_t max_bytes) : impl_(std::make_unique<Impl>(max_bytes)) {}
BlockCache::~BlockCache() = default;

BlockCache::Impl::~Impl() {
  {
    const std::lock_guard lock(ahead_mutex_);
    ending_ = true;
    ahead_.clear();
  }
  ahead_wanted_.notify_all();
  for (auto& thread : threads_) thread.join();
}

Result<std::shared_ptr<void>> BlockCache::Impl::find_or_make_any(const std::string& key,
                                                                 const std::function<Result<Made<void>>()>& make) {
  if (auto kept = find_any(key)) return kept;
  std::shared_ptr<Flight> flight;
  {
    std::unique_lock lock(mutex_);
    if (const auto other = flights_.find(key); other != flights_.end()) {
      flight = other->second;
      landed_.wait(lock, [&] { return flight->landed; });
      return flight->result;
    }
    flight = flights_[key] = std::make_shared<Flight>();
  }
  Result<Made<void>> made = Error{ErrorKind::kUnavailable, "read", key, "there is no memory for it", "try again later"};
  try {
    made = make();
    if (made) keep(key, made->value, made->bytes);
  } catch (const std::bad_alloc&) {
    // The others must not wait for ever; the error stands.
  }
  {
    const std::lock_guard lock(mutex_);
    if (made) {
      flight->result = std::move(made->value);
    } else {
      flight->result = std::move(made).error();
    }
    flight->landed = true;
    flights_.erase(key);
  }
  landed_.notify_all();
  return flight->result;
}

bool BlockCache::Impl::run_ahead(std::function<void()> job) {
  {
    const std::lock_guard lock(ahead_mutex_);
    if (ending_ || ahead_.size() + ahead_running_ >= kAheadJobs) return false;
    if (threads_.size() < kAheadThreads) threads_.emplace_back([this] { work_ahead(); });
    ahead_.push_back(std::move(job));
  }
  ahead_wanted_.notify_one();
  return true;
}

void BlockCache::Impl::work_ahead() {
  std::unique_lock lock(ahead_mutex_);
  while (true) {
    ahead_wanted_.wait(lock, [this] { return ending_ || !ahead_.empty(); });
    if (ending_) return;
    auto job = std::move(ahead_.front());
    ahead_.pop_front();
    ++ahead_running_;
    lock.unlock();
    job();
    job = nullptr;  // It may hold a view; its end must not meet the lock.
    lock.lock();
    --ahead_running_;
  }
}

std::shared_ptr<void> BlockCache::Impl::find_any(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  items_.splice(items_.begin(), items_, found->second);
  return found->second->value;
}

void BlockCache::Impl::keep(const std::string& key, std::shared_ptr<void> value, std::size_t bytes) {
  bytes += kItemOverhead;
  if (bytes > max_bytes_) return;
  std::list<Item> dropped;  // Freed after the lock is given back.
  const std::lock_guard lock(mutex_);
  if (const auto old = by_key_.find(key); old != by_key_.end()) drop(old->second, dropped);
  while (bytes_ + bytes > max_bytes_) drop(std::prev(items_.end()), dropped);
  items_.push_front({key, std::move(value), bytes});
  by_key_[key] = items_.begin();
  bytes_ += bytes;
}

void BlockCache::Impl::forget(const std::string& key) {
  std::list<Item> dropped;
  const std::lock_guard lock(mutex_);
  if (const auto old = by_key_.find(key); old != by_key_.end()) drop(old->second, dropped);
}

void BlockCache::Impl::drop(std::list<Item>::iterator item, std::list<Item>& dropped) {
  bytes_ -= item->bytes;
  by_key_.erase(item->key);
  dropped.splice(dropped.begin(), items_, item);
}

}  // namespace logstone
