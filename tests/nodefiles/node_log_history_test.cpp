// Random histories of a container's log files against a model: every byte comes once, or a gap says where it does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <random>

#include "tests/nodefiles/log_follower.h"
#include "tests/nodefiles/log_writer.h"

namespace logstone {
namespace {

namespace fs = std::filesystem;
using testing::LogFollower;
using testing::LogWriter;
using testing::ScratchFolder;

constexpr std::size_t kMostRotated = 4;

/// Lines are numbered, so that what was read tells which are missing.
std::string line_text(std::uint64_t number, std::mt19937& random) {
  std::string text = std::to_string(number) + ":";
  const unsigned kind = random() % 100;
  const std::size_t length = kind == 0 ? random() % 100'000 : kind < 5 ? random() % 5'000 : random() % 60;
  for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(random() % 3 == 0 ? random() % 256 : 'a' + i % 26);
  std::erase(text, '\n');
  return text;
}

struct History {
  std::mt19937 random;
  bool lossy;  // Files are deleted and truncated.
  std::vector<std::string> lines;
  std::string text;
};

/// The line that a reader got whole or in part after a gap; none where it has no such line.
std::optional<std::size_t> find_line(const std::string& part, bool ended, std::size_t from, const History& history) {
  const std::size_t number = std::strtoull(part.c_str(), nullptr, 10);
  if (number >= from && number < history.lines.size() && history.lines[number].starts_with(part)) return number;
  for (std::size_t i = from; i < history.lines.size(); ++i) {  // It may begin within a line that came in parts.
    const std::string& line = history.lines[i];
    if (ended ? line.ends_with(part) : line.find(part) != std::string::npos) return i;
  }
  return std::nullopt;
}

/// All lines are there, in order and once; bytes may be missing only where a gap is.
void check(const LogFollower& follower, const History& history) {
  const std::string& text = follower.text;
  std::size_t at = 0, expected = 0;
  bool after_gap = false;
  while (at < text.size()) {
    const std::size_t gap = std::min(text.find("<gap>", at), text.size());
    if (at == gap) {
      after_gap = true;
      at += 5;
      continue;
    }
    const std::size_t newline = text.find('\n', at);
    const bool ended = newline < gap;
    const std::string part = text.substr(at, std::min(newline, gap) - at);
    std::size_t number = expected;
    if (after_gap) {
      const auto found = find_line(part, ended, expected, history);
      ASSERT_TRUE(found) << "read twice, or never written, at byte " << at;
      number = *found;
    } else {
      ASSERT_LT(number, history.lines.size()) << "more than was written";
      const bool same = ended ? history.lines[number] == part : history.lines[number].starts_with(part);
      ASSERT_TRUE(same) << "missing or changed without a gap at byte " << at;
    }
    expected = ended ? number + 1 : number;
    after_gap = false;
    at = ended ? newline + 1 : gap;
  }
  if (!after_gap) {
    ASSERT_EQ(expected, history.lines.size()) << "missing at the end without a gap";
  }
}

void write_line(LogWriter& writer, History& history) {
  const std::string text = line_text(history.lines.size(), history.random);
  history.lines.push_back(text);
  history.text += text + '\n';
  constexpr std::size_t kRuntimeSplit = 16 << 10;
  std::size_t at = 0;
  while (text.size() - at > kRuntimeSplit) {
    writer.write(std::string_view(text).substr(at, kRuntimeSplit), false);
    at += kRuntimeSplit;
  }
  writer.write(std::string_view(text).substr(at));
}

void step(LogWriter& writer, LogFollower& follower, History& history) {
  auto& random = history.random;
  switch (random() % 16) {
    case 0:
      if (fs::file_size(writer.current()) == 0) break;  // A kubelet rotates by size.
      if (!history.lossy && writer.rotated().size() >= kMostRotated) {
        ASSERT_TRUE(follower.read_until(history.text));
      }
      writer.rotate();
      if (writer.rotated().size() > kMostRotated) writer.remove(0);
      break;
    case 1:
      if (!writer.rotated().empty()) writer.compress(random() % writer.rotated().size());
      break;
    case 2:
      follower.open();
      break;
    case 3:
      if (!history.lossy || random() % 4 > 0) break;
      // Nobody could know of what a file held before it was first looked at; opening looks at once.
      write_line(writer, history);
      follower.open();
      follower.read_all();
      write_line(writer, history);
      fs::resize_file(writer.current(), 0);
      break;
    case 4:
      if (history.lossy && random() % 4 == 0 && !writer.rotated().empty()) writer.remove(0);
      break;
    case 5:
      follower.read_all(1 + random() % 300'000);
      break;
    case 6:
    case 7:
      follower.read_some(1 + random() % 2'000);
      break;
    default:
      for (unsigned i = random() % 20; i > 0; --i) write_line(writer, history);
  }
}

void run_history(NodeLogWatcher& watcher, std::uint32_t seed, bool lossy) {
  SCOPED_TRACE("seed " + std::to_string(seed) + (lossy ? ", lossy" : ""));
  const ScratchFolder scratch;
  History history{std::mt19937(seed), lossy, {}, {}};
  LogWriter writer(scratch.path() / "pods" / "pod" / "main");
  LogFollower follower(watcher, {writer.folder(), 0});
  follower.open();
  if (seed % 2 == 0) follower.read_all();
  writer.make_folder();
  write_line(writer, history);
  for (int i = 0; i < 120 && !::testing::Test::HasFatalFailure(); ++i) step(writer, follower, history);
  if (lossy && seed % 5 == 0) fs::remove_all(writer.folder().parent_path());
  follower.terminated = seed % 10 != 0;
  if (seed % 10 == 0) fs::remove_all(writer.folder().parent_path());
  EXPECT_TRUE(follower.read_to_end());
  if (!lossy && follower.terminated) {
    EXPECT_TRUE(follower.gaps.empty()) << follower.gaps.front().reason;
  }
  check(follower, history);
}

class NodeLogHistory : public ::testing::Test {
 protected:
  void SetUp() override {
    auto watcher = NodeLogWatcher::start();
    ASSERT_TRUE(watcher) << watcher.error().message();
    watcher_ = *std::move(watcher);
  }
  std::unique_ptr<NodeLogWatcher> watcher_;
};

TEST_F(NodeLogHistory, WhatIsThereWhenItIsReadIsReadOnce) {
  for (std::uint32_t seed = 1; seed <= 30 && !HasFailure(); ++seed) run_history(*watcher_, seed, false);
}

TEST_F(NodeLogHistory, WhatIsLostIsKnown) {
  for (std::uint32_t seed = 1001; seed <= 1060 && !HasFailure(); ++seed) run_history(*watcher_, seed, true);
}

}  // namespace
}  // namespace logstone
