#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/connection.h"
#include "cli/log_printer.h"

namespace logstone::cli {
namespace {

struct Flags {
  std::string workflow;
  StreamWish wish;
  PrintOptions print;
};

/// For who has a pod's name alone: its workflow may be one that only Argo archived.
Result<int> print_pod(const Connection& connection, Flags flags, Error no_workflow) {
  flags.print.follow = flags.print.follow && connection.own == nullptr;
  LogPrinter printer(connection.client, "", flags.print);
  auto printed = printer.print_pod(flags.workflow, flags.wish.container);
  if (printed) return kExitOk;
  Error error = std::move(printed).error();
  // A server of before knows no such path, and one that looks nowhere else has nothing to add.
  if (error.kind == ErrorKind::kNotFound && error.reason.find("\n") == std::string::npos) return no_workflow;
  if (error.reason.find("not configured") != std::string::npos) return no_workflow;
  return error;
}

Result<int> print_logs(const Context& context, Flags flags) {
  LOGSTONE_ASSIGN(const Connection connection, connect(context, false));
  auto found = connection.client.get(workflow_path(flags.workflow));
  if (!found && found.error().kind == ErrorKind::kNotFound && flags.wish.step.empty() && !flags.wish.previous) {
    return print_pod(connection, std::move(flags), std::move(found).error());
  }
  LOGSTONE_ASSIGN(const nlohmann::json workflow, std::move(found));
  const std::string uid = workflow.value("uid", "");
  const auto streams = choose_streams(workflow, flags.wish);
  const std::string state = workflow.value("state", "");
  const bool grows = state == "running" || state == "finished";
  // A step that is named is one log to its reader; a whole workflow is many, some of which may not have begun.
  if (flags.print.follow && grows && connection.own == nullptr && (streams.size() != 1 || flags.wish.step.empty())) {
    flags.print.prefix = true;
    LogPrinter printer(connection.client, uid, flags.print);
    LOGSTONE_TRY(printer.follow_all(flags.wish));
    return kExitOk;
  }
  if (streams.empty()) return nothing_chosen(workflow, flags.wish);
  // With nobody who writes, an incomplete stream does not grow: following it would wait for ever.
  if (connection.own != nullptr) flags.print.follow = false;
  flags.print.prefix = flags.print.prefix || streams.size() > 1;
  LogPrinter printer(connection.client, uid, flags.print);
  std::optional<Error> failure;
  for (const auto& stream : streams) {
    auto printed = printer.print(stream);
    if (printed) continue;
    // A damaged log does not keep the intact ones from being read.
    if (state == "expired" || !concerns_one_log(printed.error())) return std::move(printed).error();
    if (failure) std::fprintf(stderr, "logstone: %s\n", failure->message().c_str());
    failure = std::move(printed).error();
  }
  if (failure) return *failure;
  return kExitOk;
}

}  // namespace

void add_logs(CLI::App& app, Context& context, Action& chosen) {
  add_command(app, context, chosen, "logs", "Print logs, wherever their bytes are",
              "  logstone logs @latest                     all steps of the newest workflow\n"
              "  logstone logs hello-x7k2p train -f        one step, byte for byte, while it runs\n"
              "  logstone logs hello-x7k2p train --tail 100 --timestamps\n"
              "  logstone logs team/old-x7k2p-train-123    a pod that only Argo archived\n",
              [&context](CLI::App& command) -> Action {
                auto flags = std::make_shared<Flags>();
                command.add_option("WORKFLOW", flags->workflow, "name, namespace/name, uid, unique prefix or @latest")
                    ->required();
                command.add_option("STEP", flags->wish.step, "step, pod or stream; all when left out");
                command.add_option("-c,--container", flags->wish.container, "only this container");
                command.add_flag("-f,--follow", flags->print.follow, "go on with what is written from now on");
                command.add_option("--tail", flags->print.tail, "only so many last lines");
                command.add_option("--since", flags->print.since, "lines written since: RFC 3339, or a duration as 1h");
                command.add_option("--until", flags->print.until, "lines written before: RFC 3339, or a duration");
                command.add_flag("--previous", flags->wish.previous, "the container's attempt before the last");
                command.add_flag("--timestamps", flags->print.timestamps, "the time of writing before each line");
                command.add_flag("--prefix", flags->print.prefix, "the step before each line (always with several)");
                add_connection_flags(command, context);
                return [flags](const Context& c) { return print_logs(c, *flags); };
              });
}

}  // namespace logstone::cli
