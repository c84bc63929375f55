// Writes one container attempt's output as the log files that a kubelet keeps (CRI format), and rotates them.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/file.h"
#include "base/result.h"
#include "model/stream.h"

namespace logstone::local {

struct CriLogLimits {
  std::size_t file_bytes = std::size_t{10} << 20;  ///< A file that has reached this is rotated.
  std::size_t files = 5;                           ///< With the one being written; 2 at least.
};

/// Used by one thread; a thread of its own compresses old files. Files: `<folder>/<restart>.log`, rotated to
/// `<restart>.log.<YYYYMMDD-HHMMSS>`; all rotated ones but the newest are gzip'ed.
class CriLogWriter {
 public:
  /// Makes the folder and the first file.
  [[nodiscard]] static Result<std::unique_ptr<CriLogWriter>> open(std::filesystem::path folder, std::uint32_t restart,
                                                                  CriLogLimits limits);
  ~CriLogWriter();
  CriLogWriter(const CriLogWriter&) = delete;
  CriLogWriter& operator=(const CriLogWriter&) = delete;

  /// Takes bytes as they were read from one output; a line's beginning waits here for its end (16 KiB at most). When
  /// it fails nothing is lost: what could not be written waits, and flush() tries again. Give no more bytes meanwhile.
  [[nodiscard]] Result<> append(Output output, std::string_view bytes, Timestamp time);
  /// Both outputs have ended: lines without a newline are written as partial records.
  [[nodiscard]] Result<> finish(Timestamp time);
  /// Writes what waits.
  [[nodiscard]] Result<> flush();
  /// Whether something waits for flush().
  [[nodiscard]] bool blocked() const { return written_ < records_.size(); }
  /// Compresses what is still to be compressed, and ends the writer's thread.
  void compress_rest();

 private:
  struct RotatedFile {
    std::string name;
    bool compressed = false;
  };

  CriLogWriter(std::filesystem::path folder, std::uint32_t restart, CriLogLimits limits);
  void record(Output output, bool ends_line, std::string_view text);
  [[nodiscard]] Result<> open_file();
  [[nodiscard]] Result<> rotate();
  [[nodiscard]] std::string rotated_name();
  void compress_loop();
  [[nodiscard]] bool compress(const std::string& name) const;

  const std::filesystem::path folder_;
  const std::string base_;  ///< `<restart>.log`
  const CriLogLimits limits_;
  UniqueFd file_;
  std::uint64_t file_size_ = 0;
  std::int64_t last_rotation_ = 0;  ///< Unix seconds in the newest rotated name.
  std::string records_;             ///< Formatted, not yet written from `written_` on.
  std::size_t written_ = 0;
  std::string time_;                       ///< Of the records being formatted, as text.
  std::array<std::string, 2> unfinished_;  ///< Each output's line without an end so far.

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<RotatedFile> rotated_;  ///< Oldest first.
  bool closing_ = false;
  std::thread compressor_;
};

}  // namespace logstone::local
