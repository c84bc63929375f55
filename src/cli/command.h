// What every command has in common: the global flags, the settings they make, and how a command is added.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "instance/settings.h"

namespace logstone::cli {

/// Exit codes; `logstone --help` lists them.
inline constexpr int kExitOk = 0;
inline constexpr int kExitNo = 1;        ///< The answer is no: workflow failed, archive differs, not found.
inline constexpr int kExitBadInput = 2;  ///< Flags, manifests, settings that cannot be used.
inline constexpr int kExitFailed = 3;    ///< It could not be done now.

struct Context {
  std::string config_file;
  std::string server;                        ///< --server; empty: not given.
  std::map<std::string, std::string> flags;  ///< Settings given as flags, by key.

  /// Settings from file, environment and flags.
  [[nodiscard]] Result<LoadedSettings> settings() const;
};

/// A command's work: its exit code, or why it could not be done.
using Action = std::function<Result<int>(const Context&)>;

/// Adds one command; `configure` adds its flags and returns its action, which becomes `chosen` when it is called for.
void add_command(CLI::App& app, Context& context, Action& chosen, const std::string& name, const std::string& help,
                 const std::string& examples, const std::function<Action(CLI::App&)>& configure);
/// `--KEY` (with dashes) for a setting, into the context's flags.
void add_setting_flag(CLI::App& command, Context& context, const std::string& key);

// One a file.
void add_up(CLI::App& app, Context& context, Action& chosen);
void add_run(CLI::App& app, Context& context, Action& chosen);
void add_ls(CLI::App& app, Context& context, Action& chosen);
void add_get(CLI::App& app, Context& context, Action& chosen);
void add_logs(CLI::App& app, Context& context, Action& chosen);
void add_export(CLI::App& app, Context& context, Action& chosen);
void add_verify(CLI::App& app, Context& context, Action& chosen);
void add_retention(CLI::App& app, Context& context, Action& chosen);  ///< hold, unhold, retain, rm
void add_catalog(CLI::App& app, Context& context, Action& chosen);
void add_adopt(CLI::App& app, Context& context, Action& chosen);
void add_config(CLI::App& app, Context& context, Action& chosen);
void add_doctor(CLI::App& app, Context& context, Action& chosen);
void add_version(CLI::App& app, Context& context, Action& chosen);
void add_completion(CLI::App& app, Context& context, Action& chosen);
void add_pod_shim(CLI::App& app, Context& context, Action& chosen);

}  // namespace logstone::cli
