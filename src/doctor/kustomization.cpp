#include "doctor/kustomization.h"

#include <algorithm>
#include <set>

#include "doctor/generators.h"
#include "doctor/transformers.h"

namespace logstone::doctor {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLevels = 50;
/// One tree may take up another many times over; a deployment of this many values is none.
constexpr std::size_t kMaxResources = 20'000;

bool is_remote(const std::string& reference) {
  return reference.find("://") != std::string::npos || reference.find("?ref=") != std::string::npos ||
         reference.starts_with("github.com/") || reference.starts_with("git@") || reference.starts_with("git::");
}

const Node* first_document(ManifestFiles& files, const fs::path& file) {
  const auto documents = files.documents(file);
  return documents && !(*documents)->empty() && (*documents)->front().root.is_map() ? &(*documents)->front().root
                                                                                    : nullptr;
}

class Builder {
 public:
  explicit Builder(ManifestFiles& files) : files_(files) {}

  BuiltKustomization build(const fs::path& folder) {
    Accumulated all;
    add_folder(folder, files_.place(folder, 0), all, 0);
    substitute_vars(all.resources, all.vars);
    BuiltKustomization built;
    built.resources = std::move(all.resources);
    built.notes = std::move(notes_);
    built.remote = all.remote;
    built.files = std::move(read_);
    return built;
  }

 private:
  struct Accumulated {
    std::vector<Resource> resources;
    std::vector<Node> vars;
    bool remote = false;
  };

  void note(ReadingNote::Kind kind, const Place& place, std::string what) {
    notes_.push_back({kind, place, std::move(what)});
  }

  void add_folder(const fs::path& folder, const Place& from, Accumulated& into, int level) {
    const fs::path file = kustomization_file(folder);
    if (file.empty()) {
      return note(ReadingNote::Kind::kMissing, from, "the folder " + folder.string() + " has no kustomization.yaml");
    }
    const std::string id = fs::weakly_canonical(folder, ignored_).string();
    if (level > kMaxLevels || !open_.insert(id).second) {
      return note(ReadingNote::Kind::kMissing, from, folder.string() + " includes itself");
    }
    const Node* document = first_document(files_, file);
    read_.push_back(file);
    if (document == nullptr) {
      note(ReadingNote::Kind::kUnreadable, files_.place(file), "the kustomization cannot be read");
    } else if (document->text_at({"kind"}) == "Component") {
      // A component works on what its user has gathered.
      add(*document, folder, into, level);
    } else {
      Accumulated own;
      add(*document, folder, own, level);
      into.remote |= own.remote;
      std::move(own.resources.begin(), own.resources.end(), std::back_inserter(into.resources));
      std::move(own.vars.begin(), own.vars.end(), std::back_inserter(into.vars));
    }
    open_.erase(id);
  }

  void add(const Node& document, const fs::path& folder, Accumulated& all, int level) {
    for (const char* key : {"bases", "resources"}) add_references(document.find(key), folder, all, level);
    generate(files_, document, folder, all.resources, notes_);
    add_references(document.find("components"), folder, all, level);
    if (const Node* vars = document.find("vars"); vars != nullptr) {
      std::copy(vars->items.begin(), vars->items.end(), std::back_inserter(all.vars));
    }
    for (const char* key : {"patchesStrategicMerge", "patchesJson6902", "patches"}) {
      const Node* patches = document.find(key);
      if (patches == nullptr) continue;
      for (const Node& patch : patches->items) add_patch(patch, folder, all);
    }
    transform(files_, document, folder, all.resources, notes_);
  }

  void add_references(const Node* list, const fs::path& folder, Accumulated& all, int level) {
    if (list == nullptr) return;
    for (const Node& item : list->items) {
      if (!item.is_scalar() || item.text.empty()) continue;
      if (all.resources.size() > kMaxResources) return;
      const fs::path path = (folder / item.text).lexically_normal();
      if (fs::is_directory(path, ignored_)) {
        add_folder(path, item.place, all, level + 1);
      } else if (is_remote(item.text)) {
        all.remote = true;
        note(ReadingNote::Kind::kRemote, item.place, item.text);
      } else {
        add_file(path, item.place, all);
      }
    }
  }

  void add_file(const fs::path& path, const Place& from, Accumulated& all) {
    const auto documents = files_.documents(path);
    if (!documents) return note(ReadingNote::Kind::kMissing, from, documents.error().message());
    read_.push_back(path);
    for (const Document& document : **documents) {
      if (!document.problem.empty()) {
        note(document.helm_template ? ReadingNote::Kind::kHelmTemplate : ReadingNote::Kind::kUnreadable,
             document.problem_place, document.problem);
        continue;
      }
      auto resources = resources_of(document.root);
      std::move(resources.begin(), resources.end(), std::back_inserter(all.resources));
    }
  }

  /// A patch as its documents: in the list itself, in a file, or as text within the kustomization.
  std::vector<Document> patch_documents(const Node& patch, const fs::path& folder) {
    const Node* text = patch.is_scalar() ? &patch : patch.at({"patch"});
    const bool inline_text = text != nullptr && text->text.find('\n') != std::string::npos;
    if (patch.is_scalar() && !inline_text) return file_documents(folder / patch.text, patch.place);
    if (text != nullptr && text->is_scalar()) {
      return read_documents(text->text, Place{text->place.file, text->place.line + (text->literal ? 1 : 0)});
    }
    const Node* path = patch.at({"path"});
    if (path == nullptr || !path->is_scalar()) return {};
    return file_documents(folder / path->text, path->place);
  }
  std::vector<Document> file_documents(const fs::path& path, const Place& from) {
    const auto documents = files_.documents(path);
    if (!documents) {
      note(ReadingNote::Kind::kMissing, from, documents.error().message());
      return {};
    }
    read_.push_back(path.lexically_normal());
    return **documents;
  }

  void add_patch(const Node& patch, const fs::path& folder, Accumulated& all) {
    const Node* target = patch.is_map() ? patch.at({"target"}) : nullptr;
    for (Document& document : patch_documents(patch, folder)) {
      if (!document.problem.empty()) {
        note(ReadingNote::Kind::kUnreadable, document.problem_place, document.problem);
        continue;
      }
      const PatchOutcome outcome = apply_patch(document.root, target, all.resources);
      if (!outcome.problem.empty()) note(ReadingNote::Kind::kNotApplied, document.place, outcome.problem);
      if (outcome.applied > 0 || document.root.is_list()) continue;
      if (all.remote) {
        for (Resource& resource : resources_of(std::move(document.root))) {
          resource.patch_only = true;
          all.resources.push_back(std::move(resource));
        }
      } else if (target == nullptr) {
        note(ReadingNote::Kind::kNotApplied, document.place,
             "nothing here is the " + document.root.text_at({"kind"}) + ' ' +
                 document.root.text_at({"metadata", "name"}) + " that it patches");
      }
    }
  }

  ManifestFiles& files_;
  std::vector<ReadingNote> notes_;
  std::vector<fs::path> read_;
  std::set<std::string> open_;
  std::error_code ignored_;
};

}  // namespace

BuiltKustomization build_kustomization(ManifestFiles& files, const fs::path& folder) {
  return Builder(files).build(folder);
}

std::vector<fs::path> included_folders(ManifestFiles& files, const fs::path& folder) {
  std::vector<fs::path> included;
  const Node* document = first_document(files, kustomization_file(folder));
  if (document == nullptr) return included;
  std::error_code ignored;
  for (const char* key : {"resources", "bases", "components"}) {
    const Node* list = document->find(key);
    if (list == nullptr) continue;
    for (const Node& item : list->items) {
      const fs::path path = (folder / item.text).lexically_normal();
      if (item.is_scalar() && !item.text.empty() && fs::is_directory(path, ignored)) included.push_back(path);
    }
  }
  return included;
}

std::string kustomization_kind(ManifestFiles& files, const fs::path& folder) {
  const Node* document = first_document(files, kustomization_file(folder));
  if (document == nullptr) return "";
  return document->text_at({"kind"}) == "Component" ? "Component" : "Kustomization";
}

}  // namespace logstone::doctor
