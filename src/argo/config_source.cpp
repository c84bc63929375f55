#include "argo/config_source.h"

#include <algorithm>

#include "argo/yaml_tree.h"
#include "base/file.h"

namespace logstone::argo {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // Of a ConfigMap or Secret, as Kubernetes allows.
constexpr const char* kController = "workflow-controller-configmap";
constexpr const char* kRepositories = "artifact-repositories";
constexpr const char* kDefaultAnnotation = "workflows.argoproj.io/default-artifact-repository";

/// Names come from manifests and requests: they must not lead out of the folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

class ConfigFolder final : public ConfigSource {
 public:
  explicit ConfigFolder(fs::path folder) : folder_(std::move(folder)) {}

  Result<ConfigMap> config_map(const std::string& name_space, const std::string& name) override {
    const fs::path path = folder_ / name_space / "configmaps" / name;
    std::error_code error;
    if (!is_plain_name(name_space) || !is_plain_name(name) || !fs::is_directory(path, error)) {
      return Error{
          ErrorKind::kNotFound, "read ConfigMap", name_space + "/" + name, "there is no folder " + path.string(), {}};
    }
    ConfigMap map;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      const std::string key = at->path().filename().string();
      // The kubelet's own names for the versions of a volume.
      if (key.starts_with("..") || !fs::is_regular_file(at->path(), error)) continue;
      LOGSTONE_ASSIGN(map.data[key], read_file(at->path(), kMostBytes));
    }
    if (error) return system_error("read ConfigMap", path, error.value());
    return map;
  }

  Result<std::string> secret(const std::string& name_space, const SecretReference& secret) override {
    const fs::path path = folder_ / name_space / "secrets" / secret.name / secret.key;
    std::error_code error;
    if (!is_plain_name(name_space) || !is_plain_name(secret.name) || !is_plain_name(secret.key) ||
        !fs::is_regular_file(path, error)) {
      return Error{ErrorKind::kNotFound, "read Secret", name_space + "/" + secret.name + " key " + secret.key,
                   "there is no file " + path.string(), "mount the Secret there"};
    }
    LOGSTONE_ASSIGN(std::string value, read_file(path, kMostBytes));
    while (value.ends_with('\n')) value.pop_back();
    return value;
  }

 private:
  const fs::path folder_;
};

void add(FoundRepositories& all, const std::string& place, const std::string& text, const std::string& name_space) {
  auto repository = parse_artifact_repository(text, place);
  if (!repository) {
    all.unused.push_back({place, repository.error().reason});
    return;
  }
  repository->name_space = name_space;
  const auto same = [&](const FoundRepository& known) { return known.repository == *repository; };
  if (std::none_of(all.found.begin(), all.found.end(), same)) all.found.push_back({place, *std::move(repository)});
}

void add_repositories(FoundRepositories& all, ConfigSource& source, const std::string& name_space) {
  const std::string place = "ConfigMap " + name_space + "/" + kRepositories;
  auto map = source.config_map(name_space, kRepositories);
  if (!map) {
    all.unused.push_back({place, map.error().reason});
    return;
  }
  const auto chosen = map->annotations.find(kDefaultAnnotation);
  const std::string first = chosen == map->annotations.end() ? kRepositories : chosen->second;
  if (const auto entry = map->data.find(first); entry != map->data.end()) {
    add(all, place + " key " + first, entry->second, name_space);
  }
  for (const auto& [key, text] : map->data) {
    if (key != first) add(all, place + " key " + key, text, name_space);
  }
}

}  // namespace

std::unique_ptr<ConfigSource> open_config_folder(fs::path folder) {
  return std::make_unique<ConfigFolder>(std::move(folder));
}

FoundRepositories find_repositories(ConfigSource& source, const std::string& controller_namespace,
                                    const std::string& name_space) {
  FoundRepositories all;
  const std::string place = "ConfigMap " + controller_namespace + "/" + kController;
  if (auto map = source.config_map(controller_namespace, kController); !map) {
    all.unused.push_back({place, map.error().reason});
  } else if (const auto text = map->data.find("artifactRepository"); text != map->data.end()) {
    add(all, place, text->second, controller_namespace);
  } else if (const auto whole = map->data.find("config"); whole != map->data.end()) {
    // How the configuration was written before it had a key for each part.
    auto tree = read_yaml_tree(whole->second, place);
    const std::string part = tree ? member(*tree, "artifactRepository").dump() : "";
    if (!tree || part == "null") {
      all.unused.push_back({place, tree ? "it has no artifactRepository" : tree.error().reason});
    } else {
      add(all, place, part, controller_namespace);
    }
  } else {
    all.unused.push_back({place, "it has no artifactRepository"});
  }
  if (!name_space.empty()) add_repositories(all, source, name_space);
  if (name_space != controller_namespace) add_repositories(all, source, controller_namespace);
  return all;
}

}  // namespace logstone::argo
