#include "archive/segment_reader.h"

#include <algorithm>
#include <utility>

#include "archive/block_metadata.h"
#include "archive/segment_format.h"
#include "archive/segment_source.h"
#include "archive/zstd_codec.h"
#include "base/bytes.h"

namespace logstone {
namespace {

constexpr std::uint64_t kTailBytes = std::uint64_t{16} << 10;
constexpr std::uint64_t kMaxEndBytes = std::uint64_t{64} << 20;  // Index and seek table of a segment of about 0.6 TiB.

class StoredObject final : public SegmentSource {
 public:
  StoredObject(ObjectStore& store, std::string key) : store_(store), key_(std::move(key)) {}
  Result<std::string> read(std::uint64_t offset, std::uint64_t length) override {
    auto bytes = store_.get_range(key_, offset, length);
    if (bytes && bytes->size() != length) return corrupt_segment(key_, "it is shorter than it was");
    return bytes;
  }

 private:
  ObjectStore& store_;
  std::string key_;
};

class ObjectInPlace : public SegmentSource {
 public:
  ObjectInPlace(std::string_view object, std::string name) : object_(object), name_(std::move(name)) {}
  Result<std::string> read(std::uint64_t offset, std::uint64_t length) override {
    if (offset > object_.size() || length > object_.size() - offset) return corrupt_segment(name_, "it is too short");
    return std::string(object_.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
  }

 private:
  std::string_view object_;
  std::string name_;
};

class ObjectInMemory final : public SegmentSource {
 public:
  ObjectInMemory(std::string object, const std::string& name)
      : object_(std::move(object)), view_(std::string_view(object_), name) {}
  Result<std::string> read(std::uint64_t offset, std::uint64_t length) override { return view_.read(offset, length); }

 private:
  std::string object_;
  ObjectInPlace view_;
};

class Reader final : public SegmentReader {
 public:
  Reader(std::unique_ptr<SegmentSource> source, std::string name, format::SegmentIndex index)
      : source_(std::move(source)), name_(std::move(name)), index_(std::move(index)) {
    std::uint64_t frame = 0;
    summaries_.reserve(index_.blocks.size());
    metadata_at_.reserve(index_.blocks.size());
    frame_at_.reserve(index_.blocks.size());
    for (const format::IndexBlock& block : index_.blocks) {
      summaries_.push_back({bytes_, block.raw_bytes, lines_, block.lines, from_unix_nanoseconds(block.earliest),
                            from_unix_nanoseconds(block.latest), block.ends_with_newline});
      bytes_ += block.raw_bytes;
      lines_ += block.lines;
      frame_at_.push_back(frame);
      frame += block.frame_bytes;
    }
    for (const format::IndexBlock& block : index_.blocks) {
      metadata_at_.push_back(frame);
      frame += block.metadata_bytes;
    }
  }

  const SegmentPlace& place() const override { return index_.place; }
  const Cursor& cursor() const override { return index_.cursor; }
  bool stream_ends() const override { return index_.stream_ends; }
  const std::vector<Gap>& gaps() const override { return index_.gaps; }
  const std::vector<BlockSummary>& blocks() const override { return summaries_; }
  std::uint64_t bytes() const override { return bytes_; }
  std::uint64_t lines() const override { return lines_; }

  Result<std::string> read_block(std::size_t i) override {
    LOGSTONE_TRY(check_index(i));
    const format::IndexBlock& block = index_.blocks[i];
    LOGSTONE_ASSIGN(const std::string frame, source_->read(frame_at_[i], block.frame_bytes));
    auto raw = zstd::decompress(frame, static_cast<std::size_t>(block.raw_bytes), true);
    if (!raw) return damaged(i, "it does not decompress to what the index says");
    if (hash64(*raw) != block.raw_hash) return damaged(i, "its checksum differs");
    if (ByteReader(std::string_view(frame).substr(frame.size() - 4)).u32() != block.content_checksum) {
      return damaged(i, "its checksum in the seek table differs");
    }
    return std::move(*raw);
  }

  Result<std::vector<PlacedPiece>> read_pieces(std::size_t i) override {
    LOGSTONE_ASSIGN(const std::string raw, read_block(i));
    return read_pieces(i, raw);
  }

  Result<std::vector<PlacedPiece>> read_pieces(std::size_t i, std::string_view raw) override {
    LOGSTONE_TRY(check_index(i));
    const format::IndexBlock& block = index_.blocks[i];
    LOGSTONE_ASSIGN(const std::string frame, source_->read(metadata_at_[i], block.metadata_bytes));
    const auto payload = format::skippable_payload(format::kMetadataMagic, frame);
    if (!payload) return damaged(i, payload.error());
    if (hash64(*payload) != block.metadata_hash) return damaged(i, "its metadata's checksum differs");
    const auto entries = BlockEntries::decode(*payload, raw);
    if (!entries) return damaged(i, entries.error());
    if (to_unix_nanoseconds(entries->earliest()) != block.earliest ||
        to_unix_nanoseconds(entries->latest()) != block.latest) {
      return damaged(i, "its times are not what the index says");
    }
    auto pieces = entries->place(raw, summaries_[i].first_byte);
    if (!pieces) return damaged(i, "its metadata does not fit its text");
    return std::move(*pieces);
  }

 private:
  Result<> check_index(std::size_t i) const {
    if (i < index_.blocks.size()) return {};
    return Error{ErrorKind::kInvalidInput, "read block " + std::to_string(i) + " of segment", name_,
                 "it has " + std::to_string(index_.blocks.size()) + " blocks", ""};
  }
  Error damaged(std::size_t i, const std::string& what) const {
    return corrupt_segment(name_, "block " + std::to_string(i) + ": " + what);
  }

  std::unique_ptr<SegmentSource> source_;
  std::string name_;
  format::SegmentIndex index_;
  std::vector<BlockSummary> summaries_;
  std::vector<std::uint64_t> frame_at_;
  std::vector<std::uint64_t> metadata_at_;
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 0;
};

Result<std::shared_ptr<SegmentReader>> open_source(std::unique_ptr<SegmentSource> source, const std::string& name,
                                                   std::uint64_t object_bytes) {
  const std::uint64_t first_read = std::min(object_bytes, kTailBytes);
  LOGSTONE_ASSIGN(std::string end, source->read(object_bytes - first_read, first_read));
  const auto tail = format::parse_tail(end, object_bytes);
  if (!tail) return corrupt_segment(name, tail.error());
  const std::uint64_t needed = tail->index_bytes + tail->seek_table_bytes;
  if (needed > kMaxEndBytes) return corrupt_segment(name, "its index cannot be as large as it says");
  if (needed > end.size()) {
    LOGSTONE_ASSIGN(const std::string before, source->read(object_bytes - needed, needed - end.size()));
    end.insert(0, before);
  }
  auto index = format::parse_end(end, object_bytes);
  if (!index) return corrupt_segment(name, index.error());
  // A small object is here whole: no more reads.
  if (end.size() == object_bytes) source = std::make_unique<ObjectInMemory>(std::move(end), name);
  return std::shared_ptr<SegmentReader>(std::make_shared<Reader>(std::move(source), name, std::move(*index)));
}

}  // namespace

Error corrupt_segment(const std::string& name, std::string reason) {
  return Error{ErrorKind::kCorrupt, "read segment", name, std::move(reason),
               "The stored bytes are not what was written: restore the object from a copy of the store."};
}

Result<std::shared_ptr<SegmentReader>> SegmentReader::open(ObjectStore& store, const std::string& key,
                                                           std::uint64_t object_bytes) {
  return open_source(std::make_unique<StoredObject>(store, key), key, object_bytes);
}

Result<std::shared_ptr<SegmentReader>> SegmentReader::over(std::string object, const std::string& name) {
  const std::uint64_t size = object.size();
  return open_source(std::make_unique<ObjectInMemory>(std::move(object), name), name, size);
}

Result<std::shared_ptr<SegmentReader>> read_segment_in_place(std::string_view object, const std::string& name) {
  return open_source(std::make_unique<ObjectInPlace>(object, name), name, object.size());
}

Result<> check_blocks(SegmentReader& reader, const std::string& name,
                      const std::function<void(std::string_view raw)>& each_block) {
  for (std::size_t i = 0; i < reader.blocks().size(); ++i) {
    const BlockSummary& summary = reader.blocks()[i];
    LOGSTONE_ASSIGN(const std::string raw, reader.read_block(i));
    LOGSTONE_TRY(reader.read_pieces(i, raw));
    const auto newlines = static_cast<std::uint64_t>(std::count(raw.begin(), raw.end(), '\n'));
    if (newlines != summary.lines || (raw.back() == '\n') != summary.ends_line) {
      return corrupt_segment(name, "block " + std::to_string(i) + ": its lines are not what the index says");
    }
    if (each_block) each_block(raw);
  }
  return {};
}

Result<> check_segment(const std::string& object, const std::string& name) {
  LOGSTONE_ASSIGN(const auto reader, read_segment_in_place(object, name));
  return check_blocks(*reader, name, nullptr);
}

Result<SegmentReference> describe_segment(const std::string& key, const std::string& object) {
  LOGSTONE_ASSIGN(const auto reader, read_segment_in_place(object, key));
  SegmentReference out;
  out.key = key;
  out.first_byte = reader->place().first_byte;
  out.bytes = reader->bytes();
  out.first_line = reader->place().first_line;
  out.lines = reader->lines();
  out.object_bytes = object.size();
  out.object_digest = Digest::hex_of(object);
  for (const BlockSummary& block : reader->blocks()) {
    if (!out.first_time || block.first_time < *out.first_time) out.first_time = block.first_time;
    if (!out.last_time || block.last_time > *out.last_time) out.last_time = block.last_time;
  }
  return out;
}

}  // namespace logstone
