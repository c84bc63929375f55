#include "cluster/nodefiles/log_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace logstone {
namespace {

constexpr std::size_t kTimeBytes = 15;  // YYYYMMDD-HHMMSS

bool is_rotation_time(std::string_view text) {
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    if (i == 8 ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
  }
  return true;
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

Result<std::vector<LogFileEntry>> list_once(int folder_fd, const std::filesystem::path& folder, std::uint32_t restart) {
  // Its own descriptor: reading a folder moves the position that duplicates share.
  const int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::vector<LogFileEntry>{};
    return system_error("list log folder", folder, errno);
  }
  const std::unique_ptr<DIR, CloseFolder> open(fdopendir(fd));
  if (!open) {
    const int error = errno;
    close(fd);
    return system_error("list log folder", folder, error);
  }
  std::vector<LogFileEntry> files;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(open.get());
    if (entry == nullptr) {
      if (errno != 0 && errno != ENOENT) return system_error("list log folder", folder, errno);
      break;
    }
    auto parts = parse_log_file_name(entry->d_name, restart);
    struct stat status {};
    if (!parts || fstatat(folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode)) continue;
    files.push_back({entry->d_name, *std::move(parts), status.st_dev, status.st_ino});
  }
  std::sort(files.begin(), files.end(), [](const LogFileEntry& a, const LogFileEntry& b) {
    return std::tuple(a.parts.order(), a.parts.compressed) < std::tuple(b.parts.order(), b.parts.compressed);
  });
  return files;
}

bool same_listing(const std::vector<LogFileEntry>& a, const std::vector<LogFileEntry>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const LogFileEntry& x, const LogFileEntry& y) {
    return x.inode == y.inode && x.device == y.device && x.file_name == y.file_name;
  });
}

}  // namespace

std::optional<LogFileName> parse_log_file_name(std::string_view file_name, std::uint32_t restart) {
  const std::string stem = std::to_string(restart) + ".log";
  if (!file_name.starts_with(stem)) return std::nullopt;
  file_name.remove_prefix(stem.size());
  LogFileName name;
  if (file_name.empty()) {
    name.current = true;
    return name;
  }
  if (file_name.front() != '.' || file_name.ends_with(".tmp")) return std::nullopt;
  file_name.remove_prefix(1);
  if (file_name.size() < kTimeBytes || !is_rotation_time(file_name)) return std::nullopt;
  name.rotated_at = file_name.substr(0, kTimeBytes);
  file_name.remove_prefix(kTimeBytes);
  if (file_name.ends_with(".gz")) {
    name.compressed = true;
    file_name.remove_suffix(3);
  }
  name.suffix = file_name;
  return name;
}

Result<LogFolderListing> list_log_folder(const std::filesystem::path& folder, std::uint32_t restart) {
  LogFolderListing listing;
  listing.folder.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!listing.folder.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return listing;
    return system_error("open log folder", folder, errno);
  }
  LOGSTONE_ASSIGN(listing.files, list_once(listing.folder.get(), folder, restart));
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    LOGSTONE_ASSIGN(auto again, list_once(listing.folder.get(), folder, restart));
    const bool stable = same_listing(listing.files, again);
    listing.files = std::move(again);
    if (!stable) continue;
    // While a file is being replaced by its compressed form both exist; the plain one is the cheaper to read.
    auto& files = listing.files;
    for (std::size_t at = files.size(); at-- > 1;) {
      if (files[at].parts.order() == files[at - 1].parts.order()) files.erase(files.begin() + static_cast<long>(at));
    }
    // A folder that was removed while it was open lists as empty: then it is not there.
    struct stat status {};
    if (files.empty() && fstat(listing.folder.get(), &status) == 0 && status.st_nlink == 0) listing.folder.reset();
    return listing;
  }
  return Error{ErrorKind::kUnavailable, "list log folder", folder.string(), "its files keep changing names", ""};
}

}  // namespace logstone
