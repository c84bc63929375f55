#include "cluster/nodefiles/folder_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/log.h"

namespace logstone {
namespace {

// IN_MASK_ADD: a folder may be one listener's own and another's ancestor.
constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kMoved = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t kFolderMask = IN_MODIFY | kMoved | kGone | IN_ONLYDIR | IN_MASK_ADD;
constexpr std::uint32_t kAncestorMask = IN_CREATE | IN_MOVED_TO | kGone | IN_ONLYDIR | IN_MASK_ADD;
constexpr std::uint32_t kFileMask = IN_MODIFY | IN_CLOSE_WRITE | IN_MASK_ADD;

bool is_missing(int error) { return error == ENOENT || error == ENOTDIR; }

Error watch_error(const std::filesystem::path& path, int error) {
  Error out = system_error("watch", path, error);
  if (error == ENOSPC) {
    out.kind = ErrorKind::kUnavailable;
    out.reason = "this user's inotify watches are used up";
    out.advice = "Raise fs.inotify.max_user_watches (sysctl).";
  }
  return out;
}

std::string place_key(const std::filesystem::path& folder, const std::string& prefix) {
  return folder.native() + '/' + prefix;
}

std::filesystem::path clean(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::path out = std::filesystem::absolute(folder, ignored).lexically_normal();
  return out.has_filename() ? out : out.parent_path();
}

}  // namespace

void FolderListener::notify() {
  if (told_.exchange(true)) return;
  const std::lock_guard lock(calling_);
  if (changed_) changed_();
}

void FolderListener::silence() {
  const std::lock_guard lock(calling_);
  changed_ = nullptr;
}

Result<std::unique_ptr<FolderWatcher>> FolderWatcher::start() {
  UniqueFd inotify(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.valid()) {
    Error error = system_error("start watching files", "inotify", errno);
    error.advice = "Raise fs.inotify.max_user_instances or the limit of open files.";
    return error;
  }
  UniqueFd stopped(eventfd(0, EFD_CLOEXEC));
  if (!stopped.valid()) return system_error("start watching files", "eventfd", errno);
  std::unique_ptr<FolderWatcher> watcher(new FolderWatcher(std::move(inotify), std::move(stopped)));
  try {
    watcher->thread_ = std::thread([raw = watcher.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return Error{ErrorKind::kUnavailable, "start watching files", "thread", error.what(), ""};
  }
  return watcher;
}

FolderWatcher::FolderWatcher(UniqueFd inotify, UniqueFd stopped)
    : inotify_(std::move(inotify)), stopped_(std::move(stopped)) {}

FolderWatcher::~FolderWatcher() {
  if (!thread_.joinable()) return;
  eventfd_write(stopped_.get(), 1);
  thread_.join();
}

Result<std::shared_ptr<FolderListener>> FolderWatcher::listen(const std::filesystem::path& folder, std::string prefix,
                                                              std::function<void()> changed) {
  auto listener = std::make_shared<FolderListener>(clean(folder), std::move(prefix), std::move(changed));
  const std::lock_guard lock(mutex_);
  LOGSTONE_TRY(arm(listener));
  listeners_[place_key(listener->folder_, listener->prefix_)].push_back(listener);
  return listener;
}

void FolderWatcher::end(const std::shared_ptr<FolderListener>& listener) {
  {
    const std::lock_guard lock(mutex_);
    disarm(*listener);
    const auto at = listeners_.find(place_key(listener->folder_, listener->prefix_));
    if (at != listeners_.end()) {
      std::erase(at->second, listener);
      if (at->second.empty()) listeners_.erase(at);
    }
  }
  listener->silence();
}

Result<> FolderWatcher::listen_to_file(const std::shared_ptr<FolderListener>& listener, int descriptor) {
  // By way of /proc a file can be watched that has no name any more.
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const std::lock_guard lock(mutex_);
  const int watch = inotify_add_watch(inotify_.get(), path.c_str(), kFileMask);
  if (watch < 0) return watch_error(path, errno);
  subscribe(watch, {listener, Target::kFile, {}});
  return {};
}

void FolderWatcher::wake(const std::filesystem::path& folder, const std::string& prefix) {
  Listeners to_notify;
  {
    const std::lock_guard lock(mutex_);
    const auto at = listeners_.find(place_key(clean(folder), prefix));
    if (at != listeners_.end()) to_notify = at->second;
  }
  for (const auto& listener : to_notify) listener->notify();
}

Result<> FolderWatcher::ensure(const std::shared_ptr<FolderListener>& listener) {
  const std::lock_guard lock(mutex_);
  if (listener->armed_) return {};
  disarm(*listener);
  return arm(listener);
}

void FolderWatcher::subscribe(int watch, Subscription subscription) {
  auto& list = subscriptions_[watch];
  const bool known = std::any_of(list.begin(), list.end(), [&](const Subscription& other) {
    return other.listener == subscription.listener && other.target == subscription.target;
  });
  if (known) return;
  subscription.listener->watches_.push_back(watch);
  list.push_back(std::move(subscription));
}

Result<> FolderWatcher::arm(const std::shared_ptr<FolderListener>& listener) {
  // Folders may come between looking and watching; each round then gets at least one level further.
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries; ++i) {
    int watch = inotify_add_watch(inotify_.get(), listener->folder_.c_str(), kFolderMask);
    if (watch >= 0) {
      subscribe(watch, {listener, Target::kFolder, {}});
      listener->armed_ = true;
      return {};
    }
    if (!is_missing(errno)) return watch_error(listener->folder_, errno);

    std::filesystem::path ancestor = listener->folder_;
    std::filesystem::path child;
    do {
      child = ancestor;
      if (!ancestor.has_relative_path()) return watch_error(listener->folder_, ENOENT);
      ancestor = ancestor.parent_path();
      watch = inotify_add_watch(inotify_.get(), ancestor.c_str(), kAncestorMask);
    } while (watch < 0 && is_missing(errno));
    if (watch < 0) return watch_error(ancestor, errno);
    subscribe(watch, {listener, Target::kAncestor, child.filename().native()});
    std::error_code ignored;
    if (!std::filesystem::is_directory(child, ignored)) {
      listener->armed_ = true;
      return {};
    }
    disarm(*listener);
  }
  return Error{ErrorKind::kUnavailable, "watch", listener->folder_.string(), "it keeps coming and going", ""};
}

void FolderWatcher::disarm(FolderListener& listener) {
  for (const int watch : listener.watches_) {
    const auto at = subscriptions_.find(watch);
    if (at == subscriptions_.end()) continue;
    std::erase_if(at->second, [&](const Subscription& s) { return s.listener.get() == &listener; });
    if (!at->second.empty()) continue;
    subscriptions_.erase(at);
    inotify_rm_watch(inotify_.get(), watch);
  }
  listener.watches_.clear();
  listener.armed_ = false;
}

void FolderWatcher::rearm(const std::shared_ptr<FolderListener>& listener) {
  disarm(*listener);
  listener->moved_ = true;
  const auto armed = arm(listener);
  // Its owner is told, and meets the error in ensure().
  if (!armed) log_warning("a log folder is not watched", {{"error", armed.error().message()}});
}

void FolderWatcher::take_event(int watch, std::uint32_t mask, std::string_view name, Listeners& to_notify) {
  const auto at = subscriptions_.find(watch);
  if (at == subscriptions_.end()) return;
  const bool gone = (mask & (kGone | IN_IGNORED | IN_UNMOUNT)) != 0;
  Listeners to_rearm;
  for (const Subscription& subscription : at->second) {
    const auto& listener = subscription.listener;
    switch (subscription.target) {
      case Target::kFolder:
        if (gone) {
          to_rearm.push_back(listener);
        } else if (name.starts_with(listener->prefix_)) {
          if ((mask & kMoved) != 0) listener->moved_ = true;
          to_notify.push_back(listener);
        }
        break;
      case Target::kAncestor:
        if (gone || name == subscription.component) to_rearm.push_back(listener);
        break;
      case Target::kFile:
        to_notify.push_back(listener);
        break;
    }
  }
  for (const auto& listener : to_rearm) {
    rearm(listener);
    to_notify.push_back(listener);
  }
}

void FolderWatcher::take_overflow(Listeners& to_notify) {
  log_warning("file events were lost; looking at all log folders again");
  for (const auto& [place, listeners] : listeners_)
    to_notify.insert(to_notify.end(), listeners.begin(), listeners.end());
  for (const auto& listener : to_notify) rearm(listener);
}

void FolderWatcher::run() {
  alignas(inotify_event) char buffer[std::size_t{64} << 10];
  pollfd waited[] = {{inotify_.get(), POLLIN, 0}, {stopped_.get(), POLLIN, 0}};
  for (;;) {
    if (poll(waited, 2, -1) < 0 && errno != EINTR) return;
    if (waited[1].revents != 0) return;
    const ssize_t got = read(inotify_.get(), buffer, sizeof buffer);
    if (got <= 0) continue;
    Listeners to_notify;
    {
      const std::lock_guard lock(mutex_);
      for (const char* at = buffer; at < buffer + got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        at += sizeof(inotify_event) + event->len;
        if ((event->mask & IN_Q_OVERFLOW) != 0) {
          take_overflow(to_notify);
        } else {
          take_event(event->wd, event->mask, event->len == 0 ? "" : event->name, to_notify);
        }
      }
    }
    for (const auto& listener : to_notify) listener->notify();
  }
}

}  // namespace logstone
