#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/bytes.h"

namespace logstone {
namespace {

ErrorKind kind_of(int errno_value) {
  switch (errno_value) {
    case ENOENT:
      return ErrorKind::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
    case ETXTBSY:
      return ErrorKind::kConflict;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::kForbidden;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorKind::kOutOfSpace;
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ESTALE:
    case ETIMEDOUT:
      return ErrorKind::kUnavailable;
    case EINVAL:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOTDIR:
      return ErrorKind::kInvalidInput;
    default:
      return ErrorKind::kInternal;
  }
}

const char* advice_for(int errno_value) {
  switch (errno_value) {
    case EACCES:
    case EPERM:
      return "Give this user the right to it, or choose another folder.";
    case EROFS:
      return "The filesystem is mounted read-only: mount it writable, or choose another folder.";
    case ENOSPC:
      return "Free some space on that filesystem; work goes on by itself then.";
    case EDQUOT:
      return "The disk quota is used up: raise it or free some space; work goes on by itself then.";
    case EFBIG:
      return "A file size limit was met (ulimit -f, or the filesystem's own): raise it.";
    case EMFILE:
    case ENFILE:
      return "Too many files are open: raise the limit (ulimit -n).";
    case EIO:
      return "The disk reported a fault: look into the system's log.";
    default:
      return "";
  }
}

int open_retrying(const char* path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

}  // namespace

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Error system_error(std::string attempted, const std::filesystem::path& path, int errno_value) {
  char buffer[256];
  return Error{kind_of(errno_value), std::move(attempted), path.string(),
               ::strerror_r(errno_value, buffer, sizeof(buffer)), advice_for(errno_value)};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const UniqueFd fd(open_retrying(path.c_str(), O_RDONLY));
  if (!fd.valid()) return system_error("open file", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_error("read file", path, errno);
  if (S_ISDIR(status.st_mode)) return system_error("read file", path, EISDIR);
  std::string bytes;
  std::size_t used = 0;
  // The size is a hint only: /proc says 0, and a file may grow while it is read.
  bytes.resize(std::min(limit, static_cast<std::size_t>(status.st_size)) + 1);
  while (true) {
    const ssize_t got = ::read(fd.get(), bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read file", path, errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > limit) {
      return Error{ErrorKind::kInvalidInput, "read file", path.string(),
                   "it is larger than " + std::to_string(limit) + " bytes", ""};
    }
    if (used == bytes.size()) bytes.resize(std::max<std::size_t>(bytes.size() * 2, 4096));
  }
  bytes.resize(used);
  return bytes;
}

Result<> write_all(int fd, std::string_view bytes, const std::filesystem::path& path_for_errors) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("write", path_for_errors, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<> write_file_atomically(const std::filesystem::path& path, std::string_view bytes,
                               const std::filesystem::path& scratch) {
  const std::filesystem::path unfinished = scratch / (".unfinished-" + random_hex(16));
  UniqueFd fd(open_retrying(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644));
  if (!fd.valid()) return system_error("make file", unfinished, errno);
  Result<> result = write_all(fd.get(), bytes, path);
  if (result && ::fsync(fd.get()) != 0) result = system_error("sync file", path, errno);
  fd.reset();
  if (result && ::rename(unfinished.c_str(), path.c_str()) != 0) result = system_error("write file", path, errno);
  if (!result) {
    ::unlink(unfinished.c_str());
    return result;
  }
  return sync_directory(parent_of(path));
}

Result<> make_directories(const std::filesystem::path& path) {
  if (path.empty()) return {};
  std::vector<std::filesystem::path> missing;
  for (std::filesystem::path at = path; !at.empty(); at = at.parent_path()) {
    struct stat status {};
    if (::stat(at.c_str(), &status) == 0) {
      if (!S_ISDIR(status.st_mode)) return system_error("make folder", at, ENOTDIR);
      break;
    }
    if (errno != ENOENT) return system_error("make folder", path, errno);
    missing.push_back(at);
    if (!at.has_relative_path()) break;
  }
  while (!missing.empty()) {
    const std::filesystem::path& next = missing.back();
    // A path with a slash at its end, or "..", names a folder that was made a step before.
    if (::mkdir(next.c_str(), 0755) != 0 && errno != EEXIST) return system_error("make folder", next, errno);
    LOGSTONE_TRY(sync_directory(parent_of(next)));
    missing.pop_back();
  }
  return {};
}

Result<> sync_directory(const std::filesystem::path& path) {
  const UniqueFd fd(open_retrying(path.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return system_error("open folder", path, errno);
  // Some filesystems cannot sync a folder, and say EINVAL: there is nothing that could be done better then.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return system_error("sync folder", path, errno);
  return {};
}

Result<FileLock> FileLock::try_lock(const std::filesystem::path& path, Mode mode) {
  FileLock lock;
  lock.fd_.reset(open_retrying(path.c_str(), O_RDWR | O_CREAT, 0644));
  if (!lock.fd_.valid()) return system_error("open lock file", path, errno);
  const int operation = (mode == Mode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  int failed = 0;
  do {
    failed = ::flock(lock.fd_.get(), operation);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return Error{ErrorKind::kConflict, "lock", path.string(), "another process holds the lock",
                 "Stop the other process, or ask it (--server) instead."};
  }
  return system_error("lock", path, errno);
}

}  // namespace logstone
