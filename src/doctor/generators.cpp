#include "doctor/generators.h"

#include <algorithm>
#include <string>
#include <utility>

namespace logstone::doctor {
namespace {

namespace fs = std::filesystem;

class Generator {
 public:
  Generator(ManifestFiles& files, const fs::path& folder, std::vector<ReadingNote>& notes)
      : files_(files), folder_(folder), notes_(notes) {}

  Node data(const Node& entry) {
    Node data = Node::map(entry.place);
    for_each_text(entry.find("literals"), [&](const Node& literal) { add_line(data, literal.text, literal.place); });
    for_each_text(entry.find("envs"), [&](const Node& file) { add_env_file(data, file); });
    if (const Node* env = entry.at({"env"}); env != nullptr && env->is_scalar()) add_env_file(data, *env);
    for_each_text(entry.find("files"), [&](const Node& file) { add_file(data, file); });
    return data;
  }

 private:
  template <class Each>
  static void for_each_text(const Node* list, const Each& each) {
    if (list == nullptr) return;
    for (const Node& item : list->items) {
      if (item.is_scalar()) each(item);
    }
  }

  static void add_line(Node& data, std::string_view line, const Place& place) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) return;
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    data.set(line.substr(0, equals), Node::scalar(std::string(value), place));
  }

  void add_env_file(Node& data, const Node& name) {
    const fs::path path = folder_ / name.text;
    const auto content = read(path, name);
    if (!content) return;
    std::string_view rest = *content;
    for (int line = 1; !rest.empty(); ++line) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view text = rest.substr(0, end);
      while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
      text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
      if (!text.empty() && text[0] != '#') add_line(data, text, files_.place(path, line));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  void add_file(Node& data, const Node& name) {
    const std::size_t equals = name.text.find('=');
    const std::string file = equals == std::string::npos ? name.text : name.text.substr(equals + 1);
    const std::string key =
        equals == std::string::npos ? fs::path(file).filename().string() : name.text.substr(0, equals);
    auto content = read(folder_ / file, name);
    if (!content) return;
    Node value = Node::scalar(*std::move(content), files_.place(folder_ / file, 0));
    // Its lines are the file's lines: line 0 stands for the `|` of a block.
    value.literal = true;
    data.set(key, std::move(value));
  }

  std::optional<std::string> read(const fs::path& path, const Node& name) {
    auto content = files_.text(path);
    if (content) return *std::move(content);
    notes_.push_back({ReadingNote::Kind::kMissing, name.place, content.error().message()});
    return std::nullopt;
  }

  ManifestFiles& files_;
  const fs::path& folder_;
  std::vector<ReadingNote>& notes_;
};

void add_generated(const Node& entry, const std::string& kind, Node data, std::vector<Resource>& resources) {
  const std::string name = entry.text_at({"name"});
  const std::string behavior = entry.text_at({"behavior"});
  const char* field = kind == "Secret" ? "stringData" : "data";
  const auto found = std::find_if(resources.begin(), resources.end(), [&](const Resource& resource) {
    return resource.kind() == kind && resource.has_name(name);
  });
  if (found != resources.end() && (behavior == "merge" || behavior == "replace")) {
    Node* old = found->root.find(field);
    if (old == nullptr || behavior == "replace") {
      found->root.set(field, std::move(data));
      return;
    }
    for (NodeEntry& one : data.entries) old->set(one.key, std::move(one.value));
    return;
  }
  Resource made;
  made.root = Node::map(entry.place);
  made.root.set("apiVersion", Node::scalar("v1", entry.place));
  made.root.set("kind", Node::scalar(kind, entry.place));
  Node& metadata = made.root.set("metadata", Node::map(entry.place));
  metadata.set("name", Node::scalar(name, entry.place));
  if (const std::string space = entry.text_at({"namespace"}); !space.empty()) {
    metadata.set("namespace", Node::scalar(space, entry.place));
  }
  made.root.set(field, std::move(data));
  // It merges into something that is elsewhere (a URL): what it says stands for itself.
  made.patch_only = behavior == "merge";
  resources.push_back(std::move(made));
}

}  // namespace

void generate(ManifestFiles& files, const Node& kustomization, const fs::path& folder, std::vector<Resource>& resources,
              std::vector<ReadingNote>& notes) {
  Generator generator(files, folder, notes);
  for (const auto& [key, kind] : {std::pair{"configMapGenerator", "ConfigMap"}, {"secretGenerator", "Secret"}}) {
    const Node* list = kustomization.find(key);
    if (list == nullptr) continue;
    for (const Node& entry : list->items) {
      if (entry.is_map()) add_generated(entry, kind, generator.data(entry), resources);
    }
  }
}

}  // namespace logstone::doctor
