#include "cluster/local/pod_sandbox.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

namespace logstone::local {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarksFile = "object.json";
constexpr int kLockDescriptor = 3;  // Where the shim expects it.

// The descriptors of the children between fork and exec, and the lock's in the shim.
constexpr int kFailureDescriptor = 4;
constexpr int kInputDescriptor = 5;
constexpr int kMessagesDescriptor = 6;

/// Only calls that are safe after fork in a process with threads. First of all the child gives up what it inherited:
/// if this process is killed now, its locks must not live on in the child.
void keep_only(int lock, int failure, int input, int messages) {
  // Out of each other's way first, then to their places.
  const int above = std::max({lock, failure, input, messages, kMessagesDescriptor}) + 1;
  const std::array<std::pair<int, int>, 4> moves{{{::fcntl(lock, F_DUPFD, above), kLockDescriptor},
                                                  {::fcntl(failure, F_DUPFD, above), kFailureDescriptor},
                                                  {::fcntl(input, F_DUPFD, above), kInputDescriptor},
                                                  {::fcntl(messages, F_DUPFD, above), kMessagesDescriptor}}};
  for (const auto& [from, to] : moves) ::dup2(from, to);
  if (::syscall(SYS_close_range, static_cast<unsigned>(kMessagesDescriptor + 1), ~0U, 0U) != 0)
    for (int fd = kMessagesDescriptor + 1; fd < 1024; ++fd) ::close(fd);  // A kernel before 5.9.
}

[[noreturn]] void become_shim(char* const* argv) {
  ::setsid();
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(kInputDescriptor, 0);
  ::dup2(kMessagesDescriptor, 1);
  ::dup2(kMessagesDescriptor, 2);
  ::close(kInputDescriptor);
  ::close(kMessagesDescriptor);
  ::fcntl(kFailureDescriptor, F_SETFD, FD_CLOEXEC);
  ::execvp(argv[0], argv);
  const int error = errno;
  [[maybe_unused]] const auto ignored = ::write(kFailureDescriptor, &error, sizeof error);
  ::_exit(127);
}

Result<UniqueFd> take_lock(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return system_error("open lock", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorKind::kConflict, "start the pod's shim", path.string(), "it is running", ""};
  return fd;
}

}  // namespace

Result<PodSandbox> PodSandbox::create(const fs::path& sandboxes, const PodSpec& spec, const PodMarks& marks) {
  const PodSandbox unfinished(sandboxes / ("new-" + spec.uid));
  LOGSTONE_TRY(make_directories(unfinished.folder_));
  LOGSTONE_TRY(replace_file(unfinished.folder_ / kPodSpecFile, to_json(spec)));
  LOGSTONE_TRY(unfinished.write_marks(marks));
  const auto control = unfinished.folder_ / kPodControlFile;
  if (::mkfifo(control.c_str(), 0600) != 0 && errno != EEXIST) return system_error("make", control, errno);
  PodSandbox sandbox(sandboxes / spec.uid);
  if (::rename(unfinished.folder_.c_str(), sandbox.folder_.c_str()) != 0)
    return system_error("make the pod's folder", sandbox.folder_, errno);
  return sandbox;
}

Result<PodSpec> PodSandbox::spec() const {
  LOGSTONE_ASSIGN(const auto text, read_file(folder_ / kPodSpecFile));
  return pod_spec_from_json(text);
}

Result<PodMarks> PodSandbox::marks() const {
  LOGSTONE_ASSIGN(const auto text, read_file(folder_ / kMarksFile));
  try {
    const auto json = nlohmann::json::parse(text);
    PodMarks marks{json.at("held"), json.at("forced"), std::nullopt};
    if (json.contains("deletionRequested"))
      marks.deletion_requested = from_unix_nanoseconds(json["deletionRequested"].get<std::int64_t>());
    return marks;
  } catch (const std::exception& e) {
    return Error{ErrorKind::kCorrupt, "read", (folder_ / kMarksFile).string(), e.what(), ""};
  }
}

Result<> PodSandbox::write_marks(const PodMarks& marks) const {
  nlohmann::json json{{"held", marks.held}, {"forced", marks.forced}};
  if (marks.deletion_requested) json["deletionRequested"] = to_unix_nanoseconds(*marks.deletion_requested);
  return replace_file(folder_ / kMarksFile, json.dump());
}

Result<PodStatus> PodSandbox::status() const {
  LOGSTONE_ASSIGN(const auto text, read_file(folder_ / kPodStatusFile));
  return pod_status_from_json(text);
}

Result<> PodSandbox::write_status(const PodStatus& status) const {
  return replace_file(folder_ / kPodStatusFile, to_json(status));
}

Result<> PodSandbox::start(const std::vector<std::string>& shim_command) const {
  LOGSTONE_ASSIGN(auto lock, take_lock(folder_ / kShimLockFile));
  const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto log_path = folder_ / kShimLogFile;
  const UniqueFd messages(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  std::array<int, 2> pipe{};
  if (!input.valid() || !messages.valid() || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return system_error("start the pod's shim", folder_, errno);
  const UniqueFd failure_read(pipe[0]);
  UniqueFd failure_write(pipe[1]);

  auto texts = shim_command;
  texts.push_back(folder_.string());
  std::vector<char*> argv;
  for (auto& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);

  const auto child = ::fork();
  if (child < 0) return system_error("fork for the pod's shim", folder_, errno);
  if (child == 0) {
    keep_only(lock.get(), failure_write.get(), input.get(), messages.get());
    // The grandchild belongs to the system's reaper: it outlives us and never becomes our zombie.
    const auto grandchild = ::fork();
    if (grandchild == 0) become_shim(argv.data());
    const int error = grandchild < 0 ? errno : 0;
    if (error != 0) [[maybe_unused]]
      const auto ignored = ::write(kFailureDescriptor, &error, sizeof error);
    ::_exit(0);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  failure_write.reset();
  int error = 0;
  ssize_t count = 0;
  do {
    count = ::read(failure_read.get(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count == static_cast<ssize_t>(sizeof error))
    return system_error("run the pod's shim", shim_command.front(), error);
  return {};
}

bool PodSandbox::shim_alive() const {
  // Read-only, since closing a writable descriptor would look like the shim's end to our own watch.
  const UniqueFd fd(::open((folder_ / kShimLockFile).c_str(), O_RDONLY | O_CLOEXEC));
  return fd.valid() && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
}

Result<> PodSandbox::stop(const PodStop& stop) const {
  LOGSTONE_TRY(replace_file(folder_ / kPodStopFile, to_json(stop)));
  const UniqueFd control(::open((folder_ / kPodControlFile).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (control.valid()) [[maybe_unused]]
    const auto ignored = ::write(control.get(), "s", 1);
  return {};
}

std::string PodSandbox::shim_messages() const {
  constexpr std::size_t kMost = 1024;
  const auto text = read_file(folder_ / kShimLogFile);
  if (!text) return {};
  auto end = text->size() > kMost ? text->substr(text->size() - kMost) : *text;
  while (end.ends_with('\n')) end.pop_back();
  return end;
}

Result<> remove_folder(const fs::path& folder) {
  std::error_code error;
  const auto canonical = fs::canonical(folder, error);
  if (error) return {};
  const auto mounts = read_file("/proc/self/mountinfo");
  std::istringstream lines(mounts ? *mounts : "");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    fields >> id >> parent >> device >> root >> point;
    if (point.starts_with(canonical.string() + "/"))
      return Error{ErrorKind::kConflict, "delete folder", folder.string(), "something is mounted at " + point,
                   "Unmount it, then delete the folder."};
  }
  fs::remove_all(canonical, error);
  if (!error) return {};
  // Containers of an ordinary user can leave folders that even their owner may not change.
  std::error_code ignored;
  for (fs::recursive_directory_iterator it(canonical, fs::directory_options::skip_permission_denied, ignored), end;
       it != end && !ignored; it.increment(ignored))
    if (it->is_directory(ignored) && !it->is_symlink(ignored))
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  fs::remove_all(canonical, error);
  if (error)
    return Error{ErrorKind::kForbidden, "delete folder", folder.string(), error.message(), "Delete it by hand."};
  return {};
}

Result<SandboxWatch> SandboxWatch::open() {
  SandboxWatch watch;
  watch.fd_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch.fd_.valid()) {
    auto error = system_error("watch folders", "inotify", errno);
    error.advice = "Raise fs.inotify.max_user_instances.";
    return error;
  }
  return watch;
}

Result<int> SandboxWatch::add(const fs::path& folder) {
  const auto watch = ::inotify_add_watch(fd_.get(), folder.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
  if (watch < 0) {
    auto error = system_error("watch the pod's folder", folder, errno);
    error.advice = "Raise fs.inotify.max_user_watches.";
    return error;
  }
  return watch;
}

void SandboxWatch::remove(int watch) { ::inotify_rm_watch(fd_.get(), watch); }

SandboxWatch::Changes SandboxWatch::take() {
  Changes changes;
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  ssize_t count = 0;
  while ((count = ::read(fd_.get(), buffer.data(), buffer.size())) > 0) {
    for (ssize_t at = 0; at < count;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) changes.overflow = true;
      if (event->len == 0) continue;
      const std::string_view name(event->name);
      if (name == kPodStatusFile || name == kShimLockFile) changes.watches.push_back(event->wd);
    }
  }
  return changes;
}

}  // namespace logstone::local
