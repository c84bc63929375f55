// Steps templates, and what steps and tasks have in common: conditions, loops, arguments.
#include <algorithm>
#include <utility>

#include "cluster/local/expression.h"
#include "cluster/local/operator_pass.h"

namespace logstone::local {
namespace {

constexpr const char* kFailedFast = "template has failed or errored children and failFast enabled";

bool continues_on(const Step& step, Phase phase) {
  return (phase == Phase::kFailed && step.continue_on.failed) || (phase == Phase::kError && step.continue_on.error);
}

NodeKind kind_of_step(const Frame& frame, const Step& step, std::string type) {
  NodeKind kind;
  kind.type = std::move(type);
  kind.template_name = step.template_name;
  if (step.template_ref) kind.template_ref = step.template_ref->name + "/" + step.template_ref->template_name;
  kind.template_scope = frame.tmpl->scope;
  kind.boundary_id = frame.node->id;
  kind.in_exit_handler = frame.in_exit_handler;
  return kind;
}

}  // namespace

Visit OperatorPass::execute_steps(Frame& frame) {
  NodeStatus& node = *frame.node;
  NodeStatus* before = nullptr;
  const auto set_outbound = [&](const NodeStatus& group_node) {
    std::vector<std::string> outbound;
    for (const std::string& id : group_node.children) {
      const NodeStatus* child = tree_.find_by_id(id);
      if (child == nullptr) continue;
      const std::vector<std::string> ends = tree_.outbound_of(*child);
      outbound.insert(outbound.end(), ends.begin(), ends.end());
    }
    tree_.set(node.outbound, std::move(outbound));
  };
  for (std::size_t i = 0; i < frame.tmpl->steps.size(); ++i) {
    const std::string name = node.name + "[" + std::to_string(i) + "]";
    NodeStatus* group_node = tree_.find(name);
    if (group_node == nullptr) {
      group_node = &tree_.add(name, kind_of_step(frame, Step{}, "StepGroup"), Phase::kRunning);
      if (before == nullptr) {
        tree_.add_child(node, *group_node);
      } else if (before->children.empty()) {
        tree_.add_child(*before, *group_node);
      } else {
        for (const std::string& id : std::vector<std::string>(before->children)) {
          for (const std::string& end : tree_.outbound_of(*tree_.find_by_id(id))) {
            tree_.add_child(*tree_.find_by_id(end), *group_node);
          }
        }
      }
    }
    visit_group(frame, frame.tmpl->steps[i], *group_node);
    if (!is_final(group_node->phase)) return {&node, ""};
    if (is_unsuccessful(group_node->phase)) {
      set_outbound(*group_node);
      tree_.set_phase(node, Phase::kFailed, group_node->message);
      return {&node, ""};
    }
    add_workflow_outputs(frame.scope, tree_.status());
    for (const Step& step : frame.tmpl->steps[i]) {
      const NodeStatus* child = tree_.find(name + "." + step.name);
      std::vector<const NodeStatus*> rounds;
      if (child == nullptr) {
        const std::string start = name + "." + step.name + "(";
        for (const std::string& id : group_node->children) {
          const NodeStatus* round = tree_.find_by_id(id);
          if (round != nullptr && round->name.compare(0, start.size(), start) == 0) rounds.push_back(round);
        }
      }
      add_step_outputs(frame, frame.scope, step, child == nullptr ? group_node : child, rounds);
    }
    before = group_node;
  }
  auto outputs = template_outputs(*frame.tmpl, frame.scope);
  if (!outputs) return {&node, outputs.error().message()};
  tree_.set(node.outputs, *std::move(outputs));
  export_outputs(node.outputs);
  if (before != nullptr) set_outbound(*before);
  tree_.set_phase(node, Phase::kSucceeded);
  return {&node, ""};
}

void OperatorPass::visit_group(Frame& frame, const std::vector<Step>& group, NodeStatus& group_node) {
  if (is_final(group_node.phase)) return;
  std::vector<std::pair<const Step*, NodeStatus*>> children;
  const std::vector<NodeStatus*> parents{&group_node};
  bool waiting = false;
  for (const Step& step : group) {
    const std::string name = group_node.name + "." + step.name;
    const auto visit_one = [&](const std::string& node_name, const LoopItem* item) {
      const Visit visit = visit_step(frame, step, node_name, parents, item);
      if (visit.node == nullptr) {
        waiting = true;
        return;
      }
      children.emplace_back(&step, visit.node);
    };
    if (!step.loop.present()) {
      visit_one(name, nullptr);
      continue;
    }
    const auto rounds = rounds_of(frame, step);
    if (!rounds) {
      skip_step(frame, step, name, parents, Phase::kError, rounds.error().message());
    } else if (rounds->empty()) {
      skip_step(frame, step, name, parents, Phase::kSkipped, "Skipped, empty params");
    }
    if (!rounds || rounds->empty()) {
      children.emplace_back(&step, tree_.find(name));
      continue;
    }
    for (std::size_t i = 0; i < rounds->size(); ++i) {
      const LoopItem& item = (*rounds)[i];
      visit_one(name + "(" + std::to_string(i) + ":" + item.display + ")", &item);
    }
  }
  for (const auto& [step, child] : children) {
    if (!visit_hooks(frame, *step, *child) || !is_final(child->phase)) waiting = true;
  }
  if (waiting) {
    // Steps that were kept back for good are not waited for.
    const bool all_over = std::all_of(children.begin(), children.end(), [&](const auto& child) {
      return is_final(child.second->phase) && tree_.hooks_done(*child.second);
    });
    if (frame.failed_fast && all_over) tree_.set_phase(group_node, Phase::kFailed, kFailedFast);
    return;
  }
  close_group(group_node, children);
}

void OperatorPass::close_group(NodeStatus& group_node,
                               const std::vector<std::pair<const Step*, NodeStatus*>>& children) {
  for (const auto& [step, child] : children) {
    if (!is_unsuccessful(child->phase) || continues_on(*step, child->phase)) continue;
    if (child->type == "Skipped") {
      return tree_.set_phase(group_node, Phase::kError,
                             "step group deemed errored due to child " + child->name + " error: " + child->message);
    }
    return tree_.set_phase(group_node, Phase::kFailed, "child '" + child->id + "' failed");
  }
  tree_.set_phase(group_node, Phase::kSucceeded);
}

void OperatorPass::skip_step(Frame& frame, const Step& step, const std::string& node_name,
                             const std::vector<NodeStatus*>& parents, Phase phase, std::string message) {
  if (tree_.find(node_name) != nullptr) return;
  const NodeStatus& node = tree_.add(node_name, kind_of_step(frame, step, "Skipped"), phase, valid_utf8(message));
  for (NodeStatus* parent : parents) tree_.add_child(*parent, node);
}

Result<std::vector<LoopItem>> OperatorPass::rounds_of(const Frame& frame, const Step& step) {
  auto rounds = resolve_loop(step, frame.scope);
  if (rounds || step.when.empty()) return rounds;
  // What is not to run need not have a list to run over.
  const auto when = substitute(step.when, frame.scope.values, Unresolved::kFail);
  if (!when) return rounds;
  const auto proceed = evaluate_when(*when);
  if (proceed && !*proceed) return std::vector<LoopItem>();
  return rounds;
}

Visit OperatorPass::visit_step(Frame& frame, const Step& step, const std::string& node_name,
                               const std::vector<NodeStatus*>& parents, const LoopItem* item) {
  if (NodeStatus* node = tree_.find(node_name); node != nullptr && is_settled(*node)) return {node, ""};
  NodeScope with_item;
  if (item != nullptr) {
    with_item = frame.scope;
    for (const auto& [name, value] : item->scope) with_item.values[name] = value;
  }
  const NodeScope& scope = item == nullptr ? frame.scope : with_item;
  const auto fail = [&](const Error& error) -> Visit {
    skip_step(frame, step, node_name, parents, Phase::kError, error.message());
    NodeStatus* node = tree_.find(node_name);
    tree_.set_phase(*node, Phase::kError);
    return {node, error.message()};
  };
  if (tree_.find(node_name) == nullptr && !step.when.empty()) {
    const auto when = substitute(step.when, scope.values, Unresolved::kFail);
    if (!when) return fail(when.error());
    const auto proceed = evaluate_when(*when);
    if (!proceed) return fail(proceed.error());
    if (!*proceed) {
      skip_step(frame, step, node_name, parents, Phase::kSkipped, "when '" + *when + "' evaluated false");
      return {tree_.find(node_name), ""};
    }
  }
  const auto callee = resolve_callee(step, scope);
  if (!callee) return fail(callee.error());
  auto arguments = resolve_arguments(step.arguments, scope);
  if (!arguments) return fail(arguments.error());
  Call call;
  call.node_name = node_name;
  call.tmpl = workflow_.find_template(frame.tmpl->scope, *callee);
  call.template_name = callee->template_name;
  if (callee->template_ref) {
    call.template_ref = callee->template_ref->name + "/" + callee->template_ref->template_name;
  }
  call.caller_scope = frame.tmpl->scope;
  call.arguments = *std::move(arguments);
  call.frame = &frame;
  call.locals[frame.prefix + ".name"] = step.name;
  call.in_exit_handler = frame.in_exit_handler;
  call.depth = frame.depth + 1;
  call.wants_result = reads_result(*frame.tmpl, step.name);
  const Visit visit = execute(call);
  if (visit.node != nullptr) {
    for (NodeStatus* parent : parents) tree_.add_child(*parent, *visit.node);
  }
  return visit;
}

void OperatorPass::add_step_outputs(Frame& frame, NodeScope& scope, const Step& step, const NodeStatus* node,
                                    const std::vector<const NodeStatus*>& rounds) {
  const std::string prefix = frame.prefix + "." + step.name;
  add_node(scope, prefix, *node, tree_);
  if (step.loop.present()) add_rounds(scope, prefix, rounds);
  if (node->phase != Phase::kSkipped && node->phase != Phase::kOmitted) return;
  const auto callee = resolve_callee(step, scope);
  const Template* tmpl = callee ? workflow_.find_template(frame.tmpl->scope, *callee) : nullptr;
  if (tmpl != nullptr) add_skipped_outputs(scope, prefix, *tmpl);
}

}  // namespace logstone::local
