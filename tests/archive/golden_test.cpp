// Objects that version 1's first writer made, read by today's reader. They are never made again: a change that cannot
// read them breaks people's archives. docs/archive-format.md is their description.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <utility>
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
using test::some_place;

const std::string kFolder = std::string(LOGSTONE_TEST_DATA) + "/golden/";

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string describe(const std::vector<PlacedPiece>& pieces) {
  std::ostringstream out;
  for (const PlacedPiece& piece : pieces) {
    out << piece.offset << ' ' << piece.length << ' ' << to_unix_nanoseconds(piece.time) << ' '
        << (piece.output == Output::kStderr ? "stderr" : "stdout") << ' ' << (piece.ends_line ? "ends" : "partial")
        << '\n';
  }
  return out.str();
}

std::string describe_index(const SegmentReader& reader) {
  std::ostringstream out;
  const SegmentPlace& place = reader.place();
  out << "workflow " << place.workflow_uid << "\nstream " << place.stream.node_id << ' ' << place.stream.pod_name << ' '
      << place.stream.pod_uid << ' ' << place.stream.container << ' ' << place.stream.restart << "\nfirst "
      << place.first_byte << ' ' << place.first_line << "\ncursor " << reader.cursor().value << "\nends "
      << reader.stream_ends() << '\n';
  for (const Gap& gap : reader.gaps()) {
    out << "gap " << gap.offset << ' ' << (gap.lost_bytes ? std::to_string(*gap.lost_bytes) : "unknown") << ' '
        << to_unix_nanoseconds(gap.noticed) << ' ' << gap.reason << '\n';
  }
  for (const BlockSummary& block : reader.blocks()) {
    out << "block " << block.first_byte << ' ' << block.bytes << ' ' << block.first_line << ' ' << block.lines << ' '
        << to_unix_nanoseconds(block.first_time) << ' ' << to_unix_nanoseconds(block.last_time) << ' '
        << block.ends_line << '\n';
  }
  return out.str();
}

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "cannot run " + command;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) out.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return out;
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, ReadsAsItWasWritten) {
  const std::string base = kFolder + "v1-" + GetParam();
  const std::string object = read_whole(base + ".log.zst");
  const std::string raw = read_whole(base + ".raw");
  const auto checked = check_segment(object, base);
  EXPECT_TRUE(checked) << checked.error().message();
  const auto reader = SegmentReader::over(object, base);
  ASSERT_TRUE(reader) << reader.error().message();
  EXPECT_EQ(describe_index(**reader), read_whole(base + ".index"));
  std::string text;
  std::vector<PlacedPiece> pieces;
  for (std::size_t i = 0; i < (*reader)->blocks().size(); ++i) {
    const auto block = (*reader)->read_block(i);
    ASSERT_TRUE(block) << block.error().message();
    text += *block;
    const auto placed = (*reader)->read_pieces(i);
    ASSERT_TRUE(placed) << placed.error().message();
    pieces.insert(pieces.end(), placed->begin(), placed->end());
  }
  EXPECT_TRUE(text == raw);
  EXPECT_EQ(describe(joined(pieces)), read_whole(base + ".pieces"));
  const auto resumed = SegmentWriter::resume({4096, 1}, object);
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->bytes(), raw.size());
}

TEST_P(Golden, ZstdAlonePrintsTheRawLog) {
  const std::string base = kFolder + "v1-" + GetParam();
  EXPECT_TRUE(output_of("zstd -dc '" + base + ".log.zst'") == read_whole(base + ".raw"));
}

INSTANTIATE_TEST_SUITE_P(Version1, Golden, testing::Values("empty", "plain", "mixed", "bytes", "long_line"));

// How they were made. To add one for a new feature, run this test by its name into an empty folder and take that one:
// LOGSTONE_GOLDEN_FOLDER=/tmp/new archive_test --gtest_also_run_disabled_tests --gtest_filter='GoldenMaker.*'
class GoldenFiles {
 public:
  GoldenFiles(std::string base, SegmentPlace place) : base_(std::move(base)), writer_({4096, 1}, std::move(place)) {}
  void put(std::int64_t time, Output output, bool ends_line, std::string_view text) {
    const LogPiece piece{at(time), output, ends_line, text};
    writer_.append({&piece, 1});
    model_.append(piece);
  }
  SegmentWriter& writer() { return writer_; }
  LogModel& model() { return model_; }
  void write(const Cursor& cursor, bool ends) {
    const std::string object = writer_.object(cursor, ends);
    const auto reader = SegmentReader::over(object, base_);
    ASSERT_TRUE(reader);
    std::ofstream(base_ + ".log.zst", std::ios::binary) << object;
    std::ofstream(base_ + ".raw", std::ios::binary) << model_.raw;
    std::ofstream(base_ + ".pieces", std::ios::binary) << describe(joined(model_.pieces));
    std::ofstream(base_ + ".index", std::ios::binary) << describe_index(**reader);
  }

 private:
  std::string base_;
  SegmentWriter writer_;
  LogModel model_;
};

TEST(GoldenMaker, DISABLED_Writes) {
  const char* folder = std::getenv("LOGSTONE_GOLDEN_FOLDER");
  ASSERT_NE(folder, nullptr);
  const std::string base = std::string(folder) + "/v1-";
  const SegmentPlace place = some_place();
  constexpr std::int64_t kStart = 1'767'323'045'000'000'000;
  using namespace std::string_view_literals;

  GoldenFiles(base + "empty", place).write({"nothing yet"}, true);

  GoldenFiles plain(base + "plain", place);
  for (int i = 0; i < 300; ++i)
    plain.put(kStart + i * 1'000'000, Output::kStdout, true, "step " + std::to_string(i) + " done");
  plain.write({"plain"}, true);

  GoldenFiles mixed(base + "mixed", some_place(100000, 2000));
  std::mt19937 random(2026);
  std::int64_t time = kStart;
  for (int i = 0; i < 500; ++i) {
    time += static_cast<std::int64_t>(random() % 100000) - 1000;
    const std::string text = "message " + std::to_string(random() % 100);
    mixed.put(time, random() % 3 == 0 ? Output::kStderr : Output::kStdout, random() % 4 != 0, text);
    if (i == 250) {
      mixed.writer().add_gap({0, 4321, "rotated away before it was read", at(time)});
      mixed.writer().add_gap({0, std::nullopt, "node lost", at(time + 1)});
      mixed.model().gap_here = true;
    }
  }
  mixed.write({std::string("cursor\0with a zero", 18)}, false);

  GoldenFiles bytes(base + "bytes", place);
  for (const std::string_view text : {""sv, "\r 10%|#    |\r 20%|##   |"sv, "\x1b[31mred\x1b[0m"sv, "a\0b"sv,
                                      "\xff\xfe\x80"sv, "\xe2\x82"sv, ""sv, "\r"sv}) {
    bytes.put(kStart, Output::kStdout, true, text);
    bytes.put(kStart - 5, Output::kStderr, true, text);
  }
  bytes.put(std::numeric_limits<std::int64_t>::max(), Output::kStdout, true, "late");
  bytes.put(std::numeric_limits<std::int64_t>::min(), Output::kStdout, false, "early, and no newline at the end");
  bytes.write({}, true);

  GoldenFiles long_line(base + "long_line", place);
  for (int i = 0; i < 30; ++i) {
    std::string chunk;
    while (chunk.size() < 512) chunk.push_back(static_cast<char>('a' + random() % 26));
    long_line.put(kStart + i, Output::kStdout, false, chunk);
  }
  long_line.put(kStart + 100, Output::kStdout, true, "");
  long_line.put(kStart + 101, Output::kStderr, true, "after");
  long_line.write({"long"}, true);
}

}  // namespace
}  // namespace logstone
