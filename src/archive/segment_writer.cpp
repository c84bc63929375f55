#include "archive/segment_writer.h"

#include <algorithm>
#include <utility>

#include "archive/block_metadata.h"
#include "archive/segment_format.h"
#include "archive/segment_reader.h"
#include "archive/segment_source.h"
#include "archive/zstd_codec.h"
#include "base/bytes.h"

namespace logstone {

struct SegmentWriter::Impl {
  struct Block {
    format::IndexBlock index;
    std::string frame;
    std::string metadata;
    std::uint64_t first_byte = 0;  ///< Segment-relative.
  };

  Impl(SegmentSettings wanted, SegmentPlace at) : settings(wanted), place(std::move(at)) {
    settings.block_bytes = std::clamp(settings.block_bytes, format::kMinBlockBytes, format::kMaxBlockBytes);
    settings.compression_level = std::clamp(settings.compression_level, 1, 19);
  }

  void append(const LogPiece& piece) {
    if (piece.text.empty() && !piece.ends_line) return;
    if (entry_open && piece.output != output) end_entry();
    if (!entry_open) {
      time = piece.time;
      output = piece.output;
    }
    // Pieces hold no newline. If one does all the same, it ends a line, or the block could never be read again.
    std::string_view text = piece.text;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      write_line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (piece.ends_line) {
      write_line(text);
    } else {
      write(text);
    }
  }

  void write_line(std::string_view text) {
    if (raw.size() + text.size() + 1 < settings.block_bytes) {  // The usual line: it fits, and does not fill the block.
      begin_entry();
      grow(text.size() + 1);
      raw += text;
      raw += '\n';
      ++block_lines;
    } else {
      write(text);
      write("\n");
    }
    end_entry();
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      begin_entry();
      const std::size_t take = std::min(bytes.size(), settings.block_bytes - raw.size());
      grow(take);
      raw += bytes.substr(0, take);
      if (bytes[take - 1] == '\n') ++block_lines;
      bytes.remove_prefix(take);
      if (raw.size() == settings.block_bytes) seal();
    }
  }

  void begin_entry() {
    entry_open = true;
    if (entry_in_block) return;
    entry_in_block = true;
    if (!raw.empty() && raw.back() != '\n') entries.end_partial(raw.size() - entry_begin);
    entry_begin = raw.size();
    entries.add(time, output);
  }

  /// What follows belongs to another entry, whether the line has ended or not.
  void end_entry() { entry_open = entry_in_block = false; }

  /// Makes room by doubling, but never beyond a block.
  void grow(std::size_t more) {
    const std::size_t needed = raw.size() + more;
    if (needed > raw.capacity()) raw.reserve(std::min(settings.block_bytes, std::max(needed, raw.capacity() * 2)));
  }

  [[nodiscard]] Block compress_open_block() const {
    Block block;
    block.frame = zstd::compress(raw, settings.compression_level, true);
    const std::string payload = entries.encode();
    block.metadata = format::skippable_frame(format::kMetadataMagic, payload);
    block.first_byte = sealed_bytes;
    block.index.raw_bytes = raw.size();
    block.index.frame_bytes = block.frame.size();
    block.index.metadata_bytes = block.metadata.size();
    block.index.lines = block_lines;
    block.index.earliest = to_unix_nanoseconds(entries.earliest());
    block.index.latest = to_unix_nanoseconds(entries.latest());
    block.index.ends_with_newline = raw.back() == '\n';
    block.index.raw_hash = hash64(raw);
    block.index.metadata_hash = hash64(payload);
    block.index.content_checksum = *ByteReader(std::string_view(block.frame).substr(block.frame.size() - 4)).u32();
    return block;
  }

  void seal() {
    add_sealed(compress_open_block());
    raw.clear();
    entries.clear();
    block_lines = 0;
    entry_in_block = false;
  }

  void add_sealed(Block block) {
    widen_times(from_unix_nanoseconds(block.index.earliest), from_unix_nanoseconds(block.index.latest));
    sealed_bytes += block.index.raw_bytes;
    sealed_lines += block.index.lines;
    sealed_memory += block.frame.size() + block.metadata.size() + sizeof(Block);
    sealed.push_back(std::move(block));
  }

  void widen_times(Timestamp earliest, Timestamp latest) {
    first_time = first_time ? std::min(*first_time, earliest) : earliest;
    last_time = last_time ? std::max(*last_time, latest) : latest;
  }

  /// The text of a block that holds segment-relative byte `at`, and where it begins. `at` is less than bytes().
  struct Text {
    std::string decompressed;
    std::string_view view;
    std::uint64_t first_byte = 0;
    const Block* block = nullptr;  ///< None: the open one.
  };
  void find_text(std::uint64_t at, Text& text) const {
    text.block = nullptr;
    text.view = raw;
    text.first_byte = sealed_bytes;
    if (at >= sealed_bytes) return;
    const auto after = std::upper_bound(sealed.begin(), sealed.end(), at,
                                        [](std::uint64_t byte, const Block& block) { return byte < block.first_byte; });
    const Block& block = *std::prev(after);
    // What was compressed here, in memory, decompresses.
    text.decompressed = zstd::decompress(block.frame, static_cast<std::size_t>(block.index.raw_bytes), true).value();
    text.view = text.decompressed;
    text.first_byte = block.first_byte;
    text.block = &block;
  }

  SegmentSettings settings;
  SegmentPlace place;
  std::vector<Block> sealed;
  std::uint64_t sealed_bytes = 0;
  std::uint64_t sealed_lines = 0;
  std::size_t sealed_memory = 0;
  std::optional<Timestamp> first_time;  ///< Of the sealed blocks.
  std::optional<Timestamp> last_time;
  std::vector<Gap> gaps;
  // The block that is being filled.
  std::string raw;
  BlockEntries entries;
  std::uint64_t block_lines = 0;
  // The entry that is being written.
  bool entry_open = false;      ///< Its line has not ended: the same output goes on with it.
  bool entry_in_block = false;  ///< It has bytes in the open block.
  std::size_t entry_begin = 0;  ///< Where the open block's last entry begins in `raw`.
  Timestamp time{};
  Output output = Output::kStdout;
};

SegmentWriter::SegmentWriter(SegmentSettings settings, SegmentPlace place)
    : impl_(std::make_unique<Impl>(settings, std::move(place))) {}
SegmentWriter::SegmentWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SegmentWriter::~SegmentWriter() = default;
SegmentWriter::SegmentWriter(SegmentWriter&&) noexcept = default;
SegmentWriter& SegmentWriter::operator=(SegmentWriter&&) noexcept = default;

Result<SegmentWriter> SegmentWriter::resume(SegmentSettings settings, std::string_view object) {
  const std::string name = "to go on with";
  LOGSTONE_ASSIGN(const auto reader, read_segment_in_place(object, name));
  LOGSTONE_TRY(check_blocks(*reader, name, nullptr));
  const auto index = format::parse_end(object, object.size());
  if (!index) return corrupt_segment(name, index.error());

  auto impl = std::make_unique<Impl>(settings, index->place);
  impl->gaps = index->gaps;
  std::size_t frame = 0;
  std::size_t metadata = 0;
  for (const format::IndexBlock& block : index->blocks) metadata += static_cast<std::size_t>(block.frame_bytes);
  for (std::size_t i = 0; i < index->blocks.size(); ++i) {
    const format::IndexBlock& block = index->blocks[i];
    const bool last = i + 1 == index->blocks.size();
    const std::string_view metadata_frame = object.substr(metadata, static_cast<std::size_t>(block.metadata_bytes));
    if (last) {
      // The line that the last block ends in the middle of goes on, unless bytes are missing there.
      LOGSTONE_ASSIGN(std::string raw, reader->read_block(i));
      LOGSTONE_ASSIGN(const auto pieces, reader->read_pieces(i, raw));
      impl->time = pieces.back().time;
      impl->output = pieces.back().output;
      impl->entry_begin = static_cast<std::size_t>(pieces.back().offset - reader->blocks()[i].first_byte);
      const std::uint64_t end = index->place.first_byte + reader->bytes();
      impl->entry_open = !pieces.back().ends_line && (impl->gaps.empty() || impl->gaps.back().offset != end);
      if (block.raw_bytes < impl->settings.block_bytes) {
        impl->entry_in_block = impl->entry_open;
        impl->block_lines = block.lines;
        auto entries = BlockEntries::decode(metadata_frame.substr(format::kSkippableHeaderBytes), raw);
        if (!entries) return corrupt_segment(name, entries.error());
        impl->entries = std::move(*entries);
        impl->raw = std::move(raw);
        break;
      }
    }
    impl->add_sealed({block, std::string(object.substr(frame, static_cast<std::size_t>(block.frame_bytes))),
                      std::string(metadata_frame), reader->blocks()[i].first_byte});
    frame += static_cast<std::size_t>(block.frame_bytes);
    metadata += static_cast<std::size_t>(block.metadata_bytes);
  }
  return SegmentWriter(std::move(impl));
}

void SegmentWriter::append(std::span<const LogPiece> pieces) {
  for (const LogPiece& piece : pieces) impl_->append(piece);
}

void SegmentWriter::add_gap(Gap gap) {
  impl_->end_entry();
  gap.offset = end_byte();
  impl_->gaps.push_back(std::move(gap));
}

const SegmentPlace& SegmentWriter::place() const { return impl_->place; }
std::uint64_t SegmentWriter::bytes() const { return impl_->sealed_bytes + impl_->raw.size(); }
std::uint64_t SegmentWriter::lines() const { return impl_->sealed_lines + impl_->block_lines; }
const std::vector<Gap>& SegmentWriter::gaps() const { return impl_->gaps; }

std::optional<Timestamp> SegmentWriter::first_time() const {
  if (impl_->entries.count() == 0) return impl_->first_time;
  return impl_->first_time ? std::min(*impl_->first_time, impl_->entries.earliest()) : impl_->entries.earliest();
}
std::optional<Timestamp> SegmentWriter::last_time() const {
  if (impl_->entries.count() == 0) return impl_->last_time;
  return impl_->last_time ? std::max(*impl_->last_time, impl_->entries.latest()) : impl_->entries.latest();
}

std::size_t SegmentWriter::memory_bytes() const {
  return sizeof(Impl) + impl_->sealed_memory + impl_->raw.capacity() + impl_->entries.memory_bytes();
}

std::string SegmentWriter::object(const Cursor& after, bool stream_ends) const {
  Impl::Block open;
  const bool has_open = !impl_->raw.empty();
  if (has_open) open = impl_->compress_open_block();
  format::SegmentIndex index{impl_->place, stream_ends, after, impl_->gaps, {}};
  index.blocks.reserve(impl_->sealed.size() + 1);
  std::size_t bytes = 0;
  const auto take = [&](const Impl::Block& block) {
    index.blocks.push_back(block.index);
    bytes += block.frame.size() + block.metadata.size();
  };
  for (const Impl::Block& block : impl_->sealed) take(block);
  if (has_open) take(open);
  const std::string index_frame = format::index_frame(index);
  const std::string seek_table = format::seek_table_frame(index, index_frame.size());

  std::string out;
  out.reserve(bytes + index_frame.size() + seek_table.size());
  for (const Impl::Block& block : impl_->sealed) out += block.frame;
  out += open.frame;
  for (const Impl::Block& block : impl_->sealed) out += block.metadata;
  out += open.metadata;
  out += index_frame;
  out += seek_table;
  return out;
}

std::string SegmentWriter::read(std::uint64_t offset, std::size_t max) const {
  std::string out;
  Impl::Text text;
  while (offset < bytes() && out.size() < max) {
    impl_->find_text(offset, text);
    const std::string_view part =
        text.view.substr(static_cast<std::size_t>(offset - text.first_byte), max - out.size());
    out += part;
    offset += part.size();
  }
  return out;
}

std::vector<PlacedPiece> SegmentWriter::pieces(std::uint64_t offset, std::uint64_t length) const {
  std::vector<PlacedPiece> out;
  const std::uint64_t end = length > bytes() || offset > bytes() - length ? bytes() : offset + length;
  Impl::Text text;
  for (std::uint64_t at = offset; at < end; at = text.first_byte + text.view.size()) {
    impl_->find_text(at, text);
    std::optional<std::vector<PlacedPiece>> placed;
    if (text.block == nullptr) {
      placed = impl_->entries.place(text.view, text.first_byte);
    } else {
      const std::string_view payload = std::string_view(text.block->metadata).substr(format::kSkippableHeaderBytes);
      const auto entries = BlockEntries::decode(payload, text.view);
      if (entries) placed = entries->place(text.view, text.first_byte);
    }
    for (const PlacedPiece& piece : placed.value()) {  // What was written here fits itself.
      if (piece.offset < end && piece.offset + piece.length > offset) out.push_back(piece);
    }
  }
  return out;
}

}  // namespace logstone
