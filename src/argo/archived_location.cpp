#include "argo/archived_location.h"

#include <algorithm>
#include <array>

#include "argo/gunzip.h"
#include "argo/repository_json.h"
#include "argo/yaml_tree.h"
#include "model/argo_names.h"

namespace logstone::argo {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNodeBytes = std::size_t{256} << 20;  ///< Of unpacked `compressedNodes`.
constexpr std::string_view kLogs = "-logs";

/// False where the text is no base64.
bool decode_base64(std::string_view text, std::string& out) {
  std::uint32_t bits = 0;
  int count = 0;
  out.reserve(text.size() / 4 * 3);
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '=') continue;
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+' || c == '-') value = 62;
    if (c == '/' || c == '_') value = 63;
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return true;
}

json read_nodes(const json& status, std::vector<std::string>& remarks) {
  const json& nodes = member(status, "nodes");
  if (nodes.is_object() && !nodes.empty()) return nodes;
  const std::string compressed = text_of(status, "compressedNodes");
  if (!compressed.empty()) {
    std::string packed;
    if (!decode_base64(compressed, packed)) {
      remarks.emplace_back("its compressedNodes are no base64");
      return {};
    }
    const auto text = gunzip(packed, kMostNodeBytes, "compressedNodes");
    json unpacked = text ? json::parse(*text, nullptr, false) : json();
    if (unpacked.is_object()) return unpacked;
    remarks.emplace_back("its compressedNodes cannot be read: " +
                         (text ? std::string("they are no JSON") : text.error().reason));
    return {};
  }
  if (!text_of(status, "offloadNodeStatusVersion").empty()) {
    remarks.emplace_back("its nodes are off-loaded to Argo's database, which Logstone does not read");
  }
  return {};
}

std::vector<std::string> pod_names_of(const json& node, const std::string& id, const std::string& workflow, bool v1) {
  const std::string name = text_of(node, "name");
  std::string tmpl = text_of(node, "templateName");
  if (tmpl.empty()) tmpl = text_of(member(node, "templateRef"), "template");
  std::vector<std::string> names = {id};
  if (!name.empty()) names.insert(v1 ? names.end() : names.begin(), argo_pod_name(workflow, name, tmpl));
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

Result<ArchivedLocations> read_archived_locations(std::string_view workflow_json) {
  const json workflow = json::parse(workflow_json, nullptr, false);
  if (!workflow.is_object()) {
    return Error{ErrorKind::kInvalidInput, "read", "a workflow's status", "it is no JSON object", {}};
  }
  ArchivedLocations out;
  const json& metadata = member(workflow, "metadata");
  const json& status = member(workflow, "status");
  const std::string name = text_of(metadata, "name");
  const bool v1 = text_of(member(metadata, "annotations"), "workflows.argoproj.io/pod-name-format") == "v1";
  out.repository = read_location(member(member(status, "artifactRepositoryRef"), "artifactRepository"));
  out.repository.name_space = text_of(metadata, "namespace");
  const json nodes = read_nodes(status, out.remarks);
  for (const auto& [id, node] : nodes.items()) {
    if (!node.is_object()) continue;
    const std::string type = text_of(node, "type");
    if (!type.empty() && type != "Pod") continue;
    const auto names = pod_names_of(node, id, name, v1);
    out.pod_names.insert(out.pod_names.end(), names.begin(), names.end());
    const json& artifacts = member(member(node, "outputs"), "artifacts");
    if (!artifacts.is_array()) continue;
    for (const json& artifact : artifacts) {
      const std::string label = text_of(artifact, "name");
      if (!label.ends_with(kLogs) || label.size() == kLogs.size()) continue;
      ArchivedLocation log;
      log.node_id = id;
      log.pod_names = names;
      log.container = label.substr(0, label.size() - kLogs.size());
      log.repository = read_location(artifact, out.repository);
      log.key = location_key(artifact);
      if (log.key.empty()) continue;
      out.logs.push_back(std::move(log));
    }
  }
  return out;
}

}  // namespace logstone::argo
