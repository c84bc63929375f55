// What the product needs of a place where workflows run: the embedded engine, or Kubernetes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/stream.h"
#include "model/workflow.h"

namespace logstone {

/// What one read of a log brought. `pieces` point into `buffer`.
struct LogBatch {
  std::vector<LogPiece> pieces;
  std::string buffer;
  Cursor after;            ///< Going on from here repeats nothing and leaves nothing out.
  std::optional<Gap> gap;  ///< Bytes were lost before the first piece (its `offset` is not set by a source).
  bool end = false;        ///< The container has terminated, and all that was to be had has been read.
};

/// Reads one stream forward. Used by one thread at a time.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// What there is now, about `max_bytes` of text at most (one piece may exceed it by 16 KiB); an empty batch where
  /// nothing is new. Never waits for the container. kNotFound when the log is gone and nothing more can be had.
  [[nodiscard]] virtual Result<LogBatch> read(std::size_t max_bytes) = 0;
};

/// Calls back until destroyed.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

/// All calls are thread-safe. An object's `uid` names it; names may be used again.
class Cluster {
 public:
  virtual ~Cluster() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual Result<std::vector<Workflow>> list_workflows() = 0;
  /// kNotFound once it is deleted.
  [[nodiscard]] virtual Result<Workflow> get_workflow(const std::string& uid) = 0;
  [[nodiscard]] virtual Result<std::vector<Pod>> list_pods(const std::string& workflow_uid) = 0;

  /// `changed` is called with a workflow's uid after it, one of its pods or containers came, changed or went; calls may
  /// come from any thread, may be merged, and must return at once. Nothing is called after the Subscription's end.
  [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(
      std::function<void(const std::string& uid)> changed) = 0;

  /// Puts our finalizer on the workflow / the pod: it is not deleted before it is released. Repeatable.
  [[nodiscard]] virtual Result<> hold_workflow(const std::string& uid) = 0;
  [[nodiscard]] virtual Result<> release_workflow(const std::string& uid) = 0;
  [[nodiscard]] virtual Result<> hold_pod(const std::string& workflow_uid, const std::string& pod_uid) = 0;
  [[nodiscard]] virtual Result<> release_pod(const std::string& workflow_uid, const std::string& pod_uid) = 0;
  /// Asks for deletion (background propagation). No error when it is gone.
  [[nodiscard]] virtual Result<> delete_workflow(const std::string& uid) = 0;

  /// Opens a stream from `from`. `more` is called (any thread, must return at once) when a read may bring something
  /// new.
  [[nodiscard]] virtual Result<std::unique_ptr<LogReader>> open_log(const std::string& workflow_uid,
                                                                    const StreamIdentity& stream, const Cursor& from,
                                                                    std::function<void()> more) = 0;
};

}  // namespace logstone
