#include "cluster/nodefiles/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "cluster/nodefiles/cri_record.h"

namespace logstone {
namespace {

Result<std::size_t> read_descriptor(int fd, std::uint64_t offset, char* out, std::size_t max,
                                    const std::filesystem::path& path) {
  std::size_t got = 0;
  while (got < max) {
    const ssize_t n = pread(fd, out + got, max - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read log file", path, errno);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

class PlainLogFile final : public LogFile {
 public:
  PlainLogFile(UniqueFd fd, std::filesystem::path path, const LogFileEntry& entry)
      : LogFile(std::move(fd), std::move(path), entry) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t max) override {
    return read_descriptor(fd_.get(), offset, out, max, path_);
  }

  Result<std::optional<std::uint64_t>> available(std::uint64_t offset, std::uint64_t) override {
    struct stat status {};
    if (fstat(fd_.get(), &status) != 0) return system_error("look at log file", path_, errno);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size < offset) return std::optional<std::uint64_t>();
    return std::optional<std::uint64_t>(size - offset);
  }

  bool can_shrink() const override { return true; }
  bool damaged() const override { return false; }
};

class CompressedLogFile final : public LogFile {
 public:
  CompressedLogFile(UniqueFd fd, std::filesystem::path path, const LogFileEntry& entry)
      : LogFile(std::move(fd), std::move(path), entry) {}
  ~CompressedLogFile() override {
    if (started_) inflateEnd(&inflater_);
  }

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t max) override {
    LOGSTONE_TRY(fill(offset, max));
    if (offset > window_offset_ + window_.size()) return std::size_t{0};
    const std::size_t count = std::min(max, window_.size());
    std::memcpy(out, window_.data(), count);
    return count;
  }

  Result<std::optional<std::uint64_t>> available(std::uint64_t offset, std::uint64_t wanted) override {
    LOGSTONE_TRY(fill(offset, wanted));
    // Nothing can shorten a compressed file; a damaged one ends where it ends.
    return std::optional<std::uint64_t>(window_.size());
  }

  bool can_shrink() const override { return false; }
  bool damaged() const override { return damaged_; }

 private:
  static constexpr std::size_t kStep = std::size_t{64} << 10;
  static constexpr int kGzipOnly = 16 + MAX_WBITS;

  Result<> restart() {
    if (started_) inflateEnd(&inflater_);
    inflater_ = {};
    input_.resize(kStep);
    started_ = inflateInit2(&inflater_, kGzipOnly) == Z_OK;
    if (!started_) return Error{ErrorKind::kInternal, "read compressed log file", path_.string(), "out of memory", ""};
    window_.clear();
    window_offset_ = input_offset_ = 0;
    finished_ = damaged_ = false;
    return {};
  }

  /// Makes the window begin at `offset` and hold `wanted` bytes, or all there are.
  Result<> fill(std::uint64_t offset, std::uint64_t wanted) {
    if (!started_ || offset < window_offset_) LOGSTONE_TRY(restart());
    for (;;) {
      const std::uint64_t behind = std::min<std::uint64_t>(offset - window_offset_, window_.size());
      window_.erase(0, static_cast<std::size_t>(behind));
      window_offset_ += behind;
      if ((window_offset_ == offset && window_.size() >= wanted) || finished_) return {};
      LOGSTONE_TRY(inflate_step());
    }
  }

  Result<> inflate_step() {
    if (inflater_.avail_in == 0) {
      auto* input = reinterpret_cast<char*>(input_.data());
      LOGSTONE_ASSIGN(const std::size_t got, read_descriptor(fd_.get(), input_offset_, input, kStep, path_));
      if (got == 0) {
        finished_ = true;
        damaged_ = !between_members_;
        return {};
      }
      input_offset_ += got;
      inflater_.next_in = input_.data();
      inflater_.avail_in = static_cast<uInt>(got);
    }
    const std::size_t before = window_.size();
    window_.resize(before + kStep);
    inflater_.next_out = reinterpret_cast<Bytef*>(window_.data() + before);
    inflater_.avail_out = static_cast<uInt>(kStep);
    const int outcome = inflate(&inflater_, Z_NO_FLUSH);
    window_.resize(before + kStep - inflater_.avail_out);
    between_members_ = outcome == Z_STREAM_END;
    if (outcome == Z_STREAM_END) {
      inflateReset(&inflater_);  // A gzip file may hold several members.
    } else if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
      finished_ = damaged_ = true;
    }
    return {};
  }

  z_stream inflater_{};
  bool started_ = false;
  bool finished_ = false;
  bool damaged_ = false;
  bool between_members_ = false;
  std::vector<Bytef> input_;
  std::uint64_t input_offset_ = 0;
  std::string window_;  // Uncompressed bytes from window_offset_ on.
  std::uint64_t window_offset_ = 0;
};

}  // namespace

LogFile::LogFile(UniqueFd fd, std::filesystem::path path, const LogFileEntry& entry)
    : fd_(std::move(fd)), path_(std::move(path)), device_(entry.device), inode_(entry.inode) {}

Result<std::unique_ptr<LogFile>> LogFile::open(const LogFolderListing& listing, const LogFileEntry& entry,
                                               const std::filesystem::path& folder) {
  std::filesystem::path path = folder / entry.file_name;
  UniqueFd fd(openat(listing.folder.get(), entry.file_name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return system_error("open log file", path, errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return system_error("look at log file", path, errno);
  if (status.st_ino != entry.inode || status.st_dev != entry.device) {
    return Error{ErrorKind::kNotFound, "open log file", path.string(), "another file took its name", ""};
  }
  if (entry.parts.compressed) {
    return std::unique_ptr<LogFile>(std::make_unique<CompressedLogFile>(std::move(fd), std::move(path), entry));
  }
  return std::unique_ptr<LogFile>(std::make_unique<PlainLogFile>(std::move(fd), std::move(path), entry));
}

Result<bool> LogFile::begins_as(const LogFileIdentity& identity) {
  char head[LogFileIdentity::kMaxHeadBytes];
  LOGSTONE_ASSIGN(const std::size_t got, read_at(0, head, identity.head_bytes));
  return got == identity.head_bytes && hash64(std::string_view(head, got)) == identity.hash;
}

Result<std::optional<LogFileIdentity>> LogFile::identify(bool settled) {
  constexpr std::size_t kLookedAt = std::size_t{64} << 10;  // The first readable record is in here, or nowhere.
  std::string head(LogFileIdentity::kMaxHeadBytes, '\0');
  LOGSTONE_ASSIGN(std::size_t got, read_at(0, head.data(), head.size()));
  head.resize(got);
  const std::size_t line = head.find('\n');
  if (got == 0 || (line == std::string::npos && got < LogFileIdentity::kMaxHeadBytes && !settled)) {
    return std::optional<LogFileIdentity>();
  }
  LogFileIdentity identity;
  identity.head_bytes = static_cast<std::uint32_t>(line == std::string::npos ? got : line + 1);
  identity.hash = hash64(std::string_view(head).substr(0, identity.head_bytes));

  CriRecordParser parser;
  auto first = parser.parse(std::string_view(head).substr(0, line));
  if (!first) {
    head.resize(kLookedAt);
    LOGSTONE_ASSIGN(got, read_at(0, head.data(), head.size()));
    head.resize(got);
    for (std::size_t at = 0; !first && at < head.size();) {
      const std::size_t end = std::min(head.find('\n', at), head.size());
      first = parser.parse(std::string_view(head).substr(at, end - at));
      at = end + 1;
    }
  }
  if (first) identity.first_time = to_unix_nanoseconds(first->time);
  return std::optional<LogFileIdentity>(identity);
}

std::string LogFile::present_name() const {
  constexpr std::string_view kDeleted = " (deleted)";
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd_.get());
  const ssize_t length = readlink(link.c_str(), target, sizeof target);
  if (length <= 0) return {};
  std::string_view path(target, static_cast<std::size_t>(length));
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(path.substr(path.rfind('/') + 1));
}

bool LogFile::has_writer() const {
  // The kernel grants a read lease only where nobody has the file open for writing.
  if (fcntl(fd_.get(), F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  fcntl(fd_.get(), F_SETLEASE, F_UNLCK);
  return false;
}

}  // namespace logstone
