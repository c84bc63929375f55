#include "cluster/local/validation_references.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "cluster/local/manifest_fields.h"

namespace logstone::local {

namespace {

std::string or_nearest(std::string text, std::string_view word, const std::vector<std::string>& candidates) {
  const std::string meant = nearest(word, candidates);
  return meant.empty() ? text : text + "; did you mean " + meant + "?";
}

template <class List>
std::vector<std::string> names_of(const List& list) {
  std::vector<std::string> out;
  for (const auto& item : list) out.push_back(item.name);
  return out;
}

/// Takes `prefix` and a dot, or all of it, off the front.
bool take(std::string_view& name, std::string_view prefix) {
  if (name == prefix) {
    name = {};
    return true;
  }
  if (!name.starts_with(prefix) || name.size() <= prefix.size() || name[prefix.size()] != '.') return false;
  name.remove_prefix(prefix.size() + 1);
  return true;
}

/// The longest known name at the front, since names may hold dots where labels do.
template <class List>
bool begins_with_one(std::string_view name, const List& list, bool whole, std::string_view suffix) {
  return std::any_of(list.begin(), list.end(), [&](const auto& item) {
    if (name == item.name) return true;
    if (!name.starts_with(item.name) || name.size() <= item.name.size() || name[item.name.size()] != '.') return false;
    return !whole || (!suffix.empty() && name.substr(item.name.size() + 1) == suffix);
  });
}

const char* kind_of_call(const Place& place) { return place.tmpl->type == TemplateType::kDag ? "task" : "step"; }

std::vector<const Step*> calls_of(const Template& tmpl) {
  std::vector<const Step*> out;
  for (const auto& group : tmpl.steps) {
    for (const Step& step : group) out.push_back(&step);
  }
  if (tmpl.dag) {
    for (const Task& task : tmpl.dag->tasks) out.push_back(&task);
  }
  return out;
}

void collect_globals(const Template& tmpl, std::set<std::string>& parameters, std::set<std::string>& artifacts) {
  for (const Parameter& parameter : tmpl.outputs.parameters) {
    if (!parameter.global_name.empty()) parameters.insert(parameter.global_name);
  }
  for (const Artifact& artifact : tmpl.outputs.artifacts) {
    if (!artifact.global_name.empty()) artifacts.insert(artifact.global_name);
  }
  for (const Step* step : calls_of(tmpl)) {
    if (step->inline_template) collect_globals(*step->inline_template, parameters, artifacts);
  }
}

}  // namespace

References::References(const ParsedWorkflow& workflow) : workflow_(workflow) {
  for (const auto& [key, tmpl] : workflow.templates) collect_globals(tmpl, global_parameters_, global_artifacts_);
}

std::string References::why_unknown(std::string_view name, const Place& place) const {
  return check(name, place, true);
}

std::string References::why_unknown_in_expression(std::string_view name, const Place& place) const {
  return check(name, place, false);
}

std::string References::check(std::string_view name, const Place& place, bool whole) const {
  const std::string_view root = name.substr(0, name.find('.'));
  if (root == "workflow") return of_workflow(name.substr(std::min(name.size(), root.size() + 1)), place, whole);
  if (root == "inputs") return of_inputs(name, place, whole);
  if (root == "steps" || root == "tasks") return of_call(name, place, whole);
  if (root == "item") return of_item(name, place);
  if (root == "outputs") {
    // Paths of what the template itself gives, and in hooks what the step gave.
    if (!whole || place.in_hook || name == "outputs.result") return "";
    std::string_view rest = name;
    if (take(rest, "outputs.parameters") && place.tmpl != nullptr) {
      if (begins_with_one(rest, place.tmpl->outputs.parameters, whole, "path")) return "";
    } else if (take(rest, "outputs.artifacts") && place.tmpl != nullptr) {
      if (begins_with_one(rest, place.tmpl->outputs.artifacts, whole, "path")) return "";
    }
    return "the template has no such output";
  }
  if (root == "pod" || root == "node") {
    return name == "pod.name" || name == "node.name" || (!whole && name == root) ? ""
                                                                                 : "only pod.name and node.name exist";
  }
  if (root == "retries" || root == "lastRetry") return "";
  return "there is nothing of that name";
}

std::string References::of_workflow(std::string_view name, const Place& place, bool whole) const {
  constexpr std::array<std::string_view, 14> plain = {
      "name",     "namespace", "uid",      "serviceAccountName", "mainEntrypoint", "priority",    "creationTimestamp",
      "duration", "status",    "failures", "scheduledTime",      "parameters",     "annotations", "labels"};
  if (std::find(plain.begin(), plain.end(), name) != plain.end()) return "";
  if (!whole && (name.empty() || name == "outputs" || name == "outputs.parameters" || name == "outputs.artifacts"))
    return "";
  std::string_view rest = name;
  if (take(rest, "parameters")) {
    if (rest == "json" || begins_with_one(rest, workflow_.arguments.parameters, whole, "")) return "";
    return or_nearest("spec.arguments has no parameter " + std::string(rest), rest,
                      names_of(workflow_.arguments.parameters));
  }
  if (take(rest, "creationTimestamp")) {
    constexpr std::string_view letters = "BbmAadHIMSYypZzLs";
    if (rest == "RFC3339" || (rest.size() == 1 && letters.find(rest[0]) != std::string_view::npos)) return "";
    return "creationTimestamp has RFC3339, s, and the letters of strftime";
  }
  if (take(rest, "labels") || take(rest, "annotations")) {
    const auto& have = name.starts_with("labels") ? workflow_.metadata.labels : workflow_.metadata.annotations;
    if (rest == "json" || have.contains(std::string(rest)) || rest.starts_with("workflows.argoproj.io/")) return "";
    return "the workflow has no such " + std::string(name.starts_with("labels") ? "label" : "annotation");
  }
  if (take(rest, "outputs.parameters")) {
    if (global_parameters_.contains(std::string(rest.substr(0, whole ? rest.npos : rest.find('.'))))) return "";
    return or_nearest("no output parameter has globalName " + std::string(rest), rest,
                      {global_parameters_.begin(), global_parameters_.end()});
  }
  if (take(rest, "outputs.artifacts")) {
    if (global_artifacts_.contains(std::string(rest.substr(0, whole ? rest.npos : rest.find('.'))))) return "";
    return or_nearest("no output artifact has globalName " + std::string(rest), rest,
                      {global_artifacts_.begin(), global_artifacts_.end()});
  }
  static_cast<void>(place);
  std::vector<std::string> candidates(plain.begin(), plain.end());
  return or_nearest("workflow has no " + std::string(name), name, candidates);
}

std::string References::of_inputs(std::string_view name, const Place& place, bool whole) const {
  if (place.tmpl == nullptr) return "a workflow has arguments: use workflow.parameters";
  const Values& inputs = place.tmpl->inputs;
  std::string_view rest = name;
  if (name == "inputs.parameters" || (!whole && (name == "inputs" || name == "inputs.artifacts"))) return "";
  if (take(rest, "inputs.parameters")) {
    if (begins_with_one(rest, inputs.parameters, whole, "")) return "";
    return or_nearest("template " + place.tmpl->name + " has no input parameter " + std::string(rest), rest,
                      names_of(inputs.parameters));
  }
  if (take(rest, "inputs.artifacts")) {
    if (begins_with_one(rest, inputs.artifacts, whole, "path")) return "";
    return or_nearest("template " + place.tmpl->name + " has no input artifact " + std::string(rest), rest,
                      names_of(inputs.artifacts));
  }
  return "inputs have parameters and artifacts";
}

std::string References::of_call(std::string_view name, const Place& place, bool whole) const {
  const bool tasks = name.starts_with("tasks");
  if (place.tmpl == nullptr) {
    // A workflow's hook sees the nodes of its entrypoint; whether one is there is known when it runs.
    return place.in_hook ? "" : "steps and tasks are known within their template only";
  }
  if (tasks != (place.tmpl->type == TemplateType::kDag) ||
      (place.tmpl->type != TemplateType::kDag && place.tmpl->type != TemplateType::kSteps)) {
    return "template " + place.tmpl->name + " has no " + (tasks ? "tasks" : "steps") +
           (place.tmpl->is_pod() ? "; hand the value on as an argument" : "");
  }
  std::string_view rest = name.substr(std::min<std::size_t>(name.size(), 6));
  if (rest.empty()) return whole ? "a name is missing" : "";
  const std::string call(rest.substr(0, rest.find('.')));
  const auto found = place.callers.find(call);
  if (found == place.callers.end()) {
    std::vector<std::string> known;
    bool exists = false;
    for (const Step* step : calls_of(*place.tmpl)) {
      exists = exists || step->name == call;
      known.push_back(step->name);
    }
    if (exists) {
      return std::string(kind_of_call(place)) + " " + call + " does not run before it" +
             (tasks ? "; name it in depends" : "");
    }
    return or_nearest("template " + place.tmpl->name + " has no " + kind_of_call(place) + " " + call, call, known);
  }
  rest.remove_prefix(std::min(rest.size(), call.size() + 1));
  constexpr std::array<std::string_view, 11> plain = {"id",
                                                      "ip",
                                                      "name",
                                                      "status",
                                                      "phase",
                                                      "startedAt",
                                                      "finishedAt",
                                                      "exitCode",
                                                      "hostNodeName",
                                                      "message",
                                                      "outputs.parameters"};
  if (std::find(plain.begin(), plain.end(), rest) != plain.end() || rest == "outputs.exitCode") return "";
  if (!whole && (rest.empty() || rest == "outputs" || rest == "outputs.artifacts")) return "";
  const Step& step = *found->second;
  const Template* callee = workflow_.find_template(place.tmpl->scope, step);
  if (take(rest, "outputs.result")) {
    if (callee == nullptr || callee->is_pod() || step.loop.present()) return "";
    return "template " + callee->name + " is of type " + to_string(callee->type) + ", which has no result";
  }
  if (take(rest, "outputs.parameters")) {
    if (callee == nullptr || begins_with_one(rest, callee->outputs.parameters, whole, "")) return "";
    return or_nearest("template " + callee->name + " has no output parameter " + std::string(rest), rest,
                      names_of(callee->outputs.parameters));
  }
  if (take(rest, "outputs.artifacts")) {
    if (callee == nullptr || begins_with_one(rest, callee->outputs.artifacts, whole, "path")) return "";
    return or_nearest("template " + callee->name + " has no output artifact " + std::string(rest), rest,
                      names_of(callee->outputs.artifacts));
  }
  return std::string("a ") + kind_of_call(place) + " has no " + std::string(rest);
}

std::string References::of_item(std::string_view name, const Place& place) const {
  if (place.looping == nullptr)
    return "an item exists only in a step or task with withItems, withParam or withSequence";
  if (name == "item" || !place.looping->loop.items) return "";
  const std::string key(name.substr(5));
  for (const std::string& text : *place.looping->loop.items) {
    const auto item = nlohmann::json::parse(text, nullptr, false);
    if (item.is_string() && item.get_ref<const std::string&>().find("{{") != std::string::npos) continue;
    const std::string first = key.substr(0, key.find('.'));
    if (!item.is_object() || !(item.contains(key) || item.contains(first)))
      return "the item " + text.substr(0, 100) + " has no " + key;
  }
  return "";
}

}  // namespace logstone::local
