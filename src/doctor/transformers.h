// What a kustomization does to the objects that it gathered: patches, namespace, names, replacements, vars.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "doctor/manifest_files.h"
#include "doctor/resource.h"

namespace logstone::doctor {

struct PatchOutcome {
  std::size_t applied = 0;  ///< To how many objects.
  std::string problem;      ///< An operation that found no place.
};
/// `target` is the patch's selector; null: the object that the patch itself names.
PatchOutcome apply_patch(const Node& patch, const Node* target, std::vector<Resource>& resources);
/// `namespace`, `namePrefix`, `nameSuffix`, then `replacements`, as kustomize orders them.
void transform(ManifestFiles& files, const Node& kustomization, const std::filesystem::path& folder,
               std::vector<Resource>& resources, std::vector<ReadingNote>& notes);
/// Writes what `vars` stand for wherever a text says `$(NAME)`.
void substitute_vars(std::vector<Resource>& resources, const std::vector<Node>& vars);

}  // namespace logstone::doctor
