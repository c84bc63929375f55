// What is known of a running workflow: Argo's `status`, which is also all that the operator remembers between two
// calls.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/workflow.h"

namespace logstone::local {

/// Where a file or folder comes from: the text itself, or what a pod's container left at a path.
struct ArtifactSource {
  std::optional<std::string> raw;
  std::string node_id;        ///< Of the pod that collected it (when not raw) ...
  std::string artifact_name;  ///< ... under this output artifact's name.
  std::string sub_path;       ///< Within the artifact, where only a part is wanted; empty: all of it.
  bool operator==(const ArtifactSource&) const = default;
};

/// What a node (or, by globalName, the workflow) gives to others.
struct NodeOutputs {
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::string> global_names;  ///< Of parameters and artifacts (`artifact:` before the name).
  std::map<std::string, ArtifactSource> artifacts;
  std::optional<std::string> result;  ///< Standard output of a script or container.
  std::optional<std::string> exit_code;
  bool operator==(const NodeOutputs&) const = default;
  [[nodiscard]] bool empty() const { return *this == NodeOutputs{}; }
};

/// One entry of Argo's `status.nodes`, with what the operator needs beyond what readers of a workflow need.
struct NodeStatus : Node {
  std::string
      template_scope;  ///< "local/<workflow>", "namespaced/<name>", "cluster/<name>": where its names are looked up.
  std::string template_ref;  ///< "<WorkflowTemplate>/<template>" where it came by templateRef.
  std::map<std::string, std::string> input_parameters;
  std::map<std::string, ArtifactSource> input_artifacts;
  NodeOutputs outputs;                ///< `global_names` is filled from the node's start on.
  std::vector<std::string> outbound;  ///< The nodes that those after this one become children of.
  bool hooked = false;                ///< A lifecycle hook's or exit handler's.
  bool retried = false;               ///< An attempt under a Retry node.
  bool in_exit_handler = false;       ///< Not subject to the workflow's deadline.
  std::optional<Timestamp> deadline;  ///< Of a pod: it fails then (timeout, retries' maxDuration). Suspend: it goes on.
  std::optional<Nanoseconds> active_deadline;  ///< Of a pod: from its start.
  bool operator==(const NodeStatus&) const = default;
};

struct WorkflowStatus {
  Phase phase = Phase::kPending;
  std::string message;
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::map<std::string, NodeStatus> nodes;  ///< By node id.
  NodeOutputs outputs;                      ///< Of parameters and artifacts with a globalName.
  bool operator==(const WorkflowStatus&) const = default;

  /// Null when there is none.
  [[nodiscard]] const NodeStatus* find(const std::string& node_id) const;
};

/// Argo's `status` as JSON text; members that Argo does not know stand under "logstone" in a node. Times keep their
/// nanoseconds, so that reading it back gives the same value.
[[nodiscard]] std::string to_json(const WorkflowStatus& status);
/// kCorrupt when it is not such a status. Unknown members are ignored.
[[nodiscard]] Result<WorkflowStatus> workflow_status_from_json(std::string_view text);

}  // namespace logstone::local
