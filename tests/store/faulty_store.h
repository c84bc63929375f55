// An ObjectStore that fails on purpose: for tests of everything that must survive its store.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "store/object_store.h"

namespace logstone::testing {

/// Passes calls on to `inner`, which outlives it, but for those that it was told to spoil. Thread-safe.
class FaultyStore final : public ObjectStore {
 public:
  enum class Call { kPut, kPutIfAbsent, kGet, kGetRange, kHead, kList, kRemove };
  enum class When {
    kBefore,  ///< Nothing happens, the caller gets the error.
    kAfter,   ///< It happens, the caller gets the error all the same: a lost answer.
  };

  explicit FaultyStore(ObjectStore& inner) : inner_(inner) {}
  ~FaultyStore() override { release(); }

  /// The `nth` call of a kind from now on (1 is the next) fails.
  void fail_call(Call call, std::uint64_t nth, Error error, When when = When::kBefore) {
    const std::lock_guard lock(mutex_);
    faults_[{call, counts_[call] + nth}] = Fault{std::move(error), when};
  }
  /// Every call of a kind fails, until heal().
  void fail_every(Call call, Error error, When when = When::kBefore) {
    const std::lock_guard lock(mutex_);
    always_[call] = Fault{std::move(error), when};
  }
  /// Answers of get and get_range end after `bytes` bytes, for keys that hold `part`.
  void truncate_answers(std::string part, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    truncations_[std::move(part)] = bytes;
  }
  /// Byte `offset` of the object comes back with one bit changed, from get and get_range, for keys that hold `part`.
  void flip_byte(std::string part, std::uint64_t offset) {
    const std::lock_guard lock(mutex_);
    flips_[std::move(part)] = offset;
  }
  /// Calls of a kind wait until release().
  void block(Call call) {
    const std::lock_guard lock(mutex_);
    blocked_[call] = true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    blocked_.clear();
    changed_.notify_all();
  }
  /// Waits until `count` calls are blocked.
  void wait_for_blocked(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  /// Forgets every fault, but does not release what is blocked.
  void heal() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
    always_.clear();
    truncations_.clear();
    flips_.clear();
  }
  /// Calls of a kind so far, failed ones too.
  [[nodiscard]] std::uint64_t calls(Call call) {
    const std::lock_guard lock(mutex_);
    return counts_[call];
  }
  /// Bytes that get and get_range gave back so far.
  [[nodiscard]] std::uint64_t bytes_read() {
    const std::lock_guard lock(mutex_);
    return bytes_read_;
  }

  [[nodiscard]] Result<> put(const std::string& key, std::string_view bytes) override {
    return run<Result<>>(Call::kPut, [&] { return inner_.put(key, bytes); });
  }
  [[nodiscard]] Result<> put_if_absent(const std::string& key, std::string_view bytes) override {
    return run<Result<>>(Call::kPutIfAbsent, [&] { return inner_.put_if_absent(key, bytes); });
  }
  [[nodiscard]] Result<std::string> get(const std::string& key) override {
    return spoil(key, 0, run<Result<std::string>>(Call::kGet, [&] { return inner_.get(key); }));
  }
  [[nodiscard]] Result<std::string> get_range(const std::string& key, std::uint64_t offset,
                                              std::uint64_t length) override {
    return spoil(key, offset,
                 run<Result<std::string>>(Call::kGetRange, [&] { return inner_.get_range(key, offset, length); }));
  }
  [[nodiscard]] Result<ObjectInfo> head(const std::string& key) override {
    return run<Result<ObjectInfo>>(Call::kHead, [&] { return inner_.head(key); });
  }
  [[nodiscard]] Result<ObjectPage> list(const std::string& prefix, const std::string& start_after = {},
                                        std::size_t limit = 1000) override {
    return run<Result<ObjectPage>>(Call::kList, [&] { return inner_.list(prefix, start_after, limit); });
  }
  [[nodiscard]] Result<> remove(const std::string& key) override {
    return run<Result<>>(Call::kRemove, [&] { return inner_.remove(key); });
  }
  [[nodiscard]] std::string description() const override { return "faulty " + inner_.description(); }

 private:
  struct Fault {
    Error error;
    When when = When::kBefore;
  };

  /// Counts the call, waits while its kind is blocked, and says how it is to fail.
  std::optional<Fault> begin(Call call) {
    std::unique_lock lock(mutex_);
    const std::uint64_t number = ++counts_[call];
    if (blocked_.count(call) != 0) {
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return blocked_.count(call) == 0; });
      --waiting_;
    }
    if (const auto fault = faults_.find({call, number}); fault != faults_.end()) return fault->second;
    if (const auto fault = always_.find(call); fault != always_.end()) return fault->second;
    return std::nullopt;
  }

  template <class R, class F>
  R run(Call call, F inner_call) {
    std::optional<Fault> fault = begin(call);
    if (!fault) return inner_call();
    if (fault->when == When::kAfter) (void)inner_call();
    return std::move(fault->error);
  }

  Result<std::string> spoil(const std::string& key, std::uint64_t offset, Result<std::string> answer) {
    if (!answer) return answer;
    const std::lock_guard lock(mutex_);
    for (const auto& [part, at] : flips_) {
      if (key.find(part) == std::string::npos || at < offset || at - offset >= answer->size()) continue;
      (*answer)[at - offset] = static_cast<char>((*answer)[at - offset] ^ 1);
    }
    for (const auto& [part, bytes] : truncations_) {
      if (key.find(part) != std::string::npos && answer->size() > bytes) answer->resize(bytes);
    }
    bytes_read_ += answer->size();
    return answer;
  }

  ObjectStore& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Call, std::uint64_t> counts_;
  std::map<std::pair<Call, std::uint64_t>, Fault> faults_;
  std::map<Call, Fault> always_;
  std::map<std::string, std::size_t> truncations_;
  std::map<std::string, std::uint64_t> flips_;
  std::map<Call, bool> blocked_;
  std::size_t waiting_ = 0;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace logstone::testing
