#include "cluster/local/cri_log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"

namespace logstone::local {
namespace {

/// containerd's max_container_log_line_size.
constexpr std::size_t kMaxRecordText = 16 * 1024;
constexpr std::size_t kWriteBytes = 256 * 1024;
/// A kubelet looks every 10 s; this bounds what a fast writer's compression costs, files go before they are compressed.
constexpr std::chrono::seconds kCompressionPause{1};

}  // namespace

CriLogWriter::CriLogWriter(std::filesystem::path folder, std::uint32_t restart, CriLogLimits limits)
    : folder_(std::move(folder)),
      base_(std::to_string(restart) + ".log"),
      limits_{std::max<std::size_t>(limits.file_bytes, 1), std::max<std::size_t>(limits.files, 2)} {}

CriLogWriter::~CriLogWriter() { compress_rest(); }

Result<std::unique_ptr<CriLogWriter>> CriLogWriter::open(std::filesystem::path folder, std::uint32_t restart,
                                                         CriLogLimits limits) {
  std::unique_ptr<CriLogWriter> writer(new CriLogWriter(std::move(folder), restart, limits));
  LOGSTONE_TRY(make_directories(writer->folder_));
  LOGSTONE_TRY(writer->open_file());
  return writer;
}

Result<> CriLogWriter::open_file() {
  const auto path = folder_ / base_;
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!fd.valid()) return system_error("open log file", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("read the size of log file", path, errno);
  file_size_ = static_cast<std::uint64_t>(info.st_size);
  file_ = std::move(fd);
  return {};
}

void CriLogWriter::record(Output output, bool ends_line, std::string_view text) {
  records_ += time_;
  records_ += output == Output::kStdout ? " stdout " : " stderr ";
  records_ += ends_line ? "F " : "P ";
  records_ += text;
  records_ += '\n';
}

Result<> CriLogWriter::append(Output output, std::string_view bytes, Timestamp time) {
  time_ = format_rfc3339_nano(time);
  auto& unfinished = unfinished_[static_cast<std::size_t>(output)];
  Result<> result;
  while (!bytes.empty()) {
    const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    auto text = newline != nullptr ? bytes.substr(0, static_cast<std::size_t>(newline - bytes.data())) : bytes;
    bytes.remove_prefix(text.size() + (newline != nullptr ? 1 : 0));
    while (unfinished.size() + text.size() > kMaxRecordText) {
      const auto taken = kMaxRecordText - unfinished.size();
      if (unfinished.empty()) {
        record(output, false, text.substr(0, taken));
      } else {
        unfinished += text.substr(0, taken);
        record(output, false, unfinished);
        unfinished.clear();
      }
      text.remove_prefix(taken);
    }
    if (newline == nullptr) {
      unfinished += text;
    } else if (unfinished.empty()) {
      record(output, true, text);
    } else {
      unfinished += text;
      record(output, true, unfinished);
      unfinished.clear();
    }
    // Once a write failed the rest of these bytes is only formatted, so that nothing is taken twice.
    if (result && records_.size() >= kWriteBytes) result = flush();
  }
  return result ? flush() : result;
}

Result<> CriLogWriter::finish(Timestamp time) {
  time_ = format_rfc3339_nano(time);
  for (const auto output : {Output::kStdout, Output::kStderr}) {
    auto& unfinished = unfinished_[static_cast<std::size_t>(output)];
    if (!unfinished.empty()) record(output, false, unfinished);
    unfinished.clear();
  }
  return flush();
}

Result<> CriLogWriter::flush() {
  if (!blocked()) return {};
  if (!file_.valid()) LOGSTONE_TRY(open_file());
  while (written_ < records_.size()) {
    const auto count = ::write(file_.get(), records_.data() + written_, records_.size() - written_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("write log file", folder_ / base_, errno);
    written_ += static_cast<std::size_t>(count);
    file_size_ += static_cast<std::uint64_t>(count);
  }
  records_.clear();
  written_ = 0;
  if (file_size_ >= limits_.file_bytes) return rotate();
  return {};
}

std::string CriLogWriter::rotated_name() {
  // A kubelet never rotates twice in a second; names must stay unique and sorted when we do.
  for (auto second = std::max<std::int64_t>(std::time(nullptr), last_rotation_ + 1);; ++second) {
    const auto as_time = static_cast<std::time_t>(second);
    std::tm utc{};
    ::gmtime_r(&as_time, &utc);
    char text[32];
    std::strftime(text, sizeof text, ".%Y%m%d-%H%M%S", &utc);
    auto name = base_ + text;
    std::error_code ignored;
    if (std::filesystem::exists(folder_ / name, ignored) || std::filesystem::exists(folder_ / (name + ".gz"), ignored))
      continue;
    last_rotation_ = second;
    return name;
  }
}

Result<> CriLogWriter::rotate() {
  const auto name = rotated_name();
  if (::rename((folder_ / base_).c_str(), (folder_ / name).c_str()) != 0) {
    const auto why = errno;
    // The folder was deleted behind our back: the open file still takes the bytes, for those who hold it open.
    if (why == ENOENT) return {};
    return system_error("rotate log file", folder_ / base_, why);
  }
  file_.reset();
  {
    const std::lock_guard lock(mutex_);
    rotated_.push_back({name, false});
    while (rotated_.size() > limits_.files - 1) {
      const auto& oldest = rotated_.front();
      ::unlink((folder_ / oldest.name).c_str());
      ::unlink((folder_ / (oldest.name + ".gz")).c_str());
      rotated_.pop_front();
    }
    if (!compressor_.joinable() && rotated_.size() > 1) compressor_ = std::thread([this] { compress_loop(); });
  }
  changed_.notify_all();
  return open_file();
}

void CriLogWriter::compress_rest() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (compressor_.joinable()) compressor_.join();
}

void CriLogWriter::compress_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto next = [this] {
      const auto end = rotated_.empty() ? rotated_.end() : std::prev(rotated_.end());
      const auto found = std::find_if(rotated_.begin(), end, [](const RotatedFile& f) { return !f.compressed; });
      return found == end ? rotated_.end() : found;
    };
    changed_.wait(lock, [&] { return closing_ || next() != rotated_.end(); });
    const auto file = next();
    if (file == rotated_.end()) return;
    file->compressed = true;
    const auto name = file->name;
    lock.unlock();
    const auto done = compress(name);
    lock.lock();
    const auto kept = std::any_of(rotated_.begin(), rotated_.end(), [&](const auto& f) { return f.name == name; });
    if (!kept) ::unlink((folder_ / (name + ".gz")).c_str());
    if (done) ::unlink((folder_ / name).c_str());
    changed_.wait_for(lock, kCompressionPause, [this] { return closing_; });
  }
}

bool CriLogWriter::compress(const std::string& name) const {
  const auto source = folder_ / name;
  const auto unfinished = folder_ / (name + ".tmp");
  const UniqueFd in(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.valid()) return false;
  const auto out = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (out < 0) return false;
  const auto gz = ::gzdopen(out, "wb1");  // Owns the descriptor from here on.
  if (gz == nullptr) {
    ::close(out);
    return false;
  }
  ::gzbuffer(gz, 128 * 1024);
  std::vector<char> buffer(128 * 1024);
  bool good = true;
  while (good) {
    const auto count = ::read(in.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) break;
    good = count > 0 && ::gzwrite(gz, buffer.data(), static_cast<unsigned>(count)) == count;
  }
  good = ::gzclose(gz) == Z_OK && good;
  if (good) good = ::rename(unfinished.c_str(), (folder_ / (name + ".gz")).c_str()) == 0;
  if (!good) ::unlink(unfinished.c_str());
  return good;
}

}  // namespace logstone::local
