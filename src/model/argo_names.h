// Argo's names of nodes and pods. People, URLs and archives meet them again, so they must be exactly Argo's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace logstone {

/// FNV-1a of 32 bits.
[[nodiscard]] std::uint32_t fnv1a_32(std::string_view text);
/// The workflow's name for the root node, else `<workflow>-<FNV-1a 32 of the node's name, decimal>`. It is also the
/// pod's name in the format v1.
[[nodiscard]] std::string argo_node_id(std::string_view workflow_name, std::string_view node_name);
/// Format v2: the workflow's name for a lone root node, else `<workflow>-<template>` cut to 242 characters, `-`, the
/// same hash. An empty `template_name` (an inline template) is left out.
[[nodiscard]] std::string argo_pod_name(std::string_view workflow_name, std::string_view node_name,
                                        std::string_view template_name);

/// Names that the workflow of a pod may have, whichever format named the pod; the likeliest first. A pod's name alone
/// never tells which of them is right: workflows and templates have dashes too, and a workflow's own name may hold
/// `-system-container-impl-`. The last is the pod's own name (a lone root node). A name over 242 characters may be of
/// a workflow with a still longer name, which is not among them.
[[nodiscard]] std::vector<std::string> argo_workflow_candidates(std::string_view pod_name);
/// False where no format gives a pod of that workflow that name.
[[nodiscard]] bool may_be_pod_of(std::string_view pod_name, std::string_view workflow_name);

}  // namespace logstone
