// The program's settings: one YAML file, then environment LOGSTONE_*, then flags; later wins (docs/configuration.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent.h"
#include "base/log.h"
#include "base/result.h"
#include "instance/argo_logs.h"
#include "instance/kfp_environment.h"
#include "serve/server.h"

namespace logstone {

struct Settings {
  std::string data = "./logstone-data";
  std::string store;                               ///< URL of the store; empty: in the data folder.
  std::map<std::string, std::string> environment;  ///< What stores read of the process's: AWS_*, HOME, ...
  ServerSettings server;
  AgentSettings agent;
  LogLevel log_level = LogLevel::kWarning;
  std::string retention_policy;  ///< Path of the policy file; empty: everything is kept forever.
  std::size_t cache_bytes = std::size_t{16} << 20;
  std::size_t log_file_bytes = std::size_t{10} << 20;
  std::size_t log_files = 5;
  std::size_t parallel_pods = 64;
  ArgoSettings argo;
  bool publish_to_argo = false;
  /// KFP's ENABLE_AUTHZ. Nothing can be asked yet who may read what, so that it only keeps the server on loopback.
  bool enable_authz = false;
};

/// One setting as people see it. The environment's name is `LOGSTONE_` and the key in capitals.
struct SettingDescription {
  std::string key;
  std::string help;
  std::function<Result<>(Settings&, const std::string&)> set;
  std::function<std::string(const Settings&)> get;
  bool secret = false;  ///< Shown as "(set)".
};
[[nodiscard]] const std::vector<SettingDescription>& setting_descriptions();

/// A setting's value and where it came from: "default", "logstone.yaml:3", "LOGSTONE_LISTEN", "--listen", or
/// names of KFP's environment.
struct EffectiveSetting {
  std::string key;
  std::string value;
  std::string source;
};

struct LoadedSettings {
  Settings settings;
  std::vector<EffectiveSetting> effective;
  KfpEnvironment kfp;
};

/// What KFP's environment says is below all of it. `file_text` is the YAML file's content (empty: none), `file_name`
/// stands in errors. `environment` holds the process's variables; `flags` maps keys to values. kInvalidInput for an
/// unknown key or a value that cannot be used.
[[nodiscard]] Result<LoadedSettings> load_settings(std::string_view file_text, const std::string& file_name,
                                                   const std::map<std::string, std::string>& environment,
                                                   const std::map<std::string, std::string>& flags);

/// "4MiB", "10 MB", "1048576": bytes.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace logstone
