#include "archive/block_cache.h"

#include <utility>

namespace logstone {

namespace {
constexpr std::size_t kItemOverhead = 256;  // Nodes of list and map, and the key twice.
}  // namespace

BlockCache::BlockCache(std::size_t max_bytes) : impl_(std::make_unique<Impl>(max_bytes)) {}
BlockCache::~BlockCache() = default;

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
