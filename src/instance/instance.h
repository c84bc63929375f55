// One Logstone on one data folder: lock, catalogue, store, and, where it serves, engine, agent and server.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "base/result.h"
#include "cluster/local/local_cluster.h"
#include "instance/settings.h"
#include "serve/server.h"

namespace logstone {

enum class InstanceMode {
  kServe,     ///< Runs workflows and archives them: alone on the folder.
  kMaintain,  ///< Changes the archive, runs nothing: alone on the folder.
  kRead,      ///< Reads; others may read too.
};

struct InstanceOptions {
  Settings settings;
  InstanceMode mode = InstanceMode::kRead;
  std::vector<std::string> shim_command;  ///< See LocalClusterSettings; kServe only.
  bool listen_tcp = false;                ///< Else only the Unix socket.
  bool makes_catalog = false;             ///< The catalogue is made again right after: it may be another store's.
};

/// Where a running instance answers.
struct RunningInstance {
  std::string socket;  ///< Unix socket.
  std::string url;     ///< `http://127.0.0.1:8080`; empty when it listens on the socket only.
};

/// Thread-safe once open. Ends everything in order when destroyed.
class Instance {
 public:
  /// kConflict when another process has the folder, or its catalogue is of another store; kNotFound when kRead or
  /// kMaintain find no data there.
  [[nodiscard]] static Result<std::unique_ptr<Instance>> open(InstanceOptions options);
  virtual ~Instance() = default;
  [[nodiscard]] virtual RunningInstance address() const = 0;
  [[nodiscard]] virtual LocalCluster* cluster() = 0;  ///< Null unless kServe.
  [[nodiscard]] virtual Agent* agent() = 0;           ///< Null unless kServe.
  [[nodiscard]] virtual RecordBook& book() = 0;
  [[nodiscard]] virtual Catalog& catalog() = 0;
  /// With makes_catalog: the catalogue is whole now. Until then the next open would fill it.
  [[nodiscard]] virtual Result<> catalog_is_made() = 0;
  /// Makes durable what was read, then ends. Also the destructor's work.
  virtual void stop() = 0;
};

/// The instance that has the folder now, if one serves there.
[[nodiscard]] std::optional<RunningInstance> find_running_instance(const std::string& data_folder);

}  // namespace logstone
