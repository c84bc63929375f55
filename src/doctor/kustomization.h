// What `kustomize build` makes of a folder, as far as logs depend on it, without kustomize.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "doctor/manifest_files.h"
#include "doctor/resource.h"

namespace logstone::doctor {

struct BuiltKustomization {
  std::vector<Resource> resources;
  std::vector<ReadingNote> notes;
  bool remote = false;                       ///< Something was taken from a URL, which was not read.
  std::vector<std::filesystem::path> files;  ///< Every file that was read, for telling what was not.
};

/// Reads resources, bases, components, patches of every form, generators, namespace, prefix and suffix of names,
/// replacements and vars. What cannot be read becomes a note; labels, images and replicas do not matter to logs.
/// Patches of objects that come from a URL stand as objects of their own (`patch_only`).
[[nodiscard]] BuiltKustomization build_kustomization(ManifestFiles& files, const std::filesystem::path& folder);
/// The local folders that a kustomization includes: bases, resources, components.
[[nodiscard]] std::vector<std::filesystem::path> included_folders(ManifestFiles& files,
                                                                  const std::filesystem::path& folder);
/// "Kustomization" or "Component"; empty where the file cannot be read.
[[nodiscard]] std::string kustomization_kind(ManifestFiles& files, const std::filesystem::path& folder);

}  // namespace logstone::doctor
