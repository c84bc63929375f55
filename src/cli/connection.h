// Finds who answers: a named server, the process that has the data folder, or one made in this process for a moment.
#pragma once

#include <memory>

#include "cli/api_client.h"
#include "cli/command.h"
#include "instance/instance.h"

namespace logstone::cli {

struct Connection {
  std::unique_ptr<Instance> own;  ///< Null when somebody else answers; else it lives as long as the command.
  ApiClient client;
};

/// `changes` tells that the command alters the archive.
[[nodiscard]] Result<Connection> connect(const Context& context, bool changes);
/// `--server` and `--data`.
void add_connection_flags(CLI::App& command, Context& context);

}  // namespace logstone::cli
