#include "doctor/transformers.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "doctor/field_path.h"
#include "doctor/merge_patch.h"

namespace logstone::doctor {
namespace {

/// One alternative of a selector's text: letters, `.` for any one of them, `.*` for any run.
bool matches_wildcards(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (pattern.substr(p).starts_with(".*")) {
      star = p;
      star_text = t;
      p += 2;
    } else if (p < pattern.size() && (pattern[p] == text[t] || pattern[p] == '.')) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 2;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (pattern.substr(p).starts_with(".*")) p += 2;
  return p == pattern.size();
}

/// A selector's texts are anchored regular expressions; those beyond `.`, `.*` and `|` are compared as they are.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty() || pattern == text) return true;
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  if (pattern.ends_with('$')) pattern.remove_suffix(1);
  while (true) {
    const std::size_t end = std::min(pattern.find('|'), pattern.size());
    if (matches_wildcards(pattern.substr(0, end), text)) return true;
    if (end == pattern.size()) return false;
    pattern.remove_prefix(end + 1);
  }
}

bool has_labels(const Resource& resource, const std::string& selector, std::string_view where) {
  std::string_view rest = selector;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view one = rest.substr(0, end);
    if (const std::size_t equals = one.find('='); equals != std::string_view::npos) {
      const std::string key(one.substr(0, equals));
      const std::string value(one.substr(one.find_last_of('=') + 1));
      if (resource.root.text_at({"metadata", where, key}) != value) return false;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return true;
}

bool selects(const Node& selector, const Resource& resource) {
  const std::string name = selector.text_at({"name"});
  const bool named =
      matches(name, resource.name()) || std::any_of(resource.former_names.begin(), resource.former_names.end(),
                                                    [&](const std::string& former) { return matches(name, former); });
  const std::string space = resource.name_space();
  const std::string wanted_space = selector.text_at({"namespace"});
  return named && matches(selector.text_at({"kind"}), resource.kind()) &&
         (wanted_space.empty() || space.empty() || matches(wanted_space, space)) &&
         has_labels(resource, selector.text_at({"labelSelector"}), "labels") &&
         has_labels(resource, selector.text_at({"annotationSelector"}), "annotations");
}

/// Names of ConfigMaps and Secrets, wherever a pod refers to one.
void rename_references(Node& node, const std::string& kind, const std::map<std::string, std::string>& names) {
  const auto rename = [&](Node* holder, const char* field) {
    Node* name = holder != nullptr ? holder->find(field) : nullptr;
    if (name == nullptr || !name->is_scalar()) return;
    if (const auto found = names.find(name->text); found != names.end()) name->text = found->second;
  };
  if (node.is_map()) {
    if (kind == "ConfigMap") {
      rename(node.find("configMapKeyRef"), "name");
      rename(node.find("configMapRef"), "name");
      rename(node.find("configMap"), "name");
    } else {
      rename(node.find("secretKeyRef"), "name");
      rename(node.find("secretRef"), "name");
      rename(node.find("secret"), "secretName");
    }
  }
  for (Node& item : node.items) rename_references(item, kind, names);
  for (NodeEntry& entry : node.entries) rename_references(entry.value, kind, names);
}

void rename_all(std::vector<Resource>& resources, const std::string& prefix, const std::string& suffix) {
  std::map<std::string, std::map<std::string, std::string>> renamed;
  for (Resource& resource : resources) {
    if (resource.kind() == "Namespace" || resource.kind() == "CustomResourceDefinition") continue;
    Node* metadata = resource.root.find("metadata");
    Node* name = metadata != nullptr ? metadata->find("name") : nullptr;
    if (name == nullptr || !name->is_scalar()) continue;
    const std::string made = prefix + name->text + suffix;
    for (const std::string& former : resource.former_names) renamed[resource.kind()][former] = made;
    renamed[resource.kind()][name->text] = made;
    resource.former_names.push_back(name->text);
    name->text = made;
  }
  for (const char* kind : {"ConfigMap", "Secret"}) {
    if (!renamed.contains(kind)) continue;
    for (Resource& resource : resources) rename_references(resource.root, kind, renamed[kind]);
  }
}

void set_namespace(std::vector<Resource>& resources, const Node& name_space) {
  for (Resource& resource : resources) {
    if (is_cluster_scoped(resource.kind())) continue;
    Node* metadata = resource.root.find("metadata");
    if (metadata == nullptr || !metadata->is_map())
      metadata = &resource.root.set("metadata", Node::map(name_space.place));
    metadata->set("namespace", Node::scalar(name_space.text, name_space.place));
  }
}

long option_index(const Node& of) {
  const std::string text = of.text_at({"options", "index"});
  long index = 0;
  std::from_chars(text.data(), text.data() + text.size(), index);
  return index;
}

void replace(const Node& replacement, std::vector<Resource>& resources) {
  const Node* source = replacement.at({"source"});
  const Node* targets = replacement.at({"targets"});
  if (targets == nullptr) return;
  std::optional<std::string> value;
  Place place = replacement.place;
  if (source != nullptr) {
    const auto found = std::find_if(resources.begin(), resources.end(),
                                    [&](const Resource& resource) { return selects(*source, resource); });
    if (found == resources.end()) return;
    const std::string path = source->text_at({"fieldPath"});
    const std::string field = path.empty() ? "metadata.name" : path;
    value = read_field(found->root, field, source->text_at({"options", "delimiter"}), option_index(*source));
    if (const auto fields = select_fields(found->root, field); !fields.empty()) place = fields.front()->place;
  } else if (const Node* constant = replacement.at({"sourceValue"}); constant != nullptr && constant->is_scalar()) {
    value = constant->text;
  }
  // What is too large for a name or an address is no replacement's value; it could double a text with each step.
  if (!value || value->size() > 4096) return;
  for (const Node& target : targets->items) {
    const Node* select = target.at({"select"});
    const Node* paths = target.at({"fieldPaths"});
    if (select == nullptr || paths == nullptr) continue;
    for (Resource& resource : resources) {
      if (!selects(*select, resource)) continue;
      for (const Node& path : paths->items) {
        auto fields = select_fields(resource.root, path.text);
        if (fields.empty() && target.text_at({"options", "create"}) == "true") {
          const std::size_t dot = path.text.rfind('.');
          if (dot == std::string::npos) continue;
          for (Node* parent : select_fields(resource.root, std::string_view(path.text).substr(0, dot))) {
            if (parent->is_map()) fields.push_back(&parent->set(path.text.substr(dot + 1), Node::scalar("", place)));
          }
        }
        for (Node* field : fields) {
          write_field(*field, *value, target.text_at({"options", "delimiter"}), option_index(target), place);
        }
      }
    }
  }
}

}  // namespace

PatchOutcome apply_patch(const Node& patch, const Node* target, std::vector<Resource>& resources) {
  PatchOutcome outcome;
  for (auto resource = resources.begin(); resource != resources.end();) {
    const bool chosen = target != nullptr
                            ? selects(*target, *resource)
                            : patch.text_at({"kind"}) == resource->kind() &&
                                  resource->has_name(patch.text_at({"metadata", "name"})) &&
                                  (patch.text_at({"metadata", "namespace"}).empty() || resource->name_space().empty() ||
                                   patch.text_at({"metadata", "namespace"}) == resource->name_space());
    if (!chosen) {
      ++resource;
      continue;
    }
    ++outcome.applied;
    if (patch.is_list()) {
      if (auto done = apply_json_patch(resource->root, patch); !done) outcome.problem = done.error().reason;
      ++resource;
      continue;
    }
    const std::string name = resource->name();
    const std::string name_space = resource->name_space();
    if (!merge_strategically(resource->root, patch, is_built_in(resource->root))) {
      resource = resources.erase(resource);
      continue;
    }
    // A patch finds its object by name; it does not rename it.
    if (Node* metadata = resource->root.find("metadata"); metadata != nullptr && metadata->is_map()) {
      if (!name.empty()) metadata->set("name", Node::scalar(name, metadata->place));
      if (!name_space.empty()) metadata->set("namespace", Node::scalar(name_space, metadata->place));
    }
    ++resource;
  }
  return outcome;
}

void transform(ManifestFiles& files, const Node& kustomization, const std::filesystem::path& folder,
               std::vector<Resource>& resources, std::vector<ReadingNote>& notes) {
  const Node* name_space = kustomization.at({"namespace"});
  if (name_space != nullptr && name_space->is_scalar()) set_namespace(resources, *name_space);
  const std::string prefix = kustomization.text_at({"namePrefix"});
  const std::string suffix = kustomization.text_at({"nameSuffix"});
  if (!prefix.empty() || !suffix.empty()) rename_all(resources, prefix, suffix);
  const Node* replacements = kustomization.find("replacements");
  if (replacements == nullptr) return;
  for (const Node& replacement : replacements->items) {
    const Node* path = replacement.at({"path"});
    if (path == nullptr || !path->is_scalar()) {
      replace(replacement, resources);
      continue;
    }
    const auto documents = files.documents(folder / path->text);
    if (!documents) {
      notes.push_back({ReadingNote::Kind::kMissing, path->place, documents.error().message()});
      continue;
    }
    for (const Document& document : **documents) {
      if (document.root.is_map()) replace(document.root, resources);
      for (const Node& item : document.root.items) replace(item, resources);
    }
  }
}

void substitute_vars(std::vector<Resource>& resources, const std::vector<Node>& vars) {
  std::map<std::string, std::string> values;
  for (const Node& var : vars) {
    const Node* object = var.at({"objref"});
    if (object == nullptr) continue;
    const auto found = std::find_if(resources.begin(), resources.end(),
                                    [&](const Resource& resource) { return selects(*object, resource); });
    if (found == resources.end()) continue;
    std::string path = var.text_at({"fieldref", "fieldpath"});
    if (path.empty()) path = var.text_at({"fieldref", "fieldPath"});
    const auto value = read_field(found->root, path.empty() ? "metadata.name" : path, "", 0);
    if (value && value->size() <= 4096) values["$(" + var.text_at({"name"}) + ')'] = *value;
  }
  if (values.empty()) return;
  const std::function<void(Node&)> substitute = [&](Node& node) {
    for (const auto& [name, value] : values) {
      for (std::size_t at = node.text.find(name); at != std::string::npos;
           at = node.text.find(name, at + value.size())) {
        node.text.replace(at, name.size(), value);
      }
    }
    for (Node& item : node.items) substitute(item);
    for (NodeEntry& entry : node.entries) substitute(entry.value);
  };
  for (Resource& resource : resources) substitute(resource.root);
}

}  // namespace logstone::doctor
