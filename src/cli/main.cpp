#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>

#include "cli/command.h"
#include "cli/terminal.h"

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

bool is_command(const CLI::App& app, const std::string& word) {
  const auto commands = app.get_subcommands({});
  return std::any_of(commands.begin(), commands.end(), [&](const CLI::App* one) { return one->get_name() == word; });
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
  add_adopt(app, context, chosen);
  add_config(app, context, chosen);
  add_doctor(app, context, chosen);
  add_version(app, context, chosen);
  add_completion(app, context, chosen);
  add_pod_shim(app, context, chosen);
  if (argc > 1 && argv[1][0] != '-' && !is_command(app, argv[1])) {
    std::fprintf(stderr, "logstone: there is no command \"%s\". `logstone --help` lists them\n", argv[1]);
    return kExitBadInput;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitBadInput;
  }
  const auto code = chosen(context);
  if (const int failure = output_failure(); failure != 0) {
    std::fprintf(stderr, "logstone: write standard output: %s\n", std::strerror(failure));
    return kExitFailed;
  }
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
