// Running one template under a node: pods, suspensions, and what all templates have in common.
#include <algorithm>

#include "cluster/local/node_pod.h"
#include "cluster/local/operator_pass.h"
#include "model/argo_names.h"

namespace logstone::local {

NodeKind OperatorPass::kind_of(const Call& call, std::string type, bool attempt) const {
  NodeKind kind;
  kind.type = std::move(type);
  kind.template_name = call.template_name;
  kind.template_ref = call.template_ref;
  kind.template_scope = call.caller_scope;
  if (call.frame != nullptr) kind.boundary_id = call.frame->node->id;
  kind.hooked = call.hooked;
  kind.retried = attempt;
  kind.in_exit_handler = call.in_exit_handler;
  return kind;
}

Visit OperatorPass::error_node(const Call& call, const std::string& node_name, bool attempt, const std::string& error) {
  NodeStatus* node = tree_.find(node_name);
  if (node == nullptr) {
    node = &tree_.add(node_name, kind_of(call, "Skipped", attempt), Phase::kError, valid_utf8(error));
  } else {
    tree_.set_phase(*node, Phase::kError, valid_utf8(error));
  }
  return {node, error};
}

bool OperatorPass::is_settled(const NodeStatus& node) {
  if (is_final(node.phase)) return true;
  if (node.type == "Suspend") return true;
  if (node.type == "Pod") return pods_.count(node.id) > 0;
  if (node.type != "Retry") return false;
  const auto attempts = tree_.attempts_of(node);
  return !attempts.empty() && !is_final(attempts.back()->phase) && is_settled(*attempts.back());
}

bool OperatorPass::is_held_back(const Call& call) {
  if (workflow_.parallelism && tree_.active_pods() >= *workflow_.parallelism) return true;
  if (call.frame == nullptr) return false;
  Frame& frame = *call.frame;
  const std::string& boundary = frame.node->id;
  if (frame.tmpl->fail_fast.value_or(false) && !call.hooked && tree_.failed_children(boundary) > 0) {
    frame.failed_fast = true;
    return true;
  }
  const auto limit = frame.tmpl->parallelism;
  return limit && *limit > 0 && tree_.active_children(boundary) >= *limit;
}

Visit OperatorPass::execute(const Call& call) {
  NodeStatus* node = tree_.find(call.node_name);
  if (node != nullptr && is_settled(*node)) return {node, ""};
  if (call.depth >= kDeepestNesting) {
    return error_node(call, call.node_name, false,
                      "Maximum recursion depth exceeded: templates call one another more than " +
                          std::to_string(kDeepestNesting) + " levels deep");
  }
  if (call.tmpl == nullptr) {
    return error_node(
        call, call.node_name, false,
        "template " + (call.template_name.empty() ? call.template_ref : call.template_name) + " not found");
  }
  NodeScope scope;
  scope.values = globals_.values;
  scope.artifacts = globals_.artifacts;
  for (const auto& [name, value] : call.locals) scope.values[name] = value;
  scope.values["node.name"] = call.node_name;
  if (call.tmpl->is_pod()) {
    scope.values["pod.name"] = argo_pod_name(facts_.name, call.node_name, call.tmpl->name);
  }
  const auto inputs = bind_inputs(*call.tmpl, call.arguments, scope);
  if (!inputs) return error_node(call, call.node_name, false, inputs.error().message());
  if (node == nullptr && is_held_back(call)) return {};
  if (call.tmpl->retry_strategy) return execute_retry(call, scope, *inputs);
  return execute_body(call, call.node_name, std::move(scope), *inputs, std::nullopt, false);
}

Visit OperatorPass::execute_body(const Call& call, const std::string& node_name, NodeScope scope,
                                 const Arguments& inputs, std::optional<Timestamp> deadline, bool attempt) {
  switch (call.tmpl->type) {
    case TemplateType::kContainer:
    case TemplateType::kScript:
    case TemplateType::kContainerSet:
      return execute_pod(call, node_name, std::move(scope), inputs, deadline, attempt);
    case TemplateType::kSuspend:
      return execute_suspend(call, node_name, scope, inputs, attempt);
    case TemplateType::kSteps:
    case TemplateType::kDag:
      break;
  }
  return execute_frame(call, node_name, std::move(scope), inputs, attempt);
}

Visit OperatorPass::execute_pod(const Call& call, const std::string& node_name, NodeScope scope,
                                const Arguments& inputs, std::optional<Timestamp> deadline, bool attempt) {
  NodeStatus* node = tree_.find(node_name);
  if (node != nullptr && is_settled(*node)) return {node, ""};
  scope.values["node.name"] = node_name;
  scope.values["pod.name"] = argo_pod_name(facts_.name, node_name, call.tmpl->name);
  const auto resolved = resolve_pod_template(*call.tmpl, scope);
  if (!resolved) return error_node(call, node_name, attempt, resolved.error().message());
  if (node == nullptr) {
    const std::string stopped = stop_reason(call.in_exit_handler);
    const Phase phase = stopped.empty() ? Phase::kPending : Phase::kFailed;
    node = &tree_.add(node_name, kind_of(call, "Pod", attempt), phase, stopped);
    node->input_parameters = inputs.parameters;
    node->input_artifacts = inputs.artifacts;
    if (!stopped.empty()) return {node, ""};
    node->pod_name = scope.values["pod.name"];
    node->deadline = deadline;
    if (const auto prepared = prepare_pod_node(*node, *resolved); !prepared) {
      return error_node(call, node_name, attempt, prepared.error().message());
    }
    add_container_nodes(tree_, *node, *resolved);
  }
  PodRequest request = pod_request(workflow_, facts_, *node, *resolved, call.wants_result);
  const auto workflow_ends = workflow_deadline();
  if (workflow_ends && !call.in_exit_handler && (!request.deadline || *workflow_ends < *request.deadline)) {
    request.deadline = workflow_ends;
  }
  decision_.create.push_back(std::move(request));
  return {node, ""};
}

Visit OperatorPass::execute_suspend(const Call& call, const std::string& node_name, const NodeScope& scope,
                                    const Arguments& inputs, bool attempt) {
  if (NodeStatus* node = tree_.find(node_name)) return {node, ""};
  const auto text = call.tmpl->suspend ? substitute(call.tmpl->suspend->duration, scope.values, Unresolved::kFail)
                                       : Result<std::string>(std::string());
  if (!text) return error_node(call, node_name, attempt, text.error().message());
  const auto duration = duration_of("suspend.duration", *text);
  if (!duration) return error_node(call, node_name, attempt, duration.error().message());
  const std::string stopped = stop_reason(call.in_exit_handler);
  const Phase phase = stopped.empty() ? Phase::kRunning : Phase::kFailed;
  NodeStatus& node = tree_.add(node_name, kind_of(call, "Suspend", attempt), phase, stopped);
  node.input_parameters = inputs.parameters;
  node.input_artifacts = inputs.artifacts;
  if (*duration) node.deadline = tree_.now() + **duration;
  // Nobody supplies values here, so that a default is all there is.
  for (const Parameter& parameter : call.tmpl->outputs.parameters) {
    if (!parameter.global_name.empty()) node.outputs.global_names[parameter.name] = parameter.global_name;
    if (parameter.value_from && parameter.value_from->default_value) {
      const auto value = substitute(*parameter.value_from->default_value, scope.values, Unresolved::kKeep);
      if (value) node.outputs.parameters[parameter.name] = *value;
    } else if (const auto input = inputs.parameters.find(parameter.name); input != inputs.parameters.end()) {
      node.outputs.parameters[parameter.name] = input->second;
    }
  }
  return {&node, ""};
}

Visit OperatorPass::execute_frame(const Call& call, const std::string& node_name, NodeScope scope,
                                  const Arguments& inputs, bool attempt) {
  const bool steps = call.tmpl->type == TemplateType::kSteps;
  NodeStatus* node = tree_.find(node_name);
  if (node == nullptr) {
    node = &tree_.add(node_name, kind_of(call, steps ? "Steps" : "DAG", attempt), Phase::kRunning);
    node->input_parameters = inputs.parameters;
    node->input_artifacts = inputs.artifacts;
  }
  Frame frame;
  frame.tmpl = call.tmpl;
  frame.node = node;
  frame.scope = std::move(scope);
  frame.prefix = steps ? "steps" : "tasks";
  frame.in_exit_handler = call.in_exit_handler;
  frame.depth = call.depth;
  const Visit visit = steps ? execute_steps(frame) : execute_dag(frame);
  if (!visit.error.empty()) return error_node(call, node_name, attempt, visit.error);
  return visit;
}

}  // namespace logstone::local
