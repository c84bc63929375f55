#include <yaml-cpp/yaml.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/connection.h"
#include "cli/terminal.h"

namespace logstone::cli {
namespace {

using nlohmann::json;

void emit(YAML::Emitter& out, const json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, member] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, member);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    if (value.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const auto& member : value) emit(out, member);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    out << YAML::DoubleQuoted << value.get<std::string>();
  } else {
    out << value.dump();
  }
}

class Tree {
 public:
  explicit Tree(const json& workflow) : workflow_(workflow), nodes_(workflow.value("nodes", json::array())) {
    for (const auto& node : nodes_) {
      by_id_[node.value("id", "")] = &node;
      for (const auto& child : node.value("children", json::array())) has_parent_.insert(child.get<std::string>());
    }
  }

  std::string text() {
    head();
    out_ += "\n";
    for (const auto& node : nodes_) {
      if (!has_parent_.contains(node.value("id", ""))) add(node, "", "");
    }
    audit();
    return out_;
  }

 private:
  void line(const std::string& name, const std::string& value, Colour colour = Colour::kPlain) {
    if (!value.empty()) out_ += name + std::string(14 - name.size(), ' ') + coloured(printable(value), colour) + "\n";
  }

  void head() {
    line("Name:", workflow_.value("namespace", "") + "/" + workflow_.value("name", ""));
    line("Uid:", workflow_.value("uid", ""));
    const std::string phase = workflow_.value("phase", "");
    line("Phase:", phase, phase_colour(phase));
    line("Message:", workflow_.value("message", ""));
    line("State:", workflow_.value("state", ""));
    line("Problem:", workflow_.value("problem", ""), Colour::kRed);
    line("Created:", workflow_.value("created", ""));
    line("Finished:", workflow_.value("finished", ""));
    line("Verified:", workflow_.value("verified", ""));
    line("Deleted:", workflow_.value("deleted", ""));
    line("Expires:", workflow_.value("expires", "never"));
    if (workflow_.contains("hold")) {
      const auto& hold = workflow_["hold"];
      line("Held:", hold.value("reason", "") + " (" + hold.value("actor", "") + ")", Colour::kYellow);
    }
    if (workflow_.contains("retention")) {
      const auto& retention = workflow_["retention"];
      line("Retention:", retention.value("keep", "") + ", " + retention.value("reason", ""));
    }
  }

  void add(const json& node, const std::string& indent, const std::string& branch) {
    if (!shown_.insert(node.value("id", "")).second) return;
    const std::string phase = node.value("phase", "");
    out_ += indent + branch + coloured(phase, phase_colour(phase)) + "  " + printable(node.value("displayName", ""));
    if (node.contains("exitCode") && node.value("exitCode", 0) != 0) {
      out_ += "  exit " + std::to_string(node.value("exitCode", 0));
    }
    if (node.contains("message")) out_ += "  " + coloured(printable(node.value("message", "")), Colour::kGrey);
    out_ += "\n";
    const std::string below = indent + (branch.empty() ? "" : branch == "└─ " ? "   " : "│  ");
    std::vector<const json*> children;
    for (const auto& child : node.value("children", json::array())) {
      const auto found = by_id_.find(child.get<std::string>());
      if (found != by_id_.end() && !shown_.contains(found->first)) children.push_back(found->second);
    }
    streams(node.value("id", ""), below + (children.empty() ? "   " : "│  "));
    for (std::size_t i = 0; i < children.size(); ++i) add(*children[i], below, i + 1 < children.size() ? "├─ " : "└─ ");
  }

  void streams(const std::string& node_id, const std::string& indent) {
    for (const auto& stream : workflow_.value("streams", json::array())) {
      if (stream.value("nodeId", "") != node_id) continue;
      out_ += indent + coloured(stream.value("podName", "") + " " + stream.value("container", "") + ":" +
                                    std::to_string(stream.value("restart", 0)),
                                Colour::kGrey);
      out_ += "  " + human_size(stream.value("bytes", 0ULL)) + ", " + std::to_string(stream.value("lines", 0ULL)) +
              " lines, " + stream.value("place", "") + "\n";
      for (const auto& gap : stream.value("gaps", json::array())) {
        out_ += indent + "  " +
                coloured("gap at byte " + std::to_string(gap.value("offset", 0ULL)) + ": " +
                             printable(gap.value("reason", "")),
                         Colour::kRed) +
                "\n";
      }
    }
  }

  void audit() {
    const json events = workflow_.value("audit", json::array());
    if (events.empty()) return;
    out_ += "\n";
    Table table({"TIME", "ACTION", "BY", "DETAIL"});
    for (const auto& event : events) {
      table.add({event.value("time", ""), event.value("action", ""), printable(event.value("actor", "")),
                 printable(event.value("detail", ""))});
    }
    out_ += table.text();
  }

  const json& workflow_;
  const json nodes_;
  std::map<std::string, const json*> by_id_;
  std::set<std::string> has_parent_;
  std::set<std::string> shown_;
  std::string out_;
};

struct Flags {
  std::string workflow, output = "tree";
};

Result<int> get(const Context& context, const Flags& flags) {
  LOGSTONE_ASSIGN(const Connection connection, connect(context, false));
  const std::string query = flags.output == "tree" ? "" : "?manifest=true";
  LOGSTONE_ASSIGN(const json workflow, connection.client.get(workflow_path(flags.workflow) + query));
  if (flags.output == "json") {
    write_out(workflow.dump(2) + "\n");
  } else if (flags.output == "yaml") {
    YAML::Emitter out;
    emit(out, workflow);
    write_out(std::string(out.c_str()) + "\n");
  } else {
    write_out(Tree(workflow).text());
  }
  return kExitOk;
}

}  // namespace

void add_get(CLI::App& app, Context& context, Action& chosen) {
  add_command(app, context, chosen, "get", "Show one workflow: steps, streams, gaps, retention, audit",
              "  logstone get @latest\n  logstone get team-a/hello-x7k2p -o yaml\n",
              [&context](CLI::App& command) -> Action {
                auto flags = std::make_shared<Flags>();
                command.add_option("WORKFLOW", flags->workflow, "name, namespace/name, uid, unique prefix or @latest")
                    ->required();
                command.add_option("-o,--output", flags->output, "tree, json or yaml")
                    ->check(CLI::IsMember({"tree", "json", "yaml"}));
                add_connection_flags(command, context);
                return [flags](const Context& c) { return get(c, *flags); };
              });
}

}  // namespace logstone::cli
