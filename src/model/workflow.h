// A workflow, its nodes and its pods as a cluster shows them. Plain values; names as Argo and Kubernetes have them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace logstone {

using Labels = std::map<std::string, std::string>;

/// Names one execution. `uid` is unique for ever; the other three are for people and keys.
struct WorkflowIdentity {
  std::string cluster;  ///< Name of the cluster; "local" for the embedded engine.
  std::string name_space;
  std::string name;
  std::string uid;
  bool operator==(const WorkflowIdentity&) const = default;
};

/// Argo's phases of workflows and nodes (a workflow has no kSkipped, kOmitted, kDaemoned). kUnknown: it ended, and
/// nothing tells how (only its logs are left).
enum class Phase { kPending, kRunning, kSucceeded, kFailed, kError, kSkipped, kOmitted, kUnknown };
/// "Pending", "Running", ...: Argo's words.
[[nodiscard]] const char* to_string(Phase phase);
[[nodiscard]] std::optional<Phase> parse_phase(std::string_view text);
[[nodiscard]] constexpr bool is_final(Phase p) { return p != Phase::kPending && p != Phase::kRunning; }

/// One entry of `status.nodes`.
struct Node {
  std::string id;            ///< Argo's node id: the workflow's name, or `<workflow>-<FNV-1a of the node's name>`.
  std::string name;          ///< Argo's full node name: `wf[0].step(1:x)`.
  std::string display_name;  ///< `step(1:x)`.
  std::string type;          ///< Pod, Container, Steps, StepGroup, DAG, TaskGroup, Retry, Suspend, Skipped.
  std::string template_name;
  Phase phase = Phase::kPending;
  std::string message;
  std::string boundary_id;
  std::vector<std::string> children;  ///< Node ids.
  std::string pod_name;               ///< Empty where the node has no pod.
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::optional<int> exit_code;
  bool operator==(const Node&) const = default;
};

/// A Workflow object of a cluster.
struct Workflow {
  WorkflowIdentity id;
  Labels labels;
  Labels annotations;
  Phase phase = Phase::kPending;
  std::string message;
  Timestamp created{};
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::optional<Timestamp> deletion_requested;  ///< Kubernetes' deletionTimestamp.
  std::string manifest_json;                    ///< The whole object, status included, as the cluster has it.
  std::vector<Node> nodes;
};

enum class ContainerState { kWaiting, kRunning, kTerminated };

/// One container of a pod, in its current attempt.
struct ContainerStatus {
  std::string name;
  ContainerState state = ContainerState::kWaiting;
  std::uint32_t restart_count = 0;  ///< Attempts before it have the numbers 0 to restart_count-1.
  std::optional<int> exit_code;     ///< Of the current attempt, once terminated.
  std::string reason;               ///< "Completed", "Error", "OOMKilled", ...
};

/// A Pod object of a cluster.
struct Pod {
  std::string name_space;
  std::string name;
  std::string uid;
  std::string workflow_name;
  std::string workflow_uid;
  std::string node_id;
  std::string phase;  ///< Kubernetes' own: Pending, Running, Succeeded, Failed, Unknown.
  Timestamp created{};
  std::optional<Timestamp> deletion_requested;
  std::vector<ContainerStatus> containers;  ///< Init containers first.
  bool held = false;                        ///< Our finalizer is on it.
};

}  // namespace logstone
