// Objects as JSON files of a folder, `<name>.json`: replaced whole, read back when the engine starts again.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace logstone::local {

/// Names are uids. Not synced: what it must survive is the process, however it ends.
class ObjectFolder {
 public:
  [[nodiscard]] static Result<ObjectFolder> open(std::filesystem::path folder);
  [[nodiscard]] Result<> put(const std::string& name, std::string_view json) const;
  /// No error when it is gone.
  [[nodiscard]] Result<> remove(const std::string& name) const;
  struct Object {
    std::string name;
    std::string json;
  };
  /// All, in the order of their names. Unfinished files of an earlier process are taken away.
  [[nodiscard]] Result<std::vector<Object>> load() const;

 private:
  explicit ObjectFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace logstone::local
