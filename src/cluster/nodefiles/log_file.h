// One file of a container's log, plain or compressed, read by position.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cluster/nodefiles/log_folder.h"
#include "cluster/nodefiles/log_position.h"

namespace logstone {

/// Keeps the file open: it stays readable after it was renamed, compressed or deleted. One thread at a time.
class LogFile {
 public:
  /// kNotFound when it is not there (any more) as `entry` says: list again.
  [[nodiscard]] static Result<std::unique_ptr<LogFile>> open(const LogFolderListing& listing, const LogFileEntry& entry,
                                                             const std::filesystem::path& folder);
  virtual ~LogFile() = default;

  /// Fills `out` from `offset` of the uncompressed content, up to `max` bytes; fewer only at its present end.
  /// Compressed files are read forward; going back costs reading them from the start.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t max) = 0;
  /// Bytes that are there from `offset` on: exact for a plain file, at least for a compressed one (up to `wanted`).
  /// None where the file is shorter than `offset`.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> available(std::uint64_t offset, std::uint64_t wanted) = 0;
  /// False for compressed files: nobody writes to them.
  [[nodiscard]] virtual bool can_shrink() const = 0;
  /// True where the compressed form cannot be read beyond what was.
  [[nodiscard]] virtual bool damaged() const = 0;

  /// Whether it is the same file as the one named.
  [[nodiscard]] Result<bool> begins_as(const LogFileIdentity& identity);
  /// None while the first record is not there whole; `settled`: then with what there is of it.
  [[nodiscard]] Result<std::optional<LogFileIdentity>> identify(bool settled = false);

  [[nodiscard]] bool is(const LogFileEntry& entry) const { return device_ == entry.device && inode_ == entry.inode; }
  /// Whether some process could still write to it. Only for deleted files, as nobody can open those anew: the test
  /// would make an opener wait.
  [[nodiscard]] bool has_writer() const;
  /// Its name now, or when it was deleted; empty where the system does not tell.
  [[nodiscard]] std::string present_name() const;
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 protected:
  LogFile(UniqueFd fd, std::filesystem::path path, const LogFileEntry& entry);
  UniqueFd fd_;
  std::filesystem::path path_;  // As it was when opened; for messages.

 private:
  dev_t device_;
  ino_t inode_;
};

}  // namespace logstone
