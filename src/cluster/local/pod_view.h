// What a pod sees of the machine's files: everything, but a root folder, /tmp and empty top-level folders of its own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace logstone::local {

class PodView {
 public:
  /// Gives the calling process (one thread) a mount namespace whose root is `folder/root`: the machine's top-level
  /// folders are bound into it, /tmp and empty ones (/mnt, /srv, ...) are the pod's own, and what is made at the top
  /// (/work, /result.txt) stays in the pod. Where a path of `writes` lies in a folder of the machine, that top-level
  /// folder becomes an overlay. Where the kernel does not permit all this, the machine's own view is kept, and
  /// `problem` tells why. Open descriptors keep their meaning: reach other folders through /proc/self/fd.
  [[nodiscard]] static PodView enter(const std::filesystem::path& folder,
                                     const std::vector<std::filesystem::path>& writes);

  [[nodiscard]] bool isolated() const { return problem_.empty(); }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// Makes the folder in which `path` is to be written, if that does not touch the machine's own files. kUnsupported
  /// names the path otherwise.
  [[nodiscard]] Result<> make_parent(const std::filesystem::path& path) const;

 private:
  void bind_entry(const std::filesystem::path& source, const std::filesystem::path& root, unsigned long root_device,
                  bool writes);

  std::filesystem::path folder_;
  std::string problem_;
  std::map<std::string, std::string> bound_;  ///< The machine's own top-level folders, and why they are no overlay.
};

}  // namespace logstone::local
