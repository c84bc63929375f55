// Writes log files as a kubelet and a container runtime do: what the tests read back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "model/stream.h"

namespace logstone::testing {

/// A folder of its own, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void append_bytes(const std::filesystem::path& file, std::string_view bytes);
[[nodiscard]] std::string gzip(std::string_view bytes);

/// One container attempt's log. Times are its own count, a microsecond a record.
class LogWriter {
 public:
  explicit LogWriter(std::filesystem::path folder, std::uint32_t restart = 0);
  void make_folder() const;
  [[nodiscard]] std::string record(std::string_view text, bool ends_line = true, Output output = Output::kStdout);
  void write(std::string_view text, bool ends_line = true, Output output = Output::kStdout);
  /// Renames the current file; a new, empty one is made at once.
  void rotate();
  /// Compresses the rotated file at `index` (0: the oldest) as the kubelet does.
  void compress(std::size_t index);
  void remove(std::size_t index);
  [[nodiscard]] const std::vector<std::filesystem::path>& rotated() const { return rotated_; }
  [[nodiscard]] std::filesystem::path current() const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::uint32_t restart_;
  std::int64_t now_;
  int rotations_ = 0;
  std::vector<std::filesystem::path> rotated_;
};

}  // namespace logstone::testing
