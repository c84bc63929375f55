// Decides what a workflow does next. Level-triggered, as Argo's controller is: it looks at the manifest, at the status
// that it wrote itself and at what the pods did, and never needs to know what happened in between. Pure: no I/O, no
// threads, no clock of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cluster/local/workflow_status.h"
#include "model/workflow.h"

namespace logstone::local {

struct ParsedWorkflow;  // manifest.h

/// The workflow object's own facts, beside its manifest.
struct WorkflowFacts {
  std::string name;
  std::string name_space;
  std::string uid;
  Timestamp created{};
  Labels labels;
  Labels annotations;
};

struct PodContainer {
  std::string name;  ///< "main", or the containerSet's.
  std::string image;
  std::vector<std::string> command;
  std::vector<std::string> args;  ///< Appended to `command`.
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> env_pod_uid;   ///< Variables that get the pod's uid, which only the runtime knows.
  std::string working_dir;                ///< Empty: the pod's own.
  std::optional<std::string> script;      ///< Written to a file whose path becomes the last argument.
  std::vector<std::string> dependencies;  ///< Containers of this pod that must succeed before it starts.
  std::int64_t retries = 0;               ///< containerSet's retryStrategy: how often it is started again.
  Nanoseconds retry_delay{0};
  bool operator==(const PodContainer&) const = default;
};

struct PodInputArtifact {
  std::string name;
  std::string path;
  std::optional<std::uint32_t> mode;  ///< Permission bits.
  ArtifactSource source;
  bool operator==(const PodInputArtifact&) const = default;
};

struct PodOutputParameter {
  std::string name;
  std::string path;
  std::optional<std::string> default_value;  ///< Where the file is missing; none: a missing file fails the pod.
  bool operator==(const PodOutputParameter&) const = default;
};

struct PodOutputArtifact {
  std::string name;
  std::string path;
  bool optional = false;  ///< May be missing.
  bool operator==(const PodOutputArtifact&) const = default;
};

/// A pod that should exist. Complete: the runtime needs nothing else to run it.
struct PodRequest {
  std::string node_id;
  std::string node_name;
  std::string pod_name;
  Labels labels;  ///< Argo's own and those of the template's metadata.
  Labels annotations;
  std::vector<PodContainer> containers;
  std::vector<PodInputArtifact> input_artifacts;
  std::vector<PodOutputParameter> output_parameters;
  std::vector<PodOutputArtifact> output_artifacts;
  /// The container whose standard output becomes `outputs.result` (at most 256 KiB, one last newline taken off); empty:
  /// no result is wanted.
  std::string result_container;
  std::optional<Timestamp> deadline;  ///< For information; the operator itself asks for the stop.
  bool operator==(const PodRequest&) const = default;
};

struct ContainerOutcome {
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::optional<int> exit_code;  ///< Once terminated.
  std::string reason;            ///< "Completed", "Error", "OOMKilled", "StartError", ...
  std::string message;
};

/// What a pod that was asked for does, or did. Given as long as the pod exists; what was once final never changes.
struct PodOutcome {
  /// kPending, kRunning, kSucceeded, kFailed; kError when the pod could not be run to an end for reasons that are not
  /// the program's (its folder could not be written, an input artifact was missing, the shim died).
  Phase phase = Phase::kPending;
  std::string message;  ///< Empty for a failed program: the operator writes Argo's "main: Error (exit code 1)".
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::map<std::string, ContainerOutcome> containers;
  std::optional<std::string> result;
  std::map<std::string, std::string> parameters;  ///< Collected output parameters (defaults applied by the runtime).
  std::vector<std::string> artifacts;             ///< Names of the output artifacts that were found and kept.
};

/// What should be so. The runtime makes it so; doing any of it twice must do it once.
struct Decision {
  /// Pods that should exist and are not among the outcomes. The same ones come again until the runtime reports them
  /// (kPending at first); starting one later, because the machine is full, is the runtime's business.
  std::vector<PodRequest> create;
  /// Nodes whose pods should be ended (SIGTERM, later SIGKILL) and are not final among the outcomes. Their nodes are
  /// final in the status already. Comes again until they are.
  std::vector<std::string> stop;
  /// Call again at this time even if nothing happened before (deadlines, backoff, suspensions).
  std::optional<Timestamp> wake_at;
  /// The status is not what it was: persist it before acting on this decision.
  bool changed = false;
};

/// Brings `status` up to date and tells what should exist. Safe to repeat: the same inputs change nothing more.
/// An outcome may be forgotten (podGC) once its node is final. A pod whose node is Pending and that is in no outcome is
/// asked for again; one whose node is Running and that is in no outcome was deleted, and its node becomes Error.
/// Errors of a manifest that show only now (an expression, a parameter, too deep a recursion) are in the nodes'
/// messages, as in Argo: the call itself cannot fail. Terminated workflows run no exit handler.
[[nodiscard]] Decision operate(const ParsedWorkflow& workflow, const WorkflowFacts& facts, WorkflowStatus& status,
                               const std::map<std::string, PodOutcome>& pods_by_node_id, Timestamp now,
                               bool terminate_requested);

}  // namespace logstone::local
