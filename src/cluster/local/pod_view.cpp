#include "cluster/local/pod_view.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <system_error>

#include "base/file.h"

namespace logstone::local {
namespace {

namespace fs = std::filesystem;

std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

bool write_proc(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd.valid() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// A mount namespace, with a user namespace around it where that is what permits it. Empty: done.
std::string unshare_mounts() {
  const auto uid = std::to_string(::geteuid());
  const auto gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return failed("unshare the mount namespace");
    write_proc("/proc/self/setgroups", "deny");
    if (!write_proc("/proc/self/uid_map", uid + " " + uid + " 1") ||
        !write_proc("/proc/self/gid_map", gid + " " + gid + " 1"))
      return failed("map the user into its namespace");
  }
  // Without this the pod's mounts would show on the machine, and deleting the pod's folder would delete through them.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return failed("make mounts private");
  return {};
}

bool is_empty_folder(const fs::path& path) {
  std::error_code error;
  const auto empty = fs::is_empty(path, error);
  return !error && empty;
}

/// Empty: done. Paths go through descriptors, since mount options have no way to write commas and colons.
std::string mount_overlay(const fs::path& lower, const fs::path& target, const fs::path& scratch) {
  std::error_code error;
  fs::create_directories(scratch / "upper", error);
  fs::create_directories(scratch / "work", error);
  const auto open_folder = [](const fs::path& path) { return UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY)); };
  const auto lower_fd = open_folder(lower);
  const auto upper_fd = open_folder(scratch / "upper");
  const auto work_fd = open_folder(scratch / "work");
  const auto name = [](const UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); };
  const auto options = "lowerdir=" + name(lower_fd) + ",upperdir=" + name(upper_fd) + ",workdir=" + name(work_fd);
  if (::mount("overlay", target.c_str(), "overlay", 0, options.c_str()) != 0) return failed("mount an overlay");
  return {};
}

std::string enter_root(const fs::path& root) {
  if (::chdir(root.c_str()) != 0) return failed("enter " + root.string());
  if (::syscall(SYS_pivot_root, ".", ".") == 0) {
    if (::umount2(".", MNT_DETACH) != 0) return failed("leave the old root");
  } else if (::chroot(".") != 0) {  // An initial ramdisk's root cannot be pivoted away from.
    return failed("change the root");
  }
  if (::chdir("/") != 0) return failed("enter the new root");
  return {};
}

/// "tmp" of "/tmp/a/b"; empty where the path is not below a top-level folder.
std::string top_of(const fs::path& path) {
  if (!path.is_absolute() || std::distance(path.begin(), path.end()) < 3) return {};
  return std::next(path.begin())->string();
}

}  // namespace

/// Puts one top-level entry of the machine into the new root. What cannot be bound is left out, as if not there.
void PodView::bind_entry(const fs::path& source, const fs::path& root, unsigned long root_device, bool writes) {
  const auto name = source.filename();
  const auto target = root / name;
  struct stat info {};
  if (::lstat(source.c_str(), &info) != 0) return;
  std::error_code error;
  if (S_ISLNK(info.st_mode)) {
    fs::copy_symlink(source, target, error);
  } else if (name == "tmp") {
    if (::mkdir(target.c_str(), 0777) == 0) ::chmod(target.c_str(), 01777);
  } else if (S_ISDIR(info.st_mode)) {
    if (::mkdir(target.c_str(), 0755) != 0) return;
    if (info.st_dev == root_device && is_empty_folder(source)) {
      ::chmod(target.c_str(), info.st_mode & 07777);
      return;
    }
    auto why = std::string("it is the machine's folder");
    if (writes) {
      why = mount_overlay(source, target, folder_ / "overlays" / name);
      if (why.empty()) return;
    }
    if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0) {
      bound_[name] = why;
    } else {
      ::rmdir(target.c_str());
    }
  } else if (S_ISREG(info.st_mode)) {
    const UniqueFd file(::open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file.valid() || ::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0)
      ::unlink(target.c_str());
  }
}

PodView PodView::enter(const fs::path& folder, const std::vector<fs::path>& writes) {
  PodView view;
  view.folder_ = folder;
  const auto root = folder / "root";
  std::error_code error;
  fs::create_directories(root, error);
  struct stat root_info {};
  if (error || ::stat("/", &root_info) != 0) {
    view.problem_ = "make " + root.string() + ": " + error.message();
    return view;
  }
  std::set<std::string> written;
  for (const auto& path : writes) written.insert(top_of(fs::weakly_canonical(path, error)));
  view.problem_ = unshare_mounts();
  if (!view.problem_.empty()) return view;
  if (::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    view.problem_ = failed("bind the pod's root");
    return view;
  }
  // A descriptor opened now is on the new mount; the paths of entries are still the machine's.
  const UniqueFd root_fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const fs::path new_root = "/proc/self/fd/" + std::to_string(root_fd.get());
  for (const auto& entry : fs::directory_iterator("/", error))
    view.bind_entry(entry.path(), new_root, root_info.st_dev, written.contains(entry.path().filename()));
  view.problem_ = enter_root(new_root);
  return view;
}

Result<> PodView::make_parent(const fs::path& path) const {
  const auto refuse = [&](const std::string& why) {
    return Error{ErrorKind::kUnsupported, "write a file of the pod", path.string(), why,
                 "Use a path below /tmp, or below a folder that this machine does not have."};
  };
  std::error_code error;
  const auto clean = fs::weakly_canonical(path, error);
  if (error || !path.is_absolute() || !clean.has_filename()) return refuse("it is not an absolute path of a file");
  const auto top = top_of(clean);
  if (!isolated()) {
    if (top != "tmp") return refuse("pods share the machine's folders here (" + problem_ + ")");
  } else if (const auto found = bound_.find(top); found != bound_.end()) {
    return refuse(found->second);
  }
  fs::create_directories(clean.parent_path(), error);
  if (error) return refuse("make its folder: " + error.message());
  return {};
}

}  // namespace logstone::local
