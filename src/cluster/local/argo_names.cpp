#include "cluster/local/argo_names.h"

#include <algorithm>

namespace logstone::local {
namespace {

// Kubernetes allows 253 characters in a pod's name; Argo leaves room for the hash and the separator.
constexpr std::size_t kLongestPodNamePrefix = 242;

}  // namespace

std::uint32_t fnv1a_32(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 16777619U;
  }
  return hash;
}

std::string argo_node_id(std::string_view workflow_name, std::string_view node_name) {
  std::string id(workflow_name);
  if (node_name != workflow_name) id += "-" + std::to_string(fnv1a_32(node_name));
  return id;
}

std::string argo_pod_name(std::string_view workflow_name, std::string_view node_name, std::string_view template_name) {
  std::string name(workflow_name);
  if (node_name == workflow_name) return name;
  if (!template_name.empty()) name.append("-").append(template_name);
  name.resize(std::min(name.size(), kLongestPodNamePrefix));
  return name + "-" + std::to_string(fnv1a_32(node_name));
}

}  // namespace logstone::local
