// The inside of BlockCache: recently used things by name, bounded in bytes.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "archive/log_view.h"

namespace logstone {

/// Blocks, pieces and opened segments under one bound. Thread-safe. Keys tell the kinds apart, so a key always names
/// the same type.
struct BlockCache::Impl {
 public:
  explicit Impl(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  /// Null when it is not there.
  template <class T>
  [[nodiscard]] std::shared_ptr<T> find(const std::string& key) {
    return std::static_pointer_cast<T>(find_any(key));
  }
  /// Keeps `value` as the newest; what is larger than the whole cache is not kept.
  void keep(const std::string& key, std::shared_ptr<void> value, std::size_t bytes);
  void forget(const std::string& key);

 private:
  struct Item {
    std::string key;
    std::shared_ptr<void> value;
    std::size_t bytes;
  };
  [[nodiscard]] std::shared_ptr<void> find_any(const std::string& key);
  void drop(std::list<Item>::iterator item, std::list<Item>& dropped);

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Item> items_;  ///< Newest first.
  std::unordered_map<std::string, std::list<Item>::iterator> by_key_;
};

}  // namespace logstone
