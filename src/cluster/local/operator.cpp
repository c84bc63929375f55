#include "cluster/local/operator.h"

#include <algorithm>

#include "cluster/local/expression.h"
#include "cluster/local/node_pod.h"
#include "cluster/local/operator_pass.h"

namespace logstone::local {
namespace {

// Each pass that changes something brings the workflow forward, and few need more than two. This bounds a defect.
constexpr int kMostPasses = 1000;

std::string duration_text(Nanoseconds duration) {
  return std::to_string(std::chrono::duration<double>(duration).count());
}

}  // namespace

OperatorPass::OperatorPass(const ParsedWorkflow& workflow, const WorkflowFacts& facts, NodeTree& tree,
                           const std::map<std::string, PodOutcome>& pods, bool terminating)
    : workflow_(workflow),
      facts_(facts),
      tree_(tree),
      pods_(pods),
      terminating_(terminating),
      globals_(workflow_scope(workflow, facts)) {
  for (const Parameter& parameter : workflow.arguments.parameters) {
    workflow_arguments_.parameters[parameter.name] = globals_.values["workflow.parameters." + parameter.name];
  }
  for (const Artifact& artifact : workflow.arguments.artifacts) {
    auto source = resolve_artifact(artifact, globals_);
    if (source && *source) workflow_arguments_.artifacts[artifact.name] = **std::move(source);
  }
  add_workflow_outputs(globals_, tree_.status());
}

std::optional<Timestamp> OperatorPass::workflow_deadline() const {
  if (!workflow_.active_deadline_seconds || !tree_.status().started) return std::nullopt;
  return *tree_.status().started + std::chrono::seconds(*workflow_.active_deadline_seconds);
}

std::string OperatorPass::stop_reason(bool in_exit_handler) const {
  if (terminating_) return "workflow shutdown with strategy: Terminate";
  const auto deadline = workflow_deadline();
  if (deadline && tree_.now() >= *deadline && !in_exit_handler) return "Step exceeded its deadline";
  return {};
}

void OperatorPass::wake_at(Timestamp time) {
  if (time <= tree_.now()) return;
  if (!decision_.wake_at || time < *decision_.wake_at) decision_.wake_at = time;
}

void OperatorPass::export_outputs(const NodeOutputs& outputs) {
  NodeOutputs& shared = tree_.status().outputs;
  NodeOutputs merged = shared;
  for (const auto& [name, global_name] : outputs.global_names) {
    if (const auto parameter = outputs.parameters.find(name); parameter != outputs.parameters.end()) {
      merged.parameters[global_name] = parameter->second;
    }
    constexpr std::string_view kArtifact = "artifact:";
    if (name.rfind(kArtifact, 0) != 0) continue;
    const auto artifact = outputs.artifacts.find(name.substr(kArtifact.size()));
    if (artifact != outputs.artifacts.end()) merged.artifacts[global_name] = artifact->second;
  }
  if (merged == shared) return;
  tree_.set(shared, std::move(merged));
  add_workflow_outputs(globals_, tree_.status());
}

void OperatorPass::observe() {
  for (auto& [id, node] : tree_.status().nodes) {
    if (!is_final(node.phase)) observe_node(node);
  }
}

void OperatorPass::observe_node(NodeStatus& node) {
  if (node.type != "Pod" && node.type != "Suspend") return;
  const auto outcome = pods_.find(node.id);
  if (outcome != pods_.end()) {
    apply_outcome(tree_, node, outcome->second);
    if (is_final(node.phase)) return export_outputs(node.outputs);
  } else if (node.type == "Pod" && node.phase == Phase::kRunning) {
    return end_pod_node(tree_, node, Phase::kError, "pod deleted");
  }
  if (terminating_) {
    const bool pod = node.type == "Pod";
    return end_pod_node(tree_, node, Phase::kFailed,
                        pod ? "workflow shutdown with strategy:  Terminate" : "Stopped with strategy 'Terminate'");
  }
  const auto workflow_ends = workflow_deadline();
  if (workflow_ends && !node.in_exit_handler && tree_.now() >= *workflow_ends) {
    return end_pod_node(tree_, node, Phase::kFailed, "Step exceeded its deadline");
  }
  if (!node.deadline || tree_.now() < *node.deadline) return;
  if (node.type == "Suspend") {
    tree_.set_phase(node, Phase::kSucceeded);
    return export_outputs(node.outputs);
  }
  end_pod_node(
      tree_, node, Phase::kFailed,
      node.phase == Phase::kPending ? "timeout" : "Pod was active on the node longer than the specified deadline");
}

void OperatorPass::walk() {
  WorkflowStatus& status = tree_.status();
  decision_ = Decision{};
  if (is_final(status.phase)) return;
  if (!status.started) tree_.set(status.started, tree_.now());
  if (status.phase == Phase::kPending) tree_.set(status.phase, Phase::kRunning);
  Scope& values = globals_.values;
  values["workflow.status"] = to_string(status.phase);
  values["workflow.duration"] = duration_text(tree_.now() - *status.started);

  Call call;
  call.node_name = facts_.name;
  call.template_name = workflow_.entrypoint;
  call.tmpl = workflow_.find_template(workflow_.entrypoint);
  call.arguments = workflow_arguments_;
  const Visit visit = execute(call);
  if (!visit.error.empty()) return end_workflow(Phase::kError, "error in entry template execution: " + visit.error);
  if (visit.node == nullptr) return;

  NodeStatus& root = *visit.node;
  const Phase phase = root.phase == Phase::kSkipped || root.phase == Phase::kOmitted ? Phase::kSucceeded : root.phase;
  values["workflow.status"] = to_string(phase);
  values["workflow.failures"] = workflow_failures(status);
  // Frozen once the main part is over, so that an exit handler that is asked for again is the same.
  if (root.finished) values["workflow.duration"] = duration_text(*root.finished - *status.started);
  if (!visit_workflow_hooks(root) || !is_final(root.phase)) return;
  bool waiting = false;
  const NodeStatus* exit_node = visit_exit_handler(waiting);
  if (!waiting) finish_workflow(root, exit_node);
}

void OperatorPass::finish_workflow(NodeStatus& root, const NodeStatus* exit_node) {
  if (is_unsuccessful(root.phase)) {
    return end_workflow(root.phase, terminating_ ? "Stopped with strategy 'Terminate'" : root.message);
  }
  if (exit_node != nullptr && is_unsuccessful(exit_node->phase)) {
    return end_workflow(exit_node->phase, exit_node->message);
  }
  end_workflow(Phase::kSucceeded, "");
}

void OperatorPass::end_workflow(Phase phase, std::string message) {
  WorkflowStatus& status = tree_.status();
  if (is_final(status.phase)) return;
  // An error ends it at once, whatever still runs.
  for (auto& [id, node] : status.nodes) {
    if (!is_final(node.phase))
      tree_.set_phase(node, phase == Phase::kSucceeded ? Phase::kFailed : phase, "workflow ended");
  }
  tree_.set(status.phase, phase);
  tree_.set(status.message, std::move(message));
  tree_.set(status.finished, tree_.now());
  decision_.create.clear();
  decision_.wake_at.reset();
}

Decision OperatorPass::take_decision() {
  for (const auto& [id, outcome] : pods_) {
    const NodeStatus* node = tree_.find_by_id(id);
    if (!is_final(outcome.phase) && (node == nullptr || is_final(node->phase))) decision_.stop.push_back(id);
  }
  if (!is_final(tree_.status().phase)) {
    if (const auto deadline = workflow_deadline()) wake_at(*deadline);
    for (const auto& [id, node] : tree_.status().nodes) {
      if (!is_final(node.phase) && node.deadline) wake_at(*node.deadline);
    }
  }
  return std::move(decision_);
}

Decision operate(const ParsedWorkflow& workflow, const WorkflowFacts& facts, WorkflowStatus& status,
                 const std::map<std::string, PodOutcome>& pods_by_node_id, Timestamp now, bool terminate_requested) {
  NodeTree tree(status, facts, now);
  OperatorPass pass(workflow, facts, tree, pods_by_node_id, terminate_requested);
  if (!is_final(status.phase)) pass.observe();
  bool changed = tree.changed();
  for (int i = 0; i < kMostPasses; ++i) {
    tree.forget_changes();
    pass.walk();
    if (!tree.changed()) break;
    changed = true;
  }
  Decision decision = pass.take_decision();
  decision.changed = changed;
  return decision;
}

}  // namespace logstone::local
