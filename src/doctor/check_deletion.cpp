// What deletes workflows, pods and artifacts, against what archives them.
#include <algorithm>
#include <charconv>

#include "doctor/checks.h"
#include "doctor/pod_environment.h"

namespace logstone::doctor {
namespace {

/// Whose deletion it is: a controller's defaults or one workflow.
struct Subject {
  std::string name;
  Archives archives = Archives::kUnknown;
};

class DeletionCheck {
 public:
  DeletionCheck(const DeploymentFacts& facts, FindingList& out)
      : facts_(facts),
        out_(out),
        ui_misses_(!facts.uis.empty() &&
                   (out.has("ui-archive-off") || out.has("key-format-differs") || out.has("key-format-unfillable") ||
                    out.has("bucket-differs") || out.has("store-kind-differs"))) {}

  void run() {
    for (const ControllerFacts& controller : facts_.controllers) {
      const Subject subject{"workflows without a ttlStrategy of their own", archives_logs(controller)};
      if (const Node* spec = controller.defaults.at({"spec"}); spec != nullptr) check_spec(*spec, subject);
      check_retention(controller, subject.archives);
    }
    for (const WorkflowFacts& workflow : facts_.workflows) {
      const Subject subject{workflow.resource->kind() + ' ' + workflow.resource->name(),
                            archives_logs(facts_, workflow)};
      check_spec(*workflow.spec, subject);
      check_history(workflow, subject);
    }
    check_persistence_agent();
  }

 private:
  static std::string seconds(const std::string& text) { return text + (text == "1" ? " second" : " seconds"); }

  void check_spec(const Node& spec, const Subject& subject) {
    check_ttl(spec, subject);
    check_pod_gc(spec, subject);
    check_artifact_gc(spec, subject);
  }

  /// One rule for all that deletes workflows: nothing archives, nobody can say, or the UI finds the archive only while
  /// the workflow is there.
  void tell(const std::string& id, const Place& place, const std::string& summary, Archives archives,
            const std::string& edit) {
    if (archives == Archives::kNo) {
      out_.add(
          id + "-before-archive", Severity::kError, place, summary + ", and nothing archives its logs",
          "When the workflow is deleted so are its pods, and their logs with them.",
          "Let Argo archive (artifactRepository: archiveLogs: true), or let Logstone hold workflows until their logs "
          "are safe; until then:\n" +
              edit);
    } else if (archives == Archives::kUnknown) {
      out_.add(id + "-archive-unknown", Severity::kWarning, place,
               summary + "; whether anything archives its logs is not among the manifests",
               "When the workflow is deleted so are its pods, and their logs with them, unless the controller's "
               "artifactRepository says archiveLogs: true.",
               "Give the manifests of Argo Workflows as well.");
    } else if (ui_misses_) {
      out_.add(
          id + "-hides-archive", Severity::kWarning, place, summary,
          "Argo archives these logs, but the UI does not look where they are (see the errors): it finds them by the "
          "workflow's status only, which ends with the workflow.",
          "Mend the errors about the UI first. Until then:\n" + edit);
    }
  }

  void check_ttl(const Node& spec, const Subject& subject) {
    const Node* ttl = spec.at({"ttlStrategy"});
    if (ttl == nullptr || ttl->entries.empty()) return;
    const Node* shortest = nullptr;
    long best = 0;
    for (const NodeEntry& entry : ttl->entries) {
      long value = 0;
      const auto [end, error] =
          std::from_chars(entry.value.text.data(), entry.value.text.data() + entry.value.text.size(), value);
      if (error != std::errc() || end != entry.value.text.data() + entry.value.text.size()) continue;
      if (shortest != nullptr && value >= best) continue;
      shortest = &entry.value;
      best = value;
    }
    if (shortest == nullptr) return;
    tell("ttl", ttl->place, "ttlStrategy deletes " + subject.name + ' ' + seconds(shortest->text) + " after their end",
         subject.archives, "ttlStrategy:\n  secondsAfterCompletion: 2592000");
  }

  void check_pod_gc(const Node& spec, const Subject& subject) {
    const Node* gc = spec.at({"podGC", "strategy"});
    if (gc == nullptr || !gc->is_scalar() || gc->text.empty() || gc->text == "Never") return;
    const std::string summary = "podGC " + gc->text + " deletes pods of " + subject.name + " while it still is there";
    const bool at_once = gc->text == "OnPodCompletion" || gc->text == "OnPodSuccess";
    if (subject.archives == Archives::kYes) {
      if (!at_once) return;
      out_.add("pod-gc-leaves-one-copy", Severity::kInfo, gc->place, summary,
               "Argo's upload is then the only copy, and holds main containers only: logs of init, wait and sidecar "
               "containers go with the pod, and so does all of a pod whose wait container was killed.",
               "podGC:\n  strategy: OnWorkflowSuccess\n  deleteDelayDuration: 1h");
      return;
    }
    const bool no = subject.archives == Archives::kNo;
    out_.add(no ? "pod-gc-before-archive" : "pod-gc-archive-unknown", no ? Severity::kError : Severity::kWarning,
             gc->place,
             summary + (no ? ", and nothing archives its logs" : "; whether its logs are archived is unknown"),
             "A pod's log is deleted with the pod.",
             "artifactRepository: archiveLogs: true, or until then:\npodGC:\n  strategy: Never");
  }

  void check_artifact_gc(const Node& spec, const Subject& subject) {
    const Node* gc = spec.at({"artifactGC", "strategy"});
    if (gc == nullptr || !gc->is_scalar() || gc->text.empty() || gc->text == "Never") return;
    if (subject.archives == Archives::kNo) return;
    out_.add("artifact-gc-deletes-logs", Severity::kError, gc->place,
             "artifactGC " + gc->text + " deletes all output artifacts of " + subject.name,
             "Argo's archived logs are output artifacts (main-logs): they are deleted with the others.",
             "Set the strategy on the artifacts that may go, and on the workflow:\nartifactGC:\n  strategy: Never");
  }

  void check_history(const WorkflowFacts& workflow, const Subject& subject) {
    if (workflow.resource->kind() != "CronWorkflow" || subject.archives == Archives::kYes) return;
    const Node* spec = workflow.resource->root.at({"spec"});
    const Node* limit = spec->at({"successfulJobsHistoryLimit"});
    const std::string kept = limit != nullptr ? limit->text : "3";
    tell("cron-history", limit != nullptr ? limit->place : spec->place,
         subject.name + " keeps its last " + kept + " successful workflows and deletes the others", subject.archives,
         "successfulJobsHistoryLimit: 100\nfailedJobsHistoryLimit: 100");
  }

  void check_retention(const ControllerFacts& controller, Archives archives) {
    const Node& policy = controller.retention_policy;
    if (!policy.is_map() || policy.entries.empty()) return;
    tell("retention-policy", policy.place, "the controller's retentionPolicy deletes all but the newest workflows",
         archives, "retentionPolicy: |\n  completed: 1000\n  failed: 1000\n  errored: 1000");
  }

  void check_persistence_agent() {
    for (const Resource& resource : facts_.deployment->resources) {
      const Node* containers = resource.root.at({"spec", "template", "spec", "containers"});
      if (containers == nullptr || resource.name().find("persistenceagent") == std::string::npos) continue;
      for (const Node& container : containers->items) {
        const auto environment = container_environment(container, resource.name_space(), facts_.deployment->resources);
        const auto found = environment.find("TTL_SECONDS_AFTER_WORKFLOW_FINISH");
        if (found == environment.end() || !found->second.known) continue;
        const auto near = facts_.controllers_for(resource.name_space());
        tell("ttl", found->second.place,
             "TTL_SECONDS_AFTER_WORKFLOW_FINISH deletes KFP's workflows " + seconds(found->second.value) +
                 " after their end",
             near.empty() ? Archives::kUnknown : archives_logs(*near.front()),
             "- name: TTL_SECONDS_AFTER_WORKFLOW_FINISH\n  value: \"2592000\"");
      }
    }
  }

  const DeploymentFacts& facts_;
  FindingList& out_;
  bool ui_misses_;
};

}  // namespace

void check_deletion(const DeploymentFacts& facts, FindingList& out) { DeletionCheck(facts, out).run(); }

}  // namespace logstone::doctor
