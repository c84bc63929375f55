// Reads container logs from the files that a kubelet writes (CRI format):
// <pods folder>/<namespace>_<pod>_<uid>/<container>/<restart>.log, rotated to <restart>.log.<YYYYMMDD-HHMMSS>[.gz].
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "cluster/cluster.h"

namespace logstone {

/// One container attempt's log files.
struct NodeLogPlace {
  std::filesystem::path folder;  ///< `.../<namespace>_<pod>_<uid>/<container>`
  std::uint32_t restart = 0;
};

/// Watches folders with inotify, from one thread for all readers; no polling. Thread-safe; outlives its readers.
class NodeLogWatcher {
 public:
  [[nodiscard]] static Result<std::unique_ptr<NodeLogWatcher>> start();
  virtual ~NodeLogWatcher() = default;
  /// Opens a log from a cursor. `terminated` tells, cheaply and from any thread, whether the container has ended *and*
  /// its last byte is in the files: only then is the end of the files the stream's end. `more` is called when the
  /// files changed; call `wake(place)` when `terminated` became true. Keeps descriptors open over rotation and
  /// deletion: what was open is still read. The folder need not exist yet.
  /// Read once after opening, then after each `more` until a batch brings nothing: calls of `more` are merged until the
  /// next read. `more` does not run, and is not called again, once the reader's destructor returned; so destroy readers
  /// without holding a lock that `more` takes, and not from within `more`.
  [[nodiscard]] virtual Result<std::unique_ptr<LogReader>> open(const NodeLogPlace& place, const Cursor& from,
                                                                std::function<bool()> terminated,
                                                                std::function<void()> more) = 0;
  /// Calls `more` of the readers of a place.
  virtual void wake(const NodeLogPlace& place) = 0;
};

}  // namespace logstone
