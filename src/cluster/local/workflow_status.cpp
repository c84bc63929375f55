#include "cluster/local/workflow_status.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace logstone::local {
namespace {

using Json = nlohmann::json;

constexpr const char* kArtifactKey = "artifact:";

Json time_json(const Timestamp& time) { return format_rfc3339_nano(time); }

Json artifact_json(const std::string& name, const ArtifactSource& source) {
  Json json{{"name", name}};
  if (source.raw) json["raw"] = {{"data", *source.raw}};
  Json own = Json::object();
  if (!source.node_id.empty()) own["nodeId"] = source.node_id;
  if (!source.artifact_name.empty()) own["artifact"] = source.artifact_name;
  if (!source.sub_path.empty()) own["subPath"] = source.sub_path;
  if (!own.empty()) json["logstone"] = std::move(own);
  return json;
}

Json list_json(const std::map<std::string, std::string>& parameters,
               const std::map<std::string, std::string>& globals) {
  Json list = Json::array();
  for (const auto& [name, value] : parameters) {
    Json entry{{"name", name}, {"value", value}};
    if (const auto global = globals.find(name); global != globals.end()) entry["globalName"] = global->second;
    list.push_back(std::move(entry));
  }
  return list;
}

Json list_json(const std::map<std::string, ArtifactSource>& artifacts,
               const std::map<std::string, std::string>& globals) {
  Json list = Json::array();
  for (const auto& [name, source] : artifacts) {
    Json entry = artifact_json(name, source);
    if (const auto global = globals.find(kArtifactKey + name); global != globals.end()) {
      entry["globalName"] = global->second;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

Json outputs_json(const NodeOutputs& outputs) {
  Json json = Json::object();
  if (!outputs.parameters.empty()) json["parameters"] = list_json(outputs.parameters, outputs.global_names);
  if (!outputs.artifacts.empty()) json["artifacts"] = list_json(outputs.artifacts, outputs.global_names);
  if (outputs.result) json["result"] = *outputs.result;
  if (outputs.exit_code) json["exitCode"] = *outputs.exit_code;
  return json;
}

Json node_json(const NodeStatus& node) {
  Json json{{"id", node.id},
            {"name", node.name},
            {"displayName", node.display_name},
            {"type", node.type},
            {"phase", to_string(node.phase)}};
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  put("templateName", node.template_name);
  put("templateScope", node.template_scope);
  put("message", node.message);
  put("boundaryID", node.boundary_id);
  if (!node.template_ref.empty()) {
    const std::size_t slash = node.template_ref.find('/');
    json["templateRef"] = {
        {"name", node.template_ref.substr(0, slash)},
        {"template", slash == std::string::npos ? std::string() : node.template_ref.substr(slash + 1)}};
  }
  if (!node.children.empty()) json["children"] = node.children;
  if (!node.outbound.empty()) json["outboundNodes"] = node.outbound;
  json["startedAt"] = node.started ? time_json(*node.started) : Json();
  json["finishedAt"] = node.finished ? time_json(*node.finished) : Json();
  if (node.hooked || node.retried) {
    Json& flag = json["nodeFlag"] = Json::object();
    if (node.hooked) flag["hooked"] = true;
    if (node.retried) flag["retried"] = true;
  }
  Json inputs = Json::object();
  if (!node.input_parameters.empty()) inputs["parameters"] = list_json(node.input_parameters, {});
  if (!node.input_artifacts.empty()) inputs["artifacts"] = list_json(node.input_artifacts, {});
  if (!inputs.empty()) json["inputs"] = std::move(inputs);
  if (!node.outputs.empty()) json["outputs"] = outputs_json(node.outputs);
  Json own = Json::object();
  if (!node.pod_name.empty()) own["podName"] = node.pod_name;
  if (node.exit_code) own["exitCode"] = *node.exit_code;
  if (node.in_exit_handler) own["inExitHandler"] = true;
  if (node.deadline) own["deadline"] = time_json(*node.deadline);
  if (node.active_deadline) own["activeDeadlineNanoseconds"] = node.active_deadline->count();
  if (!node.outputs.global_names.empty()) own["globalNames"] = node.outputs.global_names;
  if (!own.empty()) json["logstone"] = std::move(own);
  return json;
}

/// Reads members of outside JSON; a member of another type counts as missing, and `ok` remembers it.
class Reader {
 public:
  std::string text(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return {};
    if (found->is_string()) return found->get<std::string>();
    ok = false;
    return {};
  }
  bool flag(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return false;
    if (!found->is_boolean()) ok = false;
    return found->is_boolean() && found->get<bool>();
  }
  std::optional<std::string> optional_text(const Json& object, const char* key) {
    if (!object.contains(key) || object[key].is_null()) return std::nullopt;
    return text(object, key);
  }
  std::optional<int> number(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return std::nullopt;
    if (found->is_number_integer()) return found->get<int>();
    ok = false;
    return std::nullopt;
  }
  std::optional<Timestamp> time(const Json& object, const char* key) {
    const std::string value = text(object, key);
    if (value.empty()) return std::nullopt;
    const auto parsed = parse_rfc3339(value);
    if (parsed) return *parsed;
    ok = false;
    return std::nullopt;
  }
  Phase phase(const Json& object, const char* key) {
    const std::string value = text(object, key);
    if (value.empty()) return Phase::kPending;
    const auto parsed = parse_phase(value);
    if (!parsed) ok = false;
    return parsed.value_or(Phase::kError);
  }
  std::vector<std::string> texts(const Json& object, const char* key) {
    std::vector<std::string> result;
    for (const Json& entry : items(object, key)) {
      if (entry.is_string()) {
        result.push_back(entry.get<std::string>());
      } else {
        ok = false;
      }
    }
    return result;
  }
  /// An empty object where there is none.
  const Json& object(const Json& parent, const char* key) {
    static const Json kNone = Json::object();
    const auto found = parent.find(key);
    if (found == parent.end() || found->is_null()) return kNone;
    if (!found->is_object()) ok = false;
    return found->is_object() ? *found : kNone;
  }
  /// The elements of an array of objects or of anything; empty where there is none.
  const Json& items(const Json& parent, const char* key) {
    static const Json kNone = Json::array();
    const auto found = parent.find(key);
    if (found == parent.end() || found->is_null()) return kNone;
    if (!found->is_array()) ok = false;
    return found->is_array() ? *found : kNone;
  }
  void parameters(const Json& parent, std::map<std::string, std::string>& values) {
    for (const Json& entry : items(parent, "parameters")) {
      if (!entry.is_object()) {
        ok = false;
        continue;
      }
      const std::string name = text(entry, "name");
      values[name] = text(entry, "value");
    }
  }
  void artifacts(const Json& parent, std::map<std::string, ArtifactSource>& values) {
    for (const Json& entry : items(parent, "artifacts")) {
      if (!entry.is_object()) {
        ok = false;
        continue;
      }
      const std::string name = text(entry, "name");
      ArtifactSource& source = values[name];
      source.raw = optional_text(object(entry, "raw"), "data");
      const Json& own = object(entry, "logstone");
      source.node_id = text(own, "nodeId");
      source.artifact_name = text(own, "artifact");
      source.sub_path = text(own, "subPath");
    }
  }
  NodeOutputs outputs(const Json& json) {
    NodeOutputs outputs;
    parameters(json, outputs.parameters);
    artifacts(json, outputs.artifacts);
    outputs.result = optional_text(json, "result");
    outputs.exit_code = optional_text(json, "exitCode");
    return outputs;
  }
  NodeStatus node(const Json& json) {
    NodeStatus node;
    node.id = text(json, "id");
    node.name = text(json, "name");
    node.display_name = text(json, "displayName");
    node.type = text(json, "type");
    node.phase = phase(json, "phase");
    node.template_name = text(json, "templateName");
    node.template_scope = text(json, "templateScope");
    node.message = text(json, "message");
    node.boundary_id = text(json, "boundaryID");
    if (json.contains("templateRef")) {
      const Json& reference = object(json, "templateRef");
      node.template_ref = text(reference, "name") + "/" + text(reference, "template");
    }
    node.children = texts(json, "children");
    node.outbound = texts(json, "outboundNodes");
    node.started = time(json, "startedAt");
    node.finished = time(json, "finishedAt");
    node.hooked = flag(object(json, "nodeFlag"), "hooked");
    node.retried = flag(object(json, "nodeFlag"), "retried");
    parameters(object(json, "inputs"), node.input_parameters);
    artifacts(object(json, "inputs"), node.input_artifacts);
    node.outputs = outputs(object(json, "outputs"));
    const Json& own = object(json, "logstone");
    node.pod_name = text(own, "podName");
    node.exit_code = number(own, "exitCode");
    node.in_exit_handler = flag(own, "inExitHandler");
    node.deadline = time(own, "deadline");
    if (const auto found = own.find("activeDeadlineNanoseconds"); found != own.end()) {
      if (found->is_number_integer()) {
        node.active_deadline = Nanoseconds(found->get<std::int64_t>());
      } else {
        ok = false;
      }
    }
    for (const auto& [name, global] : object(own, "globalNames").items()) {
      if (!global.is_string()) ok = false;
      if (global.is_string()) node.outputs.global_names[name] = global.get<std::string>();
    }
    return node;
  }

  bool ok = true;
};

Error corrupt(std::string reason) {
  return {ErrorKind::kCorrupt, "read", "workflow status", std::move(reason),
          "The engine's folder was changed by something else, or its disk is damaged."};
}

}  // namespace

const NodeStatus* WorkflowStatus::find(const std::string& node_id) const {
  const auto found = nodes.find(node_id);
  return found == nodes.end() ? nullptr : &found->second;
}

std::string to_json(const WorkflowStatus& status) {
  Json json{{"phase", to_string(status.phase)}};
  if (!status.message.empty()) json["message"] = status.message;
  json["startedAt"] = status.started ? time_json(*status.started) : Json();
  json["finishedAt"] = status.finished ? time_json(*status.finished) : Json();
  Json& nodes = json["nodes"] = Json::object();
  std::size_t pods = 0;
  std::size_t done = 0;
  for (const auto& [id, node] : status.nodes) {
    nodes[id] = node_json(node);
    if (node.type != "Pod") continue;
    ++pods;
    if (is_final(node.phase)) ++done;
  }
  json["progress"] = std::to_string(done) + "/" + std::to_string(pods);
  if (!status.outputs.empty()) json["outputs"] = outputs_json(status.outputs);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<WorkflowStatus> workflow_status_from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return corrupt("it is not a JSON object");
  Reader reader;
  WorkflowStatus status;
  status.phase = reader.phase(json, "phase");
  status.message = reader.text(json, "message");
  status.started = reader.time(json, "startedAt");
  status.finished = reader.time(json, "finishedAt");
  for (const auto& [id, node] : reader.object(json, "nodes").items()) {
    if (!node.is_object()) return corrupt("node " + id + " is not an object");
    status.nodes.emplace(id, reader.node(node));
  }
  status.outputs = reader.outputs(reader.object(json, "outputs"));
  if (!reader.ok) return corrupt("a member has another type than Argo's");
  return status;
}

}  // namespace logstone::local
