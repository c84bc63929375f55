#include "argo/text_log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "archive/block_cache.h"

namespace logstone::argo {
namespace {

Error no_times(const char* attempted) {
  return {ErrorKind::kUnsupported, attempted, "a log that Argo archived",
          "it holds the text alone: nothing tells when a line was written",
          "leave out --since, --until and --timestamps"};
}

}  // namespace

Result<std::shared_ptr<std::string>> FileText::read(std::uint64_t offset, std::size_t length) {
  auto bytes = std::make_shared<std::string>(length, '\0');
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got =
        ::pread(file_->get(), bytes->data() + done, length - done, static_cast<off_t>(begin_ + offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", "an unpacked log", errno);
    if (got == 0) return Error{ErrorKind::kInternal, "read", "an unpacked log", "it ended early", {}};
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<std::shared_ptr<std::string>> ObjectText::read(std::uint64_t offset, std::size_t length) {
  std::string key = "argo " + store_->description() + ' ' + object_.key + ' ';
  key += std::to_string(object_.size) + ' ' + std::to_string(to_unix_nanoseconds(object_.modified)) + ' ';
  key += std::to_string(offset);
  if (auto cached = cache_.impl().find<std::string>(key)) return cached;
  LOGSTONE_ASSIGN(std::string bytes, store_->get_range(object_.key, offset, length));
  if (bytes.size() != length) {
    return Error{ErrorKind::kUnavailable, "read", store_->description() + "/" + object_.key,
                 "it is no longer what it was: somebody wrote it again", "read it again"};
  }
  auto shared = std::make_shared<std::string>(std::move(bytes));
  cache_.impl().keep(key, shared, shared->capacity());
  return shared;
}

Result<std::shared_ptr<std::string>> TextLog::block(std::uint64_t index) {
  const std::uint64_t begin = index * kBlockBytes;
  return source_->read(begin, static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, bytes_ - begin)));
}

LogExtent TextLog::extent() {
  const std::lock_guard lock(mutex_);
  LogExtent extent{bytes_, 0, true};
  extent.lines_known = newlines_until_.size() == blocks();
  if (extent.lines_known && bytes_ > 0) extent.lines = newlines_until_.back() + (ends_line_ ? 0 : 1);
  return extent;
}

Result<std::string> TextLog::read(std::uint64_t offset, std::size_t max) {
  if (offset >= bytes_ || max == 0) return std::string();
  LOGSTONE_ASSIGN(const auto bytes, block(offset / kBlockBytes));
  return bytes->substr(static_cast<std::size_t>(offset % kBlockBytes), max);
}

Result<std::vector<PlacedPiece>> TextLog::pieces(std::uint64_t, std::uint64_t) { return no_times("read times of"); }
Result<std::uint64_t> TextLog::find_time(Timestamp) { return no_times("find a time in"); }

Result<std::uint64_t> TextLog::find_line(std::uint64_t line) {
  if (line == 0) return std::uint64_t{0};
  std::uint64_t index = 0;
  std::uint64_t before = 0;
  {
    // The line begins behind the text's `line`-th newline; blocks are counted as far as that is, and only once.
    const std::lock_guard lock(mutex_);
    while (newlines_until_.size() < blocks() && (newlines_until_.empty() || newlines_until_.back() < line)) {
      LOGSTONE_ASSIGN(const auto bytes, block(newlines_until_.size()));
      const auto count = static_cast<std::uint64_t>(std::count(bytes->begin(), bytes->end(), '\n'));
      newlines_until_.push_back((newlines_until_.empty() ? 0 : newlines_until_.back()) + count);
      ends_line_ = bytes->back() == '\n';
    }
    const auto found = std::lower_bound(newlines_until_.begin(), newlines_until_.end(), line);
    if (found == newlines_until_.end()) return bytes_;
    index = static_cast<std::uint64_t>(found - newlines_until_.begin());
    if (index > 0) before = *(found - 1);
  }
  LOGSTONE_ASSIGN(const auto bytes, block(index));
  std::size_t at = 0;
  for (std::uint64_t n = before; n < line; ++n) {
    const std::size_t newline = bytes->find('\n', at);
    if (newline == std::string::npos) return bytes_;
    at = newline + 1;
  }
  return index * kBlockBytes + at;
}

Result<std::uint64_t> TextLog::find_tail(std::uint64_t lines) {
  if (lines == 0 || bytes_ == 0) return bytes_;
  std::uint64_t newlines = 0;
  for (std::uint64_t index = blocks(); index-- > 0;) {
    LOGSTONE_ASSIGN(const auto bytes, block(index));
    for (std::size_t i = bytes->size(); i-- > 0;) {
      // The newline that ends the last line does not begin another.
      const std::uint64_t after = index * kBlockBytes + i + 1;
      if ((*bytes)[i] == '\n' && after != bytes_ && ++newlines == lines) return after;
    }
  }
  return std::uint64_t{0};
}

std::shared_ptr<void> TextLog::notify(std::uint64_t, std::function<void()> grown) {
  grown();
  return std::make_shared<int>(0);
}

}  // namespace logstone::argo
