// Does Argo store logs at all?
#include <algorithm>

#include "doctor/checks.h"
#include "doctor/ui_key_format.h"
#include "model/key_format.h"

namespace logstone::doctor {
namespace {

constexpr const char* kOnEdit = "artifactRepository: |\n  archiveLogs: true\n  s3:\n    bucket: ...\n    endpoint: ...";

bool is_true(const Node* node) { return node != nullptr && node->text == "true"; }
bool is_false(const Node* node) { return node != nullptr && node->text == "false"; }

/// By Argo's order, once the repository does not archive: the template's word, then the workflow's.
Archives by_spec(const Node& spec, const Node* defaults) {
  const Node* own = spec.at({"archiveLogs"});
  if (own == nullptr && defaults != nullptr) own = defaults->at({"spec", "archiveLogs"});
  if (own != nullptr) return is_true(own) ? Archives::kYes : Archives::kNo;
  return Archives::kUnknown;
}

bool has_default_repository(const DeploymentFacts& facts) {
  return std::any_of(facts.repositories.begin(), facts.repositories.end(), [](const NamespaceRepositories& one) {
    const auto found = one.by_key.find(one.default_key);
    return found != one.by_key.end() && !found->second.kind.empty();
  });
}

void check_controller(const DeploymentFacts& facts, const ControllerFacts& controller, FindingList& out) {
  const bool others = has_default_repository(facts);
  if (controller.unreadable) {
    out.add("config-unreadable", Severity::kError, *controller.unreadable,
            "the controller's artifactRepository is not YAML",
            "The workflow controller does not start with it, or archives nothing.", "Correct the YAML there.");
    return;
  }
  const Severity severity = others ? Severity::kWarning : Severity::kError;
  const std::string limit =
      others ? " Namespaces with an artifact-repositories ConfigMap of their own are not concerned." : "";
  if (!controller.repository || controller.repository->kind.empty()) {
    if (controller.config != nullptr && controller.config->patch_only && !controller.repository) return;
    out.add("no-artifact-repository", severity, controller.repository ? controller.repository->place : controller.place,
            "the workflow controller has no artifact repository",
            "Argo has no place to put logs: they are gone with their pods." + limit,
            std::string("In the ConfigMap workflow-controller-configmap, under data:\n") + kOnEdit);
    return;
  }
  if (archives_logs(controller) == Archives::kYes) return;
  const Setting& archive = controller.repository->archive_logs;
  out.add(
      "archive-logs-off", severity, archive.place,
      archive.set ? "archiveLogs is " + archive.value + " in the workflow controller's artifactRepository"
                  : "the workflow controller's artifactRepository does not say archiveLogs",
      "Argo uploads no log: what a pod wrote is gone with the pod, by TTL, podGC, eviction or a node's end." + limit,
      "In the ConfigMap's artifactRepository:\narchiveLogs: true");
}

void check_workflow(const DeploymentFacts& facts, const WorkflowFacts& workflow, FindingList& out) {
  const Repository* repository = facts.repository_of(workflow);
  if (repository != nullptr && repository->archive_logs.is_true()) return;
  const std::string name = workflow.resource->kind() + ' ' + workflow.resource->name();
  if (const Node* own = workflow.spec->at({"archiveLogs"}); is_false(own)) {
    out.add("workflow-archive-off", repository != nullptr ? Severity::kError : Severity::kWarning, own->place,
            name + " says archiveLogs: false",
            repository != nullptr
                ? "Its artifact repository does not archive by itself either: its logs are gone with "
                  "its pods."
                : "Unless the controller's artifactRepository says archiveLogs: true, which wins, its "
                  "logs are gone with its pods.",
            "archiveLogs: true");
  }
  const Node* templates = workflow.spec->at({"templates"});
  if (templates == nullptr) return;
  for (const Node& one : templates->items) {
    const Node* own = one.at({"archiveLocation", "archiveLogs"});
    if (!is_false(own)) continue;
    out.add("workflow-archive-off", repository != nullptr ? Severity::kError : Severity::kWarning, own->place,
            "template " + one.text_at({"name"}) + " of " + name + " says archiveLogs: false",
            "A template's word is stronger than its workflow's: only a repository with archiveLogs: true overrules it.",
            "archiveLogs: true");
  }
}

/// Keys that two pods may share overwrite each other's log.
void check_unique(const Repository& repository, FindingList& out) {
  if (repository.kind.empty() || repository.kind == "plugin" || !repository.key_format.known) return;
  if (const auto parsed = KeyFormat::parse(repository.key_format.value); !parsed) {
    out.add("key-format-invalid", Severity::kError, repository.key_format.place,
            "the key format of " + repository.origin + " cannot be filled: " + parsed.error().reason,
            "Argo writes the tag as it stands, or fails the workflow: no reader computes that key again.",
            "keyFormat: \"{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/"
            "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}\"");
    return;
  }
  const std::string format = plain_format(repository.key_format.value, false);
  const auto has = [&](std::string_view tag) { return format.find(tag) != std::string::npos; };
  if (!has("{{pod.name}}")) {
    out.add("key-format-shared", Severity::kError, repository.key_format.place,
            "the key format of " + repository.origin + " does not hold {{pod.name}}",
            "All pods of a workflow write to the same key: the last one's log overwrites the others'.",
            "keyFormat: \"" + format + "/{{pod.name}}\"");
    return;
  }
  if (has("{{workflow.uid}}") || has("{{workflow.creationTimestamp")) return;
  out.add("key-format-repeats", Severity::kInfo, repository.key_format.place,
          "the key format of " + repository.origin + " (" + repository.key_format.value +
              ") holds neither a date nor the workflow's uid",
          "A workflow of the same name in a later week may overwrite the logs of the first.",
          "keyFormat: \"" + fixed_prefix(format) +
              "{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/"
              "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}\"");
}

}  // namespace

bool FindingList::has(std::string_view id) const {
  return std::any_of(findings_.begin(), findings_.end(), [&](const Finding& finding) { return finding.id == id; });
}

Archives archives_logs(const ControllerFacts& controller) {
  if (!controller.repository || controller.repository->kind.empty()) {
    if (controller.unreadable) return Archives::kUnknown;
    const bool elsewhere = controller.config != nullptr && controller.config->patch_only && !controller.repository;
    return elsewhere ? Archives::kUnknown : Archives::kNo;
  }
  if (controller.repository->archive_logs.is_true()) return Archives::kYes;
  return by_spec(Node(), &controller.defaults) == Archives::kYes ? Archives::kYes : Archives::kNo;
}

Archives archives_logs(const DeploymentFacts& facts, const WorkflowFacts& workflow) {
  const Repository* repository = facts.repository_of(workflow);
  if (repository != nullptr && !repository->kind.empty() && repository->archive_logs.is_true()) return Archives::kYes;
  const auto controllers = facts.controllers_for(workflow.resource->name_space());
  const Node* defaults = controllers.empty() ? nullptr : &controllers.front()->defaults;
  const Archives said = by_spec(*workflow.spec, defaults);
  if (repository == nullptr && controllers.empty()) return said == Archives::kNo ? Archives::kUnknown : said;
  if (repository == nullptr || repository->kind.empty()) {
    return controllers.empty() ? Archives::kUnknown : archives_logs(*controllers.front());
  }
  return said == Archives::kYes ? Archives::kYes : Archives::kNo;
}

void check_archiving(const DeploymentFacts& facts, FindingList& out) {
  for (const ControllerFacts& controller : facts.controllers) {
    check_controller(facts, controller, out);
    if (controller.repository) check_unique(*controller.repository, out);
  }
  for (const NamespaceRepositories& one : facts.repositories) {
    for (const auto& [key, repository] : one.by_key) {
      if (repository.kind.empty()) continue;
      check_unique(repository, out);
      if (key != one.default_key || repository.archive_logs.is_true()) continue;
      out.add("archive-logs-off", Severity::kError, repository.archive_logs.place,
              repository.origin + " does not archive logs",
              "It is the default of its namespace, before the controller's: Argo uploads no log of that namespace's "
              "workflows unless they ask for it themselves.",
              "archiveLogs: true");
    }
  }
  for (const WorkflowFacts& workflow : facts.workflows) check_workflow(facts, workflow, out);
}

}  // namespace logstone::doctor
