// Files that come into a pod before it runs and that are kept after it ran. Called in the pod's own view.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "cluster/local/pod_spec.h"
#include "cluster/local/pod_view.h"

namespace logstone::local {

/// Copies every input artifact to its path. `cluster` reaches the cluster's folder from within the view.
[[nodiscard]] Result<> place_input_artifacts(const PodSpec& spec, const std::filesystem::path& cluster,
                                             const PodView& view);

/// Reads the output parameters and keeps copies of the output artifacts, into `outcome`. All that can be had is
/// collected; the first thing that should be there and is not, is the error.
[[nodiscard]] Result<> collect_outputs(const PodSpec& spec, const std::filesystem::path& cluster, PodOutcome& outcome);

}  // namespace logstone::local
