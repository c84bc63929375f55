// Tells of changes to folders and files: one inotify instance and one thread for any number of listeners.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace logstone {

/// Somebody who wants to know of changes to the files of one folder whose names begin with a prefix. Made and ended
/// by FolderWatcher; its owner uses the two flags.
class FolderListener {
 public:
  FolderListener(std::filesystem::path folder, std::string prefix, std::function<void()> changed)
      : folder_(std::move(folder)), prefix_(std::move(prefix)), changed_(std::move(changed)) {}

  /// Calls `changed`, unless it was called since `look()`.
  void notify();
  /// To be called before looking at the files: changes from now on are told again.
  void look() { told_.store(false); }
  /// Whether files may have come, gone or changed names since the last call.
  [[nodiscard]] bool take_moved() { return moved_.exchange(false); }
  void set_moved() { moved_.store(true); }

 private:
  friend class FolderWatcher;
  /// Nothing is called after it returned.
  void silence();

  const std::filesystem::path folder_;
  const std::string prefix_;
  std::atomic<bool> told_ = false;
  std::atomic<bool> moved_ = true;
  std::mutex calling_;
  std::function<void()> changed_;
  std::vector<int> watches_;  // Guarded by FolderWatcher::mutex_, as is the next.
  bool armed_ = false;
};

/// Thread-safe. Outlives its listeners.
class FolderWatcher {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FolderWatcher>> start();
  ~FolderWatcher();

  /// `folder` need not exist yet: then its nearest ancestor is watched until it does. `changed` is called from the
  /// watcher's thread; calls are merged until the listener looks.
  [[nodiscard]] Result<std::shared_ptr<FolderListener>> listen(const std::filesystem::path& folder, std::string prefix,
                                                               std::function<void()> changed);
  /// Once it returned, `changed` does not run and is not called again: do not hold a lock that `changed` takes.
  void end(const std::shared_ptr<FolderListener>& listener);
  /// Also tells of writes to an open file, which may have been deleted, and of its writer's closing it.
  [[nodiscard]] Result<> listen_to_file(const std::shared_ptr<FolderListener>& listener, int descriptor);
  /// Notifies the listeners of a folder and prefix.
  void wake(const std::filesystem::path& folder, const std::string& prefix);
  /// Sets up again what could not be set up from the watcher's own thread; cheap when all is well.
  [[nodiscard]] Result<> ensure(const std::shared_ptr<FolderListener>& listener);

 private:
  enum class Target { kFolder, kAncestor, kFile };
  struct Subscription {
    std::shared_ptr<FolderListener> listener;
    Target target;
    std::string component;  // kAncestor: the entry that is missing on the way to the folder.
  };
  using Listeners = std::vector<std::shared_ptr<FolderListener>>;

  FolderWatcher(UniqueFd inotify, UniqueFd stopped);
  void run();
  void take_event(int watch, std::uint32_t mask, std::string_view name, Listeners& to_notify);
  void take_overflow(Listeners& to_notify);
  // The caller holds mutex_.
  Result<> arm(const std::shared_ptr<FolderListener>& listener);
  void disarm(FolderListener& listener);
  void rearm(const std::shared_ptr<FolderListener>& listener);
  void subscribe(int watch, Subscription subscription);

  UniqueFd inotify_;
  UniqueFd stopped_;
  std::mutex mutex_;
  std::unordered_map<int, std::vector<Subscription>> subscriptions_;  // By watch descriptor.
  std::unordered_map<std::string, Listeners> listeners_;              // By folder and prefix.
  std::thread thread_;
};

}  // namespace logstone
