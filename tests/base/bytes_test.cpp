#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

namespace logstone {
namespace {

TEST(BytesTest, NumbersAreLittleEndian) {
  std::string out;
  append_u32(out, 0x01020304);
  append_u64(out, 0x1122334455667788);
  EXPECT_EQ(to_hex(out), "040302018877665544332211");
  ByteReader reader(out);
  EXPECT_EQ(reader.u32(), 0x01020304u);
  EXPECT_EQ(reader.u64(), 0x1122334455667788u);
  EXPECT_TRUE(reader.empty());
  EXPECT_FALSE(reader.u8());
}

TEST(BytesTest, VarintsComeBack) {
  std::mt19937_64 random(3);
  std::string out;
  std::vector<std::uint64_t> values{0, 1, 127, 128, 16383, 16384, std::numeric_limits<std::uint64_t>::max()};
  for (int i = 0; i < 5000; ++i) values.push_back(random() >> (random() % 64));
  for (const auto value : values) append_varint(out, value);
  ByteReader reader(out);
  for (const auto value : values) ASSERT_EQ(reader.varint(), value);
  EXPECT_TRUE(reader.empty());
}

TEST(BytesTest, BadVarintsAreRefusedAndConsumeNothing) {
  for (const std::string& bytes : {std::string(), std::string("\x80"), std::string(9, '\x80') + "\x02",
                                   std::string(10, '\x80') + "\x01", std::string(40, '\xff')}) {
    ByteReader reader(bytes);
    EXPECT_FALSE(reader.varint());
    EXPECT_EQ(reader.rest().size(), bytes.size());
  }
}

TEST(BytesTest, ZigzagKeepsSmallNumbersSmall) {
  EXPECT_EQ(zigzag(0), 0u);
  EXPECT_EQ(zigzag(-1), 1u);
  EXPECT_EQ(zigzag(1), 2u);
  EXPECT_EQ(zigzag(-2), 3u);
  for (const std::int64_t edge : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(unzigzag(zigzag(edge)), edge);
  }
}

TEST(BytesTest, TakeIsChecked) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.take(2), "ab");
  EXPECT_FALSE(reader.take(2));
  EXPECT_FALSE(reader.take(std::numeric_limits<std::size_t>::max()));
  EXPECT_EQ(reader.take(1), "c");
  EXPECT_EQ(reader.take(0), "");
}

TEST(DigestTest, KnownValues) {
  // As `printf abc | xxhsum -H2` prints them.
  EXPECT_EQ(Digest::hex_of("abc"), "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(Digest::hex_of(""), "99aa06d3014798d86001c324468d497f");
}

TEST(DigestTest, PiecesDigestAsTheWhole) {
  std::mt19937_64 random(4);
  std::string bytes(100'000, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  Digest digest;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t count = random() % 2000;
    digest.update(std::string_view(bytes).substr(at, count));
    at += count;
  }
  EXPECT_EQ(digest.hex(), Digest::hex_of(bytes));
  Digest copy = digest;
  copy.update("more");
  EXPECT_EQ(digest.hex(), Digest::hex_of(bytes));
  EXPECT_EQ(copy.hex(), Digest::hex_of(bytes + "more"));
  Digest moved = std::move(copy);
  EXPECT_EQ(moved.hex(), Digest::hex_of(bytes + "more"));
  moved = digest;
  EXPECT_EQ(moved.hex(), digest.hex());
}

TEST(RandomTest, NamesDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_uuid());
  EXPECT_EQ(seen.size(), 1000u);
  for (const std::string& uuid : seen) {
    ASSERT_EQ(uuid.size(), 36u);
    ASSERT_EQ(uuid[14], '4');
    ASSERT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  }
  EXPECT_EQ(random_hex(7).size(), 7u);
  EXPECT_EQ(random_hex(0), "");
  EXPECT_EQ(random_hex(32).find_first_not_of("0123456789abcdef"), std::string::npos);
}

}  // namespace
}  // namespace logstone
