#include "cluster/local/node_tree.h"

#include <algorithm>
#include <set>

#include "model/argo_names.h"

namespace logstone::local {
namespace {

bool is_active(Phase phase) { return phase == Phase::kPending || phase == Phase::kRunning; }

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

/// The part of a name below its boundary, without "[0]." or "." before it.
std::string display_name(std::string_view name, std::string_view boundary_name) {
  if (starts_with(name, boundary_name)) name.remove_prefix(boundary_name.size());
  std::string_view rest = name;
  if (starts_with(rest, "[")) {
    const std::size_t close = rest.find(']');
    const std::string_view index = rest.substr(1, close == std::string_view::npos ? 0 : close - 1);
    if (index.empty() || index.find_first_not_of("0123456789") != std::string_view::npos) return std::string(name);
    rest.remove_prefix(close + 1);
  }
  return std::string(starts_with(rest, ".") ? rest.substr(1) : name);
}

void collect_outbound(const WorkflowStatus& status, const NodeStatus& node, std::set<std::string>& seen,
                      std::vector<std::string>& result) {
  if (!seen.insert(node.id).second) return;
  const auto follow = [&](const std::vector<std::string>& ids) {
    for (const std::string& id : ids) {
      if (const NodeStatus* next = status.find(id)) collect_outbound(status, *next, seen, result);
    }
  };
  if (node.type == "Steps" || node.type == "DAG") return follow(node.outbound);
  if (node.type == "Retry") {
    // The last attempt stands for all; a hook may have been added after it.
    for (auto id = node.children.rbegin(); id != node.children.rend(); ++id) {
      const NodeStatus* child = status.find(*id);
      if (child != nullptr && child->retried) return result.push_back(*id);
    }
    return;
  }
  if (node.type == "TaskGroup") {
    if (!node.children.empty()) return follow(node.children);
  } else if (node.type == "Pod" || node.type == "Container") {
    // A containerSet's pod ends in its last containers.
    std::vector<std::string> containers;
    for (const std::string& id : node.children) {
      const NodeStatus* child = status.find(id);
      const std::string& pod = node.type == "Pod" ? node.id : node.boundary_id;
      if (child != nullptr && child->type == "Container" && child->boundary_id == pod) containers.push_back(id);
    }
    if (!containers.empty()) return follow(containers);
  }
  result.push_back(node.id);
}

}  // namespace

NodeTree::NodeTree(WorkflowStatus& status, const WorkflowFacts& facts, Timestamp now)
    : status_(status), facts_(facts), now_(now) {
  for (const auto& [id, node] : status_.nodes) count(node, 1);
}

NodeStatus* NodeTree::find(std::string_view node_name) { return find_by_id(argo_node_id(facts_.name, node_name)); }

NodeStatus* NodeTree::find_by_id(const std::string& id) {
  const auto found = status_.nodes.find(id);
  return found == status_.nodes.end() ? nullptr : &found->second;
}

NodeStatus& NodeTree::add(const std::string& node_name, const NodeKind& kind, Phase phase, std::string message) {
  const std::string id = argo_node_id(facts_.name, node_name);
  NodeStatus& node = status_.nodes[id];
  node.id = id;
  node.name = node_name;
  node.type = kind.type;
  node.template_name = kind.template_name;
  node.template_ref = kind.template_ref;
  node.template_scope = kind.template_scope == "local" ? "local/" + facts_.name : kind.template_scope;
  node.boundary_id = kind.boundary_id;
  node.hooked = kind.hooked;
  node.retried = kind.retried;
  node.in_exit_handler = kind.in_exit_handler;
  node.phase = phase;
  node.message = std::move(message);
  node.started = now_;
  if (is_final(phase)) node.finished = now_;
  const NodeStatus* boundary = find_by_id(kind.boundary_id);
  node.display_name = boundary == nullptr ? node_name : display_name(node_name, boundary->name);
  count(node, 1);
  changed_ = true;
  return node;
}

void NodeTree::set_phase(NodeStatus& node, Phase phase) {
  if (node.phase == phase) return;
  count(node, -1);
  node.phase = phase;
  count(node, 1);
  if (is_final(phase) && !node.finished) node.finished = now_;
  changed_ = true;
}

void NodeTree::set_phase(NodeStatus& node, Phase phase, std::string message) {
  set(node.message, std::move(message));
  set_phase(node, phase);
}

void NodeTree::add_child(NodeStatus& parent, const NodeStatus& child) {
  if (std::find(parent.children.begin(), parent.children.end(), child.id) != parent.children.end()) return;
  parent.children.push_back(child.id);
  changed_ = true;
}

std::vector<std::string> NodeTree::outbound_of(const NodeStatus& node) const {
  std::set<std::string> seen;
  std::vector<std::string> result;
  collect_outbound(status_, node, seen, result);
  return result;
}

std::vector<NodeStatus*> NodeTree::attempts_of(const NodeStatus& retry) {
  std::vector<NodeStatus*> attempts;
  for (const std::string& id : retry.children) {
    NodeStatus* child = find_by_id(id);
    if (child != nullptr && child->retried) attempts.push_back(child);
  }
  return attempts;
}

bool NodeTree::hooks_done(const NodeStatus& node) const {
  return std::all_of(node.children.begin(), node.children.end(), [&](const std::string& id) {
    const NodeStatus* child = status_.find(id);
    return child == nullptr || !child->hooked || is_final(child->phase);
  });
}

std::int64_t NodeTree::active_children(const std::string& boundary_id) const {
  const auto found = counts_.find(boundary_id);
  return found == counts_.end() ? 0 : found->second.active;
}

std::int64_t NodeTree::failed_children(const std::string& boundary_id) const {
  const auto found = counts_.find(boundary_id);
  return found == counts_.end() ? 0 : found->second.failed;
}

void NodeTree::count(const NodeStatus& node, int by) {
  if (node.type == "Pod" && is_active(node.phase)) active_pods_ += by;
  const bool counted = node.type == "Pod" || node.type == "Steps" || node.type == "DAG";
  if (counted && is_active(node.phase)) counts_[node.boundary_id].active += by;
  if ((counted || node.type == "Retry") && !node.retried && is_unsuccessful(node.phase)) {
    counts_[node.boundary_id].failed += by;
  }
}

}  // namespace logstone::local
