// Who waits for a number to grow: followers of a log, those who wait for a workflow's state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace logstone {

/// Thread-safe. Adding, cancelling and firing cost a logarithm of the list each, so thousands may wait.
class WaiterList {
 public:
  WaiterList();
  ~WaiterList();
  WaiterList(const WaiterList&) = delete;
  WaiterList& operator=(const WaiterList&) = delete;

  /// `call` is called once, when `fire_above` is given more than `threshold`. After the handle's end nothing is called;
  /// a call that is under way in another thread is waited for, so hold no lock that `call` takes when dropping it.
  [[nodiscard]] std::shared_ptr<void> add(std::uint64_t threshold, std::function<void()> call);
  /// Calls, from this thread, those whose threshold is less than `value`.
  void fire_above(std::uint64_t value);
  [[nodiscard]] bool empty() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace logstone
