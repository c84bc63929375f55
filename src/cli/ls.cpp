#include <nlohmann/json.hpp>

#include "cli/connection.h"
#include "cli/terminal.h"

namespace logstone::cli {
namespace {

struct Flags {
  std::string name_space, labels, phase, since, output = "table";
  bool all = false;
};

std::string table_of(const nlohmann::json& items) {
  Table table({"NAMESPACE", "NAME", "PHASE", "STATE", "AGE", "STREAMS", "BYTES", "STORED", "NOTE"});
  for (const auto& item : items) {
    std::string note;
    if (item.value("held", false)) note += "held ";
    if (item.value("gaps", 0) > 0) note += std::to_string(item.value("gaps", 0)) + " gaps ";
    if (item.contains("problem")) note += printable(item.value("problem", ""));
    table.add({item.value("namespace", ""), item.value("name", ""), item.value("phase", ""), item.value("state", ""),
               age_of(item.value("created", "")), std::to_string(item.value("streams", 0)),
               human_size(item.value("bytes", 0ULL)), human_size(item.value("objectBytes", 0ULL)), note});
  }
  return table.text(2);
}

Result<int> list(const Context& context, const Flags& flags) {
  LOGSTONE_ASSIGN(const Connection connection, connect(context, false));
  auto items = nlohmann::json::array();
  std::string page;
  do {
    Query query;
    query.add("namespace", flags.name_space).add("labels", flags.labels).add("phase", flags.phase);
    query.add("since", flags.since).add("expired", flags.all ? "true" : "").add("limit", "1000").add("page", page);
    LOGSTONE_ASSIGN(const nlohmann::json answer, connection.client.get("/api/v1/workflows" + query.text()));
    for (const auto& item : answer.value("items", nlohmann::json::array())) items.push_back(item);
    page = answer.value("nextPage", "");
  } while (!page.empty());
  if (flags.output == "json") {
    write_out(items.dump(2) + "\n");
  } else if (flags.output == "name") {
    std::string names;
    for (const auto& item : items) names += item.value("namespace", "") + "/" + item.value("name", "") + "\n";
    write_out(names);
  } else if (items.empty()) {
    write_out("no workflows\n");
  } else {
    write_out(table_of(items));
  }
  return kExitOk;
}

}  // namespace

void add_ls(CLI::App& app, Context& context, Action& chosen) {
  add_command(app, context, chosen, "ls", "List workflows, deleted ones too",
              "  logstone ls --since 7d --phase Failed\n"
              "  logstone ls -n team-a -l tier=gold -o json\n",
              [&context](CLI::App& command) -> Action {
                auto flags = std::make_shared<Flags>();
                command.add_option("-n,--namespace", flags->name_space, "only this namespace");
                command.add_option("-l,--labels", flags->labels, "label selector: a=b,c!=d,e in (f,g),!h");
                command.add_option("--phase", flags->phase, "Pending, Running, Succeeded, Failed or Error");
                command.add_option("--since", flags->since, "created since: RFC 3339, or a duration as 7d");
                command.add_flag("--all", flags->all, "also those whose archive has expired or was removed");
                command.add_option("-o,--output", flags->output, "table, json or name")
                    ->check(CLI::IsMember({"table", "json", "name"}));
                add_connection_flags(command, context);
                return [flags](const Context& c) { return list(c, *flags); };
              });
}

}  // namespace logstone::cli
