// The nodes of a workflow's status: added, changed and counted in one place, so that no change goes unnoticed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cluster/local/operator.h"
#include "cluster/local/workflow_status.h"

namespace logstone::local {

/// What a new node is, beside its name.
struct NodeKind {
  std::string type;  ///< Argo's: "Pod", "Steps", ...
  std::string template_name;
  std::string template_ref;
  std::string template_scope;
  std::string boundary_id;
  bool hooked = false;
  bool retried = false;
  bool in_exit_handler = false;
};

/// References to nodes stay valid as long as the status lives: nodes are never taken away.
class NodeTree {
 public:
  NodeTree(WorkflowStatus& status, const WorkflowFacts& facts, Timestamp now);

  [[nodiscard]] NodeStatus* find(std::string_view node_name);
  [[nodiscard]] NodeStatus* find_by_id(const std::string& id);
  /// The node must not exist yet.
  NodeStatus& add(const std::string& node_name, const NodeKind& kind, Phase phase, std::string message = {});
  void set_phase(NodeStatus& node, Phase phase);
  void set_phase(NodeStatus& node, Phase phase, std::string message);
  void add_child(NodeStatus& parent, const NodeStatus& child);
  /// Assigns, and notices whether that changed anything.
  template <class T, class U>
  void set(T& member, U&& value) {
    if (member == value) return;
    member = std::forward<U>(value);
    changed_ = true;
  }

  /// The nodes that whatever comes after this one hangs from, in Argo's graph.
  [[nodiscard]] std::vector<std::string> outbound_of(const NodeStatus& node) const;
  /// The attempts of a Retry node, in order, without its hooks.
  [[nodiscard]] std::vector<NodeStatus*> attempts_of(const NodeStatus& retry);
  /// Whether all hooks and exit handlers under the node are done.
  [[nodiscard]] bool hooks_done(const NodeStatus& node) const;

  /// Pods that wait or run.
  [[nodiscard]] std::int64_t active_pods() const { return active_pods_; }
  /// Pods, Steps and DAGs directly within a template's node that wait or run.
  [[nodiscard]] std::int64_t active_children(const std::string& boundary_id) const;
  /// Direct children that failed, attempts that may be followed by another left out.
  [[nodiscard]] std::int64_t failed_children(const std::string& boundary_id) const;

  [[nodiscard]] WorkflowStatus& status() { return status_; }
  [[nodiscard]] const std::string& workflow_name() const { return facts_.name; }
  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] bool changed() const { return changed_; }
  void forget_changes() { changed_ = false; }

 private:
  struct Counts {
    std::int64_t active = 0;
    std::int64_t failed = 0;
  };
  void count(const NodeStatus& node, int by);

  WorkflowStatus& status_;
  const WorkflowFacts& facts_;
  Timestamp now_;
  bool changed_ = false;
  std::int64_t active_pods_ = 0;
  std::map<std::string, Counts> counts_;  // By boundary.
};

/// Failed or Error.
[[nodiscard]] constexpr bool is_unsuccessful(Phase phase) { return phase == Phase::kFailed || phase == Phase::kError; }
/// Final after having run: not Skipped, not Omitted.
[[nodiscard]] constexpr bool has_run(Phase phase) { return phase == Phase::kSucceeded || is_unsuccessful(phase); }

}  // namespace logstone::local
