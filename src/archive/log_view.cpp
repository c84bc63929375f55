#include "archive/log_view.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "archive/block_cache.h"
#include "archive/segment_source.h"

namespace logstone {
namespace {

using Pieces = std::vector<PlacedPiece>;

/// Where the n-th newline (from 1) of `text` is; npos where there are fewer.
std::size_t nth_newline(std::string_view text, std::uint64_t n) {
  std::size_t at = text.find('\n');
  for (; n > 1 && at != std::string_view::npos; --n) at = text.find('\n', at + 1);
  return at;
}

class ArchivedLog final : public LogView, public std::enable_shared_from_this<ArchivedLog> {
 public:
  ArchivedLog(ObjectStore& store, BlockCache& cache, StreamRecord stream)
      : store_(store), cache_(cache.impl()), stream_(std::move(stream)) {
    Timestamp latest = Timestamp::min();
    for (const SegmentReference& segment : stream_.segments) {
      if (segment.bytes == 0) continue;
      segments_.push_back(&segment);
      latest = std::max(latest, segment.last_time.value_or(Timestamp::max()));
      latest_until_.push_back(latest);
    }
    if (!segments_.empty()) {
      end_ = segments_.back()->first_byte + segments_.back()->bytes;
      newlines_ = segments_.back()->first_line + segments_.back()->lines;
    }
  }

  LogExtent extent() override { return {end_, stream_.lines, stream_.complete}; }
  std::vector<Gap> gaps() override { return stream_.gaps; }

  Result<std::string> read(std::uint64_t offset, std::size_t max) override {
    if (offset >= end_ || max == 0) return std::string();
    LOGSTONE_ASSIGN(const Place at, locate(offset));
    LOGSTONE_ASSIGN(const auto raw, text(at));
    return raw->substr(static_cast<std::size_t>(at.offset_in_block), max);
  }

  Result<std::vector<PlacedPiece>> pieces(std::uint64_t offset, std::uint64_t length) override {
    Pieces out;
    const std::uint64_t end = length > end_ || offset > end_ - length ? end_ : offset + length;
    while (offset < end) {
      LOGSTONE_ASSIGN(const Place at, locate(offset));
      LOGSTONE_ASSIGN(const auto placed, block_pieces(at));
      const std::uint64_t base = segments_[at.segment]->first_byte;
      auto piece = std::partition_point(placed->begin(), placed->end(),
                                        [&](const PlacedPiece& p) { return base + p.offset + p.length <= offset; });
      for (; piece != placed->end() && base + piece->offset < end; ++piece) {
        out.push_back(*piece);
        out.back().offset += base;
      }
      offset = base + at.summary().first_byte + at.summary().bytes;
    }
    return out;
  }

  Result<std::uint64_t> find_line(std::uint64_t line) override {
    if (line == 0) return std::uint64_t{0};
    if (line > newlines_) return end_;
    // The line begins behind the stream's `line`-th newline.
    const auto segment = std::lower_bound(
        segments_.begin(), segments_.end(), line,
        [](const SegmentReference* s, std::uint64_t wanted) { return s->first_line + s->lines < wanted; });
    Place at;
    at.segment = static_cast<std::size_t>(segment - segments_.begin());
    LOGSTONE_ASSIGN(at.reader, reader(at.segment));
    const std::uint64_t in_segment = line - (*segment)->first_line;
    const auto& blocks = at.reader->blocks();
    const auto block =
        std::lower_bound(blocks.begin(), blocks.end(), in_segment,
                         [](const BlockSummary& b, std::uint64_t wanted) { return b.first_line + b.lines < wanted; });
    if (line <= (*segment)->first_line || block == blocks.end()) return inconsistent(at.segment, "lines");
    at.block = static_cast<std::size_t>(block - blocks.begin());
    LOGSTONE_ASSIGN(const auto raw, text(at));
    const std::size_t newline = nth_newline(*raw, in_segment - block->first_line);
    if (newline == std::string::npos) return inconsistent(at.segment, "lines");
    return (*segment)->first_byte + block->first_byte + newline + 1;
  }

  Result<std::uint64_t> find_time(Timestamp time) override {
    const auto first = std::lower_bound(latest_until_.begin(), latest_until_.end(), time);
    for (auto i = static_cast<std::size_t>(first - latest_until_.begin()); i < segments_.size(); ++i) {
      if (segments_[i]->last_time.value_or(Timestamp::max()) < time) continue;
      LOGSTONE_ASSIGN(const std::optional<std::uint64_t> found, find_time_in(i, time));
      if (found) return *found;
    }
    return end_;
  }

  Result<std::uint64_t> find_tail(std::uint64_t lines) override {
    if (lines == 0 || segments_.empty()) return end_;
    LOGSTONE_ASSIGN(const auto last, reader(segments_.size() - 1));
    const std::uint64_t all = newlines_ + (last->blocks().back().ends_line ? 0 : 1);
    return lines >= all ? Result<std::uint64_t>(std::uint64_t{0}) : find_line(all - lines);
  }

  std::shared_ptr<void> notify(std::uint64_t bytes, std::function<void()> grown) override {
    // What is archived does not grow: either it is so already, or this view never will be.
    if (stream_.complete || end_ > bytes) grown();
    return std::make_shared<int>(0);
  }

  void read_ahead(std::uint64_t offset, std::uint64_t end) override {
    const std::size_t window = std::min(kMostAhead, cache_.max_bytes() / 8);
    {
      const std::lock_guard lock(ahead_mutex_);
      if (offset < ahead_from_ || offset > ahead_next_) ahead_next_ = offset;
      ahead_from_ = offset;
      ahead_until_ = std::min({end, end_, offset + window});
      if (ahead_running_ == kParallelAhead || ahead_next_ >= ahead_until_) return;
      ++ahead_running_;
    }
    if (cache_.run_ahead([self = shared_from_this()] { self->fetch_ahead(); })) return;
    const std::lock_guard lock(ahead_mutex_);
    --ahead_running_;
  }

 private:
  static constexpr std::size_t kMostAhead = std::size_t{8} << 20;
  static constexpr int kParallelAhead = 2;

  /// Takes block after block into the cache, until there is enough or one cannot be had: its reader will say so.
  void fetch_ahead() {
    std::unique_lock lock(ahead_mutex_);
    while (ahead_next_ < ahead_until_) {
      const std::uint64_t offset = ahead_next_;
      lock.unlock();
      const auto at = locate(offset);
      lock.lock();
      if (ahead_next_ != offset) continue;  // The other one takes it, or the reader went elsewhere.
      ahead_next_ =
          at ? segments_[at->segment]->first_byte + at->summary().first_byte + at->summary().bytes : UINT64_MAX;
      if (!at) break;
      lock.unlock();
      if (!text(*at)) {
        lock.lock();
        break;
      }
      lock.lock();
    }
    --ahead_running_;
  }

  /// A byte's block.
  struct Place {
    std::size_t segment = 0;
    std::shared_ptr<SegmentReader> reader;
    std::size_t block = 0;
    std::uint64_t offset_in_block = 0;
    [[nodiscard]] const BlockSummary& summary() const { return reader->blocks()[block]; }
  };

  Error inconsistent(std::size_t segment, const std::string& what) const {
    return corrupt_segment(segments_[segment]->key, "its " + what + " are not what the record says");
  }

  Result<Place> locate(std::uint64_t offset) {
    const auto after =
        std::upper_bound(segments_.begin(), segments_.end(), offset,
                         [](std::uint64_t byte, const SegmentReference* s) { return byte < s->first_byte; });
    if (after == segments_.begin()) return hole(offset);
    Place at;
    at.segment = static_cast<std::size_t>(after - segments_.begin()) - 1;
    const SegmentReference& segment = *segments_[at.segment];
    const std::uint64_t in_segment = offset - segment.first_byte;
    if (in_segment >= segment.bytes) return hole(offset);
    LOGSTONE_ASSIGN(at.reader, reader(at.segment));
    const auto& blocks = at.reader->blocks();
    const auto next =
        std::upper_bound(blocks.begin(), blocks.end(), in_segment,
                         [](std::uint64_t byte, const BlockSummary& block) { return byte < block.first_byte; });
    at.block = static_cast<std::size_t>(next - blocks.begin()) - 1;
    at.offset_in_block = in_segment - at.summary().first_byte;
    return at;
  }

  Error hole(std::uint64_t offset) const {
    return Error{ErrorKind::kCorrupt, "read stream", stream_.id.key(),
                 "its record names no segment for byte " + std::to_string(offset), "Run `logstone verify`."};
  }

  /// Names an object's content, not only its key: a key may be written again.
  [[nodiscard]] std::string cache_key(char kind, const SegmentReference& segment, std::size_t block) const {
    std::string key(1, kind);
    key += std::to_string(reinterpret_cast<std::uintptr_t>(&store_));
    key += ' ' + segment.key + ' ' + std::to_string(segment.object_bytes) + ' ' + segment.object_digest + ' ';
    return key + std::to_string(block);
  }

  Result<std::shared_ptr<SegmentReader>> reader(std::size_t i) {
    const SegmentReference& segment = *segments_[i];
    const std::string key = cache_key('r', segment, 0);
    if (auto cached = cache_.find<SegmentReader>(key)) return cached;
    LOGSTONE_ASSIGN(auto opened, SegmentReader::open(store_, segment.key, segment.object_bytes));
    if (opened->place().first_byte != segment.first_byte || opened->bytes() != segment.bytes) {
      return inconsistent(i, "bytes");
    }
    if (opened->place().first_line != segment.first_line || opened->lines() != segment.lines) {
      return inconsistent(i, "lines");
    }
    constexpr std::size_t kReaderBytes = std::size_t{20} << 10;  // A small object is held whole.
    constexpr std::size_t kBlockBytes = 192;                     // Summary, index entry and offsets.
    cache_.keep(key, opened, kReaderBytes + opened->blocks().size() * kBlockBytes);
    return opened;
  }

  /// A cached opened segment may be older than the object: it is not trusted again once its blocks do not fit.
  template <class T>
  Result<T> forget_on_damage(const Place& at, Result<T> result) {
    if (!result && result.error().kind == ErrorKind::kCorrupt) cache_.forget(cache_key('r', *segments_[at.segment], 0));
    return result;
  }

  Result<std::shared_ptr<std::string>> text(const Place& at) {
    const std::string key = cache_key('b', *segments_[at.segment], at.block);
    return cache_.find_or_make<std::string>(key, [&]() -> Result<BlockCache::Impl::Made<std::string>> {
      LOGSTONE_ASSIGN(std::string raw, forget_on_damage(at, at.reader->read_block(at.block)));
      auto shared = std::make_shared<std::string>(std::move(raw));
      return BlockCache::Impl::Made<std::string>{shared, shared->capacity()};
    });
  }

  Result<std::shared_ptr<Pieces>> block_pieces(const Place& at) {
    const std::string key = cache_key('p', *segments_[at.segment], at.block);
    if (auto cached = cache_.find<Pieces>(key)) return cached;
    LOGSTONE_ASSIGN(const auto raw, text(at));
    LOGSTONE_ASSIGN(Pieces placed, forget_on_damage(at, at.reader->read_pieces(at.block, *raw)));
    auto shared = std::make_shared<Pieces>(std::move(placed));
    cache_.keep(key, shared, shared->capacity() * sizeof(PlacedPiece));
    return shared;
  }

  /// Does segment `i`'s first byte begin a line?
  Result<bool> begins_line(std::size_t i) {
    if (i == 0) return true;
    LOGSTONE_ASSIGN(const auto before, reader(i - 1));
    return before->blocks().back().ends_line;
  }

  Result<std::optional<std::uint64_t>> find_time_in(std::size_t i, Timestamp time) {
    Place at;
    at.segment = i;
    LOGSTONE_ASSIGN(at.reader, reader(i));
    for (at.block = 0; at.block < at.reader->blocks().size(); ++at.block) {
      if (at.summary().last_time < time) continue;
      LOGSTONE_ASSIGN(const auto placed, block_pieces(at));
      bool at_line_start = at.block > 0 && at.reader->blocks()[at.block - 1].ends_line;
      if (at.block == 0) {
        LOGSTONE_ASSIGN(at_line_start, begins_line(i));
      }
      for (const PlacedPiece& piece : *placed) {
        if (at_line_start && piece.time >= time) return std::optional(segments_[i]->first_byte + piece.offset);
        at_line_start = piece.ends_line;
      }
    }
    return std::optional<std::uint64_t>();
  }

  ObjectStore& store_;
  BlockCache::Impl& cache_;
  const StreamRecord stream_;
  std::vector<const SegmentReference*> segments_;  ///< Of `stream_`, those with bytes.
  std::vector<Timestamp> latest_until_;            ///< The latest time of each and all before it: ascending.
  std::uint64_t end_ = 0;
  std::uint64_t newlines_ = 0;

  std::mutex ahead_mutex_;
  std::uint64_t ahead_from_ = 0;   ///< Where the reader is,
  std::uint64_t ahead_next_ = 0;   ///< the first byte that was not fetched for it yet,
  std::uint64_t ahead_until_ = 0;  ///< and where that ends for now.
  int ahead_running_ = 0;
};

}  // namespace

void LogView::read_ahead(std::uint64_t, std::uint64_t) {}

std::shared_ptr<LogView> open_archived_log(ObjectStore& store, BlockCache& cache, StreamRecord stream) {
  return std::make_shared<ArchivedLog>(store, cache, std::move(stream));
}

}  // namespace logstone
