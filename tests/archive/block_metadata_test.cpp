#include "archive/block_metadata.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/archive/log_model.h"

namespace logstone {
namespace {

using test::at;

TEST(BlockEntries, AClockOfMillisecondsCostsItsMillisecondsOnly) {
  BlockEntries coarse;
  BlockEntries fine;
  std::mt19937 random(3);
  std::int64_t time = 0;
  for (int i = 0; i < 10000; ++i) {
    const std::int64_t step = random() % 250;
    time += step;
    coarse.add(at(time * 1'000'000), Output::kStdout);
    fine.add(at(time), Output::kStdout);
  }
  EXPECT_LT(coarse.encode().size(), fine.encode().size() + 8);
}

TEST(BlockEntries, OneTimeForAllCostsNothing) {
  BlockEntries entries;
  for (int i = 0; i < 100000; ++i) entries.add(at(12345), Output::kStderr);
  EXPECT_LT(entries.encode().size(), 100U);
}

TEST(BlockEntries, DamagedMetadataIsRefusedOrFitsTheText) {
  BlockEntries entries;
  std::string raw;
  std::mt19937 random(4);
  for (int i = 0; i < 60; ++i) {
    entries.add(at(static_cast<std::int64_t>(random() % 100000)), i % 9 == 0 ? Output::kStderr : Output::kStdout);
    raw += "some text";
    if (i % 6 == 0) {
      entries.end_partial(9);
    } else {
      raw += '\n';
    }
  }
  const std::string payload = entries.encode();
  const auto good = BlockEntries::decode(payload, raw);
  ASSERT_TRUE(good);
  ASSERT_TRUE(good->place(raw, 0));
  // Here without the checksum that a reader compares first: nothing may crash or leave the text.
  for (std::size_t i = 0; i < payload.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = payload;
      damaged[i] = static_cast<char>(value);
      const auto decoded = BlockEntries::decode(damaged, raw);
      if (!decoded) continue;
      const auto placed = decoded->place(raw, 0);
      if (!placed) continue;
      std::uint64_t end = 0;
      for (const PlacedPiece& piece : *placed) {
        ASSERT_EQ(piece.offset, end);
        end += piece.length;
      }
      ASSERT_EQ(end, raw.size());
    }
  }
  for (std::size_t length = 0; length < payload.size(); ++length) {
    EXPECT_FALSE(BlockEntries::decode(payload.substr(0, length), raw)) << length;
  }
  EXPECT_FALSE(good->place(raw + "x\n", 0));
  EXPECT_FALSE(good->place(raw.substr(0, raw.size() / 2), 0));
}

}  // namespace
}  // namespace logstone
