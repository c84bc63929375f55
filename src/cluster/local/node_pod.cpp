#include "cluster/local/node_pod.h"

#include <charconv>
#include <utility>

namespace logstone::local {
namespace {

constexpr const char* kMain = "main";

std::string failure_text(const std::string& name, const ContainerOutcome& container) {
  const std::string reason = container.reason.empty() ? "Error" : container.reason;
  std::string text = name + ": " + reason + " (exit code " + std::to_string(container.exit_code.value_or(-1)) + ")";
  if (!container.message.empty()) text += ": " + container.message;
  return text;
}

/// Why a pod failed: its own words, else those of its first failed container.
std::string failure_message(const PodOutcome& outcome) {
  if (!outcome.message.empty()) return outcome.message;
  const auto failed = [](const ContainerOutcome& container) { return container.exit_code.value_or(0) != 0; };
  const auto main = outcome.containers.find(kMain);
  if (main != outcome.containers.end() && failed(main->second)) return failure_text(kMain, main->second);
  const std::pair<const std::string, ContainerOutcome>* first = nullptr;
  for (const auto& entry : outcome.containers) {
    if (!failed(entry.second)) continue;
    if (first == nullptr || entry.second.finished < first->second.finished) first = &entry;
  }
  return first == nullptr ? "pod failed" : failure_text(first->first, first->second);
}

void set_phase_at(NodeTree& tree, NodeStatus& node, Phase phase, std::string message,
                  std::optional<Timestamp> finished) {
  if (is_final(phase) && finished) tree.set(node.finished, finished);
  tree.set_phase(node, phase, std::move(message));
}

void apply_container(NodeTree& tree, NodeStatus& node, const ContainerOutcome& container, bool pod_is_over) {
  if (container.exit_code) {
    tree.set(node.exit_code, container.exit_code);
    tree.set(node.outputs.exit_code, std::to_string(*container.exit_code));
    const bool good = *container.exit_code == 0;
    set_phase_at(tree, node, good ? Phase::kSucceeded : Phase::kFailed,
                 good ? "" : valid_utf8(failure_text(node.display_name, container)), container.finished);
  } else if (pod_is_over) {
    tree.set_phase(node, Phase::kFailed, "Pod Failed whilst container running");
  } else if (container.started) {
    tree.set_phase(node, Phase::kRunning);
  }
}

template <class Do>
void for_each_container_node(NodeTree& tree, const NodeStatus& pod, const std::vector<std::string>& names, Do&& act) {
  for (const std::string& name : names) {
    NodeStatus* node = tree.find(pod.name + "." + name);
    if (node != nullptr && node->type == "Container" && !is_final(node->phase)) act(*node, name);
  }
}

std::vector<std::string> container_names(NodeTree& tree, const NodeStatus& pod) {
  std::vector<std::string> names;
  // Containers depend on one another, so that all of them are reachable from the pod.
  std::vector<std::string> open = pod.children;
  std::set<std::string> seen;
  while (!open.empty()) {
    const std::string id = std::move(open.back());
    open.pop_back();
    const NodeStatus* node = tree.find_by_id(id);
    if (node == nullptr || node->type != "Container" || node->boundary_id != pod.id || !seen.insert(id).second)
      continue;
    names.push_back(node->name.substr(pod.name.size() + 1));
    open.insert(open.end(), node->children.begin(), node->children.end());
  }
  return names;
}

PodContainer pod_container(const Container& container, const WorkflowFacts& facts, const std::string& pod_name) {
  PodContainer result;
  result.name = container.name;
  result.image = container.image;
  result.command = container.command;
  result.args = container.args;
  result.working_dir = container.working_dir;
  if (container.source && !container.source->empty()) result.script = container.source;
  result.dependencies = container.dependencies;
  for (const EnvVar& variable : container.env) {
    if (variable.field_path == "metadata.uid") {
      result.env_pod_uid.push_back(variable.name);
    } else if (variable.field_path == "metadata.name") {
      result.env.emplace_back(variable.name, pod_name);
    } else if (variable.field_path == "metadata.namespace") {
      result.env.emplace_back(variable.name, facts.name_space);
    } else {
      result.env.emplace_back(variable.name, variable.value);
    }
  }
  return result;
}

void add_containers(PodRequest& request, const Template& resolved, const WorkflowFacts& facts) {
  if (resolved.container) request.containers.push_back(pod_container(*resolved.container, facts, request.pod_name));
  if (!resolved.container_set) return;
  std::int64_t retries = 0;
  Nanoseconds delay{0};
  if (const auto& retry = resolved.container_set->retry) {
    const std::string& text = retry->retries;
    std::from_chars(text.data(), text.data() + text.size(), retries);
    if (const auto parsed = parse_duration(retry->duration)) delay = *parsed;
  }
  for (const Container& container : resolved.container_set->containers) {
    request.containers.push_back(pod_container(container, facts, request.pod_name));
    request.containers.back().retries = retries;
    request.containers.back().retry_delay = delay;
  }
}

}  // namespace

Result<Template> resolve_pod_template(const Template& tmpl, NodeScope& scope) {
  const auto add_path = [&](const std::string& name, const std::string& path) -> Result<> {
    if (path.empty()) return {};
    LOGSTONE_ASSIGN(scope.values[name], substitute(path, scope.values, Unresolved::kKeep));
    return {};
  };
  for (const Artifact& artifact : tmpl.inputs.artifacts) {
    LOGSTONE_TRY(add_path("inputs.artifacts." + artifact.name + ".path", artifact.path));
  }
  for (const Artifact& artifact : tmpl.outputs.artifacts) {
    LOGSTONE_TRY(add_path("outputs.artifacts." + artifact.name + ".path", artifact.path));
  }
  for (const Parameter& parameter : tmpl.outputs.parameters) {
    if (!parameter.value_from) continue;
    LOGSTONE_TRY(add_path("outputs.parameters." + parameter.name + ".path", parameter.value_from->path));
  }
  LOGSTONE_ASSIGN(Template resolved, substitute_template(tmpl, scope.values, Unresolved::kKeep));
  for (Parameter& parameter : resolved.outputs.parameters) {
    LOGSTONE_ASSIGN(parameter.global_name, substitute(parameter.global_name, scope.values, Unresolved::kKeep));
  }
  for (Artifact& artifact : resolved.outputs.artifacts) {
    LOGSTONE_ASSIGN(artifact.global_name, substitute(artifact.global_name, scope.values, Unresolved::kKeep));
  }
  return resolved;
}

Result<std::optional<Nanoseconds>> duration_of(const std::string& field, const std::string& text) {
  if (text.empty()) return std::optional<Nanoseconds>();
  auto parsed = parse_duration(text);
  if (parsed) return std::optional(*parsed);
  return Error{ErrorKind::kInvalidInput, "read", field, "'" + text + "' is not a duration", ""};
}

Result<> prepare_pod_node(NodeStatus& node, const Template& resolved) {
  LOGSTONE_ASSIGN(const std::optional<Nanoseconds> timeout, duration_of("timeout", resolved.timeout));
  if (timeout && node.started) {
    const Timestamp deadline = *node.started + *timeout;
    node.deadline = node.deadline ? std::min(*node.deadline, deadline) : deadline;
  }
  LOGSTONE_ASSIGN(node.active_deadline, duration_of("activeDeadlineSeconds", resolved.active_deadline_seconds));
  for (const Parameter& parameter : resolved.outputs.parameters) {
    if (!parameter.global_name.empty()) node.outputs.global_names[parameter.name] = parameter.global_name;
  }
  for (const Artifact& artifact : resolved.outputs.artifacts) {
    if (!artifact.global_name.empty()) node.outputs.global_names["artifact:" + artifact.name] = artifact.global_name;
  }
  return {};
}

void add_container_nodes(NodeTree& tree, NodeStatus& pod, const Template& resolved) {
  if (!resolved.container_set) return;
  NodeKind kind;
  kind.type = "Container";
  kind.template_name = pod.template_name;
  kind.template_ref = pod.template_ref;
  kind.template_scope = pod.template_scope;
  kind.boundary_id = pod.id;
  kind.in_exit_handler = pod.in_exit_handler;
  const auto& containers = resolved.container_set->containers;
  for (const Container& container : containers) {
    const std::string name = pod.name + "." + container.name;
    if (tree.find(name) == nullptr) tree.add(name, kind, Phase::kPending);
  }
  for (const Container& container : containers) {
    const NodeStatus& node = *tree.find(pod.name + "." + container.name);
    if (container.dependencies.empty()) tree.add_child(pod, node);
    for (const std::string& dependency : container.dependencies) {
      if (NodeStatus* before = tree.find(pod.name + "." + dependency)) tree.add_child(*before, node);
    }
  }
}

PodRequest pod_request(const ParsedWorkflow& workflow, const WorkflowFacts& facts, const NodeStatus& node,
                       const Template& resolved, bool wants_result) {
  PodRequest request;
  request.node_id = node.id;
  request.node_name = node.name;
  request.pod_name = node.pod_name;
  request.labels = workflow.pod_metadata.labels;
  request.annotations = workflow.pod_metadata.annotations;
  for (const auto& [key, value] : resolved.metadata.labels) request.labels[key] = value;
  for (const auto& [key, value] : resolved.metadata.annotations) request.annotations[key] = value;
  request.labels["workflows.argoproj.io/workflow"] = facts.name;
  request.labels["workflows.argoproj.io/completed"] = "false";
  request.annotations["workflows.argoproj.io/node-id"] = node.id;
  request.annotations["workflows.argoproj.io/node-name"] = node.name;
  add_containers(request, resolved, facts);
  std::string default_container = kMain;
  bool has_main = false;
  for (const PodContainer& container : request.containers) has_main = has_main || container.name == kMain;
  if (!has_main && !request.containers.empty()) default_container = request.containers.front().name;
  request.annotations["kubectl.kubernetes.io/default-container"] = default_container;
  for (const Artifact& artifact : resolved.inputs.artifacts) {
    const auto source = node.input_artifacts.find(artifact.name);
    if (source == node.input_artifacts.end()) continue;
    PodInputArtifact input{artifact.name, artifact.path, std::nullopt, source->second};
    if (artifact.mode) input.mode = static_cast<std::uint32_t>(*artifact.mode);
    request.input_artifacts.push_back(std::move(input));
  }
  for (const Parameter& parameter : resolved.outputs.parameters) {
    if (!parameter.value_from || parameter.value_from->path.empty()) continue;
    request.output_parameters.push_back(
        {parameter.name, parameter.value_from->path, parameter.value_from->default_value});
  }
  for (const Artifact& artifact : resolved.outputs.artifacts) {
    if (artifact.path.empty()) continue;
    request.output_artifacts.push_back({artifact.name, artifact.path, artifact.optional});
  }
  if (wants_result && has_main) request.result_container = kMain;
  request.deadline = node.deadline;
  return request;
}

void apply_outcome(NodeTree& tree, NodeStatus& node, const PodOutcome& outcome) {
  const bool over = is_final(outcome.phase);
  for_each_container_node(tree, node, container_names(tree, node), [&](NodeStatus& container, const std::string& name) {
    const auto found = outcome.containers.find(name);
    static const ContainerOutcome kNotStarted;
    apply_container(tree, container, found == outcome.containers.end() ? kNotStarted : found->second, over);
  });
  const auto main = outcome.containers.find(kMain);
  if (main != outcome.containers.end() && main->second.exit_code) {
    tree.set(node.exit_code, main->second.exit_code);
    tree.set(node.outputs.exit_code, std::to_string(*main->second.exit_code));
  }
  if (over) {
    NodeOutputs outputs = node.outputs;
    if (outcome.result) outputs.result = valid_utf8(*outcome.result);
    for (const auto& [name, value] : outcome.parameters) outputs.parameters[name] = valid_utf8(value);
    for (const std::string& name : outcome.artifacts) {
      outputs.artifacts[name].node_id = node.id;
      outputs.artifacts[name].artifact_name = name;
    }
    tree.set(node.outputs, std::move(outputs));
  }
  switch (outcome.phase) {
    case Phase::kPending:
      tree.set(node.message, valid_utf8(outcome.message));
      break;
    case Phase::kRunning:
      if (outcome.started && node.active_deadline) {
        // From now on the deadline is a point in time, so that it needs no outcome.
        const Timestamp deadline = *outcome.started + *node.active_deadline;
        tree.set(node.deadline, node.deadline ? std::min(*node.deadline, deadline) : deadline);
      }
      tree.set_phase(node, Phase::kRunning, valid_utf8(outcome.message));
      break;
    case Phase::kSucceeded:
      set_phase_at(tree, node, Phase::kSucceeded, "", outcome.finished);
      break;
    case Phase::kFailed:
      set_phase_at(tree, node, Phase::kFailed, valid_utf8(failure_message(outcome)), outcome.finished);
      break;
    default:
      set_phase_at(tree, node, Phase::kError, valid_utf8(failure_message(outcome)), outcome.finished);
  }
}

void end_pod_node(NodeTree& tree, NodeStatus& node, Phase phase, const std::string& message) {
  const std::vector<std::string> names = container_names(tree, node);
  tree.set_phase(node, phase, message);
  for_each_container_node(
      tree, node, names, [&](NodeStatus& container, const std::string&) { tree.set_phase(container, phase, message); });
}

}  // namespace logstone::local
