// Plays the runtime for the operator: pods whose programs are told by their arguments, in an order that a seed chooses.
//
// A container's arguments (or a script's lines) are its whole life: `exit=3`, `result=text`, `out:NAME=value` (an
// output parameter), `sleep=SECONDS`, `error=message` (the pod could not be run).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/local/manifest.h"
#include "cluster/local/operator.h"

namespace logstone::local {

struct Simulation {
  unsigned seed = 1;
  bool reload = false;                         ///< The status goes through its JSON between any two calls.
  std::optional<std::size_t> terminate_after;  ///< Pods that were started.
  std::map<std::string, std::string> parameters;
};

struct SimulatedRun {
  WorkflowStatus status;
  std::map<std::string, PodRequest> requests;  ///< By node name.
  std::vector<std::string> started;            ///< Node names, in order.
  std::size_t most_at_once = 0;
  bool stuck = false;            ///< Nothing was left to happen, and the workflow was not over.
  std::vector<Timestamp> woken;  ///< When it was called because it had asked for it.

  [[nodiscard]] const NodeStatus& node(const std::string& name) const;
  /// One line a node, sorted by name: "name | type | phase | message".
  [[nodiscard]] std::string tree() const;
};

/// 2026-01-02T03:04:05Z, when every simulated workflow starts.
[[nodiscard]] Timestamp simulated_start();
/// The first workflow of a manifest; a test failure where there is none.
[[nodiscard]] ParsedWorkflow parsed(const std::string& yaml, const std::map<std::string, std::string>& parameters = {});
[[nodiscard]] WorkflowFacts facts_of(const ParsedWorkflow& workflow);
/// Runs it to its end, and checks on the way that a call repeated changes nothing and that changes are told.
[[nodiscard]] SimulatedRun simulate(const ParsedWorkflow& workflow, const Simulation& simulation = {});
[[nodiscard]] SimulatedRun simulate(const std::string& yaml, const Simulation& simulation = {});

}  // namespace logstone::local
