// The inside of BlockCache: recently used things by name, bounded in bytes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "archive/log_view.h"

namespace logstone {

/// Blocks, pieces and opened segments under one bound. Thread-safe. Keys tell the kinds apart, so a key always names
/// the same type.
struct BlockCache::Impl {
 public:
  explicit Impl(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  /// Ends the work ahead that runs, drops what waits.
  ~Impl();
  /// Null when it is not there.
  template <class T>
  [[nodiscard]] std::shared_ptr<T> find(const std::string& key) {
    return std::static_pointer_cast<T>(find_any(key));
  }
  /// Keeps `value` as the newest; what is larger than the whole cache is not kept.
  void keep(const std::string& key, std::shared_ptr<void> value, std::size_t bytes);
  void forget(const std::string& key);

  /// Something made, and what it weighs in the cache.
  template <class T>
  struct Made {
    std::shared_ptr<T> value;
    std::size_t bytes = 0;
  };
  /// What is kept, or what `make` makes: by one caller, while all others that want it wait. They share its error, too.
  template <class T, class Make>
  [[nodiscard]] Result<std::shared_ptr<T>> find_or_make(const std::string& key, Make make) {
    auto result = find_or_make_any(key, [&]() -> Result<Made<void>> {
      LOGSTONE_ASSIGN(Made<T> made, make());
      return Made<void>{std::move(made.value), made.bytes};
    });
    if (!result) return std::move(result).error();
    return std::static_pointer_cast<T>(*std::move(result));
  }
  /// Runs `job` on a thread of the cache; false when enough is waiting already.
  bool run_ahead(std::function<void()> job);
  [[nodiscard]] std::size_t max_bytes() const { return max_bytes_; }

 private:
  struct Item {
    std::string key;
    std::shared_ptr<void> value;
    std::size_t bytes;
  };
  /// What several callers wait for while one makes it.
  struct Flight {
    bool landed = false;
    Result<std::shared_ptr<void>> result;
  };
  [[nodiscard]] Result<std::shared_ptr<void>> find_or_make_any(const std::string& key,
                                                               const std::function<Result<Made<void>>()>& make);
  void work_ahead();
  [[nodiscard]] std::shared_ptr<void> find_any(const std::string& key);
  void drop(std::list<Item>::iterator item, std::list<Item>& dropped);

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Item> items_;  ///< Newest first.
  std::unordered_map<std::string, std::list<Item>::iterator> by_key_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
  std::condition_variable landed_;

  std::mutex ahead_mutex_;
  std::condition_variable ahead_wanted_;
  std::deque<std::function<void()>> ahead_;
  std::size_t ahead_running_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace logstone
