#include "cluster/local/node_scope.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cluster/local/expression.h"

namespace logstone::local {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Error failure(std::string subject, std::string reason) {
  return {ErrorKind::kInvalidInput, "resolve", std::move(subject), std::move(reason), ""};
}

void add_labels(Scope& scope, const std::string& prefix, const Labels& labels) {
  scope[prefix] = dump(Json(labels));
  scope[prefix + ".json"] = scope[prefix];
  for (const auto& [key, value] : labels) scope[prefix + "." + key] = value;
}

void add_creation_time(Scope& scope, Timestamp created) {
  const std::string prefix = "workflow.creationTimestamp";
  scope[prefix] = format_rfc3339(created);
  scope[prefix + ".RFC3339"] = scope[prefix];
  const std::int64_t nanoseconds = to_unix_nanoseconds(created);
  const std::time_t seconds = static_cast<std::time_t>(nanoseconds / 1'000'000'000);
  scope[prefix + ".s"] = std::to_string(seconds);
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return;
  for (const char letter : std::string_view("BbmAadHIMSYypZz")) {
    const char format[] = {'%', letter, '\0'};
    char text[64];
    scope[prefix + "." + letter] = std::string(text, std::strftime(text, sizeof text, format, &utc));
  }
  scope[prefix + ".Z"] = "UTC";
  const std::string milliseconds = std::to_string(1000 + nanoseconds / 1'000'000 % 1000);
  scope[prefix + ".L"] = milliseconds.substr(1);
}

/// `{{ name }}` and nothing else: the name.
std::optional<std::string_view> lone_tag(std::string_view text) {
  const auto trim = [](std::string_view part) {
    const std::size_t first = part.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return std::string_view();
    return part.substr(first, part.find_last_not_of(" \t\r\n") - first + 1);
  };
  text = trim(text);
  if (text.size() < 4 || text.substr(0, 2) != "{{" || text.substr(text.size() - 2) != "}}") return std::nullopt;
  text = trim(text.substr(2, text.size() - 4));
  if (text.find("{{") != std::string_view::npos || text.find("}}") != std::string_view::npos) return std::nullopt;
  return text;
}

/// All texts as a JSON list; as lists and maps where each of them is one.
std::string json_list(const std::vector<std::string>& texts) {
  Json parsed = Json::array();
  for (const std::string& text : texts) {
    Json value = Json::parse(text, nullptr, false);
    if (!value.is_array() && !value.is_object()) return dump(Json(texts));
    parsed.push_back(std::move(value));
  }
  return dump(parsed);
}

}  // namespace

NodeScope workflow_scope(const ParsedWorkflow& workflow, const WorkflowFacts& facts) {
  NodeScope scope;
  Scope& values = scope.values;
  values["workflow.name"] = facts.name;
  values["workflow.namespace"] = facts.name_space;
  values["workflow.uid"] = facts.uid;
  values["workflow.mainEntrypoint"] = workflow.entrypoint;
  values["workflow.serviceAccountName"] = workflow.service_account;
  if (workflow.priority) values["workflow.priority"] = std::to_string(*workflow.priority);
  add_creation_time(values, facts.created);
  add_labels(values, "workflow.labels", facts.labels);
  add_labels(values, "workflow.annotations", facts.annotations);
  const Scope own = values;
  Json list = Json::array();
  for (const Parameter& parameter : workflow.arguments.parameters) {
    const std::optional<std::string>& raw = parameter.value ? parameter.value : parameter.default_value;
    std::string value = raw.value_or(parameter.value_from ? parameter.value_from->default_value.value_or("") : "");
    if (auto replaced = substitute(value, own, Unresolved::kKeep)) value = *std::move(replaced);
    list.push_back({{"name", parameter.name}, {"value", value}});
    values["workflow.parameters." + parameter.name] = std::move(value);
  }
  values["workflow.parameters"] = dump(list);
  values["workflow.parameters.json"] = values["workflow.parameters"];
  for (const Artifact& artifact : workflow.arguments.artifacts) {
    if (!artifact.raw) continue;
    ArtifactSource source;
    source.raw = *artifact.raw;
    scope.artifacts["workflow.arguments.artifacts." + artifact.name] = std::move(source);
  }
  return scope;
}

void add_workflow_outputs(NodeScope& scope, const WorkflowStatus& status) {
  for (const auto& [name, value] : status.outputs.parameters) {
    scope.values["workflow.outputs.parameters." + name] = value;
  }
  for (const auto& [name, source] : status.outputs.artifacts) {
    scope.artifacts["workflow.outputs.artifacts." + name] = source;
  }
}

std::string workflow_failures(const WorkflowStatus& status) {
  Json list = Json::array();
  for (const auto& [id, node] : status.nodes) {
    if (!is_unsuccessful(node.phase)) continue;
    const std::size_t slash = node.template_ref.find('/');
    list.push_back(
        {{"displayName", node.display_name},
         {"message", node.message},
         {"templateName", slash == std::string::npos ? node.template_name : node.template_ref.substr(slash + 1)},
         {"phase", to_string(node.phase)},
         {"podName", node.pod_name},
         {"finishedAt", node.finished ? format_rfc3339(*node.finished) : ""}});
  }
  return dump(Json(dump(list)));
}

void add_node(NodeScope& scope, const std::string& prefix, const NodeStatus& given, NodeTree& tree) {
  const NodeStatus* node = &given;
  if (given.type == "Retry") {
    const auto attempts = tree.attempts_of(given);
    if (!attempts.empty()) node = attempts.back();
  }
  Scope& values = scope.values;
  values[prefix + ".id"] = node->id;
  values[prefix + ".status"] = to_string(node->phase);
  if (node->started) values[prefix + ".startedAt"] = format_rfc3339(*node->started);
  if (node->finished) values[prefix + ".finishedAt"] = format_rfc3339(*node->finished);
  values[prefix + ".ip"] = "127.0.0.1";
  if (node->outputs.result) values[prefix + ".outputs.result"] = *node->outputs.result;
  if (node->outputs.exit_code) values[prefix + ".exitCode"] = *node->outputs.exit_code;
  for (const auto& [name, value] : node->outputs.parameters) values[prefix + ".outputs.parameters." + name] = value;
  for (const auto& [name, source] : node->outputs.artifacts)
    scope.artifacts[prefix + ".outputs.artifacts." + name] = source;
}

void add_rounds(NodeScope& scope, const std::string& prefix, const std::vector<const NodeStatus*>& rounds) {
  Json parameters = Json::array();
  Json results = Json::array();
  std::map<std::string, std::vector<std::string>> by_name;
  for (const NodeStatus* node : rounds) {
    if (node->phase != Phase::kSucceeded) continue;
    if (!node->outputs.parameters.empty()) parameters.push_back(node->outputs.parameters);
    for (const auto& [name, value] : node->outputs.parameters) by_name[name].push_back(value);
    if (!node->outputs.result) continue;
    Json value = Json::parse(*node->outputs.result, nullptr, false);
    results.push_back(value.is_discarded() ? Json(*node->outputs.result) : std::move(value));
  }
  scope.values[prefix + ".outputs.result"] = dump(results);
  scope.values[prefix + ".outputs.parameters"] = dump(parameters);
  for (const auto& [name, values] : by_name) scope.values[prefix + ".outputs.parameters." + name] = json_list(values);
}

void add_skipped_outputs(NodeScope& scope, const std::string& prefix, const Template& tmpl) {
  for (const Parameter& parameter : tmpl.outputs.parameters) {
    const std::string name = prefix + ".outputs.parameters." + parameter.name;
    if (parameter.value_from && parameter.value_from->default_value) {
      scope.values[name] = *parameter.value_from->default_value;
    } else {
      scope.absent.insert(name);
    }
  }
  scope.absent.insert(prefix + ".outputs.result");
}

Result<std::optional<ArtifactSource>> resolve_artifact(const Artifact& artifact, const NodeScope& scope) {
  ArtifactSource source;
  if (artifact.raw) {
    LOGSTONE_ASSIGN(source.raw, substitute(*artifact.raw, scope.values, Unresolved::kKeep));
    return std::optional(std::move(source));
  }
  const auto missing = [&](const std::string& reason) -> Result<std::optional<ArtifactSource>> {
    if (artifact.optional) return std::optional<ArtifactSource>();
    return failure("artifact " + artifact.name, reason);
  };
  std::string name;
  if (!artifact.from_expression.empty()) {
    // Artifacts are no texts: the expression chooses among their names.
    Scope names = scope.values;
    for (const auto& [full_name, unused] : scope.artifacts) names[full_name] = full_name;
    auto chosen = evaluate_expression(artifact.from_expression, names);
    if (!chosen) return missing(chosen.error().reason);
    name = *std::move(chosen);
  } else {
    const auto tag = lone_tag(artifact.from);
    if (!tag) return missing(artifact.from.empty() ? "it was not supplied" : "'" + artifact.from + "' is not a tag");
    name = *tag;
  }
  const auto found = scope.artifacts.find(name);
  if (found == scope.artifacts.end()) return missing("Unable to resolve: '" + name + "'");
  source = found->second;
  if (!artifact.sub_path.empty()) {
    LOGSTONE_ASSIGN(const std::string sub_path, substitute(artifact.sub_path, scope.values, Unresolved::kKeep));
    source.sub_path += (source.sub_path.empty() ? "" : "/") + sub_path;
  }
  return std::optional(std::move(source));
}

Result<Arguments> resolve_arguments(const Values& values, const NodeScope& scope) {
  Arguments arguments;
  for (const Parameter& parameter : values.parameters) {
    if (parameter.value) {
      const auto tag = lone_tag(*parameter.value);
      if (tag && scope.absent.count(*tag) > 0 && scope.values.count(*tag) == 0) continue;
      LOGSTONE_ASSIGN(arguments.parameters[parameter.name],
                      substitute(*parameter.value, scope.values, Unresolved::kFail));
    } else if (parameter.value_from && !parameter.value_from->expression.empty()) {
      LOGSTONE_ASSIGN(arguments.parameters[parameter.name],
                      evaluate_expression(parameter.value_from->expression, scope.values));
    } else if (parameter.default_value) {
      LOGSTONE_ASSIGN(arguments.parameters[parameter.name],
                      substitute(*parameter.default_value, scope.values, Unresolved::kFail));
    }
  }
  for (const Artifact& artifact : values.artifacts) {
    LOGSTONE_ASSIGN(std::optional<ArtifactSource> source, resolve_artifact(artifact, scope));
    if (source) arguments.artifacts[artifact.name] = *std::move(source);
  }
  return arguments;
}

Result<Arguments> bind_inputs(const Template& tmpl, const Arguments& given, NodeScope& scope) {
  Arguments bound;
  Json list = Json::array();
  for (const Parameter& parameter : tmpl.inputs.parameters) {
    std::string value;
    const auto argument = given.parameters.find(parameter.name);
    if (argument != given.parameters.end()) {
      value = argument->second;
    } else if (parameter.value || parameter.default_value) {
      LOGSTONE_ASSIGN(value, substitute(parameter.value ? *parameter.value : *parameter.default_value, scope.values,
                                        Unresolved::kKeep));
    } else if (parameter.value_from && !parameter.value_from->expression.empty()) {
      LOGSTONE_ASSIGN(value, evaluate_expression(parameter.value_from->expression, scope.values));
    } else if (parameter.value_from && parameter.value_from->default_value) {
      value = *parameter.value_from->default_value;
    } else {
      return failure("inputs.parameters." + parameter.name, "it was not supplied");
    }
    list.push_back({{"name", parameter.name}, {"value", value}});
    bound.parameters[parameter.name] = std::move(value);
  }
  for (const auto& [name, value] : bound.parameters) scope.values["inputs.parameters." + name] = value;
  scope.values["inputs.parameters"] = dump(list);
  for (const Artifact& artifact : tmpl.inputs.artifacts) {
    const auto argument = given.artifacts.find(artifact.name);
    if (argument != given.artifacts.end()) {
      bound.artifacts[artifact.name] = argument->second;
    } else if (artifact.raw || !artifact.from.empty()) {
      LOGSTONE_ASSIGN(std::optional<ArtifactSource> source, resolve_artifact(artifact, scope));
      if (source) bound.artifacts[artifact.name] = *std::move(source);
    } else if (!artifact.optional) {
      return failure("inputs.artifacts." + artifact.name, "it was not supplied");
    }
    const auto found = bound.artifacts.find(artifact.name);
    if (found != bound.artifacts.end()) scope.artifacts["inputs.artifacts." + artifact.name] = found->second;
  }
  return bound;
}

Result<NodeOutputs> template_outputs(const Template& tmpl, const NodeScope& scope) {
  NodeOutputs outputs;
  for (const Parameter& parameter : tmpl.outputs.parameters) {
    if (!parameter.global_name.empty()) {
      LOGSTONE_ASSIGN(outputs.global_names[parameter.name],
                      substitute(parameter.global_name, scope.values, Unresolved::kKeep));
    }
    Result<std::string> value = failure("outputs.parameters." + parameter.name, "it has no valueFrom");
    if (parameter.value_from && !parameter.value_from->expression.empty()) {
      value = evaluate_expression(parameter.value_from->expression, scope.values);
    } else if (parameter.value_from && !parameter.value_from->parameter.empty()) {
      value = substitute(parameter.value_from->parameter, scope.values, Unresolved::kFail);
    } else if (parameter.value) {
      value = substitute(*parameter.value, scope.values, Unresolved::kFail);
    }
    if (!value && parameter.value_from && parameter.value_from->default_value) {
      value = substitute(*parameter.value_from->default_value, scope.values, Unresolved::kKeep);
    }
    LOGSTONE_ASSIGN(outputs.parameters[parameter.name], std::move(value));
  }
  for (const Artifact& artifact : tmpl.outputs.artifacts) {
    if (artifact.from.empty() && artifact.from_expression.empty() && !artifact.raw) continue;
    if (!artifact.global_name.empty()) {
      LOGSTONE_ASSIGN(outputs.global_names["artifact:" + artifact.name],
                      substitute(artifact.global_name, scope.values, Unresolved::kKeep));
    }
    LOGSTONE_ASSIGN(std::optional<ArtifactSource> source, resolve_artifact(artifact, scope));
    if (source) outputs.artifacts[artifact.name] = *std::move(source);
  }
  return outputs;
}

Result<std::vector<LoopItem>> resolve_loop(const Step& step, const NodeScope& scope) {
  Step only_loop;
  only_loop.name = step.name;
  only_loop.loop = step.loop;
  LOGSTONE_ASSIGN(const Step resolved, substitute_step(only_loop, scope.values, Unresolved::kFail));
  return expand_loop(resolved.loop);
}

Result<Step> resolve_callee(const Step& step, const NodeScope& scope) {
  Step callee;
  callee.name = step.name;
  callee.inline_template = step.inline_template;
  LOGSTONE_ASSIGN(callee.template_name, substitute(step.template_name, scope.values, Unresolved::kFail));
  if (step.template_ref) {
    callee.template_ref.emplace();
    callee.template_ref->cluster_scope = step.template_ref->cluster_scope;
    LOGSTONE_ASSIGN(callee.template_ref->name, substitute(step.template_ref->name, scope.values, Unresolved::kFail));
    LOGSTONE_ASSIGN(callee.template_ref->template_name,
                    substitute(step.template_ref->template_name, scope.values, Unresolved::kFail));
  }
  return callee;
}

bool reads_result(const Template& tmpl, const std::string& step_name) {
  const std::string dotted = "." + step_name + ".outputs.result";
  const std::string single_quoted = "['" + step_name + "'].outputs.result";
  const std::string double_quoted = "[\"" + step_name + "\"].outputs.result";
  const auto mentions = [&](const std::string& text) {
    return text.find(dotted) != std::string::npos || text.find(single_quoted) != std::string::npos ||
           text.find(double_quoted) != std::string::npos;
  };
  const auto in_values = [&](const Values& values) {
    for (const Parameter& parameter : values.parameters) {
      if (parameter.value && mentions(*parameter.value)) return true;
      const auto& from = parameter.value_from;
      if (from && (mentions(from->parameter) || mentions(from->expression))) return true;
    }
    for (const Artifact& artifact : values.artifacts) {
      if ((artifact.raw && mentions(*artifact.raw)) || mentions(artifact.from_expression)) return true;
    }
    return false;
  };
  const auto in_step = [&](const Step& step) {
    if (mentions(step.when) || mentions(step.template_name) || in_values(step.arguments)) return true;
    if (step.loop.param && mentions(*step.loop.param)) return true;
    if (step.loop.items && std::any_of(step.loop.items->begin(), step.loop.items->end(), mentions)) return true;
    if (const auto& sequence = step.loop.sequence) {
      if (mentions(sequence->count) || mentions(sequence->start) || mentions(sequence->end)) return true;
    }
    return std::any_of(step.hooks.begin(), step.hooks.end(), [&](const LifecycleHook& hook) {
      return mentions(hook.expression) || in_values(hook.arguments);
    });
  };
  if (in_values(tmpl.outputs)) return true;
  for (const auto& group : tmpl.steps) {
    if (std::any_of(group.begin(), group.end(), in_step)) return true;
  }
  return tmpl.dag && std::any_of(tmpl.dag->tasks.begin(), tmpl.dag->tasks.end(), in_step);
}

std::string valid_utf8(std::string_view text) {
  const std::string json = Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(json).get<std::string>();
}

}  // namespace logstone::local
