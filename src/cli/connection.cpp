#include "cli/connection.h"

#include <cstdlib>

#include "base/log.h"

namespace logstone::cli {

void add_connection_flags(CLI::App& command, Context& context) {
  auto* server = command.add_option("--server", context.server, "URL of a running server (or LOGSTONE_SERVER)");
  add_setting_flag(command, context, "data");
  add_setting_flag(command, context, "store");
  command.get_option("--data")->excludes(server);
  command.get_option("--store")->excludes(server);
}

Result<Connection> connect(const Context& context, bool changes) {
  LOGSTONE_ASSIGN(LoadedSettings loaded, context.settings());
  set_log_level(loaded.settings.log_level);
  std::string url = context.server;
  if (url.empty() && !context.flags.contains("data") && !context.flags.contains("store")) {
    if (const char* from_environment = std::getenv("LOGSTONE_SERVER")) url = from_environment;
  }
  if (!url.empty()) {
    while (url.ends_with('/')) url.pop_back();
    if (!url.starts_with("http://") && !url.starts_with("https://")) {
      return Error{ErrorKind::kInvalidInput, "use server", url, "it is not an http:// or https:// URL",
                   "write http://127.0.0.1:8080"};
    }
    return Connection{nullptr, ApiClient(url, "")};
  }
  for (int attempt = 0;; ++attempt) {
    if (const auto running = find_running_instance(loaded.settings.data); running && !running->socket.empty()) {
      return Connection{nullptr, ApiClient("", running->socket)};
    }
    InstanceOptions options;
    options.settings = loaded.settings;
    options.mode = changes ? InstanceMode::kMaintain : InstanceMode::kRead;
    auto own = Instance::open(std::move(options));
    // Somebody starts or ends just now: look once more who has the folder.
    if (!own && own.error().kind == ErrorKind::kConflict && attempt < 2) continue;
    if (!own) return std::move(own).error();
    const std::string socket = (*own)->address().socket;
    return Connection{std::move(*own), ApiClient("", socket)};
  }
}

}  // namespace logstone::cli
