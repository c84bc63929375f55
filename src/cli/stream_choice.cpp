#include "cli/stream_choice.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace logstone::cli {
namespace {

using nlohmann::json;

/// Everything that runs inside a node: attempts of a retry, steps of a template.
void add_inner(const json& nodes, const std::string& id, std::set<std::string>& ids) {
  if (!ids.insert(id).second) return;
  for (const auto& node : nodes) {
    if (node.value("boundaryId", "") == id) add_inner(nodes, node.value("id", ""), ids);
    if (node.value("id", "") == id && node.value("type", "") == "Retry") {
      for (const auto& child : node.value("children", json::array())) add_inner(nodes, child.get<std::string>(), ids);
    }
  }
}

struct Meant {
  std::set<std::string> nodes;
  std::set<std::pair<std::string, std::string>> containers;  ///< Of a container set: pod's node id, container.
};

Meant meant_by(const json& workflow, const std::string& step) {
  Meant meant;
  const json nodes = workflow.value("nodes", json::array());
  for (const auto& node : nodes) {
    const bool same = node.value("displayName", "") == step || node.value("name", "") == step ||
                      node.value("id", "") == step || node.value("template", "") == step;
    if (!same) continue;
    if (node.value("type", "") == "Container") {
      meant.containers.emplace(node.value("boundaryId", ""), node.value("displayName", ""));
    } else {
      add_inner(nodes, node.value("id", ""), meant.nodes);
    }
  }
  return meant;
}

}  // namespace

std::vector<ChosenStream> choose_streams(const json& workflow, const StreamWish& wish) {
  const Meant meant = meant_by(workflow, wish.step);
  std::map<std::string, const json*> node_of;
  const json nodes = workflow.value("nodes", json::array());
  for (const auto& node : nodes) node_of[node.value("id", "")] = &node;
  const json streams = workflow.value("streams", json::array());
  std::map<std::pair<std::string, std::string>, int> last_attempt;
  for (const auto& stream : streams) {
    int& last =
        last_attempt.emplace(std::pair(stream.value("podUid", ""), stream.value("container", "")), 0).first->second;
    last = std::max(last, stream.value("restart", 0));
  }
  std::vector<std::pair<std::string, ChosenStream>> found;
  for (const auto& stream : streams) {
    const std::string node = stream.value("nodeId", "");
    const std::string container = stream.value("container", "");
    const std::string key = stream.value("key", "");
    if (!wish.step.empty() && !meant.nodes.contains(node) && !meant.containers.contains({node, container}) &&
        stream.value("podName", "") != wish.step && key != wish.step) {
      continue;
    }
    if (!wish.container.empty() && container != wish.container) continue;
    const int last = last_attempt[{stream.value("podUid", ""), container}];
    if (key != wish.step && stream.value("restart", 0) != last - (wish.previous ? 1 : 0)) continue;
    const auto known = node_of.find(node);
    ChosenStream chosen{key,
                        known == node_of.end() ? stream.value("podName", "") : known->second->value("displayName", ""),
                        stream.value("complete", false)};
    if (container != "main") chosen.label += "/" + container;
    const std::string started = known == node_of.end() ? "" : known->second->value("started", "");
    found.emplace_back(started, std::move(chosen));
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ChosenStream> out;
  for (auto& [started, chosen] : found) out.push_back(std::move(chosen));
  return out;
}

Error nothing_chosen(const json& workflow, const StreamWish& wish) {
  std::string there;
  for (const auto& stream : choose_streams(workflow, {})) there += (there.empty() ? "" : ", ") + stream.label;
  const std::string what = wish.step.empty() ? workflow.value("name", "") : wish.step;
  std::string reason = "no stream fits";
  if (wish.previous) reason = "there is no attempt before the last";
  return {ErrorKind::kNotFound, "find log of", what, reason,
          there.empty() ? "the workflow has no logs" + std::string(workflow.value("state", "") == "expired"
                                                                       ? ": its archive expired or was removed"
                                                                       : " (yet)")
                        : "its steps are: " + there};
}

}  // namespace logstone::cli
