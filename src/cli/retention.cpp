// hold, unhold, retain and rm: what people decide about an archive, each with a reason that the audit keeps.
#include <nlohmann/json.hpp>

#include "cli/connection.h"
#include "cli/terminal.h"

namespace logstone::cli {
namespace {

struct Flags {
  std::string workflow, reason, keep;
};

struct Decision {
  const char* command;
  const char* help;
  const char* examples;
  const char* method;
  const char* path;
  const char* done;
};

constexpr Decision kDecisions[] = {
    {"hold", "Put a legal hold on a workflow: nothing expires or is removed",
     "  logstone hold @latest --reason \"case 4711\"\n", "PUT", "/hold", "held"},
    {"unhold", "Lift a legal hold", "  logstone unhold @latest --reason \"case 4711 closed\"\n", "DELETE", "/hold",
     "no longer held"},
    {"retain", "Set how long a workflow's archive is kept, above every policy",
     "  logstone retain @latest --keep 90d --reason \"model in production\"\n  logstone retain hello --keep forever "
     "--reason audit\n",
     "PUT", "/retention", "retention set"},
    {"rm", "Remove a workflow's archive; the audit stays", "  logstone rm hello-x7k2p --reason \"personal data\"\n",
     "DELETE", "", "removed"},
};

Result<int> decide(const Context& context, const Decision& decision, const Flags& flags) {
  LOGSTONE_ASSIGN(const Connection connection, connect(context, true));
  // Asked first, so that the answer names what was really meant by a prefix or @latest.
  LOGSTONE_ASSIGN(const nlohmann::json workflow, connection.client.get(workflow_path(flags.workflow)));
  nlohmann::json body = {{"reason", flags.reason}};
  if (!flags.keep.empty()) body["keep"] = flags.keep;
  LOGSTONE_TRY(connection.client.send(decision.method, workflow_path(workflow.value("uid", "")) + decision.path, body));
  write_out(workflow.value("namespace", "") + "/" + workflow.value("name", "") + ": " + decision.done + "\n");
  return kExitOk;
}

}  // namespace

void add_retention(CLI::App& app, Context& context, Action& chosen) {
  for (const Decision& decision : kDecisions) {
    add_command(app, context, chosen, decision.command, decision.help, decision.examples,
                [&context, &decision](CLI::App& command) -> Action {
                  auto flags = std::make_shared<Flags>();
                  command
                      .add_option("WORKFLOW", flags->workflow, "name, namespace/name, uid, unique prefix or @latest")
                      ->required();
                  command.add_option("--reason", flags->reason, "why; the audit keeps it")->required();
                  if (std::string_view(decision.command) == "retain") {
                    command.add_option("--keep", flags->keep, "duration since the workflow's end (90d), or forever")
                        ->required();
                  }
                  add_connection_flags(command, context);
                  return [flags, &decision](const Context& c) { return decide(c, decision, *flags); };
                });
  }
}

}  // namespace logstone::cli
