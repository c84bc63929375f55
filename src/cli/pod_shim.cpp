#include <signal.h>

#include "cli/command.h"
#include "cluster/local/local_cluster.h"

namespace logstone::cli {

void add_pod_shim(CLI::App& app, Context& context, Action& chosen) {
  add_command(app, context, chosen, "pod-shim", "Runs the containers of a pod (started by the embedded engine)", "",
              [](CLI::App& command) -> Action {
                command.group("");  // Not for people: no help lists it.
                auto folder = std::make_shared<std::string>();
                command.add_option("FOLDER", *folder)->required();
                return [folder](const Context&) -> Result<int> {
                  // The commands block the signals that they wait for; a container must not inherit that.
                  sigset_t none;
                  sigemptyset(&none);
                  sigprocmask(SIG_SETMASK, &none, nullptr);
                  return run_pod_shim(*folder);
                };
              });
}

}  // namespace logstone::cli
