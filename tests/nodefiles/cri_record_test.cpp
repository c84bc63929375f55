#include "cluster/nodefiles/cri_record.h"

#include <gtest/gtest.h>

#include <random>

namespace logstone {
namespace {

std::int64_t nanoseconds_of(std::string_view line) {
  const auto piece = parse_cri_record(line);
  EXPECT_TRUE(piece) << line;
  return piece ? to_unix_nanoseconds(piece->time) : -1;
}

TEST(CriRecord, ReadsWholeAndPartialRecordsOfBothOutputs) {
  const std::string line = "2026-11-25T09:30:00.123456789Z stderr P half a line";
  const auto piece = parse_cri_record(line);
  ASSERT_TRUE(piece);
  EXPECT_EQ(to_unix_nanoseconds(piece->time), 1795599000123456789);
  EXPECT_EQ(piece->output, Output::kStderr);
  EXPECT_FALSE(piece->ends_line);
  EXPECT_EQ(piece->text, "half a line");
  EXPECT_EQ(piece->text.data(), line.data() + line.size() - piece->text.size());
}

TEST(CriRecord, KeepsEveryByteOfTheText) {
  const std::string text("  \r\x1b[31m\0\xff F ", 13);
  const std::string line = "2026-11-25T09:30:00.1Z stdout F " + text;
  const auto piece = parse_cri_record(line);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->text, text);
}

TEST(CriRecord, AnEmptyLineIsARecord) {
  for (const char* line : {"2026-11-25T09:30:00.1Z stdout F ", "2026-11-25T09:30:00.1Z stdout F"}) {
    const auto piece = parse_cri_record(line);
    ASSERT_TRUE(piece) << line;
    EXPECT_EQ(piece->text, "");
    EXPECT_TRUE(piece->ends_line);
  }
}

TEST(CriRecord, ReadsTimesAsRuntimesWriteThem) {
  EXPECT_EQ(nanoseconds_of("1970-01-01T00:00:00Z stdout F x"), 0);
  EXPECT_EQ(nanoseconds_of("1970-01-01T00:00:01.5Z stdout F x"), 1'500'000'000);
  EXPECT_EQ(nanoseconds_of("1970-01-01T01:00:00.000000001+01:00 stdout F x"), 1);
  EXPECT_EQ(nanoseconds_of("1969-12-31T18:30:00-05:30 stdout F x"), 0);
  EXPECT_EQ(nanoseconds_of("2024-02-29T23:59:59.999999999Z stdout F x"), 1709251199999999999);
}

TEST(CriRecord, IgnoresTagsAfterTheFirst) {
  const auto piece = parse_cri_record("2026-11-25T09:30:00.1Z stdout P:later:tags text");
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->text, "text");
  EXPECT_FALSE(piece->ends_line);
}

TEST(CriRecord, RefusesWhatIsNone) {
  for (const char* line :
       {"", "x", "plain text that is quite long, longer than a header", "2026-11-25T09:30:00.1Z stdout",
        "2026-11-25T09:30:00.1Z stdout X text", "2026-11-25T09:30:00.1Z stdin F text",
        "2026-02-30T09:30:00Z stdout F x", "2026-13-01T09:30:00Z stdout F x", "2026-11-25T24:30:00Z stdout F x",
        "2026-11-25T09:30:61Z stdout F x", "2026-11-25T09:30:00 stdout F text and text",
        "2026-11-25T09:30:00.Z stdout F text", "2026-11-25 09:30:00Z stdout F text",
        "2026-11-25T09:30:00.1Z stdout Ftext", "0000-00-00T00:00:00Z stdout F x", "2026-11-25T09:30:00.123456789",
        "2026-11-25T09:30:00+1:000 stdout F x"}) {
    const auto piece = parse_cri_record(line);
    ASSERT_FALSE(piece) << line;
    EXPECT_EQ(piece.error().kind, ErrorKind::kCorrupt);
    EXPECT_FALSE(CriRecordParser().parse(line)) << line;
  }
}

TEST(CriRecord, WhatIsWrittenReadsBackTheSame) {
  std::mt19937_64 random(71);
  CriRecordParser parser;
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random());
    std::erase(text, '\n');
    const auto time = static_cast<std::int64_t>(random() % 4'000'000'000'000'000'000) - 1'000'000'000'000'000'000;
    const LogPiece piece{from_unix_nanoseconds(time), random() % 2 ? Output::kStdout : Output::kStderr,
                         random() % 2 == 0, text};
    std::string line;
    append_cri_record(line, piece);
    ASSERT_EQ(line.back(), '\n');
    const auto back = parser.parse(std::string_view(line).substr(0, line.size() - 1));
    ASSERT_TRUE(back) << line;
    EXPECT_EQ(to_unix_nanoseconds(back->time), time);
    EXPECT_EQ(back->text, text);
    EXPECT_EQ(back->ends_line, piece.ends_line);
    EXPECT_EQ(back->output, piece.output);
  }
}

TEST(CriRecord, RememberingTheMinuteNeverCarriesItOver) {
  CriRecordParser parser;
  ASSERT_TRUE(parser.parse("2026-11-25T09:30:00.1Z stdout F x"));
  EXPECT_FALSE(parser.parse("2026-11-25T09:61:00.1Z stdout F x"));
  EXPECT_EQ(to_unix_nanoseconds(parser.parse("1970-01-01T00:01:00.1Z stdout F x")->time), 60'100'000'000);
  EXPECT_EQ(to_unix_nanoseconds(parser.parse("1970-01-01T00:02:00.1Z stdout F x")->time), 120'100'000'000);
}

}  // namespace
}  // namespace logstone
