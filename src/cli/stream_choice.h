// Which of a workflow's streams a person means.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace logstone::cli {

struct StreamWish {
  std::string step;       ///< A step's display name, node name or id, template, pod name or stream key; empty: all.
  std::string container;  ///< Empty: all.
  bool previous = false;  ///< The attempt before the last, else the last.
};

struct ChosenStream {
  std::string key;
  std::string label;  ///< What stands before its lines: `step`, `step/sidecar`.
  bool complete = false;
};

/// From the API's description of a workflow; in the order in which the steps began. Empty where nothing fits yet.
[[nodiscard]] std::vector<ChosenStream> choose_streams(const nlohmann::json& workflow, const StreamWish& wish);
/// Why nothing fitted: names what there is.
[[nodiscard]] Error nothing_chosen(const nlohmann::json& workflow, const StreamWish& wish);

}  // namespace logstone::cli
