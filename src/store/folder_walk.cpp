#include "store/folder_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/file.h"
#include "store/file_names.h"

namespace logstone::filesystem_walk {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool begins_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

/// What was there a moment ago may be gone, or be something else now: then it is not listed.
bool is_gone(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

/// Some filesystems do not tell the type with the name.
unsigned char type_of(int folder, const char* name) {
  struct stat status {};
  if (::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_LNK;
}

}  // namespace

bool is_empty_folder(int above, const std::string& name) {
  const UniqueFd fd(::openat(above, name.c_str(), kFolderFlags));
  bool empty = fd.valid();
  return empty && for_each_entry(fd.get(), [&](const char*, unsigned char) { empty = false; }) == 0 && empty;
}

int for_each_entry(int folder, const std::function<void(const char* name, unsigned char type)>& entry) {
  // A descriptor of its own: the place in a folder belongs to the open file.
  const int own = ::openat(folder, ".", kFolderFlags);
  if (own < 0) return errno;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own), ::closedir);
  if (!stream) {
    const int error = errno;
    ::close(own);
    return error;
  }
  while (true) {
    errno = 0;
    const dirent* next = ::readdir(stream.get());
    if (next == nullptr) return errno;
    const char* name = next->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    entry(name, next->d_type);
  }
}

bool Listing::may_matter(const Entry& entry) const {
  if (!entry.folder) return begins_with(entry.key, prefix_) && entry.key > start_after_;
  // The folder's keys are all those that begin with its own.
  const bool has_prefix = begins_with(entry.key, prefix_) || begins_with(prefix_, entry.key);
  return has_prefix && (entry.key > start_after_ || begins_with(start_after_, entry.key));
}

int Listing::collect(int fd, const std::string& path, const std::string& text_before, const std::string& base,
                     std::vector<Entry>& entries) {
  std::vector<std::pair<std::string, std::string>> continued;  // Name, text so far.
  std::string plain_key = base + text_before;
  const std::size_t plain_at = plain_key.size();
  const int error = for_each_entry(fd, [&](const char* name, unsigned char type) {
    // The great many: left out here at the price of a comparison where an earlier page had them.
    if (type == DT_REG && std::strchr(name, '%') == nullptr) {
      plain_key.replace(plain_at, std::string::npos, name);
      if (plain_key > start_after_ && begins_with(plain_key, prefix_))
        entries.push_back({plain_key, path + name, false});
      return;
    }
    const filesystem_names::EntryName read = filesystem_names::read_name(name);
    const std::string text = text_before + read.text;
    Entry entry{base + text, path + name, false};
    if (type == DT_UNKNOWN) type = type_of(fd, name);
    if (type == DT_DIR && read.continued) {
      const std::string begin = base + text;
      if (begins_with(begin, prefix_) || begins_with(prefix_, begin)) continued.emplace_back(name, text);
      return;
    }
    if (type == DT_DIR) {
      entry.key += '/';
      entry.folder = true;
    } else if (type != DT_REG) {
      return;  // Links and the like are no objects.
    }
    if (may_matter(entry)) entries.push_back(std::move(entry));
  });
  if (error != 0) return error;
  // Such a folder holds the rest of names, not another level: its entries stand among those of this one.
  for (const auto& [name, text] : continued) {
    const UniqueFd below(::openat(fd, name.c_str(), kFolderFlags));
    if (!below.valid() && is_gone(errno)) continue;
    if (!below.valid()) return errno;
    if (const int failed = collect(below.get(), path + name + '/', text, base, entries); failed != 0) return failed;
  }
  return 0;
}

int Listing::walk(int fd, const std::string& base) {
  std::vector<Entry> entries;
  if (const int error = collect(fd, "", "", base, entries); error != 0) return is_gone(error) ? 0 : error;
  const auto before = [](const Entry& a, const Entry& b) { return a.key < b.key; };
  // A page takes few of a folder's many entries; one more may be an empty folder, so all may be needed in the end.
  auto sorted_until = entries.begin();
  std::ptrdiff_t portion = std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(limit_ - objects_.size()) + 1, 64);
  for (auto at = entries.begin(); at != entries.end() && !more_; ++at) {
    if (at == sorted_until) {
      sorted_until += std::min(portion, entries.end() - sorted_until);
      portion *= 2;
      std::partial_sort(at, sorted_until, entries.end(), before);
    }
    if (at->folder) {
      const UniqueFd below(::openat(fd, at->path.c_str(), kFolderFlags));
      if (!below.valid() && is_gone(errno)) continue;
      if (!below.valid()) return errno;
      if (const int error = walk(below.get(), at->key); error != 0) return error;
      continue;
    }
    struct stat status {};
    if (::fstatat(fd, at->path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (is_gone(errno)) continue;
      return errno;
    }
    if (!check_key(at->key)) continue;  // Not one of ours.
    if (objects_.size() == limit_) {
      more_ = true;
      return 0;
    }
    objects_.push_back(
        {at->key, static_cast<std::uint64_t>(status.st_size),
         from_unix_nanoseconds(status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec)});
  }
  return 0;
}

}  // namespace logstone::filesystem_walk
