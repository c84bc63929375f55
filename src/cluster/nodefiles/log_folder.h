// Which files a container attempt's log consists of now, oldest first.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace logstone {

struct LogFileName {
  bool current = false;    ///< `<restart>.log`, which the runtime writes now.
  std::string rotated_at;  ///< `YYYYMMDD-HHMMSS`; of one machine's clock, so only good for ordering.
  std::string suffix;      ///< What follows the time, `.gz` left out.
  bool compressed = false;

  /// The order in which files were written. Suffixes that count ("", ".1", ".10") sort by length first.
  [[nodiscard]] auto order() const { return std::tuple(current, rotated_at, suffix.size(), suffix); }
};

/// None when the file is not a part of this attempt's log (or is one that is being written, `.tmp`).
[[nodiscard]] std::optional<LogFileName> parse_log_file_name(std::string_view file_name, std::uint32_t restart);

struct LogFileEntry {
  std::string file_name;
  LogFileName parts;
  dev_t device = 0;
  ino_t inode = 0;
};

struct LogFolderListing {
  UniqueFd folder;  ///< Not valid where the folder does not exist.
  std::vector<LogFileEntry> files;
};

/// Lists again until nothing moved meanwhile, so that a file being renamed is in it exactly once.
[[nodiscard]] Result<LogFolderListing> list_log_folder(const std::filesystem::path& folder, std::uint32_t restart);

}  // namespace logstone
