#include "doctor/merge_patch.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace logstone::doctor {
namespace {

/// The field by which a list's elements are told apart; empty: the list is replaced as a whole.
std::string_view merge_key(std::string_view list) {
  for (const std::string_view name : {"containers", "initContainers", "ephemeralContainers", "env", "volumes",
                                      "imagePullSecrets", "secrets", "webhooks", "volumeClaimTemplates"}) {
    if (list == name) return "name";
  }
  if (list == "volumeMounts") return "mountPath";
  if (list == "ports") return "port";
  return {};
}

/// A port's name among containers differs from that among services.
std::string element_key(const Node& element, std::string_view key) {
  std::string text = element.text_at({key});
  if (text.empty() && key == "port") text = element.text_at({"containerPort"});
  return text;
}

bool merge_value(Node& target, const Node& patch, std::string_view name, bool built_in);

void merge_list(Node& target, const Node& patch, std::string_view name, bool built_in) {
  const std::string_view key = built_in ? merge_key(name) : std::string_view();
  bool replace = key.empty() || !target.is_list();
  for (const Node& item : patch.items) {
    if (item.text_at({"$patch"}) == "replace" && item.entries.size() == 1) replace = true;
  }
  if (replace) {
    target = patch;
    std::erase_if(target.items, [](const Node& item) { return item.find("$patch") != nullptr; });
    return;
  }
  for (const Node& item : patch.items) {
    const std::string wanted = element_key(item, key);
    auto found = std::find_if(target.items.begin(), target.items.end(),
                              [&](const Node& one) { return element_key(one, key) == wanted; });
    if (wanted.empty()) found = target.items.end();
    if (found == target.items.end()) {
      if (item.text_at({"$patch"}) != "delete") target.items.push_back(item);
    } else if (!merge_value(*found, item, {}, built_in)) {
      target.items.erase(found);
    }
  }
}

bool merge_value(Node& target, const Node& patch, std::string_view name, bool built_in) {
  if (patch.is_list()) {
    merge_list(target, patch, name, built_in);
    return true;
  }
  if (!patch.is_map()) {
    target = patch;
    return true;
  }
  const std::string directive = patch.text_at({"$patch"});
  if (directive == "delete") return false;
  if (directive == "replace" || !target.is_map()) {
    target = patch;
    target.erase("$patch");
    return true;
  }
  // An environment variable has a value or a source of it, never both.
  if (patch.at({"valueFrom"}) != nullptr) target.erase("value");
  if (patch.at({"value"}) != nullptr) target.erase("valueFrom");
  for (const NodeEntry& entry : patch.entries) {
    if (entry.key.starts_with("$patch") || entry.key.starts_with("$setElementOrder")) continue;
    if (entry.value.is_null()) {
      target.erase(entry.key);
      continue;
    }
    Node* old = target.find(entry.key);
    if (old == nullptr) {
      if (entry.value.text_at({"$patch"}) == "delete") continue;
      target.set(entry.key, entry.value);
    } else if (!merge_value(*old, entry.value, entry.key, built_in)) {
      target.erase(entry.key);
    }
  }
  return true;
}

std::vector<std::string> split_pointer(std::string_view pointer) {
  std::vector<std::string> parts;
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    std::string part;
    for (std::size_t i = 0; i < end; ++i) {
      if (pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
        part += pointer[++i] == '0' ? '~' : '/';
      } else {
        part += pointer[i];
      }
    }
    parts.push_back(std::move(part));
    pointer.remove_prefix(end);
  }
  return parts;
}

std::optional<std::size_t> index_of(const std::string& text) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

Node* step(Node* node, const std::string& part) {
  if (node->is_map()) return node->find(part);
  const auto index = index_of(part);
  return node->is_list() && index && *index < node->items.size() ? &node->items[*index] : nullptr;
}

class JsonPatch {
 public:
  explicit JsonPatch(Node& target) : target_(target) {}

  /// False: the place is not there.
  bool apply(const Node& operation) {
    const std::string op = operation.text_at({"op"});
    const auto path = split_pointer(operation.text_at({"path"}));
    const Node* value = operation.find("value");
    if (op == "add") return value != nullptr && put(path, *value, true);
    if (op == "replace") return value != nullptr && resolve(path) != nullptr && put(path, *value, false);
    if (op == "remove") return take(path).has_value();
    if (op == "test") return resolve(path) != nullptr;
    const auto from = split_pointer(operation.text_at({"from"}));
    if (op == "move") {
      auto moved = take(from);
      return moved && put(path, *moved, true);
    }
    if (op == "copy") {
      const Node* source = resolve(from);
      if (source == nullptr) return false;
      const Node copy = *source;
      return put(path, copy, true);
    }
    return false;
  }

 private:
  Node* resolve(const std::vector<std::string>& path, std::size_t levels_less = 0) {
    Node* node = &target_;
    for (std::size_t i = 0; i + levels_less < path.size() && node != nullptr; ++i) node = step(node, path[i]);
    return node;
  }
  bool put(const std::vector<std::string>& path, const Node& value, bool insert) {
    if (path.empty()) {
      target_ = value;
      return true;
    }
    Node* parent = resolve(path, 1);
    if (parent == nullptr) return false;
    if (parent->is_list()) {
      auto index = path.back() == "-" ? parent->items.size() : index_of(path.back()).value_or(SIZE_MAX);
      if (index > parent->items.size()) return false;
      if (insert) {
        parent->items.insert(parent->items.begin() + static_cast<std::ptrdiff_t>(index), value);
      } else if (index < parent->items.size()) {
        parent->items[index] = value;
      }
      return true;
    }
    if (parent->is_scalar()) return false;
    parent->set(path.back(), value);
    return true;
  }
  std::optional<Node> take(const std::vector<std::string>& path) {
    const Node* found = path.empty() ? nullptr : resolve(path);
    if (found == nullptr) return std::nullopt;
    Node taken = *found;
    Node* parent = resolve(path, 1);
    if (parent->is_list()) {
      parent->items.erase(parent->items.begin() + static_cast<std::ptrdiff_t>(*index_of(path.back())));
    } else {
      parent->erase(path.back());
    }
    return taken;
  }

  Node& target_;
};

}  // namespace

bool merge_strategically(Node& target, const Node& patch, bool built_in_kind) {
  return merge_value(target, patch, {}, built_in_kind);
}

Result<> apply_json_patch(Node& target, const Node& operations) {
  Result<> result;
  JsonPatch patch(target);
  // Patches that add to each other could double a manifest with every step.
  std::size_t budget = 1'000'000;
  for (const Node& operation : operations.items) {
    const std::size_t weight = operation.size() + (operation.text_at({"op"}) == "copy" ? target.size() : 0);
    const bool applied = weight <= budget && patch.apply(operation);
    budget -= std::min(budget, weight);
    if (!applied && result) {
      result = Error{ErrorKind::kInvalidInput, "apply patch",
                     operation.place.file_name() + ':' + std::to_string(operation.place.line),
                     "there is no place for " + operation.text_at({"op"}) + ' ' + operation.text_at({"path"}), ""};
    }
  }
  return result;
}

}  // namespace logstone::doctor
