// Reads folders of a filesystem store in the order of the keys that are in them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "store/object_store.h"

namespace logstone::filesystem_walk {

/// Calls back with the name and d_type of every entry but "." and ".."; returns 0 or an errno.
int for_each_entry(int folder, const std::function<void(const char* name, unsigned char type)>& entry);

/// Whether it is a folder without entries. What cannot be read is not taken for empty.
[[nodiscard]] bool is_empty_folder(int above, const std::string& name);

/// Collects one page of keys. Reads no folder whose keys cannot be on it.
class Listing {
 public:
  Listing(const std::string& prefix, const std::string& start_after, std::size_t limit)
      : prefix_(prefix), start_after_(start_after), limit_(limit) {}
  /// Takes the keys of the folder `fd`, which all begin with `base`: "" or something that ends with '/'. Returns 0 or
  /// an errno.
  int walk(int fd, const std::string& base);
  [[nodiscard]] ObjectPage page() && { return {std::move(objects_), more_}; }

 private:
  /// One object, or one folder, as seen from the folder `walk` reads.
  struct Entry {
    std::string key;   ///< Of a folder: with '/' at its end, which puts it in its place among the objects.
    std::string path;  ///< From the folder being walked.
    bool folder = false;
  };

  int collect(int fd, const std::string& path, const std::string& text_before, const std::string& base,
              std::vector<Entry>& entries);
  [[nodiscard]] bool may_matter(const Entry& entry) const;

  const std::string& prefix_;
  const std::string& start_after_;
  std::size_t limit_;
  std::vector<ObjectInfo> objects_;
  bool more_ = false;
};

}  // namespace logstone::filesystem_walk
