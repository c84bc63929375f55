#include "doctor/resource.h"

#include <algorithm>

namespace logstone::doctor {

bool Resource::has_name(std::string_view wanted) const {
  return name() == wanted || std::find(former_names.begin(), former_names.end(), wanted) != former_names.end();
}

bool is_built_in(const Node& root) {
  const std::string version = root.text_at({"apiVersion"});
  const std::string group = version.substr(0, version.find('/'));
  return version == "v1" || group == "apps" || group == "batch" || group == "autoscaling" || group == "policy" ||
         group.ends_with(".k8s.io");
}

bool is_cluster_scoped(const std::string& kind) {
  for (const std::string_view one :
       {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass", "StorageClass",
        "PersistentVolume", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService", "Node",
        "ClusterWorkflowTemplate", "IngressClass", "RuntimeClass", "CSIDriver"}) {
    if (kind == one) return true;
  }
  return false;
}

std::vector<Resource> resources_of(Node document) {
  std::vector<Resource> resources;
  if (!document.is_map()) return resources;
  const std::string kind = document.text_at({"kind"});
  if (kind.empty()) return resources;
  if (Node* items = document.find("items"); kind.ends_with("List") && items != nullptr && items->is_list()) {
    const std::string item_kind = kind.substr(0, kind.size() - 4);
    for (Node& item : items->items) {
      // `ConfigMapList` may leave its items' kind out.
      if (item.is_map() && item.text_at({"kind"}).empty() && !item_kind.empty()) {
        item.set("kind", Node::scalar(item_kind, item.place));
      }
      if (item.is_map()) resources.push_back({std::move(item), {}, false});
    }
    return resources;
  }
  resources.push_back({std::move(document), {}, false});
  return resources;
}

}  // namespace logstone::doctor
