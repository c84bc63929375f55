// What `{{tags}}` see: the workflow's own values, a template's inputs, and what steps and tasks left behind.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/local/manifest.h"
#include "cluster/local/node_tree.h"
#include "cluster/local/operator.h"
#include "cluster/local/template_tags.h"
#include "cluster/local/workflow_status.h"

namespace logstone::local {

using ArtifactScope = std::map<std::string, ArtifactSource, std::less<>>;

/// Texts and artifacts by their full names.
struct NodeScope {
  Scope values;
  ArtifactScope artifacts;
  /// Outputs that a skipped step would have had: an argument that is nothing but such a tag counts as not given.
  std::set<std::string, std::less<>> absent;
};

/// What a call gives to a template's inputs, all tags resolved.
struct Arguments {
  std::map<std::string, std::string> parameters;
  std::map<std::string, ArtifactSource> artifacts;
};

/// `workflow.*` but `status`, `failures` and `duration`.
[[nodiscard]] NodeScope workflow_scope(const ParsedWorkflow& workflow, const WorkflowFacts& facts);
/// `workflow.outputs.*`, as far as there are any by now.
void add_workflow_outputs(NodeScope& scope, const WorkflowStatus& status);
/// `workflow.failures`: all unsuccessful nodes as JSON, quoted as Argo does.
[[nodiscard]] std::string workflow_failures(const WorkflowStatus& status);

/// `<prefix>.status`, `<prefix>.outputs.*`, ...: a step's or a task's. Of a Retry node: its last attempt's.
void add_node(NodeScope& scope, const std::string& prefix, const NodeStatus& node, NodeTree& tree);
/// A loop's rounds, in order: their outputs as JSON lists.
void add_rounds(NodeScope& scope, const std::string& prefix, const std::vector<const NodeStatus*>& rounds);
/// A skipped or omitted node's outputs: their defaults, or marked as absent.
void add_skipped_outputs(NodeScope& scope, const std::string& prefix, const Template& tmpl);

/// The artifact that `from`, `fromExpression` or `raw` name; none where it is optional and cannot be had.
[[nodiscard]] Result<std::optional<ArtifactSource>> resolve_artifact(const Artifact& artifact, const NodeScope& scope);
/// A step's, hook's or workflow's arguments.
[[nodiscard]] Result<Arguments> resolve_arguments(const Values& values, const NodeScope& scope);
/// A template's inputs from the arguments or their defaults. `scope` gets `inputs.*` (and must hold what defaults use).
[[nodiscard]] Result<Arguments> bind_inputs(const Template& tmpl, const Arguments& given, NodeScope& scope);
/// A steps or DAG template's outputs.
[[nodiscard]] Result<NodeOutputs> template_outputs(const Template& tmpl, const NodeScope& scope);

/// The rounds of a step's or task's loop.
[[nodiscard]] Result<std::vector<LoopItem>> resolve_loop(const Step& step, const NodeScope& scope);
/// What a step calls: its template's names replaced, all else but the inline template left out.
[[nodiscard]] Result<Step> resolve_callee(const Step& step, const NodeScope& scope);

/// Whether a steps or DAG template reads `outputs.result` of the step or task.
[[nodiscard]] bool reads_result(const Template& tmpl, const std::string& step_name);

/// Invalid UTF-8 replaced by U+FFFD, as Go's JSON does: what is in the status must survive as JSON.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace logstone::local
