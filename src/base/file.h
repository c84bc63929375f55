// Files and folders with errors as values, durable where it says so.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace logstone {

/// Owns a file descriptor; closes it.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// The Error of a failed system call: kind from `errno_value`, reason from strerror.
[[nodiscard]] Error system_error(std::string attempted, const std::filesystem::path& path, int errno_value);
/// The whole file; kInvalidInput when it is larger than `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::size_t limit = std::size_t{1} << 32);
/// Writes all of `bytes` to a descriptor, going on after short writes and EINTR.
[[nodiscard]] Result<> write_all(int fd, std::string_view bytes, const std::filesystem::path& path_for_errors);
/// Readers see the old or the new content, whatever happens; the new one survives a power cut once this returned
/// (file and directory are synced). `scratch` names the folder for the unfinished file: on the same filesystem.
[[nodiscard]] Result<> write_file_atomically(const std::filesystem::path& path, std::string_view bytes,
                                             const std::filesystem::path& scratch);
[[nodiscard]] Result<> make_directories(const std::filesystem::path& path);
[[nodiscard]] Result<> sync_directory(const std::filesystem::path& path);

/// An advisory lock on a file (flock), given back by the kernel when the process ends, however it ends.
class FileLock {
 public:
  enum class Mode { kShared, kExclusive };
  /// kConflict when another process holds it; never waits.
  [[nodiscard]] static Result<FileLock> try_lock(const std::filesystem::path& path, Mode mode);

 private:
  UniqueFd fd_;
};

}  // namespace logstone
