#include "cluster/local/local_cluster_objects.h"

#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

namespace logstone::local {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string to_json(const WorkflowObject& workflow) {
  Json json{{"version", 1},
            {"name", workflow.facts.name},
            {"namespace", workflow.facts.name_space},
            {"uid", workflow.facts.uid},
            {"created", to_unix_nanoseconds(workflow.facts.created)},
            {"labels", workflow.facts.labels},
            {"annotations", workflow.facts.annotations},
            {"held", workflow.held},
            {"terminate", workflow.terminate},
            {"manifest", workflow.manifest.stored},
            {"status", to_json(workflow.status)}};
  if (workflow.deletion_requested) json["deletionRequested"] = to_unix_nanoseconds(*workflow.deletion_requested);
  return dump(json);
}

Result<WorkflowObject> workflow_object_from_json(const std::string& text) {
  WorkflowObject workflow;
  std::string manifest;
  std::string status;
  try {
    const auto json = Json::parse(text);
    json.at("name").get_to(workflow.facts.name);
    json.at("namespace").get_to(workflow.facts.name_space);
    json.at("uid").get_to(workflow.facts.uid);
    workflow.facts.created = from_unix_nanoseconds(json.at("created").get<std::int64_t>());
    json.at("labels").get_to(workflow.facts.labels);
    json.at("annotations").get_to(workflow.facts.annotations);
    json.at("held").get_to(workflow.held);
    json.at("terminate").get_to(workflow.terminate);
    json.at("manifest").get_to(manifest);
    json.at("status").get_to(status);
    if (json.contains("deletionRequested"))
      workflow.deletion_requested = from_unix_nanoseconds(json["deletionRequested"].get<std::int64_t>());
  } catch (const std::exception& e) {
    return Error{ErrorKind::kCorrupt, "read", "workflow object", e.what(), ""};
  }
  LOGSTONE_ASSIGN(workflow.manifest, reopen_workflow(manifest));
  LOGSTONE_ASSIGN(workflow.status, workflow_status_from_json(status));
  return workflow;
}

Workflow shown(const WorkflowObject& workflow, const std::string& cluster) {
  Workflow result;
  result.id = {cluster, workflow.facts.name_space, workflow.facts.name, workflow.facts.uid};
  result.labels = workflow.facts.labels;
  result.annotations = workflow.facts.annotations;
  result.phase = workflow.status.phase;
  result.message = workflow.status.message;
  result.created = workflow.facts.created;
  result.started = workflow.status.started;
  result.finished = workflow.status.finished;
  result.deletion_requested = workflow.deletion_requested;
  for (const auto& [id, node] : workflow.status.nodes) result.nodes.push_back(node);
  try {
    auto json = Json::parse(workflow.manifest.manifest_json);
    auto& metadata = json["metadata"];
    metadata.erase("generateName");
    if (!workflow.manifest.generate_name.empty()) metadata["generateName"] = workflow.manifest.generate_name;
    metadata["name"] = workflow.facts.name;
    metadata["namespace"] = workflow.facts.name_space;
    metadata["uid"] = workflow.facts.uid;
    metadata["creationTimestamp"] = format_rfc3339(workflow.facts.created);
    if (!workflow.facts.labels.empty()) metadata["labels"] = workflow.facts.labels;
    if (!workflow.facts.annotations.empty()) metadata["annotations"] = workflow.facts.annotations;
    if (workflow.held) metadata["finalizers"] = {kFinalizer};
    if (workflow.deletion_requested) metadata["deletionTimestamp"] = format_rfc3339(*workflow.deletion_requested);
    json["status"] = Json::parse(to_json(workflow.status));
    result.manifest_json = dump(json);
  } catch (const std::exception&) {
    result.manifest_json = workflow.manifest.manifest_json;  // Ours, so it does parse.
  }
  return result;
}

Pod shown(const PodObject& pod) {
  Pod result;
  result.name_space = pod.spec.name_space;
  result.name = pod.spec.request.pod_name;
  result.uid = pod.spec.uid;
  result.workflow_name = pod.spec.workflow_name;
  result.workflow_uid = pod.spec.workflow_uid;
  result.node_id = pod.spec.request.node_id;
  result.phase = !is_final(pod.outcome.phase)             ? to_string(pod.outcome.phase)
                 : pod.outcome.phase == Phase::kSucceeded ? "Succeeded"
                                                          : "Failed";
  result.created = pod.spec.created;
  result.deletion_requested = pod.marks.deletion_requested;
  result.held = pod.marks.held;
  for (const auto& container : pod.spec.request.containers) {
    ContainerStatus status;
    status.name = container.name;
    if (const auto found = pod.outcome.containers.find(container.name); found != pod.outcome.containers.end()) {
      const auto& outcome = found->second;
      status.state = outcome.finished  ? ContainerState::kTerminated
                     : outcome.started ? ContainerState::kRunning
                                       : ContainerState::kWaiting;
      status.exit_code = outcome.exit_code;
      status.reason = outcome.reason;
    }
    if (pod.stage == PodStage::kEnded) status.state = ContainerState::kTerminated;
    result.containers.push_back(std::move(status));
  }
  return result;
}

}  // namespace logstone::local
