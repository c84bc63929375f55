// What a block knows of its entries beside their bytes: times, outputs, partial marks (docs/archive-format.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "archive/segment_reader.h"
#include "base/bytes.h"
#include "base/time.h"
#include "model/stream.h"

namespace logstone {

/// The entries of one block, in order, in a compact form: about two bytes an entry.
class BlockEntries {
 public:
  /// Begins an entry. It ends with the next newline of the raw text unless `end_partial` says otherwise.
  void add(Timestamp time, Output output);
  /// The last entry ended without a newline after `bytes` bytes, and another follows in this block.
  void end_partial(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Timestamp earliest() const { return earliest_; }
  [[nodiscard]] Timestamp latest() const { return latest_; }
  [[nodiscard]] std::size_t memory_bytes() const;
  void clear();

  /// The payload of the metadata frame.
  [[nodiscard]] std::string encode() const;
  /// `raw`: the block's text, which bounds what is believed. The error says what is wrong.
  [[nodiscard]] static tl::expected<BlockEntries, std::string> decode(std::string_view payload, std::string_view raw);

  /// Each entry with its place; offsets begin at `base`. None when the entries do not fit `raw` exactly.
  [[nodiscard]] std::optional<std::vector<PlacedPiece>> place(std::string_view raw, std::uint64_t base) const;

 private:
  static constexpr std::size_t kPlanes = 8;
  struct Partial {
    std::uint32_t entry;
    std::uint32_t bytes;
  };
  /// Differences of neighbouring times, zigzag-coded: how many bytes each takes, and its bytes, one plane a place.
  struct Differences {
    std::string sizes;
    std::array<std::string, kPlanes> planes;

    void add(std::int64_t difference);
  };
  /// Reads Differences from the front.
  class DifferenceReader;
  static bool read_differences(ByteReader& reader, std::uint64_t count, Differences& out);
  [[nodiscard]] bool rescale(const Differences& stored, std::uint64_t unit);
  void step(std::int64_t difference);

  std::uint64_t count_ = 0;
  Timestamp first_{};
  Timestamp previous_{};
  Timestamp earliest_{};
  Timestamp latest_{};
  Output output_ = Output::kStdout;
  Differences differences_;          ///< For every entry after the first.
  std::uint64_t unit_ = 0;           ///< All differences are multiples of it.
  std::vector<std::uint32_t> runs_;  ///< Finished runs of one output, alternating, beginning with stdout.
  std::uint32_t run_ = 0;            ///< Entries of the run that goes on.
  std::vector<Partial> partials_;
};

}  // namespace logstone
