#include "agent/waiter_list.h"

#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace logstone {
namespace {

struct Waiter;
using Waiting = std::multimap<std::uint64_t, std::shared_ptr<Waiter>>;

struct Waiter {
  std::recursive_mutex mutex;  ///< Held during the call; recursive, because a call may drop its own handle.
  std::function<void()> call;
  std::optional<Waiting::iterator> place;  ///< Guarded by the list's mutex.
};

}  // namespace

struct WaiterList::State {
  std::mutex mutex;
  Waiting waiting;
};

WaiterList::WaiterList() : state_(std::make_shared<State>()) {}
WaiterList::~WaiterList() = default;

std::shared_ptr<void> WaiterList::add(std::uint64_t threshold, std::function<void()> call) {
  auto waiter = std::make_shared<Waiter>();
  waiter->call = std::move(call);
  {
    const std::lock_guard lock(state_->mutex);
    waiter->place = state_->waiting.emplace(threshold, waiter);
  }
  return {waiter.get(), [waiter, state = std::weak_ptr<State>(state_)](void*) {
            if (const auto list = state.lock()) {
              const std::lock_guard lock(list->mutex);
              if (waiter->place) list->waiting.erase(*std::exchange(waiter->place, std::nullopt));
            }
            const std::lock_guard lock(waiter->mutex);
            waiter->call = nullptr;
          }};
}

void WaiterList::fire_above(std::uint64_t value) {
  std::vector<std::shared_ptr<Waiter>> due;
  {
    const std::lock_guard lock(state_->mutex);
    const auto last = state_->waiting.lower_bound(value);
    for (auto it = state_->waiting.begin(); it != last; ++it) {
      it->second->place.reset();
      due.push_back(std::move(it->second));
    }
    state_->waiting.erase(state_->waiting.begin(), last);
  }
  for (const auto& waiter : due) {
    const std::lock_guard lock(waiter->mutex);
    if (const auto call = std::exchange(waiter->call, nullptr)) call();
  }
}

bool WaiterList::empty() const {
  const std::lock_guard lock(state_->mutex);
  return state_->waiting.empty();
}

}  // namespace logstone
