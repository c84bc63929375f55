#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "model/retention_policy.h"

namespace logstone::cli {
namespace {

Result<int> check(const Context& context, const std::string& output) {
  LOGSTONE_ASSIGN(const LoadedSettings loaded, context.settings());
  if (!loaded.settings.retention_policy.empty()) {
    auto text = read_file(loaded.settings.retention_policy, 1 << 20);
    if (!text) {
      Error error = std::move(text).error();
      error.kind = ErrorKind::kInvalidInput;
      return error;
    }
    LOGSTONE_TRY(RetentionPolicy::parse(*text, loaded.settings.retention_policy));
  }
  if (output == "json") {
    auto settings = nlohmann::json::object();
    for (const auto& one : loaded.effective) settings[one.key] = {{"value", one.value}, {"source", one.source}};
    if (loaded.kfp.active) {
      for (const auto& one : loaded.kfp.variables) {
        settings["kfp_environment"][one.name] = {{"value", one.value}, {"set", one.is_set}, {"became", one.became}};
      }
    }
    write_out(settings.dump(2) + "\n");
    return kExitOk;
  }
  Table table({"SETTING", "VALUE", "FROM"});
  for (const auto& one : loaded.effective) table.add({one.key, one.value, one.source});
  write_out(table.text());
  if (loaded.kfp.active) {
    Table variables({"KFP'S NAME", "VALUE", "BECAME"});
    for (const auto& one : loaded.kfp.variables) {
      variables.add({one.name, one.is_set ? one.value : one.value + " (default)", one.became});
    }
    write_out("\nThe environment of a KFP UI server:\n" + variables.text());
  }
  return kExitOk;
}

}  // namespace

void add_config(CLI::App& app, Context& context, Action& chosen) {
  CLI::App* config = app.add_subcommand("config", "The settings");
  config->require_subcommand(1);
  add_command(*config, context, chosen, "check", "Check the settings; show each with where it came from",
              "  logstone config check --config logstone.yaml\n", [&context](CLI::App& command) -> Action {
                auto output = std::make_shared<std::string>("table");
                command.add_option("-o,--output", *output, "table or json")->check(CLI::IsMember({"table", "json"}));
                return [output](const Context& c) { return check(c, *output); };
              });
}

}  // namespace logstone::cli
