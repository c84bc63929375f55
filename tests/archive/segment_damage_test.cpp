#include <gtest/gtest.h>
#include <zstd.h>

#include <string>

#include "archive/segment_format.h"
#include "archive/segment_reader.h"
#include "base/bytes.h"
#include "tests/archive/log_model.h"
#include "tests/archive/memory_store.h"

namespace logstone {
namespace {

using test::at;
using test::some_place;

/// All that a reader can learn of an object; empty where it refuses any of it.
std::string everything(const std::string& object) {
  const auto reader = SegmentReader::over(object, "test");
  if (!reader) {
    EXPECT_EQ(reader.error().kind, ErrorKind::kCorrupt);
    return {};
  }
  std::string out = (*reader)->cursor().value + '|' + (*reader)->place().workflow_uid + '|' +
                    (*reader)->place().stream.key() + '|' + std::to_string((*reader)->place().first_byte) + '|' +
                    std::to_string((*reader)->stream_ends());
  for (const Gap& gap : (*reader)->gaps()) out += gap.reason + std::to_string(gap.offset);
  for (std::size_t i = 0; i < (*reader)->blocks().size(); ++i) {
    const auto raw = (*reader)->read_block(i);
    const auto pieces = (*reader)->read_pieces(i);
    if (!raw || !pieces) return {};
    out += *raw;
    for (const PlacedPiece& piece : *pieces) {
      out += std::to_string(piece.offset) + ' ' + std::to_string(piece.length) + ' ' +
             std::to_string(to_unix_nanoseconds(piece.time)) + ' ' + std::to_string(static_cast<int>(piece.output)) +
             std::to_string(static_cast<int>(piece.ends_line)) + '\n';
    }
  }
  return out;
}

/// Three blocks, both outputs, partial lines, a gap.
std::string small_object() {
  SegmentWriter writer({4096, 1}, some_place(500, 3));
  std::mt19937 random(9);
  for (int i = 0; writer.bytes() < 9000; ++i) {
    const std::string text = "line " + std::to_string(random() % 1000) + " of the test";
    const LogPiece piece{at(i * 1000 + static_cast<int>(random() % 300)),
                         i % 7 == 0 ? Output::kStderr : Output::kStdout, i % 5 != 0, text};
    writer.append({&piece, 1});
    if (i == 50) writer.add_gap({0, 10, "lost", at(5)});
  }
  return writer.object({"the cursor"}, true);
}

TEST(SegmentDamage, AFlippedByteIsFoundOrHarmless) {
  const std::string object = small_object();
  const std::string before = everything(object);
  ASSERT_FALSE(before.empty());
  std::size_t harmless = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    for (const int flip : {0x01, 0x10, 0x80, 0xFF}) {
      std::string damaged = object;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      const bool accepted = check_segment(damaged, "test").has_value();
      const std::string after = everything(damaged);
      EXPECT_EQ(accepted, !after.empty()) << "byte " << i;
      if (after.empty()) continue;
      ++harmless;
      EXPECT_TRUE(after == before) << "byte " << i << " of " << object.size() << " flipped unseen by " << flip;
    }
  }
  EXPECT_LT(harmless, object.size() * 4 / 100);  // Bits that zstd's own format leaves unused.
}

TEST(SegmentDamage, ACutOrLongerObjectIsFound) {
  const std::string object = small_object();
  for (std::size_t length = 0; length < object.size(); ++length) {
    EXPECT_FALSE(SegmentReader::over(object.substr(0, length), "test")) << length;
    EXPECT_FALSE(SegmentReader::over(object.substr(length + 1), "test")) << length;
  }
  EXPECT_FALSE(SegmentReader::over(object + 'x', "test"));
  EXPECT_FALSE(SegmentReader::over('x' + object, "test"));
  EXPECT_FALSE(SegmentReader::over(object + object, "test"));
}

TEST(SegmentDamage, AnErrorNamesTheObject) {
  const auto reader = SegmentReader::over("nonsense", "v1/some/key");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(reader.error().message().find("v1/some/key"), std::string::npos);
}

TEST(SegmentDamage, AnObjectThatIsShorterThanListedIsFound) {
  test::MemoryStore store;
  const std::string object = small_object();
  ASSERT_TRUE(store.put("k", object));
  EXPECT_TRUE(SegmentReader::open(store, "k", object.size()));
  const auto longer = SegmentReader::open(store, "k", object.size() + 1);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(SegmentReader::open(store, "k", object.size() - 1));
  EXPECT_FALSE(SegmentReader::open(store, "k", 0));
  const auto none = SegmentReader::open(store, "none", 100);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
}

TEST(SegmentDamage, ResumeRefusesDamage) {
  const std::string object = small_object();
  std::string damaged = object;
  damaged[20] = static_cast<char>(damaged[20] ^ 0x40);
  const auto resumed = SegmentWriter::resume({}, damaged);
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(SegmentWriter::resume({}, object.substr(0, 100)));
  EXPECT_FALSE(SegmentWriter::resume({}, ""));
}

/// An object whose checksums are right but whose one block is `frame`, which the index says holds `raw_bytes`.
std::string forged(const std::string& frame, std::uint64_t raw_bytes, std::uint64_t raw_hash) {
  format::SegmentIndex index;
  index.place = some_place();
  const std::string metadata = format::skippable_frame(format::kMetadataMagic, "LSmd");
  format::IndexBlock block;
  block.raw_bytes = raw_bytes;
  block.frame_bytes = frame.size();
  block.metadata_bytes = metadata.size();
  block.raw_hash = raw_hash;
  block.metadata_hash = hash64("LSmd");
  block.content_checksum = *ByteReader(std::string_view(frame).substr(frame.size() - 4)).u32();
  index.blocks.push_back(block);
  const std::string index_frame = format::index_frame(index);
  return frame + metadata + index_frame + format::seek_table_frame(index, index_frame.size());
}

std::string zstd_frame(const std::string& raw, bool checksum, bool content_size) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, content_size ? 1 : 0);
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress2(context, out.data(), out.size(), raw.data(), raw.size()));
  ZSTD_freeCCtx(context);
  return out;
}

TEST(SegmentDamage, AForgedBlockIsRefused) {
  const auto first_block = [](const std::string& object) -> Result<std::string> {
    LOGSTONE_ASSIGN(const auto reader, SegmentReader::over(object, "test"));
    return reader->read_block(0);
  };
  const std::string raw(5000, 'x');
  ASSERT_TRUE(first_block(forged(zstd_frame(raw, true, true), raw.size(), hash64(raw))));
  EXPECT_FALSE(first_block(forged(zstd_frame(raw, true, true), raw.size() - 1, hash64(raw))));
  EXPECT_FALSE(first_block(forged(zstd_frame(raw, true, true), raw.size(), hash64(raw) + 1)));
  EXPECT_FALSE(first_block(forged(zstd_frame(raw, false, true), raw.size(), hash64(raw))));
  EXPECT_FALSE(first_block(forged(zstd_frame(raw, true, false), raw.size(), hash64(raw))));
  EXPECT_FALSE(first_block(forged(zstd_frame(raw, true, true) + zstd_frame(raw, true, true), raw.size(), hash64(raw))));
  // A bomb: more than a block may hold, said openly.
  const std::string bomb(std::size_t{64} << 20, '\0');
  EXPECT_FALSE(first_block(forged(zstd_frame(bomb, true, true), bomb.size(), hash64(bomb))));
}

}  // namespace
}  // namespace logstone
