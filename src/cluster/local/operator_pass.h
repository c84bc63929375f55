// One look at the whole workflow, from its entrypoint down: what operate() repeats until nothing changes any more.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/local/manifest.h"
#include "cluster/local/node_scope.h"
#include "cluster/local/node_tree.h"
#include "cluster/local/operator.h"

namespace logstone::local {

/// A steps or DAG template while its steps are looked at.
struct Frame {
  const Template* tmpl = nullptr;
  NodeStatus* node = nullptr;  ///< The boundary of all within.
  NodeScope scope;             ///< The workflow's values, the inputs, and the outputs of what is done.
  std::string prefix;          ///< "steps" or "tasks".
  bool in_exit_handler = false;
  int depth = 0;
  bool failed_fast = false;  ///< A step was not started since another failed (the template's failFast).
};

/// A template that is to run under a node's name.
struct Call {
  std::string node_name;
  const Template* tmpl = nullptr;
  std::string template_name;  ///< As the caller wrote it.
  std::string template_ref;
  std::string caller_scope = "local";
  Arguments arguments;
  Frame* frame = nullptr;  ///< Null for the entrypoint and the workflow's hooks.
  Scope locals;            ///< "steps.name" and the like.
  bool hooked = false;
  bool in_exit_handler = false;
  bool wants_result = false;
  int depth = 0;
};

/// The node that a call came to, or none when it has to wait for a free place.
struct Visit {
  NodeStatus* node = nullptr;
  std::string error;  ///< Why the template could not be run; the node, if there is one, is Error.
};

class OperatorPass {
 public:
  OperatorPass(const ParsedWorkflow& workflow, const WorkflowFacts& facts, NodeTree& tree,
               const std::map<std::string, PodOutcome>& pods, bool terminating);

  /// Takes over what pods did and what time did: outcomes, deadlines, ends of suspensions, termination.
  void observe();
  /// Walks from the entrypoint to the exit handler, starts what can start and ends what has ended.
  void walk();
  /// What came out; `changed` is not set.
  [[nodiscard]] Decision take_decision();

 private:
  // operator.cpp
  void finish_workflow(NodeStatus& root, const NodeStatus* exit_node);
  void end_workflow(Phase phase, std::string message);
  void observe_node(NodeStatus& node);
  void export_outputs(const NodeOutputs& outputs);
  void wake_at(Timestamp time);
  [[nodiscard]] std::optional<Timestamp> workflow_deadline() const;
  /// Why nothing of the workflow may start any more; empty where it may.
  [[nodiscard]] std::string stop_reason(bool in_exit_handler) const;

  // operator_call.cpp
  Visit execute(const Call& call);
  Visit execute_body(const Call& call, const std::string& node_name, NodeScope scope, const Arguments& inputs,
                     std::optional<Timestamp> deadline, bool attempt);
  Visit execute_pod(const Call& call, const std::string& node_name, NodeScope scope, const Arguments& inputs,
                    std::optional<Timestamp> deadline, bool attempt);
  Visit execute_suspend(const Call& call, const std::string& node_name, const NodeScope& scope, const Arguments& inputs,
                        bool attempt);
  /// A steps or DAG template.
  Visit execute_frame(const Call& call, const std::string& node_name, NodeScope scope, const Arguments& inputs,
                      bool attempt);
  Visit error_node(const Call& call, const std::string& node_name, bool attempt, const std::string& error);
  [[nodiscard]] NodeKind kind_of(const Call& call, std::string type, bool attempt) const;
  /// Whether a new node of the call must wait (parallelism, failFast).
  bool is_held_back(const Call& call);
  /// Nothing can be decided about the node before its pods or the clock move on.
  [[nodiscard]] bool is_settled(const NodeStatus& node);

  // operator_retry.cpp
  enum class Verdict { kOver, kWait, kAgain };
  Visit execute_retry(const Call& call, const NodeScope& scope, const Arguments& inputs);
  Result<Verdict> judge_attempts(NodeStatus& retry, const std::vector<NodeStatus*>& attempts,
                                 const RetryStrategy& strategy, const NodeScope& scope);
  Result<std::optional<Timestamp>> attempts_deadline(const RetryStrategy& strategy,
                                                     const std::vector<NodeStatus*>& attempts);

  // operator_steps.cpp
  Visit execute_steps(Frame& frame);
  void visit_group(Frame& frame, const std::vector<Step>& group, NodeStatus& group_node);
  void close_group(NodeStatus& group_node, const std::vector<std::pair<const Step*, NodeStatus*>>& children);
  /// Starts or goes on with one step, task or round of a loop. `parents` get a new node as their child.
  Visit visit_step(Frame& frame, const Step& step, const std::string& node_name,
                   const std::vector<NodeStatus*>& parents, const LoopItem* item);
  void skip_step(Frame& frame, const Step& step, const std::string& node_name, const std::vector<NodeStatus*>& parents,
                 Phase phase, std::string message);
  /// A loop's rounds; empty where the loop is empty or `when` excludes all of it.
  Result<std::vector<LoopItem>> rounds_of(const Frame& frame, const Step& step);
  void add_step_outputs(Frame& frame, NodeScope& scope, const Step& step, const NodeStatus* node,
                        const std::vector<const NodeStatus*>& rounds);

  // operator_dag.cpp
  struct Plan;
  struct Dag;
  /// `target` is the template's, its tags replaced.
  const Plan& plan_of(const Template& tmpl, const std::string& target);
  Visit execute_dag(Frame& frame);
  void visit_task(Dag& dag, std::size_t task);
  void visit_rounds(Dag& dag, std::size_t task, const NodeScope& scope, std::vector<NodeStatus*> parents);
  Visit close_dag(Dag& dag);
  NodeScope scope_of_task(const Dag& dag, std::size_t task);
  void add_task(const Dag& dag, std::size_t task, NodeScope& scope);

  // operator_hooks.cpp
  bool visit_workflow_hooks(NodeStatus& root);
  /// The workflow's; null where it has none or none is to run. `waiting` tells that it is not done.
  NodeStatus* visit_exit_handler(bool& waiting);
  /// True once all hooks that were triggered, and the exit handler, are done.
  bool visit_hooks(Frame& frame, const Step& step, NodeStatus& node);
  bool visit_hook(Frame* frame, const LifecycleHook& hook, const std::string& hook_node_name, NodeStatus& parent,
                  const NodeScope& scope);

  const ParsedWorkflow& workflow_;
  const WorkflowFacts& facts_;
  NodeTree& tree_;
  const std::map<std::string, PodOutcome>& pods_;
  const bool terminating_;
  NodeScope globals_;
  Arguments workflow_arguments_;
  Decision decision_;
  std::map<std::pair<const Template*, std::string>, std::shared_ptr<const Plan>> plans_;  // By DAG and target.
};

/// Nothing nests deeper than this: Argo's own limit.
inline constexpr int kDeepestNesting = 100;

}  // namespace logstone::local
