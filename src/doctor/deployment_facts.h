// What a deployment's objects say about logs: the UI's environment, the controller's repositories, the workflows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "doctor/manifest_set.h"
#include "doctor/resource.h"

namespace logstone::doctor {

/// A value and where it was written.
struct Setting {
  std::string value;
  Place place;
  bool set = false;   ///< Somebody set it; else `value` is the default.
  bool known = true;  ///< False: it comes from an object that is not among the manifests, or from a Secret.
  [[nodiscard]] bool is_true() const { return value == "true" || value == "1" || value == "True" || value == "TRUE"; }
};

/// A Secret's key that somebody needs.
struct SecretUse {
  std::string name;
  std::string key;
  Place place;
};

/// The server behind Kubeflow Pipelines' pages.
struct UiFacts {
  const Resource* deployment = nullptr;
  std::string name_space;
  std::string container;
  Place place;  ///< Where its environment begins (or its container).
  std::map<std::string, Setting> environment;
  std::vector<SecretUse> secrets;  ///< Of the object store's variables.

  /// As KFP's server reads it: the variable, else its default.
  [[nodiscard]] Setting get(const std::string& name, const std::string& fallback = "") const;
};

/// Where Argo puts artifacts, logs among them.
struct Repository {
  std::string kind;        ///< s3, gcs, azure, oss, artifactory, hdfs, plugin; empty: none is named.
  std::string origin;      ///< "workflow-controller-configmap", "artifact-repositories of team-a".
  std::string name_space;  ///< Of the ConfigMap.
  Place place;
  Setting archive_logs;
  Setting key_format;
  Setting bucket;
  Setting endpoint;
  Setting insecure;
  std::vector<SecretUse> secrets;
};

struct ControllerFacts {
  const Resource* config = nullptr;  ///< Null: there is only the controller's Deployment.
  std::string name_space;
  Place place;
  bool only_its_namespace = false;  ///< `--namespaced`.
  std::optional<Repository> repository;
  std::optional<Place> unreadable;  ///< Where artifactRepository is no YAML.
  Node defaults;                    ///< workflowDefaults; null where there are none.
  Node retention_policy;            ///< retentionPolicy.
};

/// A namespace's `artifact-repositories` ConfigMap (or one of another name that workflows refer to).
struct NamespaceRepositories {
  const Resource* config = nullptr;
  std::string name_space;
  std::string default_key;  ///< By its annotation; empty: it has no default.
  std::map<std::string, Repository> by_key;
};

/// A Workflow, CronWorkflow, WorkflowTemplate, ClusterWorkflowTemplate.
struct WorkflowFacts {
  const Resource* resource = nullptr;
  const Node* spec = nullptr;
};

struct DeploymentFacts {
  const Deployment* deployment = nullptr;
  std::vector<UiFacts> uis;
  std::vector<ControllerFacts> controllers;
  std::vector<NamespaceRepositories> repositories;
  std::vector<WorkflowFacts> workflows;

  /// The controllers that a namespace's workflows belong to: those of that namespace, else all.
  [[nodiscard]] std::vector<const ControllerFacts*> controllers_for(const std::string& name_space) const;
  /// Where a workflow's logs go, by Argo's order; null where the manifests do not tell.
  [[nodiscard]] const Repository* repository_of(const WorkflowFacts& workflow) const;
};

/// `deployment` outlives the result.
[[nodiscard]] DeploymentFacts gather_facts(const Deployment& deployment);
/// An empty namespace is whatever `kubectl apply` is told: it may be any.
[[nodiscard]] bool may_be_same_namespace(const std::string& a, const std::string& b);

}  // namespace logstone::doctor
