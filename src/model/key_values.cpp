#include "model/key_values.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/argo_names.h"

namespace logstone {
namespace {

using nlohmann::json;

const json& member(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

void set_text(TagValues& values, const std::string& tag, const json& value) {
  if (value.is_string()) values.insert_or_assign(tag, value.get<std::string>());
  if (value.is_number_integer()) values.insert_or_assign(tag, std::to_string(value.get<std::int64_t>()));
}

void set_parameters(TagValues& values, const std::string& prefix, const json& parameters) {
  if (!parameters.is_array()) return;
  for (const json& parameter : parameters) {
    const json& name = member(parameter, "name");
    if (name.is_string()) set_text(values, prefix + name.get<std::string>(), member(parameter, "value"));
  }
}

/// The number of the attempt, where the node is one of a Retry node.
std::string retries_of(const WorkflowRecord& record, const Node& node) {
  const bool attempt = std::any_of(record.nodes.begin(), record.nodes.end(), [&](const Node& parent) {
    return parent.type == "Retry" &&
           std::find(parent.children.begin(), parent.children.end(), node.id) != parent.children.end();
  });
  const std::size_t open = node.name.rfind('(');
  if (!attempt || open == std::string::npos || !node.name.ends_with(')')) return {};
  const std::string number = node.name.substr(open + 1, node.name.size() - open - 2);
  return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }) ? number : "";
}

TagValues values_of(const WorkflowRecord& record, const json& manifest) {
  TagValues values;
  if (record.created != Timestamp{}) set_creation_time(values, record.created);
  const json& spec = member(manifest, "spec");
  // A workflow made from a template takes from there what it does not say itself.
  for (const json* part : {&member(member(manifest, "status"), "storedWorkflowTemplateSpec"), &spec}) {
    set_parameters(values, "workflow.parameters.", member(member(*part, "arguments"), "parameters"));
    set_text(values, "workflow.serviceAccountName", member(*part, "serviceAccountName"));
    set_text(values, "workflow.mainEntrypoint", member(*part, "entrypoint"));
    set_text(values, "workflow.priority", member(*part, "priority"));
  }
  for (const auto& [name, value] : record.labels) values.insert_or_assign("workflow.labels." + name, value);
  for (const auto& [name, value] : record.annotations) values.insert_or_assign("workflow.annotations." + name, value);
  if (!record.id.name.empty()) values.insert_or_assign("workflow.name", record.id.name);
  if (!record.id.name_space.empty()) values.insert_or_assign("workflow.namespace", record.id.name_space);
  if (!record.id.uid.empty()) values.insert_or_assign("workflow.uid", record.id.uid);
  return values;
}

json parse(const std::string& manifest) { return json::parse(manifest, nullptr, false); }

}  // namespace

TagValues workflow_key_values(const WorkflowRecord& record) { return values_of(record, parse(record.manifest_json)); }

TagValues pod_key_values(const WorkflowRecord& record, const std::string& pod_name) {
  const json manifest = parse(record.manifest_json);
  TagValues values = values_of(record, manifest);
  values.insert_or_assign("pod.name", pod_name);
  for (const Node& node : record.nodes) {
    const bool same = node.pod_name == pod_name ||
                      (node.pod_name.empty() && (node.id == pod_name || argo_pod_name(record.id.name, node.name,
                                                                                      node.template_name) == pod_name));
    if (!same || (node.type != "Pod" && !node.type.empty())) continue;
    values.insert_or_assign("node.name", node.name);
    if (const std::string retries = retries_of(record, node); !retries.empty()) {
      values.insert_or_assign("retries", retries);
    }
    const json& status = member(member(member(manifest, "status"), "nodes"), node.id.c_str());
    set_parameters(values, "inputs.parameters.", member(member(status, "inputs"), "parameters"));
    break;
  }
  return values;
}

}  // namespace logstone
