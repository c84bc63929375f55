#include "archive/block_metadata.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "archive/zstd_codec.h"
#include "base/bytes.h"

namespace logstone {
namespace {

constexpr std::string_view kTag = "LSmd";
constexpr std::size_t kWorthCompressing = 24;  // A zstd frame costs about ten bytes.
constexpr int kColumnLevel = 1;                // Columns are noise or runs: more effort finds nothing more.
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

enum Coding : std::uint8_t { kPlain = 0, kZstd = 1 };

std::uint64_t magnitude(std::int64_t delta) {
  return delta < 0 ? ~static_cast<std::uint64_t>(delta) + 1 : static_cast<std::uint64_t>(delta);
}

/// Time differences wrap, so that any two times have one.
std::int64_t difference(Timestamp later, Timestamp earlier) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(to_unix_nanoseconds(later)) -
                                   static_cast<std::uint64_t>(to_unix_nanoseconds(earlier)));
}
Timestamp moved(Timestamp time, std::int64_t by) {
  return from_unix_nanoseconds(static_cast<std::int64_t>(static_cast<std::uint64_t>(to_unix_nanoseconds(time)) +
                                                         static_cast<std::uint64_t>(by)));
}

void append_column(std::string& out, std::string_view raw) {
  append_varint(out, raw.size());
  if (raw.size() >= kWorthCompressing) {
    const std::string packed = zstd::compress(raw, kColumnLevel, false);
    if (packed.size() < raw.size()) {
      out.push_back(static_cast<char>(kZstd));
      append_varint(out, packed.size());
      out += packed;
      return;
    }
  }
  out.push_back(static_cast<char>(kPlain));
  append_varint(out, raw.size());
  out += raw;
}

/// None when it is damaged or claims more than `limit` raw bytes.
std::optional<std::string> read_column(ByteReader& reader, std::uint64_t limit) {
  const auto raw_size = reader.varint();
  const auto coding = reader.u8();
  const auto stored_size = reader.varint();
  if (!raw_size || !coding || !stored_size || *raw_size > limit || *stored_size > reader.rest().size()) {
    return std::nullopt;
  }
  const auto stored = reader.take(static_cast<std::size_t>(*stored_size));
  if (*coding == kZstd) return zstd::decompress(*stored, static_cast<std::size_t>(*raw_size), false);
  if (*coding != kPlain || *stored_size != *raw_size) return std::nullopt;
  return std::string(*stored);
}

/// The difference from its scaled, zigzag-coded form; none when it does not fit 64 bits.
std::optional<std::int64_t> unscale(std::uint64_t coded, std::uint64_t unit) {
  const bool negative = (coded & 1) != 0;
  std::uint64_t size = 0;
  if (__builtin_mul_overflow((coded >> 1) + (coded & 1), unit, &size)) return std::nullopt;
  if (size > kSignBit || (size == kSignBit && !negative)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? ~size + 1 : size);
}

}  // namespace

void BlockEntries::Differences::add(std::int64_t difference) {
  std::size_t size = 0;
  for (std::uint64_t coded = zigzag(difference); coded != 0; coded >>= 8) {
    planes[size++].push_back(static_cast<char>(coded & 0xFF));
  }
  sizes.push_back(static_cast<char>(size));
}

class BlockEntries::DifferenceReader {
 public:
  explicit DifferenceReader(const Differences& from) : from_(from) {}
  [[nodiscard]] bool at_end() const { return next_ == from_.sizes.size(); }
  /// Zigzag-coded. The planes have as many bytes as the sizes say (read_differences).
  std::uint64_t next_coded() {
    std::uint64_t coded = 0;
    const auto size = static_cast<std::uint8_t>(from_.sizes[next_++]);
    for (std::size_t i = 0; i < size; ++i) {
      coded |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(from_.planes[i][used_[i]++])) << (8 * i);
    }
    return coded;
  }
  std::int64_t next() { return unzigzag(next_coded()); }

 private:
  const Differences& from_;
  std::size_t next_ = 0;
  std::array<std::size_t, kPlanes> used_{};
};

/// Reads the columns, and makes sure that every plane has exactly the bytes that the sizes ask for.
bool BlockEntries::read_differences(ByteReader& reader, std::uint64_t count, Differences& out) {
  auto sizes = read_column(reader, count);
  if (!sizes || sizes->size() != count) return false;
  std::array<std::size_t, kPlanes + 1> of_size{};
  for (const char size : *sizes) {
    if (static_cast<std::uint8_t>(size) > kPlanes) return false;
    ++of_size[static_cast<std::uint8_t>(size)];
  }
  out.sizes = std::move(*sizes);
  std::size_t longer = out.sizes.size() - of_size[0];  // How many differences have a byte in the plane.
  for (std::size_t i = 0; i < kPlanes && longer > 0; ++i) {
    auto plane = read_column(reader, longer);
    if (!plane || plane->size() != longer) return false;
    out.planes[i] = std::move(*plane);
    longer -= of_size[i + 1];
  }
  return true;
}

/// Multiplies all that was stored by the unit; false where that does not fit 64 bits.
bool BlockEntries::rescale(const Differences& stored, std::uint64_t unit) {
  for (DifferenceReader reader(stored); !reader.at_end();) {
    const auto difference = unscale(reader.next_coded(), unit);
    if (!difference) return false;
    differences_.add(*difference);
  }
  return true;
}

void BlockEntries::step(std::int64_t difference) {
  previous_ = moved(previous_, difference);
  earliest_ = std::min(earliest_, previous_);
  latest_ = std::max(latest_, previous_);
  if (unit_ != 1) unit_ = std::gcd(unit_, magnitude(difference));
}

void BlockEntries::add(Timestamp time, Output output) {
  if (count_ == 0) {
    first_ = previous_ = earliest_ = latest_ = time;
    output_ = Output::kStdout;
  } else {
    const std::int64_t moved_by = difference(time, previous_);
    differences_.add(moved_by);
    step(moved_by);
  }
  if (output != output_) {
    runs_.push_back(run_);
    run_ = 0;
    output_ = output;
  }
  ++run_;
  ++count_;
}

void BlockEntries::end_partial(std::uint64_t bytes) {
  partials_.push_back({static_cast<std::uint32_t>(count_ - 1), static_cast<std::uint32_t>(bytes)});
}

std::size_t BlockEntries::memory_bytes() const {
  std::size_t differences = differences_.sizes.capacity();
  for (const std::string& plane : differences_.planes) differences += plane.capacity();
  return differences + runs_.capacity() * sizeof(std::uint32_t) + partials_.capacity() * sizeof(Partial);
}

void BlockEntries::clear() {
  count_ = 0;
  run_ = 0;
  unit_ = 0;
  differences_.sizes.clear();
  for (std::string& plane : differences_.planes) plane.clear();
  runs_.clear();
  partials_.clear();
}

std::string BlockEntries::encode() const {
  // Clocks often count in micro- or milliseconds: what all differences have in common is said once.
  const std::uint64_t unit = std::max<std::uint64_t>(unit_, 1);
  Differences scaled;
  if (unit != 1) {
    for (DifferenceReader reader(differences_); !reader.at_end();) {
      const std::int64_t by = reader.next();
      const std::uint64_t size = magnitude(by) / unit;
      scaled.add(static_cast<std::int64_t>(by < 0 ? ~size + 1 : size));
    }
  }
  const Differences& stored = unit == 1 ? differences_ : scaled;
  std::string outputs;
  for (const std::uint32_t run : runs_) append_varint(outputs, run);
  std::string partials;
  std::uint32_t next = 0;
  for (const Partial& partial : partials_) {
    append_varint(partials, partial.entry - next);
    append_varint(partials, partial.bytes);
    next = partial.entry + 1;
  }

  std::string out(kTag);
  append_varint(out, count_);
  append_u64(out, static_cast<std::uint64_t>(to_unix_nanoseconds(first_)));
  append_varint(out, unit);
  append_column(out, stored.sizes);
  for (const std::string& plane : stored.planes) {
    if (!plane.empty()) append_column(out, plane);
  }
  append_column(out, outputs);
  append_column(out, partials);
  return out;
}

tl::expected<BlockEntries, std::string> BlockEntries::decode(std::string_view payload, std::string_view raw) {
  const auto wrong = [](const char* what) { return tl::make_unexpected(std::string(what)); };
  ByteReader reader(payload);
  if (reader.take(kTag.size()) != kTag) return wrong("a block's metadata has not our tag");
  const auto count = reader.varint();
  const auto first = reader.u64();
  const auto unit = reader.varint();
  if (!count || !first || !unit || *unit == 0 || *count == 0 || *count > raw.size()) {
    return wrong("a block's metadata has impossible numbers");
  }
  Differences stored;
  if (!read_differences(reader, *count - 1, stored)) return wrong("a block's times are damaged");
  const auto outputs = read_column(reader, *count * 5);
  const auto partials = read_column(reader, *count * 10);
  if (!outputs || !partials || !reader.empty()) return wrong("a block's outputs or partial marks are damaged");

  BlockEntries out;
  std::uint64_t in_runs = 0;
  for (ByteReader runs(*outputs); !runs.empty();) {
    const auto run = runs.varint();
    if (!run || (*run == 0 && !out.runs_.empty()) || *run >= *count - in_runs)
      return wrong("a block's outputs are damaged");
    in_runs += *run;
    out.runs_.push_back(static_cast<std::uint32_t>(*run));
  }
  out.run_ = static_cast<std::uint32_t>(*count - in_runs);
  out.output_ = out.runs_.size() % 2 == 0 ? Output::kStdout : Output::kStderr;

  std::uint64_t next = 0;
  for (ByteReader marks(*partials); !marks.empty();) {
    const auto skip = marks.varint();
    const auto bytes = marks.varint();
    if (!skip || !bytes || *bytes == 0 || *bytes > raw.size() || *skip >= *count - next || next + *skip + 1 == *count) {
      return wrong("a block's partial marks are damaged");
    }
    out.partials_.push_back({static_cast<std::uint32_t>(next + *skip), static_cast<std::uint32_t>(*bytes)});
    next += *skip + 1;
  }

  out.count_ = *count;
  out.first_ = out.previous_ = out.earliest_ = out.latest_ = from_unix_nanoseconds(static_cast<std::int64_t>(*first));
  if (*unit == 1) {
    out.differences_ = std::move(stored);
  } else if (!out.rescale(stored, *unit)) {
    return wrong("a block's times are damaged");
  }
  for (DifferenceReader reader_of_times(out.differences_); !reader_of_times.at_end();) out.step(reader_of_times.next());
  return out;
}

std::optional<std::vector<PlacedPiece>> BlockEntries::place(std::string_view raw, std::uint64_t base) const {
  // Before anything is reserved: as many entries as the text's newlines and the marks make.
  const auto newlines = static_cast<std::uint64_t>(std::count(raw.begin(), raw.end(), '\n'));
  const bool open_end = !raw.empty() && raw.back() != '\n';
  if (count_ != newlines + partials_.size() + (open_end ? 1 : 0)) return std::nullopt;
  std::vector<PlacedPiece> pieces;
  pieces.reserve(count_);
  DifferenceReader differences(differences_);
  Timestamp time = first_;
  std::size_t run = 0;
  std::uint64_t run_left = runs_.empty() ? count_ : runs_[0];
  auto partial = partials_.begin();
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < count_; ++i) {
    if (i > 0) time = moved(time, differences.next());
    while (run_left == 0) {
      ++run;
      run_left = run < runs_.size() ? runs_[run] : count_;
    }
    --run_left;
    PlacedPiece piece;
    piece.offset = base + at;
    piece.time = time;
    piece.output = run % 2 == 0 ? Output::kStdout : Output::kStderr;
    const std::string_view rest = raw.substr(at);
    const std::size_t newline = rest.find('\n');
    if (partial != partials_.end() && partial->entry == i) {
      if (partial->bytes >= rest.size() || newline < partial->bytes) return std::nullopt;
      piece.length = partial->bytes;
      piece.ends_line = false;
      ++partial;
    } else {
      piece.ends_line = newline != std::string_view::npos;
      piece.length = piece.ends_line ? newline + 1 : rest.size();
    }
    if (piece.length == 0) return std::nullopt;
    at += piece.length;
    pieces.push_back(piece);
  }
  if (at != raw.size()) return std::nullopt;
  return pieces;
}

}  // namespace logstone
