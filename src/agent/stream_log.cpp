#include "agent/stream_log.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace logstone {
namespace {

constexpr std::size_t kScanBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxRead = std::size_t{4} << 20;

}  // namespace

StreamLog::StreamLog(ObjectStore& store, BlockCache& cache, SegmentSettings settings, std::string workflow_uid,
                     StreamIdentity stream)
    : store_(store), cache_(cache), settings_(settings), workflow_uid_(std::move(workflow_uid)) {
  closed_.id = std::move(stream);
}

std::uint64_t StreamLog::end_locked() const { return open_ ? open_->end_byte() : closed_.bytes; }

StreamLog::Parts StreamLog::parts_locked() {
  if (!closed_view_ && !closed_.segments.empty()) closed_view_ = open_archived_log(store_, cache_, closed_);
  return {closed_view_, open_ ? open_->place().first_byte : closed_.bytes};
}

SegmentWriter& StreamLog::open_locked() {
  if (!open_) {
    open_.emplace(settings_, SegmentPlace{closed_.id, workflow_uid_, closed_.bytes, closed_newlines_});
  }
  return *open_;
}

LogExtent StreamLog::extent() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t newlines = closed_newlines_ + (open_ ? open_->lines() : 0);
  return {end_locked(), newlines + (ends_in_line_ ? 1 : 0), ended_};
}

std::vector<Gap> StreamLog::gaps() {
  const std::lock_guard lock(mutex_);
  std::vector<Gap> all = closed_.gaps;
  if (open_) all.insert(all.end(), open_->gaps().begin(), open_->gaps().end());
  return all;
}

Result<std::string> StreamLog::read(std::uint64_t offset, std::size_t max) {
  std::unique_lock lock(mutex_);
  const Parts parts = parts_locked();
  if (open_ && offset >= parts.seam) return open_->read(offset - parts.seam, std::min(max, kMaxRead));
  lock.unlock();
  if (!parts.closed) return std::string();
  return parts.closed->read(offset, max);
}

Result<std::vector<PlacedPiece>> StreamLog::pieces(std::uint64_t offset, std::uint64_t length) {
  std::vector<PlacedPiece> live;
  std::unique_lock lock(mutex_);
  const Parts parts = parts_locked();
  const std::uint64_t end = length > std::numeric_limits<std::uint64_t>::max() - offset
                                ? std::numeric_limits<std::uint64_t>::max()
                                : offset + length;
  if (open_ && end > parts.seam) {
    const std::uint64_t from = std::max(offset, parts.seam) - parts.seam;
    live = open_->pieces(from, end - parts.seam - from);
    for (PlacedPiece& piece : live) piece.offset += parts.seam;
  }
  lock.unlock();
  if (!parts.closed || offset >= parts.seam) return live;
  LOGSTONE_ASSIGN(std::vector<PlacedPiece> all, parts.closed->pieces(offset, std::min(end, parts.seam) - offset));
  all.insert(all.end(), live.begin(), live.end());
  return all;
}

Result<std::uint64_t> StreamLog::find_line(std::uint64_t line) {
  std::unique_lock lock(mutex_);
  const Parts parts = parts_locked();
  if (line > closed_newlines_ && open_) {
    std::uint64_t left = line - closed_newlines_;
    if (left > open_->lines()) return open_->end_byte();
    for (std::uint64_t at = 0; at < open_->bytes();) {
      const std::string text = open_->read(at, kScanBytes);
      if (text.empty()) break;
      for (std::size_t i = text.find('\n'); i != std::string::npos; i = text.find('\n', i + 1)) {
        if (--left == 0) return parts.seam + at + i + 1;
      }
      at += text.size();
    }
    return open_->end_byte();
  }
  lock.unlock();
  if (!parts.closed) return std::uint64_t{0};
  return parts.closed->find_line(line);
}

Result<std::uint64_t> StreamLog::find_time(Timestamp time) {
  std::unique_lock lock(mutex_);
  const Parts parts = parts_locked();
  bool line_begins = true;
  if (parts.closed) {
    lock.unlock();
    LOGSTONE_ASSIGN(const std::uint64_t found, parts.closed->find_time(time));
    if (found < parts.seam) return found;
    if (parts.seam > 0) {
      const auto last = parts.closed->read(parts.seam - 1, 1);
      if (!last) return last.error();
      line_begins = *last == "\n";
    }
    lock.lock();
  }
  // What was open may have been closed meanwhile: then its place in the archive is found the same way.
  if (!open_ || open_->place().first_byte != parts.seam) {
    const Parts now = parts_locked();
    if (now.seam == parts.seam || !now.closed) return parts.seam;
    lock.unlock();
    return now.closed->find_time(time);
  }
  for (std::uint64_t at = 0; at < open_->bytes();) {
    const std::vector<PlacedPiece> part = open_->pieces(at, kScanBytes);
    for (const PlacedPiece& piece : part) {
      if (piece.offset < at) continue;
      if (line_begins && piece.time >= time) return parts.seam + piece.offset;
      line_begins = piece.ends_line;
      at = piece.offset + piece.length;
    }
    if (part.empty()) break;
  }
  return open_->end_byte();
}

Result<std::uint64_t> StreamLog::find_tail(std::uint64_t lines) {
  const std::uint64_t total = extent().lines;
  if (lines == 0) return extent().bytes;
  return find_line(total > lines ? total - lines : 0);
}

std::shared_ptr<void> StreamLog::notify(std::uint64_t bytes, std::function<void()> grown) {
  // Completion fires everything below the largest number.
  auto handle = waiters_.add(std::min(bytes, std::numeric_limits<std::uint64_t>::max() - 1), std::move(grown));
  const LogExtent now = extent();
  if (now.bytes > bytes || now.complete) {
    waiters_.fire_above(now.complete ? std::numeric_limits<std::uint64_t>::max() : now.bytes);
  }
  return handle;
}

void StreamLog::resume(std::vector<SegmentReference> closed, std::vector<Gap> closed_gaps,
                       std::optional<SegmentWriter> open, bool ends_in_line) {
  const std::lock_guard lock(mutex_);
  closed_.bytes = 0;
  closed_newlines_ = 0;
  for (const SegmentReference& segment : closed) {
    closed_.bytes += segment.bytes;
    closed_newlines_ += segment.lines;
  }
  closed_.segments = std::move(closed);
  closed_.gaps = std::move(closed_gaps);
  open_ = std::move(open);
  ends_in_line_ = ends_in_line;
}

void StreamLog::append(std::span<const LogPiece> pieces) {
  if (pieces.empty()) return;
  std::uint64_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    open_locked().append(pieces);
    ends_in_line_ = !pieces.back().ends_line;
    bytes = open_->end_byte();
  }
  waiters_.fire_above(bytes);
}

void StreamLog::add_gap(Gap gap) {
  const std::lock_guard lock(mutex_);
  open_locked().add_gap(std::move(gap));
}

void StreamLog::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  waiters_.fire_above(std::numeric_limits<std::uint64_t>::max());
}

StreamLog::OpenObject StreamLog::open_object(const Cursor& after) {
  const std::lock_guard lock(mutex_);
  const SegmentWriter& open = open_locked();
  return {open.object(after, ended_), open.place().first_byte, open.end_byte()};
}

void StreamLog::close_segment(const SegmentReference& segment) {
  const std::lock_guard lock(mutex_);
  if (!open_) return;
  closed_.segments.push_back(segment);
  closed_.bytes += segment.bytes;
  closed_newlines_ += segment.lines;
  closed_.gaps.insert(closed_.gaps.end(), open_->gaps().begin(), open_->gaps().end());
  closed_view_.reset();
  open_.reset();
}

std::uint64_t StreamLog::open_bytes() const {
  const std::lock_guard lock(mutex_);
  return open_ ? open_->bytes() : 0;
}

StreamRecord StreamLog::record(const std::optional<SegmentReference>& open) const {
  const std::lock_guard lock(mutex_);
  StreamRecord record = closed_;
  record.complete = ended_;
  record.bytes = end_locked();
  record.lines = closed_newlines_ + (open_ ? open_->lines() : 0) + (ends_in_line_ ? 1 : 0);
  if (open) record.segments.push_back(*open);
  if (open_) record.gaps.insert(record.gaps.end(), open_->gaps().begin(), open_->gaps().end());
  return record;
}

void StreamLog::settle(StreamRecord record) {
  const std::lock_guard lock(mutex_);
  closed_newlines_ = 0;
  for (const SegmentReference& segment : record.segments) closed_newlines_ += segment.lines;
  closed_ = std::move(record);
  closed_view_.reset();
  open_.reset();
}

}  // namespace logstone
