#include "model/record.h"

namespace logstone {
namespace {

constexpr LifecycleState kStates[] = {LifecycleState::kRunning,  LifecycleState::kFinished, LifecycleState::kSealed,
                                      LifecycleState::kVerified, LifecycleState::kReleased, LifecycleState::kDeleted,
                                      LifecycleState::kExpired};

}  // namespace

const char* to_string(LifecycleState state) {
  switch (state) {
    case LifecycleState::kRunning:
      return "running";
    case LifecycleState::kFinished:
      return "finished";
    case LifecycleState::kSealed:
      return "sealed";
    case LifecycleState::kVerified:
      return "verified";
    case LifecycleState::kReleased:
      return "released";
    case LifecycleState::kDeleted:
      return "deleted";
    case LifecycleState::kExpired:
      return "expired";
  }
  return "running";
}

std::optional<LifecycleState> parse_lifecycle_state(std::string_view text) {
  for (const LifecycleState state : kStates) {
    if (text == to_string(state)) return state;
  }
  return std::nullopt;
}

}  // namespace logstone
