#include "doctor/deployment_facts.h"

#include <algorithm>
#include <utility>

#include "doctor/pod_environment.h"

namespace logstone::doctor {
namespace {

constexpr const char* kDefaultKeyFormat = "{{workflow.name}}/{{pod.name}}";

Setting setting_of(const Node* node, std::string fallback, const Place& place) {
  if (node == nullptr || !node->is_scalar()) return Setting{std::move(fallback), place, false, true};
  // `$(kfp-artifact-bucket-name)`: somebody was to replace it, and did not (here).
  const bool known = node->text.find("$(") == std::string::npos;
  return Setting{node->text, node->place, true, known};
}

Repository read_repository(const Node& node, std::string origin, std::string name_space) {
  Repository repository;
  repository.origin = std::move(origin);
  repository.name_space = std::move(name_space);
  repository.place = node.place;
  repository.archive_logs = setting_of(node.at({"archiveLogs"}), "false", node.place);
  const Node* place = nullptr;
  for (const char* kind : {"artifactory", "azure", "gcs", "hdfs", "oss", "plugin", "s3"}) {
    if (const Node* found = node.at({kind}); found != nullptr && place == nullptr) {
      repository.kind = kind;
      place = found;
    }
  }
  if (place == nullptr) return repository;
  std::string format = kDefaultKeyFormat;
  if (const std::string prefix = place->text_at({"keyPrefix"}); !prefix.empty()) format = prefix + '/' + format;
  const Node* key_format = place->at({"keyFormat"});
  for (const char* name : {"blobNameFormat", "pathFormat"}) {
    if (key_format == nullptr) key_format = place->at({name});
  }
  repository.key_format = setting_of(key_format, format, place->place);
  repository.bucket = setting_of(place->at({repository.kind == "azure" ? "container" : "bucket"}), "", place->place);
  repository.endpoint = setting_of(place->at({"endpoint"}), "", place->place);
  repository.insecure = setting_of(place->at({"insecure"}), "false", place->place);
  if (place->text_at({"useSDKCreds"}) == "true") return repository;
  for (const char* name : {"accessKeySecret", "secretKeySecret", "serviceAccountKeySecret", "accountKeySecret",
                           "usernameSecret", "passwordSecret", "sessionTokenSecret"}) {
    const Node* secret = place->at({name});
    if (secret == nullptr || secret->text_at({"name"}).empty() || secret->text_at({"optional"}) == "true") continue;
    repository.secrets.push_back({secret->text_at({"name"}), secret->text_at({"key"}), secret->place});
  }
  return repository;
}

bool has_flag(const Node& container, std::string_view flag) {
  for (const char* key : {"args", "command"}) {
    const Node* list = container.at({key});
    if (list == nullptr) continue;
    for (const Node& item : list->items) {
      if (item.text == flag || item.text == std::string(flag) + "=true") return true;
    }
  }
  return false;
}

const Node* containers_of(const Resource& resource) {
  return resource.root.at({"spec", "template", "spec", "containers"});
}

bool is_controller_deployment(const Resource& resource) {
  return resource.kind() == "Deployment" && resource.name().find("workflow-controller") != std::string::npos;
}

/// A value of a controller's ConfigMap: a key of its own, or within the one key `config`.
std::optional<Node> controller_value(const Resource& config, std::string_view key) {
  if (const Node* own = config.root.at({"data", key}); own != nullptr) return read_inner(*own);
  const Node* whole = config.root.at({"data", "config"});
  if (whole == nullptr) return std::nullopt;
  const auto inner = read_inner(*whole);
  const Node* found = inner ? inner->at({key}) : nullptr;
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

bool is_controller_config(const Resource& resource) {
  if (resource.kind() != "ConfigMap") return false;
  return resource.name().ends_with("workflow-controller-configmap") ||
         resource.root.at({"data", "artifactRepository"}) != nullptr;
}

ControllerFacts read_controller(const Resource& config, const std::vector<Resource>& resources) {
  ControllerFacts facts;
  facts.config = &config;
  facts.name_space = config.name_space();
  facts.place = config.root.place;
  if (auto node = controller_value(config, "artifactRepository"); node && node->is_map()) {
    facts.repository = read_repository(*node, config.name(), facts.name_space);
  }
  for (const char* key : {"artifactRepository", "config"}) {
    const Node* text = config.root.at({"data", key});
    if (!facts.repository && text != nullptr && text->text.find_first_not_of(" \n") != std::string::npos &&
        !read_inner(*text)) {
      facts.unreadable = text->place;
    }
  }
  if (auto node = controller_value(config, "workflowDefaults")) facts.defaults = *std::move(node);
  if (auto node = controller_value(config, "retentionPolicy")) facts.retention_policy = *std::move(node);
  for (const Resource& resource : resources) {
    const Node* containers = containers_of(resource);
    if (!is_controller_deployment(resource) || containers == nullptr ||
        !may_be_same_namespace(resource.name_space(), facts.name_space)) {
      continue;
    }
    for (const Node& container : containers->items) {
      facts.only_its_namespace |= has_flag(container, "--namespaced");
    }
  }
  return facts;
}

void add_controllers(const Deployment& deployment, DeploymentFacts& facts) {
  for (const Resource& resource : deployment.resources) {
    if (is_controller_config(resource)) facts.controllers.push_back(read_controller(resource, deployment.resources));
  }
  if (!facts.controllers.empty() || deployment.remote) return;
  for (const Resource& resource : deployment.resources) {
    if (!is_controller_deployment(resource) || containers_of(resource) == nullptr) continue;
    ControllerFacts bare;
    bare.name_space = resource.name_space();
    bare.place = resource.root.place;
    facts.controllers.push_back(std::move(bare));
  }
}

/// The pages' server, not `ml-pipeline-ui-artifact`, which serves artifacts only from the same image.
bool is_ui_container(const Node& container, const Resource& resource) {
  const std::string name = container.text_at({"name"});
  if (name == "ml-pipeline-ui") return true;
  if (name == "ml-pipeline-ui-artifact" || resource.name().find("ml-pipeline-ui-artifact") != std::string::npos) {
    return false;
  }
  const Node* variables = container.at({"env"});
  return variables != nullptr && std::any_of(variables->items.begin(), variables->items.end(), [](const Node& one) {
           return one.text_at({"name"}) == "ARGO_ARCHIVE_LOGS";
         });
}

void add_uis(const Deployment& deployment, DeploymentFacts& facts) {
  for (const Resource& resource : deployment.resources) {
    const std::string kind = resource.kind();
    const Node* containers = containers_of(resource);
    if ((kind != "Deployment" && kind != "StatefulSet") || containers == nullptr) continue;
    for (const Node& container : containers->items) {
      if (!is_ui_container(container, resource)) continue;
      UiFacts ui;
      ui.deployment = &resource;
      ui.name_space = resource.name_space();
      ui.container = container.text_at({"name"});
      const Node* env = container.at({"env"});
      ui.place = env != nullptr ? env->place : container.place;
      ui.environment = container_environment(container, ui.name_space, deployment.resources);
      ui.secrets = environment_secrets(container, {"MINIO_", "AWS_"});
      facts.uis.push_back(std::move(ui));
    }
  }
}

void add_repositories(const Deployment& deployment, DeploymentFacts& facts) {
  for (const Resource& resource : deployment.resources) {
    if (resource.kind() != "ConfigMap") continue;
    const std::string key =
        resource.root.text_at({"metadata", "annotations", "workflows.argoproj.io/default-artifact-repository"});
    if (resource.name() != "artifact-repositories" && key.empty()) continue;
    NamespaceRepositories found;
    found.config = &resource;
    found.name_space = resource.name_space();
    found.default_key = key;
    if (const Node* data = resource.root.at({"data"}); data != nullptr) {
      for (const NodeEntry& entry : data->entries) {
        const auto inner = read_inner(entry.value);
        if (!inner || !inner->is_map()) continue;
        std::string origin = resource.name() + ", key " + entry.key;
        if (!found.name_space.empty()) origin += ", of namespace " + found.name_space;
        found.by_key.emplace(entry.key, read_repository(*inner, std::move(origin), found.name_space));
      }
    }
    facts.repositories.push_back(std::move(found));
  }
}

void add_workflows(const Deployment& deployment, DeploymentFacts& facts) {
  for (const Resource& resource : deployment.resources) {
    const std::string kind = resource.kind();
    const Node* spec = nullptr;
    if (kind == "Workflow" || kind == "WorkflowTemplate" || kind == "ClusterWorkflowTemplate") {
      spec = resource.root.at({"spec"});
    } else if (kind == "CronWorkflow") {
      spec = resource.root.at({"spec", "workflowSpec"});
    } else if (kind == "ScheduledWorkflow") {
      spec = resource.root.at({"spec", "workflow", "spec"});
    }
    if (spec != nullptr && spec->is_map()) facts.workflows.push_back({&resource, spec});
  }
}

const Repository* default_of(const NamespaceRepositories& repositories) {
  const auto found = repositories.by_key.find(repositories.default_key);
  return found == repositories.by_key.end() ? nullptr : &found->second;
}

}  // namespace

bool may_be_same_namespace(const std::string& a, const std::string& b) { return a.empty() || b.empty() || a == b; }

Setting UiFacts::get(const std::string& name, const std::string& fallback) const {
  const auto found = environment.find(name);
  if (found != environment.end()) return found->second;
  return Setting{fallback, place, false, true};
}

std::vector<const ControllerFacts*> DeploymentFacts::controllers_for(const std::string& name_space) const {
  std::vector<const ControllerFacts*> near;
  for (const ControllerFacts& controller : controllers) {
    if (controller.name_space == name_space) near.push_back(&controller);
  }
  if (!near.empty()) return near;
  for (const ControllerFacts& controller : controllers) near.push_back(&controller);
  return near;
}

const Repository* DeploymentFacts::repository_of(const WorkflowFacts& workflow) const {
  const std::string space = workflow.resource->name_space();
  if (const Node* reference = workflow.spec->at({"artifactRepositoryRef"}); reference != nullptr) {
    std::string map = reference->text_at({"configMap"});
    if (map.empty()) map = "artifact-repositories";
    for (const NamespaceRepositories& one : repositories) {
      if (!one.config->has_name(map)) continue;
      std::string key = reference->text_at({"key"});
      if (key.empty()) key = one.default_key;
      if (const auto found = one.by_key.find(key); found != one.by_key.end()) return &found->second;
    }
    return nullptr;
  }
  for (const NamespaceRepositories& one : repositories) {
    const Repository* found = default_of(one);
    if (found != nullptr && one.config->name() == "artifact-repositories" &&
        may_be_same_namespace(one.name_space, space)) {
      return found;
    }
  }
  const auto near = controllers_for(space);
  return !near.empty() && near.front()->repository ? &*near.front()->repository : nullptr;
}

DeploymentFacts gather_facts(const Deployment& deployment) {
  DeploymentFacts facts;
  facts.deployment = &deployment;
  add_controllers(deployment, facts);
  add_uis(deployment, facts);
  add_repositories(deployment, facts);
  add_workflows(deployment, facts);
  return facts;
}

}  // namespace logstone::doctor
