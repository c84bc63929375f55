// The UI's other settings that decide whether a log is shown, and to whom.
#include <algorithm>
#include <functional>

#include "doctor/checks.h"

namespace logstone::doctor {
namespace {

std::string variable(const UiFacts& ui, const std::string& name, const std::string& value) {
  return "In the environment of container " + ui.container + ":\n- name: " + name + "\n  value: \"" + value + '"';
}

/// Whether the manifests are meant for Google's Kubernetes.
bool runs_on_gke(const Deployment& deployment) {
  const std::function<bool(const Node&)> mentions = [&](const Node& node) {
    return std::any_of(node.entries.begin(), node.entries.end(),
                       [&](const NodeEntry& entry) {
                         return entry.key.find("gke.io") != std::string::npos ||
                                entry.key.find("cloud.google.com") != std::string::npos ||
                                entry.key == "gcsProjectId" || mentions(entry.value);
                       }) ||
           std::any_of(node.items.begin(), node.items.end(), mentions);
  };
  return std::any_of(deployment.resources.begin(), deployment.resources.end(), [&](const Resource& resource) {
    const std::string name = resource.name();
    return name.find("cloudsql") != std::string::npos || name.find("inverse-proxy") != std::string::npos ||
           name.find("proxy-agent") != std::string::npos || mentions(resource.root);
  });
}

/// Several people's namespaces behind one UI; `place` is where that is said.
bool is_multi_user(const DeploymentFacts& facts, const UiFacts& ui) {
  if (ui.get("DEPLOYMENT").value == "KUBEFLOW") return true;
  return std::any_of(facts.deployment->resources.begin(), facts.deployment->resources.end(),
                     [](const Resource& resource) {
                       if (resource.name().find("profile-controller") != std::string::npos) return true;
                       const Node* containers = resource.root.at({"spec", "template", "spec", "containers"});
                       if (containers == nullptr) return false;
                       for (const Node& container : containers->items) {
                         const Node* env = container.at({"env"});
                         if (env == nullptr) continue;
                         for (const Node& one : env->items) {
                           if (one.text_at({"name"}) == "MULTIUSER" && one.text_at({"value"}) == "true") return true;
                         }
                       }
                       return false;
                     });
}

void check(const DeploymentFacts& facts, const UiFacts& ui, FindingList& out) {
  const Setting metadata = ui.get("DISABLE_GKE_METADATA", "true");
  if (metadata.known && !metadata.is_true() && !runs_on_gke(*facts.deployment)) {
    out.add(
        "gke-metadata-on", Severity::kWarning, metadata.place,
        "DISABLE_GKE_METADATA is " + metadata.value + ", and nothing here says that this runs on Google's Kubernetes",
        "The UI asks GKE's metadata server, which is not there: pages hang or fail, those of logs too.",
        variable(ui, "DISABLE_GKE_METADATA", "true"));
  } else if (!metadata.set && !runs_on_gke(*facts.deployment)) {
    out.add("gke-metadata-default", Severity::kInfo, ui.place, "DISABLE_GKE_METADATA is not set",
            "Releases of KFP before 2025 ask GKE's metadata server then, which hangs outside of Google's Kubernetes.",
            variable(ui, "DISABLE_GKE_METADATA", "true"));
  }
  const Setting container = ui.get("POD_LOG_CONTAINER_NAME", "main");
  if (container.known && container.value != "main") {
    out.add("log-container-name", Severity::kWarning, container.place, "POD_LOG_CONTAINER_NAME is " + container.value,
            "While a pod lives the UI shows that container's log; in the archive it reads main.log only, which Argo "
            "writes for the container main: after deletion another log is shown, or none.",
            variable(ui, "POD_LOG_CONTAINER_NAME", "main"));
  }
  const Setting stream = ui.get("STREAM_LOGS_FROM_SERVER_API", "false");
  if (stream.known && stream.is_true()) {
    out.add("logs-from-api-server", Severity::kWarning, stream.place, "STREAM_LOGS_FROM_SERVER_API is true",
            "Logs come through KFP's API server then, which drops empty lines and fails at a line beyond 1 MiB.",
            variable(ui, "STREAM_LOGS_FROM_SERVER_API", "false"));
  }
  const Setting authz = ui.get("ENABLE_AUTHZ", "false");
  if (authz.known && !authz.is_true() && is_multi_user(facts, ui)) {
    out.add("authz-off", Severity::kWarning, authz.place,
            authz.set ? "ENABLE_AUTHZ is " + authz.value + " where several people have namespaces"
                      : "ENABLE_AUTHZ is not set where several people have namespaces",
            "No log is lost by it, but whoever reaches the UI reads every namespace's logs.",
            variable(ui, "ENABLE_AUTHZ", "true"));
  }
}

}  // namespace

void check_ui_settings(const DeploymentFacts& facts, FindingList& out) {
  for (const UiFacts& ui : facts.uis) check(facts, ui, out);
}

}  // namespace logstone::doctor
