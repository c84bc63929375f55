// An ObjectStore in memory that counts what is asked of it and breaks when told to.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "store/object_store.h"

namespace logstone::test {

class MemoryStore final : public ObjectStore {
 public:
  struct Counts {
    std::uint64_t gets = 0;
    std::uint64_t ranged_gets = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t lists = 0;
  };
  [[nodiscard]] Counts counts() {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  void reset_counts() {
    const std::lock_guard lock(mutex_);
    counts_ = {};
  }
  /// Every read fails with kUnavailable while it is set.
  void set_broken(bool broken) { broken_ = broken; }
  /// Called once, after the next listing was made: what another process does meanwhile.
  void set_after_list(std::function<void()> action) { after_list_ = std::move(action); }
  /// Called at the beginning of every ranged read, which waits for it.
  void set_before_range(std::function<void()> action) { before_range_ = std::move(action); }
  /// For damaging what is stored.
  [[nodiscard]] std::string& at(const std::string& key) { return objects_.at(key); }

  Result<> put(const std::string& key, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    objects_[key] = std::string(bytes);
    return {};
  }
  Result<> put_if_absent(const std::string& key, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (!objects_.emplace(key, bytes).second) return error(ErrorKind::kConflict, key);
    return {};
  }
  Result<std::string> get(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    ++counts_.gets;
    if (broken_) return error(ErrorKind::kUnavailable, key);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return error(ErrorKind::kNotFound, key);
    counts_.bytes_read += found->second.size();
    return found->second;
  }
  Result<std::string> get_range(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    if (before_range_) before_range_();
    const std::lock_guard lock(mutex_);
    ++counts_.ranged_gets;
    if (broken_) return error(ErrorKind::kUnavailable, key);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return error(ErrorKind::kNotFound, key);
    if (offset >= found->second.size()) return std::string();
    std::string part = found->second.substr(offset, length);
    counts_.bytes_read += part.size();
    return part;
  }
  Result<ObjectInfo> head(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return error(ErrorKind::kNotFound, key);
    return ObjectInfo{key, found->second.size(), {}};
  }
  Result<ObjectPage> list(const std::string& prefix, const std::string& start_after, std::size_t limit) override {
    std::unique_lock lock(mutex_);
    ++counts_.lists;
    ObjectPage page;
    for (auto it = objects_.lower_bound(std::max(prefix, start_after)); it != objects_.end(); ++it) {
      if (it->first.substr(0, prefix.size()) != prefix) break;
      if (it->first <= start_after) continue;
      if (page.objects.size() == limit) {
        page.more = true;
        break;
      }
      page.objects.push_back({it->first, it->second.size(), {}});
    }
    lock.unlock();
    if (const auto action = std::exchange(after_list_, nullptr)) action();
    return page;
  }
  Result<> remove(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
    return {};
  }
  std::string description() const override { return "memory"; }

 private:
  static Error error(ErrorKind kind, const std::string& key) { return {kind, "read object", key, "test", ""}; }

  std::mutex mutex_;
  std::map<std::string, std::string> objects_;
  Counts counts_;
  std::function<void()> after_list_;
  std::function<void()> before_range_;
  std::atomic<bool> broken_ = false;
};

}  // namespace logstone::test
