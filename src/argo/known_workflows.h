// What is known of the workflows that may own a pod, and which values that gives the tags of a key format. Inner to
// this folder.
#pragma once

#include <string>
#include <vector>

#include "argo/archived_location.h"
#include "argo/log_finder.h"

namespace logstone::argo {

struct KnownWorkflow {
  WorkflowRecord record;
  ArchivedLocations locations;
  bool certain = false;  ///< It has the pod, or it is the run that was asked for; else it only has a fitting name.
};

/// Values to fill a key format with, and how sure it is that they are those of the pod that is meant.
struct KeyGuess {
  TagValues values;
  WorkflowIdentity workflow;
  bool certain = false;
};

struct KnownWorkflows {
  std::vector<KnownWorkflow> own;         ///< That may be meant; where some are certain, only those.
  std::vector<WorkflowRecord> strangers;  ///< That have a pod of that name, but are another run or namespace.
  std::vector<TriedPlace> remarks;
  /// Every set of values that may be the pod's: of the certain workflows, or of all that the pod's name allows.
  std::vector<KeyGuess> guesses;
};

[[nodiscard]] KnownWorkflows sort_workflows(WorkflowSource* source, const PodRequest& request,
                                            const FinderSettings& settings);

}  // namespace logstone::argo
