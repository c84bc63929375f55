#include "doctor/manifest_set.h"

#include <algorithm>
#include <map>
#include <set>

#include "doctor/kustomization.h"

namespace logstone::doctor {
namespace {

namespace fs = std::filesystem;

/// One plain file's content.
struct PlainFile {
  std::string name;
  std::vector<Resource> resources;
  std::vector<LooseDocument> loose;
};

bool has_manifest_extension(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json" || extension == ".xml";
}

std::string identity(const Resource& resource) {
  return resource.kind() + '\n' + resource.name_space() + '\n' + resource.name();
}

/// Whether a deployment's logs are decided by these objects, rather than by those who look on.
bool has_engine(const std::vector<Resource>& resources) {
  return std::any_of(resources.begin(), resources.end(), [](const Resource& resource) {
    const std::string name = resource.name();
    return (resource.kind() == "ConfigMap" && name.find("workflow-controller-configmap") != std::string::npos) ||
           (resource.kind() == "Deployment" && (name.find("workflow-controller") != std::string::npos ||
                                                name.find("ml-pipeline-ui") != std::string::npos));
  });
}

class Reader {
 public:
  Result<ManifestSet> read(const std::vector<std::string>& paths, std::string_view standard_input) {
    for (const std::string& path : paths) {
      if (path == "-") {
        const Place place{std::make_shared<const std::string>("(standard input)"), 1};
        take_text(standard_input, place, read_documents(standard_input, place));
        continue;
      }
      std::error_code error;
      if (fs::is_directory(path, error)) {
        LOGSTONE_TRY(walk(path));
      } else {
        LOGSTONE_TRY(take_file(path));
      }
    }
    add_kustomizations();
    add_plain_files();
    if (set_.documents == 0) {
      std::string reason = "no manifest could be read";
      if (!set_.notes.empty()) {
        const ReadingNote& first = set_.notes.front();
        reason += ": " + first.place.file_name() + ':' + std::to_string(first.place.line) + ": " + first.what;
      }
      return Error{ErrorKind::kInvalidInput, "read", paths.empty() ? "" : paths.front(), std::move(reason),
                   "Give YAML files, folders that hold some, or \"-\" for standard input."};
    }
    return std::move(set_);
  }

 private:
  Result<> walk(const fs::path& root) {
    std::error_code error;
    std::vector<fs::path> files;
    std::set<fs::path> kustomized;
    std::vector<fs::path> charts;
    auto entry = fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied, error);
    if (error) return system_error_of(root, error);
    for (const fs::recursive_directory_iterator end; entry != end; entry.increment(error)) {
      if (error) return system_error_of(root, error);
      const fs::path& path = entry->path();
      const std::string name = path.filename().string();
      if (entry->is_directory(error)) {
        if (name.size() > 1 && name.front() == '.') entry.disable_recursion_pending();
        continue;
      }
      if (name == "Chart.yaml") charts.push_back(path.parent_path());
      if (has_manifest_extension(path) || name == "Kustomization") files.push_back(path);
    }
    std::sort(files.begin(), files.end());
    const auto is_within = [](const fs::path& path, const fs::path& folder) {
      const auto mismatch = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
      return mismatch.first == folder.end();
    };
    std::sort(charts.begin(), charts.end());
    for (const fs::path& chart : charts) {
      set_.notes.push_back({ReadingNote::Kind::kHelmChart, files_.place(chart / "Chart.yaml"), chart.string()});
      ++set_.documents;
    }
    const auto in_chart = [&](const fs::path& path) {
      return std::any_of(charts.begin(), charts.end(), [&](const fs::path& chart) { return is_within(path, chart); });
    };
    for (const fs::path& path : files) {
      if (!in_chart(path) && kustomization_file(path.parent_path()) == path) kustomized.insert(path.parent_path());
    }
    kustomizations_.insert(kustomizations_.end(), kustomized.begin(), kustomized.end());
    for (const fs::path& path : files) {
      if (in_chart(path) || kustomization_file(path.parent_path()) == path) continue;
      const bool beneath = std::any_of(kustomized.begin(), kustomized.end(),
                                       [&](const fs::path& folder) { return is_within(path, folder); });
      if (beneath && path.extension() != ".xml") {
        beneath_.push_back(path);
        continue;
      }
      // In a walk, a file that cannot be read is told; the others are still read.
      if (auto taken = take_file(path); !taken) {
        set_.notes.push_back({ReadingNote::Kind::kUnreadable, files_.place(path), taken.error().message()});
      }
    }
    return {};
  }

  static Error system_error_of(const fs::path& path, const std::error_code& error) {
    return Error{ErrorKind::kInvalidInput, "read folder", path.string(), error.message(), ""};
  }

  Result<> take_file(const fs::path& path) {
    auto content = files_.text(path);
    if (!content) {
      Error error = std::move(content).error();
      error.kind = ErrorKind::kInvalidInput;
      return error;
    }
    const fs::path absolute = fs::weakly_canonical(path);
    if (!taken_.insert(absolute.string()).second) return {};
    if (path.extension() == ".xml" || content->substr(0, 256).find("<?xml") != std::string::npos ||
        content->substr(0, 256).find("<LifecycleConfiguration") != std::string::npos) {
      ++set_.files;
      ++set_.documents;
      PlainFile file{path.lexically_normal().string(), {}, {}};
      file.loose.push_back({Node(), *std::move(content), files_.place(path)});
      plain_.push_back(std::move(file));
      return {};
    }
    const std::string name = path.filename().string();
    if (name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization") {
      kustomizations_.push_back(path.parent_path().empty() ? fs::path(".") : path.parent_path());
      return {};
    }
    LOGSTONE_ASSIGN(const auto* documents, files_.documents(path));
    take_text(*content, files_.place(path), *documents);
    return {};
  }

  void take_text(std::string_view text, const Place& place, const std::vector<Document>& documents) {
    ++set_.files;
    PlainFile file{place.file_name(), {}, {}};
    for (const Document& document : documents) {
      if (!document.problem.empty() || (document.helm_template && resources_of(document.root).empty())) {
        set_.notes.push_back(
            {document.helm_template ? ReadingNote::Kind::kHelmTemplate : ReadingNote::Kind::kUnreadable,
             document.problem.empty() ? document.place : document.problem_place, document.problem});
        continue;
      }
      // A lone scalar is no manifest: what a text file or a program's output looks like to a YAML parser.
      if (document.root.is_scalar()) {
        set_.notes.push_back({ReadingNote::Kind::kUnreadable, document.place, "this is text, not a manifest"});
        continue;
      }
      ++set_.documents;
      auto resources = resources_of(document.root);
      if (resources.empty()) file.loose.push_back({document.root, "", document.place});
      if (document.helm_template && text.find(".Values") != std::string_view::npos) {
        set_.notes.push_back({ReadingNote::Kind::kHelmTemplate, document.place, ""});
      }
      std::move(resources.begin(), resources.end(), std::back_inserter(file.resources));
    }
    plain_.push_back(std::move(file));
  }

  void add_kustomizations() {
    std::set<std::string> included;
    std::set<std::string> seen;
    for (const fs::path& folder : kustomizations_) {
      for (const fs::path& one : included_folders(files_, folder)) {
        const std::string id = fs::weakly_canonical(one).string();
        if (id != fs::weakly_canonical(folder).string()) included.insert(id);
      }
    }
    const bool single = kustomizations_.size() == 1;
    std::set<std::string> used;
    for (const fs::path& folder : kustomizations_) {
      const std::string id = fs::weakly_canonical(folder).string();
      if (!seen.insert(id).second || included.contains(id)) continue;
      if (!single && kustomization_kind(files_, folder) == "Component") continue;
      BuiltKustomization built = build_kustomization(files_, folder);
      for (const fs::path& path : built.files) used.insert(fs::weakly_canonical(path).string());
      set_.files += built.files.size();
      set_.documents += built.resources.size() + 1;
      std::move(built.notes.begin(), built.notes.end(), std::back_inserter(set_.notes));
      set_.deployments.push_back({folder.lexically_normal().string(), std::move(built.resources), {}, built.remote});
    }
    for (const fs::path& path : beneath_) {
      if (!used.contains(fs::weakly_canonical(path).string())) ++set_.unused;
    }
  }

  /// Files that define the same object cannot be applied together: each of them is a deployment of its own.
  void add_plain_files() {
    std::map<std::string, std::set<std::size_t>> owners;
    for (std::size_t i = 0; i < plain_.size(); ++i) {
      for (const Resource& resource : plain_[i].resources) {
        if (!resource.name().empty()) owners[identity(resource)].insert(i);
      }
    }
    std::set<std::size_t> alone;
    for (const auto& [id, files] : owners) {
      if (files.size() > 1) alone.insert(files.begin(), files.end());
    }
    Deployment together;
    std::size_t count = 0;
    for (std::size_t i = 0; i < plain_.size(); ++i) {
      PlainFile& file = plain_[i];
      if (alone.contains(i) && has_engine(file.resources)) {
        set_.deployments.push_back({file.name, std::move(file.resources), std::move(file.loose), false});
        continue;
      }
      if (++count == 1) together.name = file.name;
      std::move(file.resources.begin(), file.resources.end(), std::back_inserter(together.resources));
      std::move(file.loose.begin(), file.loose.end(), std::back_inserter(together.loose));
    }
    if (count == 0) return;
    if (count > 1) together.name = std::to_string(count) + " files";
    // Workflows, Secrets and lifecycle rules beside kustomizations belong to each of them.
    if (set_.deployments.empty() || has_engine(together.resources)) {
      set_.deployments.push_back(std::move(together));
      return;
    }
    for (Deployment& deployment : set_.deployments) {
      deployment.resources.insert(deployment.resources.end(), together.resources.begin(), together.resources.end());
      deployment.loose.insert(deployment.loose.end(), together.loose.begin(), together.loose.end());
    }
  }

  ManifestFiles files_;
  ManifestSet set_;
  std::vector<fs::path> kustomizations_;
  std::vector<fs::path> beneath_;
  std::vector<PlainFile> plain_;
  std::set<std::string> taken_;
};

}  // namespace

Result<ManifestSet> read_manifests(const std::vector<std::string>& paths, std::string_view standard_input) {
  try {
    return Reader().read(paths, standard_input);
  } catch (const fs::filesystem_error& error) {
    return Error{ErrorKind::kInvalidInput, "read", error.path1().string(), error.code().message(), ""};
  }
}

}  // namespace logstone::doctor
