#include "cluster/nodefiles/node_log_reader.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace logstone {
namespace {

constexpr std::size_t kSmallestChunk = std::size_t{4} << 10;
constexpr std::size_t kLargestChunk = std::size_t{256} << 10;
constexpr std::size_t kLongestRecord = std::size_t{1} << 20;
constexpr std::size_t kPieceSlack = std::size_t{16} << 10;
// Longer than what a string holds within itself: pieces must stay valid when the batch is moved.
constexpr std::size_t kLeastCapacity = 64;

constexpr const char* kCutOff = "the last record of a log file was cut off";
constexpr const char* kDamagedRecords = "damaged records in the log file";
constexpr const char* kTooLong = "a record longer than 1 MiB in the log file";
constexpr const char* kTruncated = "the log file was truncated, perhaps before all of it was read";
constexpr const char* kDamagedFile = "a compressed log file is damaged";
constexpr const char* kDeletedUnread = "the log files were deleted before they were read to the end";
constexpr const char* kDeletedRunning = "the log files were deleted while the container was running";

bool brings_something(const LogBatch& batch) { return !batch.pieces.empty() || batch.gap.has_value(); }

}  // namespace

NodeLogReader::NodeLogReader(FolderWatcher& watcher, NodeLogPlace place, std::optional<LogPosition> from,
                             std::function<bool()> terminated)
    : watcher_(watcher),
      place_(std::move(place)),
      terminated_(std::move(terminated)),
      files_(place_, from),
      given_(from) {}

NodeLogReader::~NodeLogReader() {
  if (listener_) watcher_.end(listener_);
}

Result<std::unique_ptr<LogReader>> NodeLogReader::open(FolderWatcher& watcher, const NodeLogPlace& place,
                                                       const Cursor& from, std::function<bool()> terminated,
                                                       std::function<void()> more) {
  std::optional<LogPosition> position;
  if (!from.value.empty()) {
    LOGSTONE_ASSIGN(position, parse_cursor(from));
  }
  std::unique_ptr<NodeLogReader> reader(new NodeLogReader(watcher, place, position, std::move(terminated)));
  LOGSTONE_ASSIGN(reader->listener_,
                  watcher.listen(place.folder, std::to_string(place.restart) + ".log", std::move(more)));
  // What is there now is held from now on. An error comes again in read().
  if (reader->listener_->take_moved() && !reader->scan()) reader->listener_->set_moved();
  return std::unique_ptr<LogReader>(std::move(reader));
}

Result<LogBatch> NodeLogReader::read(std::size_t max_bytes) {
  if (ended_) {
    LogBatch batch = nothing_new();
    batch.end = true;
    return batch;
  }
  max_bytes = std::max<std::size_t>(max_bytes, 1);
  listener_->look();
  // Asked before the files are looked at: then all that was written is in what is found.
  const bool terminated = terminated_();
  LOGSTONE_TRY(watcher_.ensure(listener_));

  bool scanned = false;
  for (;;) {
    if (listener_->take_moved() || files_.empty()) {
      LOGSTONE_TRY(scan());
      scanned = true;
    }
    if (files_.empty()) return read_without_file(terminated);
    LOGSTONE_ASSIGN(LogBatch batch, take(max_bytes, Rest::kWait));
    if (brings_something(batch)) return batch;
    if (terminated && !scanned) {
      LOGSTONE_TRY(scan());
      scanned = true;
    }

    bool complete = terminated;
    if (!complete && files_.folder_missing()) {
      LOGSTONE_ASSIGN(const bool open, may_still_be_written());
      complete = !open;
    }
    bool leave = files_.has_newer() && complete;
    // A runtime opens the new file before it lets go of the old one, so a new file alone says little.
    if (files_.has_newer() && !leave) {
      LOGSTONE_ASSIGN(leave, files_.newer_has_bytes());
    }
    if (!leave && !complete) return nothing_new();

    LOGSTONE_ASSIGN(batch, take(max_bytes, Rest::kTake));
    if (brings_something(batch)) return batch;
    if (leave) {
      leave_file();
      scanned = false;
      continue;
    }
    if (!terminated) {
      add_gap(kDeletedRunning);
    } else if (files_.folder_missing() && !files_.ends_in_current()) {
      add_gap(kDeletedUnread);
    }
    return end();
  }
}

Result<> NodeLogReader::scan() {
  const bool first = files_.empty();
  auto scanned = files_.scan();
  if (!scanned) {
    listener_->set_moved();
    return scanned;
  }
  if (!first || files_.empty()) return {};
  if (const auto start = files_.take_start()) {
    identity_ = start->file;
    offset_ = start->offset;
    if (start->after_cut_off) add_gap(kCutOff);
  }
  if (const std::string reason = files_.take_gap(); !reason.empty()) add_gap(reason);
  return {};
}

Result<LogBatch> NodeLogReader::read_without_file(bool terminated) {
  const bool deleted = files_.folder_missing() && (given_ || files_.folder_seen());
  if (!terminated && !deleted) return nothing_new();
  // A missing mount must not look like deleted logs.
  const std::filesystem::path root = place_.folder.parent_path().parent_path();
  std::error_code ignored;
  if (given_ && files_.folder_missing() && !std::filesystem::is_directory(root, ignored)) {
    return Error{ErrorKind::kUnavailable, "read container log", place_.folder.string(),
                 "the folder of all pods' logs, " + root.string() + ", does not exist",
                 "Mount it, or correct its path in the configuration."};
  }
  if (!given_ && !deleted) {
    return Error{ErrorKind::kNotFound, "read container log", place_.folder.string(),
                 "there are no log files of attempt " + std::to_string(place_.restart) + " and its container has ended",
                 ""};
  }
  add_gap(kDeletedUnread);
  return end();
}

Result<bool> NodeLogReader::may_still_be_written() {
  if (!files_.has_writer()) return false;
  if (!watches_deleted_) {
    for (const int descriptor : files_.descriptors()) LOGSTONE_TRY(watcher_.listen_to_file(listener_, descriptor));
    watches_deleted_ = true;
  }
  return files_.has_writer();  // It may have closed the file before that was watched.
}

void NodeLogReader::leave_file() {
  if (files_.front().damaged()) add_gap(kDamagedFile);
  if (files_.incomplete()) listener_->set_moved();
  files_.pop(identity_ ? identity_->first_time : 0);
  identity_.reset();
  offset_ = no_newline_ = 0;
  if (const std::string reason = files_.take_gap(); !reason.empty()) add_gap(reason);
}

LogBatch NodeLogReader::end() {
  if (!files_.empty() && files_.front().damaged()) add_gap(kDamagedFile);
  ended_ = true;
  if (given_ && gap_) given_->after_cut_off = false;  // The gap that it stands for is given out now.
  LogBatch batch = nothing_new();
  batch.gap = std::exchange(gap_, std::nullopt);
  batch.end = true;
  return batch;
}

Result<LogBatch> NodeLogReader::take(std::size_t max_bytes, Rest rest) {
  LogFile& file = files_.front();
  const std::size_t size = std::clamp(max_bytes, kSmallestChunk, kLargestChunk);
  LOGSTONE_ASSIGN(auto bytes, file.available(offset_, size));
  if (!bytes) {
    // What is left of it was read already, if its beginning is still the same.
    LOGSTONE_ASSIGN(const bool same, begins_as_before());
    begin_anew();
    LOGSTONE_ASSIGN(bytes, file.available(0, size));
    if (same) {
      LOGSTONE_ASSIGN(identity_, file.identify(true));
      offset_ = std::exchange(*bytes, 0);
    }
  }
  if (*bytes <= no_newline_ && rest == Rest::kWait) return nothing_new();
  if (*bytes == 0) {
    LOGSTONE_ASSIGN(const bool same, begins_as_before());
    if (same) return nothing_new();
    begin_anew();
  }
  if (no_newline_ > kLongestRecord) return skip_long_record(rest);
  return take_chunk(max_bytes, size, rest);
}

Result<LogBatch> NodeLogReader::take_chunk(std::size_t max_bytes, std::size_t size, Rest rest) {
  LogFile& file = files_.front();
  for (;;) {
    if (!identity_) {
      LOGSTONE_ASSIGN(identity_, file.identify(rest == Rest::kTake));
    }
    if (!identity_) return nothing_new();
    LOGSTONE_ASSIGN(const auto bytes, file.available(offset_, size + 1));
    if (!bytes) return take(max_bytes, rest);

    LogBatch batch;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, *bytes));
    batch.buffer.reserve(std::max(wanted, kLeastCapacity));
    batch.buffer.resize(wanted);
    LOGSTONE_ASSIGN(const std::size_t got, file.read_at(offset_, batch.buffer.data(), wanted));
    batch.buffer.resize(got);
    // Checked after reading: a file that was truncated and written anew may be as long as it was.
    LOGSTONE_ASSIGN(const bool same, begins_as_before());
    if (!same) {
      begin_anew();
      continue;
    }

    const std::size_t consumed = parse(batch, max_bytes);
    if (consumed > 0) {
      batch = consume(std::move(batch), consumed);
      if (brings_something(batch)) return batch;
      continue;
    }
    no_newline_ = got;
    if (*bytes <= size) return rest == Rest::kTake && got > 0 ? take_cut_off(std::move(batch)) : nothing_new();
    if (size > kLongestRecord) return skip_long_record(rest);
    size = std::min(size * 4, kLongestRecord + 1);
  }
}

std::size_t NodeLogReader::parse(LogBatch& batch, std::size_t max_bytes) {
  constexpr std::size_t kUsualRecord = 100;
  batch.pieces.reserve(batch.buffer.size() / kUsualRecord + 1);
  const std::string_view all = batch.buffer;
  std::size_t at = 0, text = 0, damaged = 0;
  while (at < all.size() && text < max_bytes) {
    const auto* newline = static_cast<const char*>(std::memchr(all.data() + at, '\n', all.size() - at));
    if (newline == nullptr) break;
    const std::size_t length = static_cast<std::size_t>(newline - all.data()) - at;
    const auto piece = length <= kLongestRecord ? parser_.parse(all.substr(at, length)) : std::nullopt;
    if (!piece) {
      if (!batch.pieces.empty()) break;  // A gap stands before a batch: this record begins the next one.
      damaged += length + 1;
    } else if (!piece->text.empty() || piece->ends_line) {
      // A gap is before the pieces, and so are the damaged records.
      if (text > 0 && text + piece->text.size() > max_bytes + kPieceSlack) break;
      batch.pieces.push_back(*piece);
      text += piece->text.size() + (piece->ends_line ? 1 : 0);
    }
    at += length + 1;
  }
  if (damaged > 0) add_gap(kDamagedRecords, damaged);
  return at;
}

LogBatch NodeLogReader::take_cut_off(LogBatch batch) {
  const std::size_t length = batch.buffer.size();
  auto piece = parser_.parse(batch.buffer);
  if (!piece || piece->text.empty()) {
    add_gap(kCutOff, piece ? std::nullopt : std::optional<std::uint64_t>(length));
    return consume(std::move(batch), length);
  }
  piece->ends_line = false;
  batch.pieces.push_back(*piece);
  batch = consume(std::move(batch), length);
  given_->after_cut_off = true;
  batch.after = to_cursor(*given_);
  add_gap(kCutOff);
  return batch;
}

Result<LogBatch> NodeLogReader::skip_long_record(Rest rest) {
  std::string chunk(kLargestChunk, '\0');
  for (;;) {
    LOGSTONE_ASSIGN(const std::size_t got, files_.front().read_at(offset_ + no_newline_, chunk.data(), chunk.size()));
    const std::size_t newline = std::string_view(chunk).substr(0, got).find('\n');
    if (newline != std::string_view::npos) {
      const std::uint64_t length = no_newline_ + newline + 1;
      add_gap(kTooLong, length);
      return consume({}, length);
    }
    no_newline_ += got;
    if (got > 0) continue;
    if (rest == Rest::kWait) return nothing_new();
    add_gap(kTooLong, no_newline_);
    return consume({}, no_newline_);
  }
}

LogBatch NodeLogReader::consume(LogBatch batch, std::uint64_t bytes) {
  offset_ += bytes;
  no_newline_ = 0;
  given_ = LogPosition{*identity_, offset_, false};
  batch.after = to_cursor(*given_);
  batch.gap = std::exchange(gap_, std::nullopt);
  return batch;
}

Result<bool> NodeLogReader::begins_as_before() {
  if (!identity_ || !files_.front().can_shrink()) return true;
  return files_.front().begins_as(*identity_);
}

void NodeLogReader::begin_anew() {
  add_gap(kTruncated);
  identity_.reset();
  offset_ = no_newline_ = 0;
}

void NodeLogReader::add_gap(const std::string& reason, std::optional<std::uint64_t> lost_bytes) {
  if (!gap_) {
    gap_ = Gap{0, lost_bytes, reason, std::chrono::time_point_cast<Nanoseconds>(std::chrono::system_clock::now())};
    return;
  }
  if (gap_->reason.find(reason) == std::string::npos) gap_->reason += "; " + reason;
  gap_->lost_bytes = gap_->lost_bytes && lost_bytes ? std::optional(*gap_->lost_bytes + *lost_bytes) : std::nullopt;
}

LogBatch NodeLogReader::nothing_new() const {
  LogBatch batch;
  if (given_) batch.after = to_cursor(*given_);
  return batch;
}

}  // namespace logstone
