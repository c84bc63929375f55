// What the engine and a pod's shim tell each other, as files of the pod's folder (its "sandbox"):
//   pod.json     what to run; written once, before the shim starts
//   status.json  what became of it; replaced by the shim at each change
//   stop         asks for the end; written by the engine, then one byte to the FIFO `control` wakes the shim
//   shim.lock    locked as long as the shim lives
//   shim.log     the shim's own messages
//   root/        the pod's root folder (pod_view.h)
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cluster/local/cri_log_writer.h"
#include "cluster/local/operator.h"

namespace logstone::local {

inline constexpr const char* kPodSpecFile = "pod.json";
inline constexpr const char* kPodStatusFile = "status.json";
inline constexpr const char* kPodStopFile = "stop";
inline constexpr const char* kPodControlFile = "control";
inline constexpr const char* kShimLockFile = "shim.lock";
inline constexpr const char* kShimLogFile = "shim.log";
/// Kubernetes' terminationGracePeriodSeconds where nobody says otherwise.
inline constexpr std::chrono::seconds kDefaultGrace{30};

struct PodSpec {
  std::string uid;
  std::string name_space;
  std::string workflow_name;
  std::string workflow_uid;
  Timestamp created{};
  std::filesystem::path cluster_folder;  ///< Absolute.
  CriLogLimits log_limits;
  PodRequest request;

  /// Within the cluster's folder: `pods/<ns>_<pod>_<uid>`.
  [[nodiscard]] std::filesystem::path log_folder() const;
  /// Within the cluster's folder: where a pod's output artifact is kept. kInvalidInput when a name is no file name.
  [[nodiscard]] static Result<std::filesystem::path> artifact_path(const std::string& workflow_uid,
                                                                   const std::string& node_id,
                                                                   const std::string& artifact);
};

[[nodiscard]] std::string to_json(const PodSpec& spec);
[[nodiscard]] Result<PodSpec> pod_spec_from_json(std::string_view text);

/// Enough of a process to know it again, even after a reboot.
struct ProcessIdentity {
  int pid = 0;
  std::uint64_t start_ticks = 0;  ///< /proc/<pid>/stat's field 22.
  std::string boot_id;
  bool operator==(const ProcessIdentity&) const = default;
  [[nodiscard]] static ProcessIdentity of(int pid);
};

struct PodStatus {
  ProcessIdentity shim;  ///< It leads a session to which all processes of the pod belong.
  /// Its containers terminated only when all of their output is in the log files.
  PodOutcome outcome;
};

[[nodiscard]] std::string to_json(const PodStatus& status);
[[nodiscard]] Result<PodStatus> pod_status_from_json(std::string_view text);

struct PodStop {
  std::chrono::milliseconds grace = kDefaultGrace;  ///< From SIGTERM to SIGKILL.
  std::string reason;                               ///< Becomes the pod's message.
};

[[nodiscard]] std::string to_json(const PodStop& stop);
[[nodiscard]] Result<PodStop> pod_stop_from_json(std::string_view text);

/// Replaces a file by rename, so that readers see the old or the new one. Not synced: it must survive processes, not
/// power cuts, after which nothing of a pod is left running anyway.
[[nodiscard]] Result<> replace_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace logstone::local
