// Reads one container attempt's log files forward, over rotation, compression, truncation and deletion.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cluster/cluster.h"
#include "cluster/nodefiles/cri_record.h"
#include "cluster/nodefiles/folder_watcher.h"
#include "cluster/nodefiles/log_file_chain.h"
#include "cluster/nodefiles/log_position.h"
#include "cluster/nodefiles/node_log.h"

namespace logstone {

/// Holds files open but no bytes between reads (a compressed file's decompressor holds a few hundred KiB).
class NodeLogReader final : public LogReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LogReader>> open(FolderWatcher& watcher, const NodeLogPlace& place,
                                                               const Cursor& from, std::function<bool()> terminated,
                                                               std::function<void()> more);
  ~NodeLogReader() override;
  [[nodiscard]] Result<LogBatch> read(std::size_t max_bytes) override;

 private:
  /// What is done with a last record that has no newline yet.
  enum class Rest { kWait, kTake };

  NodeLogReader(FolderWatcher& watcher, NodeLogPlace place, std::optional<LogPosition> from,
                std::function<bool()> terminated);

  Result<> scan();
  Result<LogBatch> read_without_file(bool terminated);
  Result<bool> may_still_be_written();
  void leave_file();
  LogBatch end();

  Result<LogBatch> take(std::size_t max_bytes, Rest rest);
  Result<LogBatch> take_chunk(std::size_t max_bytes, std::size_t size, Rest rest);
  LogBatch take_cut_off(LogBatch batch);
  Result<LogBatch> skip_long_record(Rest rest);
  std::size_t parse(LogBatch& batch, std::size_t max_bytes);
  LogBatch consume(LogBatch batch, std::uint64_t bytes);
  Result<bool> begins_as_before();
  void begin_anew();

  void add_gap(const std::string& reason, std::optional<std::uint64_t> lost_bytes = std::nullopt);
  [[nodiscard]] LogBatch nothing_new() const;

  FolderWatcher& watcher_;
  const NodeLogPlace place_;
  const std::function<bool()> terminated_;
  std::shared_ptr<FolderListener> listener_;
  CriRecordParser parser_;

  LogFileChain files_;
  std::optional<LogFileIdentity> identity_;  // Of the front file, once its first record is there.
  std::uint64_t offset_ = 0;                 // In the front file.
  std::uint64_t no_newline_ = 0;             // Bytes from there on that are known to hold none.
  std::optional<LogPosition> given_;         // After what was given out last; may be in a file that is gone.
  std::optional<Gap> gap_;                   // Before what is given out next.
  bool watches_deleted_ = false;
  bool ended_ = false;
};

}  // namespace logstone
