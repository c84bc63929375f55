// The files of a container attempt's log that are still to be read, oldest first, each held open.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cluster/nodefiles/log_file.h"
#include "cluster/nodefiles/log_folder.h"
#include "cluster/nodefiles/log_position.h"
#include "cluster/nodefiles/node_log.h"

namespace logstone {

/// One thread at a time.
class LogFileChain {
 public:
  /// `from`: where reading goes on; none: at the oldest file there is.
  LogFileChain(NodeLogPlace place, std::optional<LogPosition> from)
      : place_(std::move(place)), from_(std::move(from)) {}

  /// Looks at the folder and opens what came.
  [[nodiscard]] Result<> scan();

  /// Before the first file was found, and never again.
  [[nodiscard]] bool empty() const { return files_.empty(); }
  /// The file to read now.
  [[nodiscard]] LogFile& front() const { return *files_.front().file; }
  /// Where to begin in the first file: the position given, once its file was found. Told once.
  [[nodiscard]] std::optional<LogPosition> take_start() { return std::exchange(start_, std::nullopt); }
  /// Why bytes may be missing before the front file; empty where none are. Told once.
  [[nodiscard]] std::string take_gap() { return std::exchange(files_.front().gap_before, {}); }

  [[nodiscard]] bool has_newer() const { return files_.size() > 1; }
  [[nodiscard]] Result<bool> newer_has_bytes() const;
  /// Goes on to the next file; there is one. `first_time`: of the file that is left, 0 where it had no record.
  void pop(std::int64_t first_time);
  /// More files are there than are held open: scan again after pop().
  [[nodiscard]] bool incomplete() const { return incomplete_; }

  /// The folder was there and is no more, or was never there, as of the last scan.
  [[nodiscard]] bool folder_missing() const { return folder_missing_; }
  [[nodiscard]] bool folder_seen() const { return folder_seen_; }
  /// Whether a process may still write to one of the files, all deleted.
  [[nodiscard]] bool has_writer() const;
  /// Whether the newest file was never rotated: then none came after it, also where all are deleted by now.
  [[nodiscard]] bool ends_in_current() const;
  /// Descriptors of all files.
  [[nodiscard]] std::vector<int> descriptors() const;

 private:
  struct Link {
    std::unique_ptr<LogFile> file;
    std::string gap_before;
  };

  Result<> extend(const LogFolderListing& listing);
  Result<> find_start(const LogFolderListing& listing);
  Result<std::optional<std::size_t>> find(const LogFolderListing& listing, const LogFileIdentity& identity) const;
  Result<std::size_t> first_newer(const LogFolderListing& listing, std::int64_t than) const;
  Result<> append(const LogFolderListing& listing, std::size_t first, std::string gap_before);

  const NodeLogPlace place_;
  std::optional<LogPosition> from_;  // Until its file, or one after it, was found.
  std::optional<LogPosition> start_;
  std::deque<Link> files_;
  std::int64_t passed_time_ = 0;  // No file that began then or earlier is to be read.
  bool incomplete_ = false;
  bool folder_missing_ = false;
  bool folder_seen_ = false;
};

}  // namespace logstone
