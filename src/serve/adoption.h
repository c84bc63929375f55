// Adoption as the server offers it: one step a request, so that nobody waits long and a walk goes on after any failure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/workflow.h"

namespace logstone {

struct AdoptionQuery {
  std::string name_space;          ///< Only this one; empty: all.
  std::optional<Timestamp> since;  ///< Only logs written at or after.
  bool dry_run = false;
  bool copy = false;
  std::string actor;
  std::string cursor;  ///< From the answer before; empty: the begin.
  std::size_t limit = 1000;
};

struct AdoptionAnswer {
  struct Workflow {
    WorkflowIdentity id;
    std::uint64_t logs = 0;
  };
  std::string source;                                         ///< "s3://mlpipeline".
  std::vector<std::pair<std::string, std::uint64_t>> counts;  ///< By name, as they are shown.
  std::vector<Workflow> workflows;
  std::vector<std::string> problems;
  std::string cursor;  ///< Where to go on; empty: that was all.
};

}  // namespace logstone
