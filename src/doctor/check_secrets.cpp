// Can those who write and read the archive reach their credentials?
#include <algorithm>
#include <set>

#include "doctor/checks.h"

namespace logstone::doctor {
namespace {

struct SecretFacts {
  std::string name_space;
  std::set<std::string> keys;
  bool keys_known = true;
};

/// The Secrets of that name, and what makes one of that name.
std::vector<SecretFacts> find_secrets(const Deployment& deployment, const std::string& name) {
  std::vector<SecretFacts> found;
  for (const Resource& resource : deployment.resources) {
    const std::string kind = resource.kind();
    if (kind == "Secret" && resource.has_name(name)) {
      SecretFacts facts{resource.name_space(), {}, !resource.patch_only};
      for (const char* field : {"data", "stringData"}) {
        const Node* data = resource.root.at({field});
        if (data == nullptr) continue;
        for (const NodeEntry& entry : data->entries) facts.keys.insert(entry.key);
      }
      // An empty one is to be filled by somebody else, as tokens are.
      if (facts.keys.empty()) facts.keys_known = false;
      found.push_back(std::move(facts));
    } else if (kind == "ExternalSecret" || kind == "SealedSecret" || kind == "VaultStaticSecret" ||
               kind == "SecretProviderClass" || kind == "BitwardenSecret" || kind == "OnePasswordItem" ||
               kind == "ClusterExternalSecret") {
      std::string made = resource.root.text_at({"spec", "target", "name"});
      if (made.empty()) made = resource.root.text_at({"spec", "destination", "name"});
      if (made.empty()) made = resource.root.text_at({"spec", "template", "metadata", "name"});
      if (made.empty()) made = resource.name();
      const bool everywhere = kind == "ClusterExternalSecret";
      if (made == name) found.push_back({everywhere ? "" : resource.name_space(), {}, false});
    }
  }
  return found;
}

/// `needed`: the namespace in which it must be; empty: any.
void check_use(const Deployment& deployment, const SecretUse& use, const std::string& needed, const std::string& who,
               FindingList& out) {
  if (use.name.empty()) return;
  const auto secrets = find_secrets(deployment, use.name);
  if (secrets.empty()) {
    out.add("secret-missing", deployment.remote ? Severity::kInfo : Severity::kWarning, use.place,
            "Secret " + use.name + ", which " + who + " needs, is not among the manifests",
            "Without it no log is uploaded, or none is found again. If something else makes it, all is well.",
            "kubectl create secret generic " + use.name + (needed.empty() ? "" : " --namespace " + needed) +
                (use.key.empty() ? "" : " --from-literal=" + use.key + "=..."));
    return;
  }
  std::vector<const SecretFacts*> near;
  for (const SecretFacts& secret : secrets) {
    if (may_be_same_namespace(secret.name_space, needed)) near.push_back(&secret);
  }
  if (near.empty()) {
    out.add(
        "secret-other-namespace", Severity::kError, use.place,
        "Secret " + use.name + " is in namespace " + secrets.front().name_space + "; " + who + " needs it in " + needed,
        "Pods read Secrets of their own namespace only: uploads and reads fail there.",
        "metadata:\n  name: " + use.name + "\n  namespace: " + needed);
    return;
  }
  if (use.key.empty()) return;
  const bool has_key = std::any_of(near.begin(), near.end(), [&](const SecretFacts* secret) {
    return !secret->keys_known || secret->keys.contains(use.key);
  });
  if (has_key) return;
  std::string keys;
  for (const std::string& key : near.front()->keys) keys += (keys.empty() ? "" : ", ") + key;
  out.add("secret-key-missing", Severity::kError, use.place,
          "Secret " + use.name + " has no key " + use.key + ", which " + who + " needs (it has " + keys + ')',
          "The upload or the read of every log fails for want of credentials.", "stringData:\n  " + use.key + ": ...");
}

}  // namespace

void check_secrets(const DeploymentFacts& facts, FindingList& out) {
  const Deployment& deployment = *facts.deployment;
  for (const ControllerFacts& controller : facts.controllers) {
    if (!controller.repository) continue;
    std::set<std::string> namespaces;
    if (controller.only_its_namespace) namespaces.insert(controller.name_space);
    for (const WorkflowFacts& workflow : facts.workflows) {
      if (facts.repository_of(workflow) == &*controller.repository) namespaces.insert(workflow.resource->name_space());
    }
    if (namespaces.empty()) namespaces.insert("");
    for (const SecretUse& use : controller.repository->secrets) {
      for (const std::string& space : namespaces) {
        check_use(deployment, use, space, "Argo's upload (" + controller.repository->origin + ")", out);
      }
    }
  }
  for (const NamespaceRepositories& one : facts.repositories) {
    for (const auto& [key, repository] : one.by_key) {
      for (const SecretUse& use : repository.secrets) {
        check_use(deployment, use, one.name_space, "Argo's upload (" + repository.origin + ")", out);
      }
    }
  }
  for (const UiFacts& ui : facts.uis) {
    for (const SecretUse& use : ui.secrets) check_use(deployment, use, ui.name_space, "the UI", out);
  }
}

}  // namespace logstone::doctor
