// Between a pod's node and the pod: what is asked of the runtime, and what its answer means.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "cluster/local/manifest.h"
#include "cluster/local/node_scope.h"
#include "cluster/local/node_tree.h"
#include "cluster/local/operator.h"

namespace logstone::local {

/// The template with everything replaced that a pod sees. `scope` holds the inputs and gets the artifacts' paths.
[[nodiscard]] Result<Template> resolve_pod_template(const Template& tmpl, NodeScope& scope);
/// A template's `timeout`, `activeDeadlineSeconds`, ...: "30", "2m"; none where the text is empty.
[[nodiscard]] Result<std::optional<Nanoseconds>> duration_of(const std::string& field, const std::string& text);
/// Takes from the resolved template what the node must know once the template is out of sight.
[[nodiscard]] Result<> prepare_pod_node(NodeStatus& node, const Template& resolved);
/// Adds the nodes of a containerSet's containers below the pod's.
void add_container_nodes(NodeTree& tree, NodeStatus& pod, const Template& resolved);
[[nodiscard]] PodRequest pod_request(const ParsedWorkflow& workflow, const WorkflowFacts& facts, const NodeStatus& node,
                                     const Template& resolved, bool wants_result);

/// Brings the node, and those of its containers, to what the pod did. Only for nodes that are not final.
void apply_outcome(NodeTree& tree, NodeStatus& node, const PodOutcome& outcome);
/// Ends the node, and those of its containers, whatever the pod does.
void end_pod_node(NodeTree& tree, NodeStatus& node, Phase phase, const std::string& message);

}  // namespace logstone::local
