#include "doctor/manifest_files.h"

#include "base/file.h"

namespace logstone::doctor {

Result<std::string> ManifestFiles::text(const std::filesystem::path& path) const {
  std::error_code error;
  // A pipe or a device would never end.
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return Error{ErrorKind::kInvalidInput, "read manifest", path.string(), "it is no regular file", ""};
  }
  return read_file(path, std::size_t{64} << 20);
}

Result<const std::vector<Document>*> ManifestFiles::documents(const std::filesystem::path& path) {
  const std::string key = path.lexically_normal().string();
  const auto known = documents_.find(key);
  if (known != documents_.end()) return &known->second;
  LOGSTONE_ASSIGN(const std::string content, text(path));
  return &documents_.emplace(key, read_documents(content, place(path))).first->second;
}

Place ManifestFiles::place(const std::filesystem::path& path, int line) {
  std::string name = path.lexically_normal().string();
  auto& shared = names_[name];
  if (!shared) shared = std::make_shared<const std::string>(std::move(name));
  return Place{shared, line};
}

std::filesystem::path kustomization_file(const std::filesystem::path& folder) {
  std::error_code error;
  for (const char* name : {"kustomization.yaml", "kustomization.yml", "Kustomization"}) {
    if (std::filesystem::is_regular_file(folder / name, error)) return folder / name;
  }
  return {};
}

}  // namespace logstone::doctor
