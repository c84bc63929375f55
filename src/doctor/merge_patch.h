// Kustomize's two ways to change a manifest: a strategic merge patch and a list of JSON patch operations (RFC 6902).
#pragma once

#include <string>

#include "base/result.h"
#include "doctor/manifest_node.h"

namespace logstone::doctor {

/// Lays `patch` over `target`: maps key by key, a null takes away, `$patch: delete|replace` as Kubernetes has it.
/// Lists of built-in kinds merge by their elements' names; those of custom kinds are replaced. False: the patch
/// deletes the whole target.
[[nodiscard]] bool merge_strategically(Node& target, const Node& patch, bool built_in_kind);

/// `operations` is a list of add, replace, remove, move, copy, test. Those that can be applied are; an Error tells of
/// the first that cannot.
[[nodiscard]] Result<> apply_json_patch(Node& target, const Node& operations);

}  // namespace logstone::doctor
