#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/connection.h"
#include "cli/terminal.h"

namespace logstone::cli {
namespace {

struct Flags {
  std::string workflow;
  bool all = false;
};

Result<std::vector<std::string>> every_uid(const ApiClient& client) {
  std::vector<std::string> uids;
  std::string page;
  do {
    LOGSTONE_ASSIGN(const nlohmann::json answer,
                    client.get("/api/v1/workflows" + Query().add("limit", "1000").add("page", page).text()));
    for (const auto& item : answer.value("items", nlohmann::json::array())) uids.push_back(item.value("uid", ""));
    page = answer.value("nextPage", "");
  } while (!page.empty());
  return uids;
}

Result<int> verify(const Context& context, const Flags& flags) {
  if (flags.all != flags.workflow.empty()) {
    return Error{ErrorKind::kInvalidInput, "verify", "", "name one workflow, or give --all", ""};
  }
  LOGSTONE_ASSIGN(const Connection connection, connect(context, false));
  std::vector<std::string> references = {flags.workflow};
  if (flags.all) {
    LOGSTONE_ASSIGN(references, every_uid(connection.client));
  }
  const bool bar = ::isatty(STDERR_FILENO) != 0 && references.size() > 1;
  std::size_t damaged = 0;
  for (std::size_t i = 0; i < references.size(); ++i) {
    if (bar) std::fprintf(stderr, "\rverifying %zu/%zu", i + 1, references.size());
    auto answer = connection.client.send("POST", workflow_path(references[i]) + "/verify", nlohmann::json::object());
    // One that was removed since it was listed is no damage.
    if (!answer && flags.all && answer.error().kind == ErrorKind::kNotFound) continue;
    if (!answer && flags.all && answer.error().kind == ErrorKind::kCorrupt) {
      // The record itself is damaged: the others are still read.
      write_out(printable(answer.error().message()) + "\n");
      ++damaged;
      continue;
    }
    if (!answer) return std::move(answer).error();
    const auto damage = answer->value("damage", nlohmann::json::array());
    if (!damage.empty()) ++damaged;
    for (const auto& one : damage) {
      write_out(one.value("key", "") + ": " + printable(one.value("what", "")) + "\n");
    }
  }
  if (bar) std::fprintf(stderr, "\r\033[K");
  if (damaged > 0) {
    write_out(std::to_string(damaged) + " of " + std::to_string(references.size()) +
              " workflows differ from their digests\n");
    return kExitNo;
  }
  write_out(std::to_string(references.size()) + (references.size() == 1 ? " workflow" : " workflows") +
            " read back: every byte is as its digest says\n");
  return kExitOk;
}

}  // namespace

void add_verify(CLI::App& app, Context& context, Action& chosen) {
  add_command(app, context, chosen, "verify", "Read the archive back and compare it with its digests",
              "  logstone verify @latest\n  logstone verify --all\n", [&context](CLI::App& command) -> Action {
                auto flags = std::make_shared<Flags>();
                command.add_option("WORKFLOW", flags->workflow, "name, namespace/name, uid, unique prefix or @latest");
                command.add_flag("--all", flags->all, "every workflow");
                add_connection_flags(command, context);
                return [flags](const Context& c) { return verify(c, *flags); };
              });
}

}  // namespace logstone::cli
