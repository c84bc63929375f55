#include "cli/command.h"
#include "cli/terminal.h"

namespace logstone::cli {

void add_version(CLI::App& app, Context& context, Action& chosen) {
  add_command(app, context, chosen, "version", "Print the version", "", [](CLI::App&) -> Action {
    return [](const Context&) -> Result<int> {
      write_out("logstone " LOGSTONE_VERSION "\n");
      return kExitOk;
    };
  });
}

}  // namespace logstone::cli
