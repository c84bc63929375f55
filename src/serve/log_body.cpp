#include "serve/log_body.h"

#include <algorithm>

namespace logstone::serve {
namespace {

using http::BodySource;
using http::Chunk;

Error nothing_read(std::uint64_t offset) {
  return Error{ErrorKind::kInternal,
               "read",
               "the log at byte " + std::to_string(offset),
               "nothing came though there is more",
               {}};
}

/// Offset from which `lines` lines are left before `end`.
Result<std::uint64_t> tail_before(LogView& log, std::uint64_t begin, std::uint64_t end, std::uint64_t lines) {
  constexpr std::uint64_t kWindow = 64 * 1024;
  if (lines == 0 || begin >= end) return end;
  std::uint64_t newlines = 0;
  for (std::uint64_t window_end = end; window_end > begin;) {
    const std::uint64_t window_begin = window_end - std::min(kWindow, window_end - begin);
    std::string bytes;
    while (bytes.size() < window_end - window_begin) {
      const std::uint64_t at = window_begin + bytes.size();
      LOGSTONE_ASSIGN(const std::string part, log.read(at, window_end - at));
      if (part.empty()) return nothing_read(at);
      bytes += part;
    }
    for (std::size_t i = bytes.size(); i-- > 0;) {
      // The newline that ends the last line does not begin another.
      if (bytes[i] == '\n' && window_begin + i + 1 != end && ++newlines == lines) return window_begin + i + 1;
    }
    window_end = window_begin;
  }
  return begin;
}

/// Where the selection ends within `extent`, and whether it can still move on.
struct End {
  std::uint64_t offset = 0;
  bool final = false;
};
Result<End> find_end(LogView& log, const LogSelection& selection, const LogExtent& extent) {
  End end{extent.bytes, extent.complete};
  if (selection.to) {
    LOGSTONE_ASSIGN(const std::uint64_t line, log.find_line(*selection.to));
    if (line < extent.bytes) end = {line, true};
  }
  if (selection.until) {
    LOGSTONE_ASSIGN(const std::uint64_t time, log.find_time(*selection.until));
    if (time < end.offset) end = {time, true};
  }
  return end;
}

/// What all log bodies share: where they are, when they wait and when they end.
class LogBody : public BodySource {
 public:
  LogBody(std::shared_ptr<LogView> log, const LogSelection& selection, const LogPlace& place)
      : log_(std::move(log)), selection_(selection), offset_(place.begin), end_{place.end, !selection.follow} {}

  Result<> prime() {
    LOGSTONE_ASSIGN(first_, advance());
    return {};
  }

  Result<Chunk> next(const std::function<void()>& ready) final {
    waiting_.reset();
    if (first_) {
      Chunk chunk = std::move(*first_);
      first_.reset();
      if (chunk.state != Chunk::State::kLater) return chunk;
    }
    LOGSTONE_ASSIGN(Chunk chunk, advance());
    if (chunk.state == Chunk::State::kLater) waiting_ = log_->notify(seen_bytes_, ready);
    return chunk;
  }

 protected:
  /// Bytes from `offset_`, at most to `end`; moves `offset_` on.
  virtual Result<std::string> produce(std::uint64_t end) = 0;
  /// What is left to say once everything up to `end` was produced.
  virtual std::string finish(std::uint64_t end) = 0;

  [[nodiscard]] LogView& log() { return *log_; }
  [[nodiscard]] const LogSelection& selection() const { return selection_; }
  std::uint64_t offset() const { return offset_; }
  void move_to(std::uint64_t offset) { offset_ = offset; }

 private:
  Result<Chunk> advance() {
    if (ended_) return Chunk{};
    if (offset_ >= end_.offset && !end_.final) {
      const LogExtent extent = log_->extent();
      seen_bytes_ = extent.bytes;
      LOGSTONE_ASSIGN(end_, find_end(*log_, selection_, extent));
      LOGSTONE_TRY(skip_to_begin(extent));
    }
    if (offset_ < end_.offset) {
      LOGSTONE_ASSIGN(std::string bytes, produce(end_.offset));
      if (bytes.empty()) return nothing_read(offset_);
      return Chunk{Chunk::State::kData, std::move(bytes)};
    }
    if (!end_.final) return Chunk{Chunk::State::kLater, {}};
    ended_ = true;
    std::string rest = finish(end_.offset);
    if (rest.empty()) return Chunk{};
    return Chunk{Chunk::State::kData, std::move(rest)};
  }

  /// What was asked for may begin beyond what there was at first: then all that comes before it is passed over.
  Result<> skip_to_begin(const LogExtent& extent) {
    if (begin_found_) return {};
    std::uint64_t begin = 0;
    if (selection_.from) {
      LOGSTONE_ASSIGN(begin, log_->find_line(*selection_.from));
    }
    if (selection_.since) {
      LOGSTONE_ASSIGN(const std::uint64_t time, log_->find_time(*selection_.since));
      begin = std::max(begin, time);
    }
    begin_found_ = begin < extent.bytes;
    offset_ = std::max(offset_, begin);
    return {};
  }

  std::shared_ptr<LogView> log_;
  LogSelection selection_;
  std::uint64_t offset_;
  bool begin_found_ = false;
  End end_;
  std::uint64_t seen_bytes_ = 0;
  bool ended_ = false;
  std::optional<Chunk> first_;
  std::shared_ptr<void> waiting_;  // Declared last: cancelled before anything that it may touch is gone.
};

/// The bytes as they are.
class RawBody final : public LogBody {
 public:
  using LogBody::LogBody;

 private:
  Result<std::string> produce(std::uint64_t end) override {
    LOGSTONE_ASSIGN(std::string bytes,
                    log().read(offset(), std::min<std::uint64_t>(http::kChunkBytes, end - offset())));
    move_to(offset() + bytes.size());
    log().read_ahead(offset(), end);
    return bytes;
  }
  std::string finish(std::uint64_t) override { return {}; }
};

/// Lines with what is known of them put between: the time before each, a line of its own where bytes are missing.
class AnnotatedBody final : public LogBody {
 public:
  AnnotatedBody(std::shared_ptr<LogView> log, const LogSelection& selection, const LogPlace& place)
      : LogBody(std::move(log), selection, place), begin_(place.begin) {}

 private:
  Result<std::string> produce(std::uint64_t end) override {
    constexpr std::uint64_t kReadBytes = 64 * 1024;
    const std::uint64_t begin = offset();
    LOGSTONE_ASSIGN(const std::string bytes, log().read(begin, std::min(kReadBytes, end - begin)));
    if (bytes.empty()) return std::string();
    std::vector<PlacedPiece> pieces;
    if (selection().timestamps) {
      LOGSTONE_ASSIGN(pieces, log().pieces(begin, bytes.size()));
    } else {
      pieces.push_back({begin, bytes.size(), {}, Output::kStdout, false});
    }
    std::vector<Gap> gaps;
    if (selection().gaps) gaps = log().gaps();
    std::string out;
    for (const PlacedPiece& piece : pieces) {
      std::uint64_t at = offset();
      const std::uint64_t piece_end = std::min(piece.offset + piece.length, begin + bytes.size());
      while (at < piece_end) {
        put_gaps(gaps, at, out);
        if (line_begins_ && selection().timestamps) out += format_rfc3339_nano(piece.time) + ' ';
        std::uint64_t until = piece_end;
        if (next_gap_ < gaps.size()) until = std::min(until, std::max(gaps[next_gap_].offset, at + 1));
        out.append(bytes, at - begin, until - at);
        line_begins_ = bytes[until - 1 - begin] == '\n';
        at = until;
        move_to(at);
      }
      if (out.size() >= http::kChunkBytes) break;  // Prefixes may be many times the bytes of short lines.
    }
    return out;
  }

  std::string finish(std::uint64_t end) override {
    std::string out;
    if (selection().gaps && end == log().extent().bytes) put_gaps(log().gaps(), end, out);
    return out;
  }

  void put_gaps(const std::vector<Gap>& gaps, std::uint64_t at, std::string& out) {
    for (; next_gap_ < gaps.size() && gaps[next_gap_].offset <= at; ++next_gap_) {
      const Gap& gap = gaps[next_gap_];
      if (gap.offset < begin_) continue;
      if (!line_begins_) out += '\n';
      out += "[logstone: " + (gap.lost_bytes ? std::to_string(*gap.lost_bytes) + " bytes are" : "bytes are") +
             " missing here: " + gap.reason + "]\n";
      line_begins_ = true;
    }
  }

  std::uint64_t begin_;
  std::size_t next_gap_ = 0;
  bool line_begins_ = true;
};

}  // namespace

Result<LogPlace> find_place(LogView& log, const LogSelection& selection) {
  LogPlace place;
  place.extent = log.extent();
  LOGSTONE_ASSIGN(const End end, find_end(log, selection, place.extent));
  place.end = end.offset;
  if (selection.offset) place.begin = std::max(place.begin, *selection.offset);
  if (selection.from) {
    LOGSTONE_ASSIGN(const std::uint64_t line, log.find_line(*selection.from));
    place.begin = std::max(place.begin, line);
  }
  if (selection.since) {
    LOGSTONE_ASSIGN(const std::uint64_t time, log.find_time(*selection.since));
    place.begin = std::max(place.begin, time);
  }
  if (!selection.follow) place.begin = std::min(place.begin, place.end);
  if (selection.tail) {
    // The view's own index finds a tail of the whole without reading it; it counts what has come since, too.
    if (place.end == place.extent.bytes) {
      LOGSTONE_ASSIGN(const std::uint64_t tail, log.find_tail(*selection.tail));
      if (tail <= place.end || selection.follow) {
        place.begin = std::max(place.begin, *selection.tail == 0 ? place.end : std::min(tail, place.end));
        return place;
      }
    }
    LOGSTONE_ASSIGN(place.begin, tail_before(log, place.begin, place.end, *selection.tail));
  }
  return place;
}

Result<std::unique_ptr<http::BodySource>> open_log_body(std::shared_ptr<LogView> log, const LogSelection& selection,
                                                        const LogPlace& place) {
  std::unique_ptr<LogBody> body;
  if (selection.timestamps || selection.gaps) {
    body = std::make_unique<AnnotatedBody>(std::move(log), selection, place);
  } else {
    body = std::make_unique<RawBody>(std::move(log), selection, place);
  }
  LOGSTONE_TRY(body->prime());
  return std::unique_ptr<http::BodySource>(std::move(body));
}

}  // namespace logstone::serve
