#include "archive/segment_format.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace logstone::format {
namespace {

constexpr std::string_view kIndexTag = "LSix";
constexpr std::uint64_t kVersion = 1;
constexpr std::uint8_t kStreamEnds = 0x01;
constexpr std::uint8_t kEndsWithNewline = 0x01;
constexpr std::uint8_t kChecksumsPresent = 0x80;
constexpr std::uint32_t kEmptyContentChecksum = 0x51D8E999;  // The low half of XXH64 of no bytes.
constexpr std::size_t kLeastIndexBlockBytes = 37;
constexpr std::size_t kLeastGapBytes = 11;

void append_string(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out += text;
}

auto unexpected(std::string what) { return tl::make_unexpected(std::move(what)); }

/// Reads fields one after the other; after the first that is not there, all later ones are empty and `failed` is set.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : reader_(bytes) {}
  std::uint64_t varint() { return value(reader_.varint()); }
  std::uint8_t u8() { return value(reader_.u8()); }
  std::uint64_t u64() { return value(reader_.u64()); }
  std::string string() {
    const std::uint64_t size = varint();
    if (size > reader_.rest().size()) failed_ = true;
    if (failed_) return {};
    return std::string(value(reader_.take(static_cast<std::size_t>(size))));
  }
  /// A number of items that take at least `least` bytes each, so that no more are claimed than can be there.
  std::uint64_t count(std::size_t least) {
    const std::uint64_t items = varint();
    if (items > reader_.rest().size() / least) failed_ = true;
    return failed_ ? 0 : items;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  [[nodiscard]] bool at_end() const { return reader_.empty(); }

 private:
  template <class T>
  T value(std::optional<T> read) {
    if (!read) failed_ = true;
    return read && !failed_ ? *read : T{};
  }
  ByteReader reader_;
  bool failed_ = false;
};

Gap read_gap(Fields& fields) {
  Gap gap;
  gap.offset = fields.varint();
  const std::uint8_t known = fields.u8();
  if (known > 1) fields.fail();
  if (known == 1) gap.lost_bytes = fields.varint();
  gap.reason = fields.string();
  gap.noticed = from_unix_nanoseconds(static_cast<std::int64_t>(fields.u64()));
  return gap;
}

IndexBlock read_block(Fields& fields) {
  IndexBlock block;
  block.raw_bytes = fields.varint();
  block.frame_bytes = fields.varint();
  block.metadata_bytes = fields.varint();
  block.lines = fields.varint();
  block.earliest = static_cast<std::int64_t>(fields.u64());
  block.latest = static_cast<std::int64_t>(fields.u64());
  const std::uint8_t flags = fields.u8();
  block.ends_with_newline = (flags & kEndsWithNewline) != 0;
  block.raw_hash = fields.u64();
  block.metadata_hash = fields.u64();
  constexpr std::uint64_t kLargestFrame = std::numeric_limits<std::uint32_t>::max();
  if (block.raw_bytes == 0 || block.raw_bytes > kMaxBlockBytes || block.frame_bytes == 0 ||
      block.frame_bytes > kLargestFrame || block.metadata_bytes < kSkippableHeaderBytes ||
      block.metadata_bytes > kLargestFrame || block.lines > block.raw_bytes || block.earliest > block.latest ||
      flags > kEndsWithNewline || (block.ends_with_newline && block.lines == 0)) {
    fields.fail();
  }
  return block;
}

}  // namespace

std::string skippable_frame(std::uint32_t magic, std::string_view payload) {
  std::string out;
  out.reserve(kSkippableHeaderBytes + payload.size());
  append_u32(out, magic);
  append_u32(out, static_cast<std::uint32_t>(payload.size()));
  out += payload;
  return out;
}

Parsed<std::string_view> skippable_payload(std::uint32_t magic, std::string_view frame) {
  ByteReader reader(frame);
  const auto found = reader.u32();
  const auto size = reader.u32();
  if (!found || !size || *found != magic) return unexpected("a frame does not begin as it must");
  if (reader.rest().size() != *size) return unexpected("a frame's size is not what its header says");
  return reader.rest();
}

std::string index_frame(const SegmentIndex& index) {
  std::string out(kIndexTag);
  append_varint(out, kVersion);
  const SegmentPlace& place = index.place;
  append_string(out, place.workflow_uid);
  append_string(out, place.stream.node_id);
  append_string(out, place.stream.pod_name);
  append_string(out, place.stream.pod_uid);
  append_string(out, place.stream.container);
  append_varint(out, place.stream.restart);
  append_varint(out, place.first_byte);
  append_varint(out, place.first_line);
  out.push_back(static_cast<char>(index.stream_ends ? kStreamEnds : 0));
  append_string(out, index.cursor.value);
  append_varint(out, index.gaps.size());
  for (const Gap& gap : index.gaps) {
    append_varint(out, gap.offset);
    out.push_back(gap.lost_bytes ? 1 : 0);
    if (gap.lost_bytes) append_varint(out, *gap.lost_bytes);
    append_string(out, gap.reason);
    append_u64(out, static_cast<std::uint64_t>(to_unix_nanoseconds(gap.noticed)));
  }
  append_varint(out, index.blocks.size());
  for (const IndexBlock& block : index.blocks) {
    append_varint(out, block.raw_bytes);
    append_varint(out, block.frame_bytes);
    append_varint(out, block.metadata_bytes);
    append_varint(out, block.lines);
    append_u64(out, static_cast<std::uint64_t>(block.earliest));
    append_u64(out, static_cast<std::uint64_t>(block.latest));
    out.push_back(static_cast<char>(block.ends_with_newline ? kEndsWithNewline : 0));
    append_u64(out, block.raw_hash);
    append_u64(out, block.metadata_hash);
  }
  append_varint(out, 0);  // No extensions.
  append_u64(out, hash64(out));
  return skippable_frame(kIndexMagic, out);
}

std::string seek_table_frame(const SegmentIndex& index, std::size_t index_frame_bytes) {
  std::string out;
  out.reserve((index.blocks.size() * 2 + 1) * kSeekEntryBytes + kSeekFooterBytes);
  const auto entry = [&out](std::uint64_t compressed, std::uint64_t raw, std::uint32_t checksum) {
    append_u32(out, static_cast<std::uint32_t>(compressed));
    append_u32(out, static_cast<std::uint32_t>(raw));
    append_u32(out, checksum);
  };
  for (const IndexBlock& block : index.blocks) entry(block.frame_bytes, block.raw_bytes, block.content_checksum);
  for (const IndexBlock& block : index.blocks) entry(block.metadata_bytes, 0, kEmptyContentChecksum);
  entry(index_frame_bytes, 0, kEmptyContentChecksum);
  append_u32(out, static_cast<std::uint32_t>(index.blocks.size() * 2 + 1));
  out.push_back(static_cast<char>(kChecksumsPresent));
  append_u32(out, kSeekableMagic);
  return skippable_frame(kSeekTableMagic, out);
}

Parsed<Tail> parse_tail(std::string_view tail, std::uint64_t object_bytes) {
  constexpr std::size_t kLeast = kSeekEntryBytes + kSeekFooterBytes;
  if (tail.size() < kLeast || tail.size() > object_bytes) return unexpected("it is too short to be a segment");
  ByteReader reader(tail.substr(tail.size() - kLeast));
  const std::uint64_t index_bytes = *reader.u32();
  (void)reader.u64();
  const std::uint64_t frames = *reader.u32();
  const std::uint8_t descriptor = *reader.u8();
  if (*reader.u32() != kSeekableMagic || descriptor != kChecksumsPresent) {
    return unexpected("it does not end with a seek table: cut off, or not a segment");
  }
  const std::uint64_t table_bytes = kSkippableHeaderBytes + frames * kSeekEntryBytes + kSeekFooterBytes;
  if (frames % 2 == 0 || index_bytes < kSkippableHeaderBytes || table_bytes + index_bytes > object_bytes) {
    return unexpected("the seek table's numbers are impossible");
  }
  return Tail{(frames - 1) / 2, index_bytes, table_bytes};
}

namespace {

Parsed<SegmentIndex> parse_index_frame(std::string_view frame) {
  const auto payload = skippable_payload(kIndexMagic, frame);
  if (!payload) return unexpected("index: " + payload.error());
  if (payload->size() < kIndexTag.size() + 8) return unexpected("the index is too short");
  const std::string_view body = payload->substr(0, payload->size() - 8);
  if (ByteReader(payload->substr(body.size())).u64() != hash64(body)) return unexpected("the index's checksum differs");
  if (body.substr(0, kIndexTag.size()) != kIndexTag) return unexpected("the index has not our tag");

  Fields fields(body.substr(kIndexTag.size()));
  const std::uint64_t version = fields.varint();
  if (version != kVersion) return unexpected("format version " + std::to_string(version) + " is not known here");
  SegmentIndex index;
  index.place.workflow_uid = fields.string();
  index.place.stream.node_id = fields.string();
  index.place.stream.pod_name = fields.string();
  index.place.stream.pod_uid = fields.string();
  index.place.stream.container = fields.string();
  const std::uint64_t restart = fields.varint();
  if (restart > std::numeric_limits<std::uint32_t>::max()) fields.fail();
  index.place.stream.restart = static_cast<std::uint32_t>(restart);
  index.place.first_byte = fields.varint();
  index.place.first_line = fields.varint();
  const std::uint8_t flags = fields.u8();
  if (flags > kStreamEnds) fields.fail();
  index.stream_ends = flags == kStreamEnds;
  index.cursor.value = fields.string();
  for (std::uint64_t left = fields.count(kLeastGapBytes); left > 0 && !fields.failed(); --left) {
    index.gaps.push_back(read_gap(fields));
  }
  std::uint64_t end = index.place.first_byte;
  for (std::uint64_t left = fields.count(kLeastIndexBlockBytes); left > 0 && !fields.failed(); --left) {
    index.blocks.push_back(read_block(fields));
    end += index.blocks.back().raw_bytes;
    if (end < index.blocks.back().raw_bytes) fields.fail();
  }
  for (std::uint64_t left = fields.count(2); left > 0 && !fields.failed(); --left) {
    (void)fields.varint();
    (void)fields.string();
  }
  if (fields.failed() || !fields.at_end()) return unexpected("the index's fields are not as they must be");
  return index;
}

/// Takes the blocks' content checksums from the seek table, once it says the same as the index.
Parsed<void> match_seek_table(std::string_view frame, std::size_t index_frame_bytes, SegmentIndex& index) {
  const auto payload = skippable_payload(kSeekTableMagic, frame);
  if (!payload) return unexpected("seek table: " + payload.error());
  if (payload->size() != (index.blocks.size() * 2 + 1) * kSeekEntryBytes + kSeekFooterBytes) {
    return unexpected("seek table and index do not have the same number of blocks");
  }
  for (std::size_t i = 0; i < index.blocks.size(); ++i) {
    index.blocks[i].content_checksum = *ByteReader(payload->substr(i * kSeekEntryBytes + 8, 4)).u32();
  }
  if (seek_table_frame(index, index_frame_bytes) != frame) return unexpected("seek table and index differ");
  return {};
}

}  // namespace

Parsed<SegmentIndex> parse_end(std::string_view end, std::uint64_t object_bytes) {
  const auto tail = parse_tail(end, object_bytes);
  if (!tail) return unexpected(tail.error());
  const auto index_bytes = static_cast<std::size_t>(tail->index_bytes);
  const auto table_bytes = static_cast<std::size_t>(tail->seek_table_bytes);
  if (index_bytes + table_bytes > end.size()) return unexpected("its end is not all there");
  const std::string_view both = end.substr(end.size() - index_bytes - table_bytes);
  auto index = parse_index_frame(both.substr(0, index_bytes));
  if (!index) return index;
  if (const auto matched = match_seek_table(both.substr(index_bytes), index_bytes, *index); !matched) {
    return unexpected(matched.error());
  }
  std::uint64_t total = index_bytes + table_bytes;
  for (const IndexBlock& block : index->blocks) total += block.frame_bytes + block.metadata_bytes;
  if (total != object_bytes) return unexpected("its parts do not add up to its size");
  return index;
}

}  // namespace logstone::format
