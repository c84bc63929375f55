// ConfigMaps and Secrets that a kustomization makes from literals, environment files and files.
#pragma once

#include <filesystem>
#include <vector>

#include "doctor/manifest_files.h"
#include "doctor/resource.h"

namespace logstone::doctor {

/// Adds what `configMapGenerator` and `secretGenerator` make, or merges it into what is there. Names get no hash:
/// those who refer to them would get the same one.
void generate(ManifestFiles& files, const Node& kustomization, const std::filesystem::path& folder,
              std::vector<Resource>& resources, std::vector<ReadingNote>& notes);

}  // namespace logstone::doctor
