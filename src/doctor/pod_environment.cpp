#include "doctor/pod_environment.h"

#include <algorithm>

namespace logstone::doctor {
namespace {

const Resource* find_config_map(const std::vector<Resource>& resources, const std::string& name,
                                const std::string& name_space) {
  const auto found = std::find_if(resources.begin(), resources.end(), [&](const Resource& resource) {
    return resource.kind() == "ConfigMap" && resource.has_name(name) &&
           may_be_same_namespace(resource.name_space(), name_space);
  });
  return found == resources.end() ? nullptr : &*found;
}

Setting from_source(const Node& source, const std::string& name_space, const std::vector<Resource>& resources) {
  Setting setting;
  setting.place = source.place;
  setting.set = true;
  if (const Node* reference = source.at({"configMapKeyRef"}); reference != nullptr) {
    const Resource* map = find_config_map(resources, reference->text_at({"name"}), name_space);
    const Node* value = map != nullptr ? map->root.at({"data", reference->text_at({"key"})}) : nullptr;
    if (value != nullptr && value->is_scalar()) {
      setting.value = value->text;
      setting.place = value->place;
    } else if (reference->text_at({"optional"}) == "true" && map != nullptr && !map->patch_only) {
      setting.set = false;
    } else {
      setting.known = false;
    }
    return setting;
  }
  if (source.text_at({"fieldRef", "fieldPath"}) == "metadata.namespace" && !name_space.empty()) {
    setting.value = name_space;
    return setting;
  }
  setting.known = false;
  return setting;
}

/// `$(NAME)` of variables that stand before.
void expand(Setting& setting, const std::map<std::string, Setting>& before) {
  for (std::size_t at = setting.value.find("$("); at != std::string::npos; at = setting.value.find("$(", at + 1)) {
    const std::size_t end = setting.value.find(')', at);
    if (end == std::string::npos) return;
    const auto found = before.find(setting.value.substr(at + 2, end - at - 2));
    if (found == before.end()) continue;
    if (!found->second.known) setting.known = false;
    setting.value.replace(at, end - at + 1, found->second.value);
  }
}

}  // namespace

std::map<std::string, Setting> container_environment(const Node& container, const std::string& name_space,
                                                     const std::vector<Resource>& resources) {
  std::map<std::string, Setting> environment;
  if (const Node* sources = container.at({"envFrom"}); sources != nullptr) {
    for (const Node& source : sources->items) {
      const std::string prefix = source.text_at({"prefix"});
      const Resource* map = find_config_map(resources, source.text_at({"configMapRef", "name"}), name_space);
      const Node* data = map != nullptr ? map->root.at({"data"}) : nullptr;
      if (data == nullptr) continue;
      for (const NodeEntry& entry : data->entries) {
        environment[prefix + entry.key] = Setting{entry.value.text, entry.value.place, true, true};
      }
    }
  }
  if (const Node* variables = container.at({"env"}); variables != nullptr) {
    for (const Node& variable : variables->items) {
      const std::string name = variable.text_at({"name"});
      if (name.empty()) continue;
      Setting setting;
      if (const Node* source = variable.at({"valueFrom"}); source != nullptr) {
        setting = from_source(*source, name_space, resources);
      } else {
        const Node* value = variable.at({"value"});
        setting =
            Setting{value != nullptr ? value->text : "", value != nullptr ? value->place : variable.place, true, true};
        expand(setting, environment);
      }
      if (setting.set) environment[name] = std::move(setting);
    }
  }
  return environment;
}

std::vector<SecretUse> environment_secrets(const Node& container, const std::vector<std::string>& name_prefixes) {
  std::vector<SecretUse> uses;
  const Node* variables = container.at({"env"});
  if (variables == nullptr) return uses;
  for (const Node& variable : variables->items) {
    const std::string name = variable.text_at({"name"});
    const Node* reference = variable.at({"valueFrom", "secretKeyRef"});
    if (reference == nullptr || reference->text_at({"optional"}) == "true" ||
        std::none_of(name_prefixes.begin(), name_prefixes.end(),
                     [&](const std::string& prefix) { return name.starts_with(prefix); })) {
      continue;
    }
    uses.push_back({reference->text_at({"name"}), reference->text_at({"key"}), reference->place});
  }
  return uses;
}

}  // namespace logstone::doctor
