// A LogView over plain bytes of which nothing is known: lines are found by reading. Inner to this folder.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "archive/log_view.h"
#include "base/file.h"

namespace logstone::argo {

/// Bytes that can be read from anywhere. Thread-safe.
class TextSource {
 public:
  virtual ~TextSource() = default;
  /// Exactly [offset, offset+length), which is within the text.
  [[nodiscard]] virtual Result<std::shared_ptr<std::string>> read(std::uint64_t offset, std::size_t length) = 0;
};

/// Bytes of a file from `begin` on.
class FileText final : public TextSource {
 public:
  FileText(std::shared_ptr<UniqueFd> file, std::uint64_t begin) : file_(std::move(file)), begin_(begin) {}
  Result<std::shared_ptr<std::string>> read(std::uint64_t offset, std::size_t length) override;

 private:
  std::shared_ptr<UniqueFd> file_;
  std::uint64_t begin_;
};

/// Bytes of an object, block by block through the cache.
class ObjectText final : public TextSource {
 public:
  ObjectText(std::shared_ptr<ObjectStore> store, BlockCache& cache, ObjectInfo object)
      : store_(std::move(store)), cache_(cache), object_(std::move(object)) {}
  Result<std::shared_ptr<std::string>> read(std::uint64_t offset, std::size_t length) override;

 private:
  std::shared_ptr<ObjectStore> store_;
  BlockCache& cache_;
  const ObjectInfo object_;
};

class TextLog final : public LogView {
 public:
  static constexpr std::size_t kBlockBytes = std::size_t{512} << 10;

  TextLog(std::unique_ptr<TextSource> source, std::uint64_t bytes, std::vector<Gap> gaps)
      : source_(std::move(source)), bytes_(bytes), gaps_(std::move(gaps)) {}
  LogExtent extent() override;
  std::vector<Gap> gaps() override { return gaps_; }
  Result<std::string> read(std::uint64_t offset, std::size_t max) override;
  Result<std::vector<PlacedPiece>> pieces(std::uint64_t offset, std::uint64_t length) override;
  Result<std::uint64_t> find_line(std::uint64_t line) override;
  Result<std::uint64_t> find_time(Timestamp time) override;
  Result<std::uint64_t> find_tail(std::uint64_t lines) override;
  std::shared_ptr<void> notify(std::uint64_t bytes, std::function<void()> grown) override;

 private:
  [[nodiscard]] std::uint64_t blocks() const { return (bytes_ + kBlockBytes - 1) / kBlockBytes; }
  [[nodiscard]] Result<std::shared_ptr<std::string>> block(std::uint64_t index);

  std::unique_ptr<TextSource> source_;
  const std::uint64_t bytes_;
  const std::vector<Gap> gaps_;
  std::mutex mutex_;
  std::vector<std::uint64_t> newlines_until_;  ///< Newlines up to the end of each block, as far as counted.
  bool ends_line_ = false;                     ///< Known once all are counted.
};

}  // namespace logstone::argo
