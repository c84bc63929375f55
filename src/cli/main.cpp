#include <signal.h>

#include <cstdio>
#include <exception>

#include "cli/command.h"

namespace logstone::cli {
namespace {

int exit_code(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalidInput:
    case ErrorKind::kUnsupported:
      return kExitBadInput;
    case ErrorKind::kNotFound:
    case ErrorKind::kConflict:
    case ErrorKind::kCorrupt:
      return kExitNo;
    default:
      return kExitFailed;
  }
}

int main_of(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Logs of pipeline workflows that outlive their pods, their workflows and their cluster.", "logstone");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done; 1 the answer is no (workflow failed, archive differs, not found); 2 bad input; 3 failed.\n"
      "`logstone COMMAND --help` has examples.");
  Context context;
  Action chosen;
  add_up(app, context, chosen);
  add_run(app, context, chosen);
  add_ls(app, context, chosen);
  add_get(app, context, chosen);
  add_logs(app, context, chosen);
  add_export(app, context, chosen);
  add_verify(app, context, chosen);
  add_retention(app, context, chosen);
  add_catalog(app, context, chosen);
  add_config(app, context, chosen);
  add_version(app, context, chosen);
  add_completion(app, context, chosen);
  add_pod_shim(app, context, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitBadInput;
  }
  const auto code = chosen(context);
  if (code) return *code;
  std::fprintf(stderr, "logstone: %s\n", code.error().message().c_str());
  return exit_code(code.error());
}

}  // namespace
}  // namespace logstone::cli

int main(int argc, char** argv) {
  try {
    return logstone::cli::main_of(argc, argv);
  } catch (const std::exception& error) {
    // Libraries throw where memory ends; nothing of ours does.
    std::fprintf(stderr, "logstone: %s\n", error.what());
    return logstone::cli::kExitFailed;
  }
}
