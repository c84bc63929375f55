// Lifecycle hooks and exit handlers, of the workflow and of single steps.
#include "cluster/local/expression.h"
#include "cluster/local/operator_pass.h"

namespace logstone::local {
namespace {

constexpr const char* kExit = "exit";

bool is_empty(const Values& values) { return values.parameters.empty() && values.artifacts.empty(); }

}  // namespace

bool OperatorPass::visit_hook(Frame* frame, const LifecycleHook& hook, const std::string& hook_node_name,
                              NodeStatus& parent, const NodeScope& scope) {
  NodeStatus* node = tree_.find(hook_node_name);
  const bool is_exit = hook.name == kExit;
  if (node == nullptr) {
    if (is_exit && terminating_) return true;
    if (!hook.expression.empty()) {
      const auto condition = evaluate_condition(hook.expression, scope.values);
      // While the step runs, the expression may ask for what only its end brings.
      if (!condition && !is_final(parent.phase)) return true;
      if (condition && !*condition) return true;
      if (!condition) {
        NodeKind kind;
        kind.type = "Skipped";
        kind.template_name = hook.template_name;
        kind.hooked = true;
        if (frame != nullptr) kind.boundary_id = frame->node->id;
        node = &tree_.add(hook_node_name, kind, Phase::kError, condition.error().message());
        tree_.add_child(parent, *node);
        return true;
      }
    }
  } else if (is_final(node->phase)) {
    return true;
  }
  Call call;
  call.node_name = hook_node_name;
  call.template_name = hook.template_name;
  if (hook.template_ref) {
    call.template_name.clear();
    call.template_ref = hook.template_ref->name + "/" + hook.template_ref->template_name;
  }
  call.frame = frame;
  call.hooked = true;
  call.in_exit_handler = is_exit || parent.in_exit_handler || (frame != nullptr && frame->in_exit_handler);
  call.depth = frame == nullptr ? 0 : frame->depth + 1;
  call.caller_scope = frame == nullptr ? "local" : frame->tmpl->scope;
  Visit visit;
  auto named = substitute_hook(hook, scope.values, Unresolved::kKeep);
  if (named) call.tmpl = workflow_.find_template(call.caller_scope, *named);
  // An exit handler without arguments of its own gets the workflow's.
  Result<Arguments> arguments = workflow_arguments_;
  if (!is_exit || !is_empty(hook.arguments)) arguments = resolve_arguments(hook.arguments, scope);
  if (arguments) {
    call.arguments = *std::move(arguments);
    visit = execute(call);
  } else {
    visit = error_node(call, hook_node_name, false, arguments.error().message());
  }
  if (visit.node == nullptr) return false;
  // Argo's graph has the workflow's exit handler beside its root, not below it.
  if (frame != nullptr || !is_exit) tree_.add_child(parent, *visit.node);
  return is_final(visit.node->phase);
}

bool OperatorPass::visit_hooks(Frame& frame, const Step& step, NodeStatus& node) {
  if (step.hooks.empty()) return true;
  NodeScope scope = frame.scope;
  add_workflow_outputs(scope, tree_.status());
  add_node(scope, frame.prefix + "." + step.name, node, tree_);
  bool done = true;
  for (const LifecycleHook& hook : step.hooks) {
    if (hook.name == kExit) continue;
    if (!visit_hook(&frame, hook, node.name + ".hooks." + hook.name, node, scope)) done = false;
  }
  if (!done || !has_run(node.phase)) return done;
  for (const LifecycleHook& hook : step.hooks) {
    if (hook.name == kExit && !visit_hook(&frame, hook, node.name + ".onExit", node, scope)) done = false;
  }
  return done;
}

bool OperatorPass::visit_workflow_hooks(NodeStatus& root) {
  bool done = true;
  for (const LifecycleHook& hook : workflow_.hooks) {
    if (hook.name == kExit) continue;
    if (!visit_hook(nullptr, hook, facts_.name + ".hooks." + hook.name, root, globals_)) done = false;
  }
  return done;
}

NodeStatus* OperatorPass::visit_exit_handler(bool& waiting) {
  LifecycleHook handler;
  handler.name = kExit;
  handler.template_name = workflow_.on_exit;
  for (const LifecycleHook& hook : workflow_.hooks) {
    if (hook.name == kExit && workflow_.on_exit.empty()) handler = hook;
  }
  if (handler.template_name.empty() && !handler.template_ref) return nullptr;
  const std::string name = facts_.name + ".onExit";
  waiting = !visit_hook(nullptr, handler, name, *tree_.find(facts_.name), globals_);
  return tree_.find(name);
}

}  // namespace logstone::local
