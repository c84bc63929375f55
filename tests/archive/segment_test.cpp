#include <gtest/gtest.h>
#include <zstd.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "archive/segment_reader.h"
#include "archive/segment_writer.h"
#include "base/bytes.h"
#include "tests/archive/log_model.h"

namespace logstone {
namespace {

using test::at;
using test::joined;
using test::LogModel;
using test::PieceMaker;
using test::some_place;

/// Everything a reader tells of an object, compared with the model.
void expect_holds(const std::string& object, const LogModel& model, const Cursor& cursor, bool ends) {
  const auto reader = SegmentReader::over(object, "test");
  ASSERT_TRUE(reader) << reader.error().message();
  EXPECT_EQ((*reader)->bytes(), model.raw.size());
  EXPECT_EQ((*reader)->lines(), model.newlines());
  EXPECT_EQ((*reader)->cursor(), cursor);
  EXPECT_EQ((*reader)->stream_ends(), ends);
  std::string raw;
  std::vector<PlacedPiece> pieces;
  for (std::size_t i = 0; i < (*reader)->blocks().size(); ++i) {
    const BlockSummary& summary = (*reader)->blocks()[i];
    EXPECT_EQ(summary.first_byte, raw.size());
    EXPECT_EQ(summary.first_line, static_cast<std::uint64_t>(std::count(raw.begin(), raw.end(), '\n')));
    const auto block = (*reader)->read_block(i);
    ASSERT_TRUE(block) << block.error().message();
    EXPECT_EQ(summary.bytes, block->size());
    EXPECT_EQ(summary.ends_line, block->back() == '\n');
    raw += *block;
    const auto placed = (*reader)->read_pieces(i);
    ASSERT_TRUE(placed) << placed.error().message();
    for (const PlacedPiece& piece : *placed) {
      EXPECT_GE(piece.time, summary.first_time);
      EXPECT_LE(piece.time, summary.last_time);
      pieces.push_back(piece);
    }
  }
  ASSERT_TRUE(raw == model.raw);
  ASSERT_TRUE(joined(pieces) == joined(model.pieces));
  const auto checked = check_segment(object, "test");
  EXPECT_TRUE(checked) << checked.error().message();
}

void put(SegmentWriter& writer, LogModel& model, const LogPiece& piece) {
  writer.append({&piece, 1});
  model.append(piece);
}

TEST(Segment, HoldsNothing) {
  const SegmentWriter writer({}, some_place());
  expect_holds(writer.object({"c"}, true), {}, {"c"}, true);
  EXPECT_FALSE(writer.first_time());
  EXPECT_EQ(writer.bytes(), 0U);
}

TEST(Segment, KeepsItsPlaceAndGaps) {
  SegmentWriter writer({}, some_place(1000, 7));
  const LogPiece piece{at(5), Output::kStderr, true, "hello"};
  writer.append({&piece, 1});
  writer.add_gap({0, 123, "rotated away", at(77)});
  writer.add_gap({0, std::nullopt, "node lost", at(78)});
  const auto reader = SegmentReader::over(writer.object({}, false), "test");
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->place().stream, test::some_stream());
  EXPECT_EQ((*reader)->place().workflow_uid, "workflow-uid");
  EXPECT_EQ((*reader)->place().first_byte, 1000U);
  EXPECT_EQ((*reader)->place().first_line, 7U);
  const std::vector<Gap> gaps = {{1006, 123, "rotated away", at(77)}, {1006, std::nullopt, "node lost", at(78)}};
  EXPECT_EQ((*reader)->gaps(), gaps);
  EXPECT_EQ(writer.gaps(), gaps);
  EXPECT_EQ(writer.end_byte(), 1006U);
}

TEST(Segment, KeepsEveryByte) {
  using namespace std::string_view_literals;
  SegmentWriter writer({}, some_place());
  LogModel model;
  std::int64_t time = 100;
  for (const std::string_view text : {""sv, "plain"sv, "\r 10%|#   |\r 20%|##  |"sv, "\x1b[31mred\x1b[0m"sv, "a\0b\0"sv,
                                      "\xff\xfe\x80"sv, "\xe2\x82"sv, ""sv, " "sv, "\r"sv, "\t\v\f"sv}) {
    put(writer, model, {at(time++), Output::kStdout, true, text});
    put(writer, model, {at(time++), Output::kStderr, true, text});
  }
  put(writer, model, {at(time), Output::kStdout, false, "no newline at the end"});
  expect_holds(writer.object({"end"}, true), model, {"end"}, true);
}

TEST(Segment, JoinsPartialsOfOneOutputAndKeepsThoseOfTwoApart) {
  SegmentWriter writer({}, some_place());
  const LogPiece pieces[] = {
      {at(1), Output::kStdout, false, "aa"}, {at(2), Output::kStdout, false, "bb"},
      {at(3), Output::kStdout, true, "cc"},  {at(4), Output::kStdout, false, "dd"},
      {at(5), Output::kStderr, true, "ee"},  {at(6), Output::kStdout, true, "ff"},
      {at(7), Output::kStdout, false, ""},   {at(8), Output::kStderr, false, "gg"},
  };
  writer.append(pieces);
  const std::vector<PlacedPiece> expected = {{0, 7, at(1), Output::kStdout, true},
                                             {7, 2, at(4), Output::kStdout, false},
                                             {9, 3, at(5), Output::kStderr, true},
                                             {12, 3, at(6), Output::kStdout, true},
                                             {15, 2, at(8), Output::kStderr, false}};
  EXPECT_EQ(writer.pieces(0, writer.bytes()), expected);
  const auto reader = SegmentReader::over(writer.object({}, false), "test");
  ASSERT_TRUE(reader);
  const auto read = (*reader)->read_pieces(0);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, expected);
}

TEST(Segment, AGapDividesALine) {
  SegmentWriter writer({}, some_place());
  LogPiece piece{at(1), Output::kStdout, false, "before"};
  writer.append({&piece, 1});
  writer.add_gap({0, std::nullopt, "lost", at(2)});
  for (const bool restarted : {false, true}) {
    if (restarted) {
      auto resumed = SegmentWriter::resume({}, writer.object({}, false));
      ASSERT_TRUE(resumed);
      writer = std::move(*resumed);
    }
    SegmentWriter more = std::move(*SegmentWriter::resume({}, writer.object({}, false)));
    piece = {at(3), Output::kStdout, true, "after"};
    more.append({&piece, 1});
    const std::vector<PlacedPiece> expected = {{0, 6, at(1), Output::kStdout, false},
                                               {6, 6, at(3), Output::kStdout, true}};
    EXPECT_EQ(more.pieces(0, 100), expected);
  }
}

TEST(Segment, ALineOf64MiB) {
  SegmentWriter writer({}, some_place());
  std::string chunk;
  std::mt19937 random(1);
  while (chunk.size() < 16 * 1024) chunk.push_back("abcdefgh"[random() % 8]);
  const std::size_t chunks = std::size_t{64} << 6;
  Digest expected;
  for (std::size_t i = 0; i < chunks; ++i) {
    chunk[i % chunk.size()] = static_cast<char>('A' + i % 26);
    const LogPiece piece{at(static_cast<std::int64_t>(i)), Output::kStdout, i + 1 == chunks, chunk};
    writer.append({&piece, 1});
    expected.update(chunk);
  }
  expected.update("\n");
  EXPECT_LT(writer.memory_bytes(), std::size_t{30} << 20);
  const auto reader = SegmentReader::over(writer.object({}, true), "test");
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->bytes(), (std::size_t{64} << 20) + 1);
  EXPECT_EQ((*reader)->lines(), 1U);
  Digest found;
  std::vector<PlacedPiece> pieces;
  for (std::size_t i = 0; i < (*reader)->blocks().size(); ++i) {
    const auto block = (*reader)->read_block(i);
    ASSERT_TRUE(block);
    found.update(*block);
    const auto placed = (*reader)->read_pieces(i);
    ASSERT_TRUE(placed);
    pieces.insert(pieces.end(), placed->begin(), placed->end());
  }
  EXPECT_EQ(found.hex(), expected.hex());
  const std::vector<PlacedPiece> whole = {{0, (std::size_t{64} << 20) + 1, at(0), Output::kStdout, true}};
  EXPECT_EQ(joined(pieces), whole);
}

TEST(Segment, ATextWithANewlineAgainstTheContractIsStillReadable) {
  SegmentWriter writer({}, some_place());
  const LogPiece piece{at(1), Output::kStdout, false, "one\ntwo"};
  writer.append({&piece, 1});
  const std::vector<PlacedPiece> expected = {{0, 4, at(1), Output::kStdout, true},
                                             {4, 3, at(1), Output::kStdout, false}};
  EXPECT_EQ(writer.pieces(0, 100), expected);
  EXPECT_TRUE(check_segment(writer.object({}, false), "test"));
}

TEST(Segment, TimesAtTheEndsOfTheirRange) {
  SegmentWriter writer({}, some_place());
  LogModel model;
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t time : {std::int64_t{0}, kMin, std::int64_t{0}, kMax, kMin, kMax, std::int64_t{-1}, kMin}) {
    put(writer, model, {at(time), Output::kStdout, true, "x"});
  }
  expect_holds(writer.object({}, false), model, {}, false);
  EXPECT_EQ(*writer.first_time(), at(kMin));
  EXPECT_EQ(*writer.last_time(), at(kMax));
}

TEST(Segment, MetadataOfManyShortLinesIsSmall) {
  SegmentWriter writer({}, some_place());
  std::mt19937 random(5);
  std::int64_t time = 1'750'000'000'000'000'000;
  constexpr std::size_t kLines = 200'000;
  for (std::size_t i = 0; i < kLines; ++i) {
    const std::string text = "line " + std::to_string(i);
    time += 300 + random() % 1000;  // Ten bits of noise: no coding gets below 1.25 bytes.
    const LogPiece piece{at(time), Output::kStdout, true, text};
    writer.append({&piece, 1});
  }
  const auto object = writer.object({}, false);
  const auto reader = SegmentReader::over(object, "test");
  ASSERT_TRUE(reader);
  std::size_t text = 0;
  for (std::size_t i = 0; i < (*reader)->blocks().size(); ++i) {
    text += ZSTD_findFrameCompressedSize(object.data() + text, object.size() - text);
  }
  EXPECT_LT(static_cast<double>(object.size() - text) / kLines, 1.5);
}

/// The same history with restarts and flushes at any place, and without: the same log.
TEST(SegmentProperty, AnyBytesInAnyChunkingComeBack) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PieceMaker maker(seed);
    std::mt19937& random = maker.random();
    const SegmentSettings settings{std::size_t{4096} << random() % 4, 1 + static_cast<int>(random() % 3)};
    SegmentWriter writer(settings, some_place(random() % 2 ? 0 : 123456, 42));
    SegmentWriter straight(settings, writer.place());
    LogModel model;
    model.base = 0;
    std::uint64_t gaps = 0;
    for (std::size_t left = random() % 600; left > 0; --left) {
      const LogPiece piece = maker.next();
      put(writer, model, piece);
      straight.append({&piece, 1});
      if (random() % 150 == 0) {
        writer.add_gap({0, 1, "lost", piece.time});
        straight.add_gap({0, 1, "lost", piece.time});
        model.gap_here = true;
        ++gaps;
      }
      if (random() % 60 == 0) {
        const std::string object = writer.object({std::to_string(left)}, false);
        expect_holds(object, model, {std::to_string(left)}, false);
        auto resumed = SegmentWriter::resume(settings, object);
        ASSERT_TRUE(resumed) << resumed.error().message();
        writer = std::move(*resumed);
      }
    }
    expect_holds(writer.object({"end"}, true), model, {"end"}, true);
    EXPECT_TRUE(writer.object({"end"}, true) == straight.object({"end"}, true)) << "a restart shows in the object";
    EXPECT_EQ(writer.gaps().size(), gaps);
    EXPECT_EQ(writer.bytes(), model.raw.size());
    EXPECT_EQ(writer.lines(), model.newlines());
    // What the writer reads back from its memory.
    for (int i = 0; i < 10; ++i) {
      const std::uint64_t offset = random() % (model.raw.size() + 2);
      const std::size_t length = random() % 10000;
      const std::string expected = offset > model.raw.size() ? "" : model.raw.substr(offset, length);
      EXPECT_TRUE(writer.read(offset, length) == expected);
      std::vector<PlacedPiece> pieces = writer.pieces(offset, length);
      std::uint64_t covered = offset;
      for (const PlacedPiece& piece : pieces) {
        EXPECT_LE(piece.offset, covered);
        covered = piece.offset + piece.length;
      }
      EXPECT_GE(covered, offset + expected.size());
    }
    EXPECT_TRUE(joined(writer.pieces(0, writer.bytes())) == joined(model.pieces));
  }
}

TEST(SegmentProperty, OtherSettingsAfterARestartReadTheSame) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    PieceMaker maker(seed);
    SegmentWriter writer({}, some_place());
    LogModel model;
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i < 150; ++i) put(writer, model, maker.next());
      const SegmentSettings settings{std::size_t{4096} << maker.random()() % 6, 1};
      auto resumed = SegmentWriter::resume(settings, writer.object({}, false));
      ASSERT_TRUE(resumed);
      writer = std::move(*resumed);
    }
    expect_holds(writer.object({}, true), model, {}, true);
  }
}

}  // namespace
}  // namespace logstone
