// DAG templates.
#include <algorithm>
#include <deque>
#include <utility>

#include "cluster/local/expression.h"
#include "cluster/local/operator_pass.h"

namespace logstone::local {
namespace {

constexpr const char* kFailedFast = "template has failed or errored children and failFast enabled";

}  // namespace

/// What a DAG's tasks depend on: the same in every pass.
struct OperatorPass::Plan {
  std::vector<std::string> depends;                    ///< By task: spelled out; empty: nothing.
  std::vector<std::vector<std::size_t>> dependencies;  ///< By task.
  std::vector<std::size_t> targets;
  std::vector<std::size_t> order;  ///< The targets and all that they depend on, dependencies first.
  std::string error;
};

struct OperatorPass::Dag {
  Frame& frame;
  const Plan& plan;
  const std::vector<Task>& tasks;
  std::vector<NodeStatus*> nodes;  ///< By task; null: not there yet.

  [[nodiscard]] std::string node_name(std::size_t task) const { return frame.node->name + "." + tasks[task].name; }
};

const OperatorPass::Plan& OperatorPass::plan_of(const Template& tmpl, const std::string& target) {
  std::shared_ptr<const Plan>& known = plans_[{&tmpl, target}];
  if (known) return *known;
  auto plan = std::make_shared<Plan>();
  known = plan;
  const std::vector<Task>& tasks = tmpl.dag->tasks;
  std::map<std::string, std::size_t, std::less<>> index;
  for (std::size_t i = 0; i < tasks.size(); ++i) index.emplace(tasks[i].name, i);
  plan->depends.resize(tasks.size());
  plan->dependencies.resize(tasks.size());
  std::vector<std::vector<std::size_t>> dependents(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    auto depends = depends_of(tasks[i], tasks);
    auto names = depends ? tasks_in_depends(*depends) : Result<std::vector<std::string>>(depends.error());
    if (!names) {
      plan->error = names.error().message();
      return *known;
    }
    plan->depends[i] = *std::move(depends);
    for (const std::string& name : *names) {
      const auto found = index.find(name);
      if (found == index.end()) {
        plan->error = "task " + tasks[i].name + " depends on " + name + ", which does not exist";
        return *known;
      }
      plan->dependencies[i].push_back(found->second);
      dependents[found->second].push_back(i);
    }
  }
  if (target.empty()) {
    for (const auto& [name, i] : index) {
      if (dependents[i].empty()) plan->targets.push_back(i);
    }
  } else {
    std::string_view rest = target;
    while (!rest.empty()) {
      const std::size_t blank = std::min(rest.find(' '), rest.size());
      if (const auto found = index.find(rest.substr(0, blank)); found != index.end()) {
        plan->targets.push_back(found->second);
      } else if (blank > 0) {
        plan->error = "target " + std::string(rest.substr(0, blank)) + " does not exist";
      }
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
  }
  std::vector<bool> needed(tasks.size(), false);
  std::vector<std::size_t> open = plan->targets;
  while (!open.empty()) {
    const std::size_t task = open.back();
    open.pop_back();
    if (needed[task]) continue;
    needed[task] = true;
    open.insert(open.end(), plan->dependencies[task].begin(), plan->dependencies[task].end());
  }
  std::vector<std::size_t> missing(tasks.size());
  std::deque<std::size_t> ready;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    missing[i] = plan->dependencies[i].size();
    if (missing[i] == 0) ready.push_back(i);
  }
  std::size_t sorted = 0;
  while (!ready.empty()) {
    const std::size_t task = ready.front();
    ready.pop_front();
    ++sorted;
    if (needed[task]) plan->order.push_back(task);
    for (const std::size_t dependent : dependents[task]) {
      if (--missing[dependent] == 0) ready.push_back(dependent);
    }
  }
  if (sorted < tasks.size()) plan->error = "its tasks depend on one another in a circle";
  return *known;
}

void OperatorPass::add_task(const Dag& dag, std::size_t task, NodeScope& scope) {
  const NodeStatus* node = dag.nodes[task];
  if (node == nullptr) return;
  std::vector<const NodeStatus*> rounds;
  if (node->type == "TaskGroup") {
    for (const std::string& id : node->children) {
      const NodeStatus* round = tree_.find_by_id(id);
      if (round != nullptr && !round->hooked) rounds.push_back(round);
    }
  }
  add_step_outputs(dag.frame, scope, dag.tasks[task], node, rounds);
}

NodeScope OperatorPass::scope_of_task(const Dag& dag, std::size_t task) {
  NodeScope scope = dag.frame.scope;
  add_workflow_outputs(scope, tree_.status());
  std::vector<bool> seen(dag.tasks.size(), false);
  std::vector<std::size_t> open = dag.plan.dependencies[task];
  while (!open.empty()) {
    const std::size_t ancestor = open.back();
    open.pop_back();
    if (seen[ancestor]) continue;
    seen[ancestor] = true;
    add_task(dag, ancestor, scope);
    open.insert(open.end(), dag.plan.dependencies[ancestor].begin(), dag.plan.dependencies[ancestor].end());
  }
  return scope;
}

Visit OperatorPass::execute_dag(Frame& frame) {
  if (!frame.tmpl->dag) return {frame.node, "it has no tasks"};
  const auto target = substitute(frame.tmpl->dag->target, frame.scope.values, Unresolved::kFail);
  if (!target) return {frame.node, target.error().message()};
  const Plan& plan = plan_of(*frame.tmpl, *target);
  if (!plan.error.empty()) return {frame.node, plan.error};
  Dag dag{frame, plan, frame.tmpl->dag->tasks, {}};
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) dag.nodes.push_back(tree_.find(dag.node_name(i)));
  for (const std::size_t task : plan.order) visit_task(dag, task);
  return close_dag(dag);
}

void OperatorPass::visit_task(Dag& dag, std::size_t task) {
  const Task& definition = dag.tasks[task];
  NodeStatus*& node = dag.nodes[task];
  const std::string name = dag.node_name(task);
  const bool group = node != nullptr && node->type == "TaskGroup";
  if (node != nullptr && (is_final(node->phase) || (is_settled(*node) && !group))) {
    if (group || definition.hooks.empty()) return;
    Frame frame = dag.frame;
    frame.scope = scope_of_task(dag, task);
    visit_hooks(frame, definition, *node);
    return;
  }
  std::vector<NodeStatus*> parents;
  if (node == nullptr) {
    std::map<std::string, TaskOutcome> outcomes;
    for (const std::size_t dependency : dag.plan.dependencies[task]) {
      const NodeStatus* before = dag.nodes[dependency];
      if (before == nullptr || !is_final(before->phase) || !tree_.hooks_done(*before)) return;
      TaskOutcome& outcome = outcomes[dag.tasks[dependency].name];
      outcome.succeeded = before->phase == Phase::kSucceeded;
      outcome.failed = before->phase == Phase::kFailed;
      outcome.errored = before->phase == Phase::kError;
      outcome.skipped = before->phase == Phase::kSkipped;
      outcome.omitted = before->phase == Phase::kOmitted;
      if (before->type == "TaskGroup") {
        outcome.all_failed = !before->children.empty();
        for (const std::string& id : before->children) {
          const NodeStatus* round = tree_.find_by_id(id);
          if (round == nullptr || round->hooked) continue;
          outcome.any_succeeded = outcome.any_succeeded || round->phase == Phase::kSucceeded;
          outcome.all_failed = outcome.all_failed && round->phase == Phase::kFailed;
        }
      }
      for (const std::string& id : tree_.outbound_of(*before)) parents.push_back(tree_.find_by_id(id));
    }
    if (parents.empty()) parents.push_back(dag.frame.node);
    if (!dag.plan.depends[task].empty()) {
      const auto proceed = evaluate_depends(dag.plan.depends[task], outcomes);
      if (!proceed || !*proceed) {
        const Phase phase = proceed ? Phase::kOmitted : Phase::kError;
        const std::string reason = proceed ? "omitted: depends condition not met" : proceed.error().message();
        skip_step(dag.frame, definition, name, parents, phase, reason);
        node = tree_.find(name);
        return;
      }
    }
  }
  const NodeScope scope = scope_of_task(dag, task);
  if (definition.loop.present()) {
    visit_rounds(dag, task, scope, std::move(parents));
    return;
  }
  Frame frame = dag.frame;
  frame.scope = scope;
  const Visit visit = visit_step(frame, definition, name, parents, nullptr);
  dag.frame.failed_fast = dag.frame.failed_fast || frame.failed_fast;
  node = visit.node;
  if (node != nullptr) visit_hooks(frame, definition, *node);
}

void OperatorPass::visit_rounds(Dag& dag, std::size_t task, const NodeScope& scope, std::vector<NodeStatus*> parents) {
  const Task& definition = dag.tasks[task];
  NodeStatus*& group = dag.nodes[task];
  const std::string name = dag.node_name(task);
  Frame frame = dag.frame;
  frame.scope = scope;
  const auto rounds = rounds_of(frame, definition);
  if (!rounds || rounds->empty()) {
    skip_step(frame, definition, name, parents, rounds ? Phase::kSkipped : Phase::kError,
              rounds ? "Skipped, empty params" : rounds.error().message());
    group = tree_.find(name);
    if (!rounds) tree_.set_phase(*group, Phase::kError);
    return;
  }
  if (group == nullptr) {
    NodeKind kind;
    kind.type = "TaskGroup";
    kind.template_name = definition.template_name;
    if (definition.template_ref) {
      kind.template_ref = definition.template_ref->name + "/" + definition.template_ref->template_name;
    }
    kind.template_scope = frame.tmpl->scope;
    kind.boundary_id = frame.node->id;
    kind.in_exit_handler = frame.in_exit_handler;
    group = &tree_.add(name, kind, Phase::kRunning);
    for (NodeStatus* parent : parents) tree_.add_child(*parent, *group);
  }
  bool waiting = false;
  Phase phase = Phase::kSucceeded;
  for (std::size_t i = 0; i < rounds->size(); ++i) {
    const LoopItem& item = (*rounds)[i];
    const std::string round_name = name + "(" + std::to_string(i) + ":" + item.display + ")";
    const Visit visit = visit_step(frame, definition, round_name, {group}, &item);
    if (visit.node == nullptr || !visit_hooks(frame, definition, *visit.node) || !is_final(visit.node->phase)) {
      waiting = true;
    } else if (is_unsuccessful(visit.node->phase)) {
      phase = visit.node->phase;
    }
  }
  dag.frame.failed_fast = dag.frame.failed_fast || frame.failed_fast;
  if (!waiting) tree_.set_phase(*group, phase);
}

Visit OperatorPass::close_dag(Dag& dag) {
  NodeStatus& node = *dag.frame.node;
  const bool fail_fast = dag.frame.tmpl->dag->fail_fast;
  // A skipped or omitted task counts as what it hangs from.
  std::vector<Phase> branch(dag.tasks.size(), Phase::kSucceeded);
  for (const std::size_t task : dag.plan.order) {
    const NodeStatus* of_task = dag.nodes[task];
    if (of_task == nullptr) continue;
    if (!is_final(of_task->phase) || !tree_.hooks_done(*of_task)) {
      if (of_task->type != "TaskGroup" || !dag.frame.failed_fast) return {&node, ""};
      // A loop that failFast cut short: its rounds decide.
      for (const std::string& id : of_task->children) {
        const NodeStatus* round = tree_.find_by_id(id);
        if (round != nullptr && (!is_final(round->phase) || !tree_.hooks_done(*round))) return {&node, ""};
      }
    }
    if (has_run(of_task->phase)) {
      branch[task] = of_task->phase;
      continue;
    }
    for (const std::size_t dependency : dag.plan.dependencies[task]) {
      if (is_unsuccessful(branch[dependency])) branch[task] = branch[dependency];
    }
  }
  std::vector<std::string> outbound;
  for (const std::size_t target : dag.plan.targets) {
    if (dag.nodes[target] == nullptr) continue;
    const std::vector<std::string> ends = tree_.outbound_of(*dag.nodes[target]);
    outbound.insert(outbound.end(), ends.begin(), ends.end());
  }
  if (dag.frame.failed_fast) {
    for (NodeStatus* of_task : dag.nodes) {
      if (of_task != nullptr && !is_final(of_task->phase)) tree_.set_phase(*of_task, Phase::kFailed, kFailedFast);
    }
    tree_.set(node.outbound, std::move(outbound));
    tree_.set_phase(node, Phase::kFailed, kFailedFast);
    return {&node, ""};
  }
  Phase phase = Phase::kSucceeded;
  for (const std::size_t target : dag.plan.targets) {
    if (dag.nodes[target] == nullptr) {
      phase = Phase::kRunning;
      if (!fail_fast) break;
    } else if (is_unsuccessful(branch[target])) {
      const ContinueOn& goes_on = dag.tasks[target].continue_on;
      if (branch[target] == Phase::kFailed ? goes_on.failed : goes_on.error) continue;
      phase = branch[target];
      if (fail_fast) break;
    }
  }
  if (phase == Phase::kRunning) return {&node, ""};
  if (phase == Phase::kSucceeded) {
    NodeScope scope = dag.frame.scope;
    add_workflow_outputs(scope, tree_.status());
    for (const std::size_t task : dag.plan.order) add_task(dag, task, scope);
    auto outputs = template_outputs(*dag.frame.tmpl, scope);
    if (!outputs) return {&node, outputs.error().message()};
    tree_.set(node.outputs, *std::move(outputs));
    export_outputs(node.outputs);
  }
  tree_.set(node.outbound, std::move(outbound));
  tree_.set_phase(node, phase);
  return {&node, ""};
}

}  // namespace logstone::local
