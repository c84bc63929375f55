// Layout: `root/objects/<key>` and `root/incoming/<random>`.
//
// Every folder is opened part by part, none through a symbolic link, so that no link leads out of the root. Where an
// object's key is also the folder of other keys, the object's file has "%o" after its name (file_names.h). It gets
// there when it is written while the folder is there, or when the folder is made while the file is there; it never
// goes back, so a reader that looks at the plain name first and at the marked one then always finds it. An object
// never has both: writers hold a shared lock from looking to writing, who moves an object aside or takes a folder away
// an exclusive one.
#include "store/filesystem_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "store/file_names.h"
#include "store/folder_walk.h"

namespace logstone {
namespace {

namespace names = filesystem_names;

// Others remove empty folders, or move an object aside, between two of our steps; each time is one more try.
constexpr int kMaxTries = 100;
constexpr std::size_t kMaxListLimit = 1000;
constexpr std::size_t kMaxKnownFolders = 10'000;

template <class F>
int retrying(F call) {
  int result = 0;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

Timestamp modified_time(const struct stat& status) {
  return from_unix_nanoseconds(status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec);
}

Error no_such_object(const char* attempted, const std::string& key) {
  return Error{ErrorKind::kNotFound, attempted, key, "no such object", ""};
}

class FilesystemStore final : public ObjectStore {
 public:
  FilesystemStore(std::filesystem::path root, UniqueFd objects, UniqueFd incoming)
      : root_(std::move(root)), objects_(std::move(objects)), incoming_(std::move(incoming)) {}

  Result<> put(const std::string& key, std::string_view bytes) override { return write(key, bytes, true); }
  Result<> put_if_absent(const std::string& key, std::string_view bytes) override { return write(key, bytes, false); }

  Result<std::string> get(const std::string& key) override {
    LOGSTONE_ASSIGN(const OpenObject object, open_object("read object", key));
    return read(key, object, 0, object.size);
  }

  Result<std::string> get_range(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    LOGSTONE_ASSIGN(const OpenObject object, open_object("read object", key));
    if (offset >= object.size) return std::string();
    return read(key, object, offset, std::min(length, object.size - offset));
  }

  Result<ObjectInfo> head(const std::string& key) override {
    LOGSTONE_ASSIGN(const OpenObject object, open_object("look at object", key));
    return ObjectInfo{key, object.size, object.modified};
  }

  Result<ObjectPage> list(const std::string& prefix, const std::string& start_after, std::size_t limit) override {
    if (limit < 1 || limit > kMaxListLimit) {
      return Error{ErrorKind::kInvalidInput, "list objects", prefix, "a limit of " + std::to_string(limit),
                   "It can be 1 to 1,000."};
    }
    // An object that is being moved aside must not be missed under both names.
    const Lock no_moves(*this, LOCK_SH);
    if (no_moves.error() != 0) return failed("list objects", prefix, no_moves.error());
    const std::string folder = prefix.substr(0, prefix.rfind('/') + 1);
    UniqueFd at;
    if (!folder.empty()) {
      if (!check_key(folder.substr(0, folder.size() - 1))) return ObjectPage{};  // No key begins like that.
      auto opened = open_folder(names::names_of_key(folder.substr(0, folder.size() - 1)), false);
      if (!opened && (opened.error() == ENOENT || opened.error() == ENOTDIR || opened.error() == ELOOP)) {
        return ObjectPage{};
      }
      if (!opened) return failed("list objects", prefix, opened.error());
      at = *std::move(opened);
    }
    filesystem_walk::Listing listing(prefix, start_after, limit);
    if (const int error = listing.walk(at.valid() ? at.get() : objects_.get(), folder); error != 0) {
      return failed("list objects", prefix, error);
    }
    return std::move(listing).page();
  }

  Result<> remove(const std::string& key) override {
    LOGSTONE_TRY(check_key(key));
    auto path = names::names_of_key(key);
    const std::string leaf = std::move(path.back());
    path.pop_back();
    auto folder = open_folder(path, false);
    if (!folder && (folder.error() == ENOENT || folder.error() == ENOTDIR)) return {};
    if (!folder) return failed("remove object", key, folder.error());
    bool removed = false;
    for (const std::string& name : {leaf, leaf + std::string(names::kObjectMark)}) {
      if (::unlinkat(folder->get(), name.c_str(), 0) == 0) {
        removed = true;
      } else if (errno == EPERM || errno == EISDIR) {
        // A folder of that name stays; Linux says EISDIR for it, POSIX EPERM, which may also mean what it says.
        struct stat status {};
        const bool is_folder =
            ::fstatat(folder->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
        if (!is_folder) return failed("remove object", key, EPERM);
      } else if (errno != ENOENT) {
        return failed("remove object", key, errno);
      }
    }
    if (!removed) return {};
    if (::fsync(folder->get()) != 0 && errno != EINVAL) return failed("remove object", key, errno);
    folder->reset();
    remove_empty_folders(std::move(path));
    return {};
  }

  std::string description() const override { return "file://" + root_.string(); }

 private:
  /// A value, or the errno of why there is none.
  template <class T>
  using OrErrno = tl::expected<T, int>;

  struct OpenObject {
    UniqueFd fd;
    std::uint64_t size = 0;
    Timestamp modified{};
  };

  /// Tells folders apart even where a new one got the number of one that was removed.
  struct FolderIdentity {
    ino_t number = 0;
    std::int64_t born = 0;
    bool operator==(const FolderIdentity&) const = default;
  };

  /// Holds between threads and processes alike: each has its own descriptor.
  class Lock {
   public:
    Lock(const FilesystemStore& store, int operation)
        : fd_(::openat(store.objects_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
      if (!fd_.valid() || retrying([&] { return ::flock(fd_.get(), operation); }) != 0) error_ = errno;
    }
    /// 0, or why it is not held.
    [[nodiscard]] int error() const { return error_; }

   private:
    UniqueFd fd_;
    int error_ = 0;
  };

  static Error failed(const char* attempted, const std::string& key, int error) {
    if (error == ELOOP) {
      return Error{ErrorKind::kForbidden, attempted, key, "a symbolic link is in its way",
                   "Replace the link by the folder or file that it leads to."};
    }
    return system_error(attempted, key, error);
  }

  /// The folder that the names lead to, one by one; missing ones are made when `make` says so.
  OrErrno<UniqueFd> open_folder(const std::vector<std::string>& path, bool make) {
    UniqueFd at(::openat(objects_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!at.valid()) return tl::unexpected(errno);
    for (const std::string& name : path) {
      int fd = -1;
      for (int i = 0; i < kMaxTries; ++i) {
        fd = ::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) break;
        // A link that was not followed is "not a directory" for Linux.
        const int error = errno == ENOTDIR && is_link(at.get(), name) ? ELOOP : errno;
        if (!make || (error != ENOENT && error != ENOTDIR)) return tl::unexpected(error);
        if (error == ENOTDIR) {
          if (const int moving = move_aside(at.get(), name); moving != 0) return tl::unexpected(moving);
        } else if (::mkdirat(at.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
          return tl::unexpected(errno);
        }
      }
      if (fd < 0) return tl::unexpected(EAGAIN);
      at.reset(fd);
    }
    return at;
  }

  static bool is_link(int folder, const std::string& name) {
    struct stat status {};
    return ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
  }

  /// Makes room for a folder where an object is: the object gets its other name.
  int move_aside(int folder, const std::string& name) {
    const Lock lock(*this, LOCK_EX);
    if (lock.error() != 0) return lock.error();
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
    if (S_ISDIR(status.st_mode)) return 0;
    if (!S_ISREG(status.st_mode)) return ENOTDIR;
    const std::string marked = name + std::string(names::kObjectMark);
    if (::renameat(folder, name.c_str(), folder, marked.c_str()) != 0 && errno != ENOENT) return errno;
    return ::fsync(folder) != 0 && errno != EINVAL ? errno : 0;
  }

  Result<OpenObject> open_object(const char* attempted, const std::string& key) {
    LOGSTONE_TRY(check_key(key));
    auto path = names::names_of_key(key);
    const std::string leaf = std::move(path.back());
    path.pop_back();
    const auto folder = open_folder(path, false);
    if (!folder && (folder.error() == ENOENT || folder.error() == ENOTDIR)) return no_such_object(attempted, key);
    if (!folder) return failed(attempted, key, folder.error());
    for (const std::string& name : {leaf, leaf + std::string(names::kObjectMark)}) {
      // Not waiting matters for a named pipe only, which is no object; it must not hold us.
      OpenObject object;
      object.fd.reset(::openat(folder->get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
      if (!object.fd.valid() && errno == ENOENT) continue;
      if (!object.fd.valid()) return failed(attempted, key, errno);
      struct stat status {};
      if (::fstat(object.fd.get(), &status) != 0) return failed(attempted, key, errno);
      if (!S_ISREG(status.st_mode)) continue;
      object.size = static_cast<std::uint64_t>(status.st_size);
      object.modified = modified_time(status);
      return object;
    }
    return no_such_object(attempted, key);
  }

  static Result<std::string> read(const std::string& key, const OpenObject& object, std::uint64_t offset,
                                  std::uint64_t length) {
    std::string bytes;
    try {
      bytes.resize(length);
    } catch (const std::exception&) {
      return Error{ErrorKind::kUnavailable, "read object", key,
                   "there is no memory for its " + std::to_string(length) + " bytes", "Read it range by range."};
    }
    std::size_t used = 0;
    while (used < bytes.size()) {
      const ssize_t got =
          ::pread(object.fd.get(), bytes.data() + used, bytes.size() - used, static_cast<off_t>(offset + used));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read object", key, errno);
      if (got == 0) break;  // Somebody cut the file meanwhile; its reader's digests will tell.
      used += static_cast<std::size_t>(got);
    }
    bytes.resize(used);
    return bytes;
  }

  Result<> write(const std::string& key, std::string_view bytes, bool replace) {
    LOGSTONE_TRY(check_key(key));
    std::string unfinished;
    UniqueFd file;
    LOGSTONE_TRY(make_unfinished(key, unfinished, file));
    Result<> result = write_all(file.get(), bytes, key);
    if (result && ::fsync(file.get()) != 0) result = failed("write object", key, errno);
    if (result) result = publish(key, unfinished, replace);
    // After a rename there is nothing left to remove; the lock is held until then (see remove_leftovers).
    ::unlinkat(incoming_.get(), unfinished.c_str(), 0);
    if (!result) {
      result.error().attempted = "write object";
      result.error().subject = key;
    }
    return result;
  }

  /// A locked file in incoming/: whoever opens the store meanwhile sees that it is being written.
  Result<> make_unfinished(const std::string& key, std::string& name, UniqueFd& file) {
    for (int i = 0; i < kMaxTries; ++i) {
      name = random_hex(32);
      file.reset(::openat(incoming_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
      if (!file.valid()) return failed("write object", key, errno);
      if (retrying([&] { return ::flock(file.get(), LOCK_EX); }) != 0) return failed("write object", key, errno);
      struct stat status {};
      if (::fstat(file.get(), &status) == 0 && status.st_nlink > 0) return {};
      // Another process took it for a leftover before it was locked.
    }
    return failed("write object", key, EAGAIN);
  }

  Result<> publish(const std::string& key, const std::string& unfinished, bool replace) {
    auto path = names::names_of_key(key);
    const std::string leaf = std::move(path.back());
    path.pop_back();
    for (int i = 0; i < kMaxTries; ++i) {
      const auto folder = open_folder(path, true);
      if (!folder && folder.error() == ENOENT) continue;  // Removed while it was being made.
      if (!folder) return failed("write object", key, folder.error());
      const int error =
          replace ? replace_object(folder->get(), leaf, unfinished) : link_object(folder->get(), leaf, unfinished);
      if (error == 0) return make_durable(key, path, folder->get());
      if (error == EEXIST) {
        return Error{ErrorKind::kConflict, "write object", key, "it exists already", ""};
      }
      // The folder was removed, being empty; or a folder of the object's own name came or went.
      if (error != ENOENT && error != EISDIR && error != ENOTDIR) return failed("write object", key, error);
    }
    return failed("write object", key, EAGAIN);
  }

  int replace_object(int folder, const std::string& leaf, const std::string& unfinished) {
    const Lock no_moves(*this, LOCK_SH);
    if (no_moves.error() != 0) return no_moves.error();
    const std::string marked = leaf + std::string(names::kObjectMark);
    const bool aside = ::faccessat(folder, marked.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (!aside && ::renameat(incoming_.get(), unfinished.c_str(), folder, leaf.c_str()) == 0) return 0;
    if (!aside && errno != EISDIR) return errno;
    return ::renameat(incoming_.get(), unfinished.c_str(), folder, marked.c_str()) == 0 ? 0 : errno;
  }

  int link_object(int folder, const std::string& leaf, const std::string& unfinished) {
    const Lock no_moves(*this, LOCK_SH);
    if (no_moves.error() != 0) return no_moves.error();
    const std::string marked = leaf + std::string(names::kObjectMark);
    if (::faccessat(folder, marked.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
    if (::linkat(incoming_.get(), unfinished.c_str(), folder, leaf.c_str(), 0) == 0) return 0;
    struct stat status {};
    if (errno != EEXIST) return errno;
    if (::fstatat(folder, leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    if (!S_ISDIR(status.st_mode)) return EEXIST;
    return ::linkat(incoming_.get(), unfinished.c_str(), folder, marked.c_str(), 0) == 0 ? 0 : errno;
  }

  /// Syncs the object's folder, and those above it unless this very folder was found in its place before.
  Result<> make_durable(const std::string& key, const std::vector<std::string>& path, int folder) {
    if (::fsync(folder) != 0 && errno != EINVAL) return failed("write object", key, errno);
    if (path.empty()) return {};
    const FolderIdentity identity = identity_of(folder);
    std::string name;
    for (const std::string& part : path) name += part + '/';
    {
      const std::lock_guard lock(mutex_);
      const auto known = known_folders_.find(name);
      if (known != known_folders_.end() && known->second == identity) return {};
    }
    UniqueFd at(::openat(objects_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::string& part : path) {
      if (!at.valid() && errno == ENOENT) return {};  // Somebody removed the object, and its folder, already.
      if (!at.valid()) return failed("write object", key, errno);
      if (::fsync(at.get()) != 0 && errno != EINVAL) return failed("write object", key, errno);
      at.reset(::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    const std::lock_guard lock(mutex_);
    if (known_folders_.size() >= kMaxKnownFolders) known_folders_.clear();
    known_folders_[name] = identity;
    return {};
  }

  static FolderIdentity identity_of(int folder) {
    struct statx status {};
    if (::statx(folder, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &status) != 0) return {};
    return {static_cast<ino_t>(status.stx_ino),
            status.stx_btime.tv_sec * std::int64_t{1'000'000'000} + status.stx_btime.tv_nsec};
  }

  /// A folder that is not empty, or that somebody uses just now, stays: that is no failure.
  void remove_empty_folders(std::vector<std::string> path) {
    while (!path.empty()) {
      const std::string name = std::move(path.back());
      path.pop_back();
      const auto above = open_folder(path, false);
      if (!above || !filesystem_walk::is_empty_folder(above->get(), name)) return;
      const Lock lock(*this, LOCK_EX);
      if (lock.error() != 0 || ::unlinkat(above->get(), name.c_str(), AT_REMOVEDIR) != 0) return;
    }
  }

  std::filesystem::path root_;
  UniqueFd objects_;
  UniqueFd incoming_;
  std::mutex mutex_;
  std::map<std::string, FolderIdentity> known_folders_;
};

/// Unfinished files of writers that are gone: nobody holds their lock.
void remove_leftovers(int incoming) {
  filesystem_walk::for_each_entry(incoming, [&](const char* name, unsigned char) {
    const UniqueFd fd(::openat(incoming, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(incoming, name, 0);
  });
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_filesystem_store(const std::filesystem::path& root) {
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(root, ignored).lexically_normal();
  for (const char* folder : {"objects", "incoming"}) {
    auto made = make_directories(absolute / folder);
    if (!made) {
      made.error().attempted = "open store";
      return std::move(made).error();
    }
  }
  UniqueFd objects(::open((absolute / "objects").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!objects.valid()) return system_error("open store", absolute / "objects", errno);
  UniqueFd incoming(::open((absolute / "incoming").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!incoming.valid()) return system_error("open store", absolute / "incoming", errno);
  remove_leftovers(incoming.get());
  return std::make_unique<FilesystemStore>(absolute, std::move(objects), std::move(incoming));
}

}  // namespace logstone
