#include "model/workflow.h"

namespace logstone {
namespace {

constexpr Phase kPhases[] = {Phase::kPending, Phase::kRunning, Phase::kSucceeded, Phase::kFailed,
                             Phase::kError,   Phase::kSkipped, Phase::kOmitted,   Phase::kUnknown};

}  // namespace

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::kPending:
      return "Pending";
    case Phase::kRunning:
      return "Running";
    case Phase::kSucceeded:
      return "Succeeded";
    case Phase::kFailed:
      return "Failed";
    case Phase::kError:
      return "Error";
    case Phase::kSkipped:
      return "Skipped";
    case Phase::kOmitted:
      return "Omitted";
    case Phase::kUnknown:
      return "Unknown";
  }
  return "Error";
}

std::optional<Phase> parse_phase(std::string_view text) {
  for (const Phase phase : kPhases) {
    if (text == to_string(phase)) return phase;
  }
  return std::nullopt;
}

}  // namespace logstone
