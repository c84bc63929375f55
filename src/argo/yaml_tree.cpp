#include "argo/yaml_tree.h"

#include <yaml-cpp/yaml.h>

namespace logstone::argo {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostValues = 100'000;
constexpr int kMostLevels = 100;

/// False once it is too much.
bool copy(const YAML::Node& node, int level, std::size_t& values, json& out) {
  if (level > kMostLevels || ++values > kMostValues) return false;
  if (node.IsScalar()) {
    out = node.Scalar();
  } else if (node.IsSequence()) {
    out = json::array();
    for (const auto& item : node) {
      out.emplace_back();
      if (!copy(item, level + 1, values, out.back())) return false;
    }
  } else if (node.IsMap()) {
    out = json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) continue;
      if (!copy(entry.second, level + 1, values, out[entry.first.Scalar()])) return false;
    }
  }
  return true;
}

}  // namespace

Result<json> read_yaml_tree(std::string_view text, const std::string& subject) {
  const auto fail = [&](std::string reason) {
    return Error{ErrorKind::kInvalidInput, "read", subject, std::move(reason), {}};
  };
  if (text.size() > kMostBytes) return fail("it is larger than 1 MiB");
  try {
    json out;
    std::size_t values = 0;
    // A single document: LoadAll never ends on some malformed texts.
    if (!copy(YAML::Load(std::string(text)), 0, values, out)) return fail("it is nested too deep, or too large");
    return out;
  } catch (const YAML::Exception& error) {
    return fail("it is no YAML: " + error.msg + " (line " + std::to_string(error.mark.line + 1) + ")");
  }
}

const json& member(const json& object, std::string_view name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(std::string(name));
  return found == object.end() ? nothing : *found;
}

std::string text_of(const json& object, std::string_view name) {
  const json& value = member(object, name);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return {};
}

bool flag_of(const json& object, std::string_view name) { return text_of(object, name) == "true"; }

}  // namespace logstone::argo
