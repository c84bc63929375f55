// Argo's names of nodes and pods. People, URLs and archives meet them again, so they must be exactly Argo's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace logstone::local {

/// FNV-1a of 32 bits.
[[nodiscard]] std::uint32_t fnv1a_32(std::string_view text);
/// The workflow's name for the root node, else `<workflow>-<FNV-1a 32 of the node's name, decimal>`.
[[nodiscard]] std::string argo_node_id(std::string_view workflow_name, std::string_view node_name);
/// Format v2: the workflow's name for a lone root node, else `<workflow>-<template>` cut to 242 characters, `-`, the
/// same hash. An empty `template_name` (an inline template) is left out.
[[nodiscard]] std::string argo_pod_name(std::string_view workflow_name, std::string_view node_name,
                                        std::string_view template_name);

}  // namespace logstone::local
