// Reads manifest files once, however many kustomizations use them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "doctor/manifest_node.h"

namespace logstone::doctor {

class ManifestFiles {
 public:
  /// The file's text; kNotFound, kForbidden, ... as read_file tells them. Files beyond 64 MiB are refused.
  [[nodiscard]] Result<std::string> text(const std::filesystem::path& path) const;
  /// The file's documents, remembered.
  [[nodiscard]] Result<const std::vector<Document>*> documents(const std::filesystem::path& path);
  /// The place of a file's first line; the same name is shared by all its places.
  [[nodiscard]] Place place(const std::filesystem::path& path, int line = 1);

 private:
  std::map<std::string, std::vector<Document>> documents_;
  std::map<std::string, std::shared_ptr<const std::string>> names_;
};

/// `kustomization.yaml` (or .yml, or `Kustomization`) of a folder; empty where there is none.
[[nodiscard]] std::filesystem::path kustomization_file(const std::filesystem::path& folder);

}  // namespace logstone::doctor
