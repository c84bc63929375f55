#include "model/argo_names.h"

#include <algorithm>
#include <array>

namespace logstone {
namespace {

// Kubernetes allows 253 characters in a pod's name; Argo leaves room for the hash and the separator.
constexpr std::size_t kLongestPodNamePrefix = 242;

/// Templates of Kubeflow Pipelines v2, as they stand in its pods' names.
constexpr std::array<std::string_view, 3> kKfpTemplates = {"-system-container-impl-", "-system-container-driver-",
                                                           "-system-dag-driver-"};

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

std::vector<std::string> argo_workflow_candidates(std::string_view pod_name) {
  std::vector<std::string> names;
  const auto add = [&](std::string_view name) {
    // A Kubernetes name ends with a letter or a digit.
    if (name.empty() || name.back() == '-' || name.back() == '.') return;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  };
  // The last of them: what comes before may be the workflow's own.
  std::size_t last = std::string_view::npos;
  for (const std::string_view part : kKfpTemplates) {
    const std::size_t at = pod_name.rfind(part);
    if (at != std::string_view::npos && (last == std::string_view::npos || at > last)) last = at;
  }
  if (last != std::string_view::npos) add(pod_name.substr(0, last));
  // Templates' names are mostly one word, so the workflow's name is mostly what is before the last but one dash.
  const std::size_t hash = pod_name.rfind('-');
  const std::size_t word =
      hash == std::string_view::npos || hash == 0 ? std::string_view::npos : pod_name.rfind('-', hash - 1);
  if (word != std::string_view::npos) add(pod_name.substr(0, word));
  for (std::size_t dash = hash; dash != std::string_view::npos && dash > 0; dash = pod_name.rfind('-', dash - 1)) {
    add(pod_name.substr(0, dash));
  }
  add(pod_name);
  return names;
}

bool may_be_pod_of(std::string_view pod_name, std::string_view workflow_name) {
  if (workflow_name.empty()) return false;
  if (pod_name == workflow_name) return true;
  const auto begins_with = [&](std::string_view text) {
    return pod_name.size() > text.size() + 1 && pod_name.starts_with(text) && pod_name[text.size()] == '-';
  };
  return begins_with(workflow_name) || begins_with(workflow_name.substr(0, kLongestPodNamePrefix));
}

}  // namespace logstone
