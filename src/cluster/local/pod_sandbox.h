// A pod's folder as the engine handles it: makes it, starts and stops the shim, sees what became of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "cluster/local/pod_spec.h"

namespace logstone::local {

/// What the engine itself knows of a pod, beside pod.json: `object.json`.
struct PodMarks {
  bool held = false;    ///< Our finalizer is on it.
  bool forced = false;  ///< Deleted by force: no object any more, only remains.
  std::optional<Timestamp> deletion_requested;
};

class PodSandbox {
 public:
  explicit PodSandbox(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Makes `<sandboxes>/<uid>` as a whole: after a crash there is all of it or nothing.
  [[nodiscard]] static Result<PodSandbox> create(const std::filesystem::path& sandboxes, const PodSpec& spec,
                                                 const PodMarks& marks);
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] Result<PodSpec> spec() const;
  [[nodiscard]] Result<PodMarks> marks() const;
  [[nodiscard]] Result<> write_marks(const PodMarks& marks) const;
  /// kNotFound where no shim has written one yet.
  [[nodiscard]] Result<PodStatus> status() const;
  /// For pods whose shim cannot tell it any more.
  [[nodiscard]] Result<> write_status(const PodStatus& status) const;

  /// Starts the shim as a process that is no child of this one. kConflict when it runs already.
  [[nodiscard]] Result<> start(const std::vector<std::string>& shim_command) const;
  [[nodiscard]] bool shim_alive() const;
  /// Asks a shim for the pod's end; one that starts later finds the request too.
  [[nodiscard]] Result<> stop(const PodStop& stop) const;
  /// The end of the shim's own messages, for errors.
  [[nodiscard]] std::string shim_messages() const;

 private:
  std::filesystem::path folder_;
};

/// Deletes a folder with all in it, but nothing through a mount: kConflict when something is mounted below it.
[[nodiscard]] Result<> remove_folder(const std::filesystem::path& folder);

/// Tells which pods' folders changed. Not thread-safe.
class SandboxWatch {
 public:
  [[nodiscard]] static Result<SandboxWatch> open();
  [[nodiscard]] int descriptor() const { return fd_.get(); }  ///< Readable when there are changes.
  /// Returns the watch's number.
  [[nodiscard]] Result<int> add(const std::filesystem::path& folder);
  void remove(int watch);
  struct Changes {
    std::vector<int> watches;
    bool overflow = false;  ///< Some were lost: look at all.
  };
  [[nodiscard]] Changes take();

 private:
  UniqueFd fd_;
};

}  // namespace logstone::local
