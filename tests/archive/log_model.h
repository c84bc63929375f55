// What a log is, kept in the plainest way: the tests compare the archive with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "archive/segment_reader.h"
#include "archive/segment_writer.h"

namespace logstone::test {

inline StreamIdentity some_stream() { return {"node-1", "pod-1", "0123456789abcdef", "main", 2}; }
inline SegmentPlace some_place(std::uint64_t first_byte = 0, std::uint64_t first_line = 0) {
  return {some_stream(), "workflow-uid", first_byte, first_line};
}
inline Timestamp at(std::int64_t nanoseconds) { return from_unix_nanoseconds(nanoseconds); }

/// Joins what one output wrote of a line, where nothing but a block's end or another piece of the same time divides it.
inline std::vector<PlacedPiece> joined(const std::vector<PlacedPiece>& pieces) {
  std::vector<PlacedPiece> out;
  for (const PlacedPiece& piece : pieces) {
    if (!out.empty() && !out.back().ends_line && out.back().output == piece.output && out.back().time == piece.time) {
      out.back().length += piece.length;
      out.back().ends_line = piece.ends_line;
    } else {
      out.push_back(piece);
    }
  }
  return out;
}

/// All that was appended.
struct LogModel {
  std::string raw;
  std::vector<PlacedPiece> pieces;
  bool gap_here = false;
  std::uint64_t base = 0;

  void append(const LogPiece& piece) {
    const std::uint64_t length = piece.text.size() + (piece.ends_line ? 1 : 0);
    if (length == 0) return;
    const bool goes_on =
        !pieces.empty() && !pieces.back().ends_line && pieces.back().output == piece.output && !gap_here;
    if (goes_on) {
      pieces.back().length += length;
      pieces.back().ends_line = piece.ends_line;
    } else {
      pieces.push_back({base + raw.size(), length, piece.time, piece.output, piece.ends_line});
    }
    gap_here = false;
    raw += piece.text;
    if (piece.ends_line) raw += '\n';
  }
  [[nodiscard]] std::uint64_t newlines() const {
    return static_cast<std::uint64_t>(std::count(raw.begin(), raw.end(), '\n'));
  }
};

/// Pieces such as containers write, and such as they should not; the same for the same generator state.
class PieceMaker {
 public:
  explicit PieceMaker(std::uint32_t seed) : random_(seed), style_(static_cast<int>(random_() % 5)) {}

  std::mt19937& random() { return random_; }
  /// The text stays valid until the next call.
  LogPiece next() {
    LogPiece piece;
    text_.clear();
    const std::size_t length = random_() % 40 == 0 ? random_() % 9000 : random_() % 60;
    for (std::size_t i = 0; i < length; ++i) {
      const auto byte = static_cast<char>(style_ == 0 ? random_() : "abc \r\x1b[0m{}:,\xff\0 12"[random_() % 19]);
      text_.push_back(byte == '\n' ? '\r' : byte);
    }
    switch (style_) {
      case 1:
        break;  // One time for all.
      case 2:
        time_ += static_cast<std::int64_t>(random_() % 2000) * 1000;
        break;  // A clock of microseconds.
      case 3:
        time_ = static_cast<std::int64_t>((std::uint64_t{random_()} << 32) | random_());
        break;
      default:
        time_ += static_cast<std::int64_t>(random_() % 5000) - 200;
    }
    piece.time = at(time_);
    piece.output = random_() % 5 == 0 ? Output::kStderr : Output::kStdout;
    piece.ends_line = random_() % 4 != 0;
    piece.text = text_;
    return piece;
  }

 private:
  std::mt19937 random_;
  int style_;
  std::int64_t time_ = 1'750'000'000'000'000'000;
  std::string text_;
};

}  // namespace logstone::test
