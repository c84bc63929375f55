// A log read while it is captured: no gap and no repeat at the seam between archive and memory.
#include <gmock/gmock.h>

#include <random>

#include "agent/stream_log.h"
#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

/// What a log must answer, by plain means.
struct Model {
  std::string raw;
  std::vector<PlacedPiece> pieces;

  [[nodiscard]] std::uint64_t lines() const {
    const auto newlines = static_cast<std::uint64_t>(std::count(raw.begin(), raw.end(), '\n'));
    return newlines + (!raw.empty() && raw.back() != '\n' ? 1 : 0);
  }
  [[nodiscard]] std::uint64_t find_line(std::uint64_t line) const {
    std::size_t at = 0;
    for (; line > 0; --line) {
      at = raw.find('\n', at);
      if (at == std::string::npos) return raw.size();
      ++at;
    }
    return at;
  }
  [[nodiscard]] std::uint64_t find_time(Timestamp time) const {
    bool begins = true;
    for (const PlacedPiece& piece : pieces) {
      if (begins && piece.time >= time) return piece.offset;
      begins = piece.ends_line;
    }
    return raw.size();
  }
};

std::string read_all(LogView& log, std::uint64_t from, std::uint64_t until) {
  std::string all;
  while (from + all.size() < until) {
    const auto part = log.read(from + all.size(), until - from - all.size());
    if (!part || part->empty()) return "cannot be read: " + (part ? std::string("empty") : part.error().message());
    all += *part;
  }
  return all;
}

/// Random pieces through a StreamLog whose segments are made durable and closed at random, with random questions.
class LiveLogModel : public ::testing::TestWithParam<unsigned> {};

TEST_P(LiveLogModel, AnswersAsTheModel) {
  std::mt19937 random(GetParam());
  const auto below = [&](std::uint64_t n) { return n == 0 ? 0 : random() % n; };
  MemoryStore store;
  BlockCache cache(std::size_t{1} << 20);
  SegmentSettings settings;
  settings.block_bytes = 4096;
  const StreamIdentity id{"node", "pod", "0123456789", "main", 0};
  const std::string folder = segments_prefix("v1/workflows/c/n/2026-01-01/w.u/", id);
  StreamLog log(store, cache, settings, "u", id);
  Model model;
  std::int64_t time = 1000;
  const auto ask = [&] {
    const LogExtent extent = log.extent();
    ASSERT_EQ(extent.bytes, model.raw.size());
    ASSERT_EQ(extent.lines, model.lines());
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t from = below(model.raw.size() + 1);
      const std::uint64_t until = from + below(model.raw.size() - from + 1);
      ASSERT_EQ(read_all(log, from, until), model.raw.substr(from, until - from));
      const std::uint64_t line = below(model.lines() + 2);
      ASSERT_EQ(log.find_line(line).value(), model.find_line(line)) << "line " << line;
      const std::uint64_t tail = below(model.lines() + 2);
      const std::uint64_t expected =
          tail == 0 ? model.raw.size() : model.find_line(model.lines() > tail ? model.lines() - tail : 0);
      ASSERT_EQ(log.find_tail(tail).value(), expected) << "tail " << tail;
      const auto at = from_unix_nanoseconds(900 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(time))));
      ASSERT_EQ(log.find_time(at).value(), model.find_time(at)) << "time " << to_unix_nanoseconds(at);
      const auto pieces = log.pieces(from, until - from);
      ASSERT_TRUE(pieces) << pieces.error().message();
      std::uint64_t covered = pieces->empty() ? from : pieces->front().offset;
      ASSERT_LE(covered, from);
      for (const PlacedPiece& piece : *pieces) {
        ASSERT_EQ(piece.offset, covered);
        covered += piece.length;
      }
      ASSERT_GE(covered, until);
    }
  };
  for (int step = 0; step < 60; ++step) {
    std::vector<std::string> texts;
    std::vector<LogPiece> pieces;
    for (std::uint64_t i = 0, n = 1 + below(20); i < n; ++i) {
      texts.push_back(std::string(below(10) == 0 ? below(3000) : below(60), static_cast<char>('a' + below(26))));
    }
    for (const std::string& text : texts) {
      // A partial piece without bytes is none.
      const bool ends_line = text.empty() || below(8) != 0;
      const bool continues = !model.pieces.empty() && !model.pieces.back().ends_line;
      // All pieces of a line share its time and output, as runtimes write them.
      const auto stamp =
          continues ? model.pieces.back().time : from_unix_nanoseconds(time += static_cast<std::int64_t>(below(3)));
      pieces.push_back({stamp, Output::kStdout, ends_line, text});
      model.pieces.push_back({model.raw.size(), text.size() + (ends_line ? 1 : 0), stamp, Output::kStdout, ends_line});
      model.raw += text + (ends_line ? "\n" : "");
    }
    log.append(pieces);
    if (below(3) == 0) {
      const auto object = log.open_object({"c"});
      const std::string key = segment_key(folder, object.first_byte, object.end_byte);
      ASSERT_TRUE(store.put(key, object.bytes));
      const auto segment = describe_segment(key, object.bytes);
      ASSERT_TRUE(segment) << segment.error().message();
      log.close_segment(*segment);
    }
    ask();
    if (HasFatalFailure()) return;
  }
  // Settled: the same answers from the archive alone.
  const auto object = log.open_object({"c"});
  const std::string key = segment_key(folder, object.first_byte, object.end_byte);
  ASSERT_TRUE(store.put(key, object.bytes));
  log.end();
  log.settle(log.record(describe_segment(key, object.bytes).value()));
  EXPECT_TRUE(log.extent().complete);
  ask();
}

INSTANTIATE_TEST_SUITE_P(Seeds, LiveLogModel, ::testing::Range(1u, 6u));

class LiveLog : public AgentTest {
 protected:
  std::shared_ptr<LogView> open(Process& process, const std::string& wf, const std::string& pod,
                                const std::string& pod_name) {
    std::shared_ptr<LogView> log;
    EXPECT_TRUE(eventually([&] {
      log = process.agent->live_log(wf, {"node-" + pod_name, pod_name, pod, "main", 0});
      return log != nullptr;
    }));
    return log;
  }
};

TEST_F(LiveLog, FollowersSeeEveryByteOnceAcrossSegmentsAndTheEnd) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("live");
  const std::string pod = cluster.add_pod(wf, "writer");
  const auto log = open(*process, wf, pod, "writer");
  ASSERT_NE(log, nullptr);
  std::string expected;
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      const std::string line = "line " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 90), 'x') + "\n";
      cluster.write(pod, line);
      expected += line;
    }
    cluster.end_pod(pod);
    cluster.finish_workflow(wf);
  });
  const auto follow = [&] {
    std::string all;
    while (true) {
      const LogExtent extent = log->extent();
      if (all.size() < extent.bytes) {
        const auto part = log->read(all.size(), 1 << 16);
        if (!part) return part.error().message();
        all += *part;
        continue;
      }
      if (extent.complete) return all;
      std::mutex mutex;
      std::condition_variable changed;
      bool grown = false;
      const auto handle = log->notify(all.size(), [&] {
        const std::lock_guard lock(mutex);
        grown = true;
        changed.notify_all();
      });
      std::unique_lock lock(mutex);
      if (!changed.wait_for(lock, std::chrono::seconds(60), [&] { return grown; })) return std::string("never woken");
    }
  };
  std::vector<std::string> seen(4);
  std::vector<std::thread> followers;
  for (std::string& all : seen) followers.emplace_back([&] { all = follow(); });
  writer.join();
  for (std::thread& follower : followers) follower.join();
  for (const std::string& all : seen) EXPECT_EQ(all, expected);
  // The view goes on after the seal, from the archive.
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  ASSERT_TRUE(eventually([&] {
    return process->agent->live_log(wf, {"node-writer", "writer", pod, "main", 0}) == nullptr;
  }));
  EXPECT_EQ(read_all(*log, 0, expected.size()), expected);
  EXPECT_TRUE(log->extent().complete);
  // And after the agent.
  process->agent.reset();
  EXPECT_EQ(read_all(*log, 10, 500), expected.substr(10, 490));
}

TEST_F(LiveLog, FollowersAreWokenBeforeTheBytesAreDurable) {
  AgentSettings settings = quick_settings();
  settings.segment_age = std::chrono::hours(1);
  auto process = start_process(settings);
  const std::string wf = cluster.add_workflow("live");
  const std::string pod = cluster.add_pod(wf, "writer");
  const auto log = open(*process, wf, pod, "writer");
  ASSERT_NE(log, nullptr);
  std::atomic<int> woken{0};
  std::vector<std::shared_ptr<void>> handles;
  for (int i = 0; i < 1000; ++i) handles.push_back(log->notify(0, [&] { ++woken; }));
  cluster.write(pod, "fresh\n");
  ASSERT_TRUE(eventually([&] { return woken == 1000; }));
  EXPECT_EQ(read_all(*log, 0, 6), "fresh\n");
  EXPECT_TRUE(store.keys("/segments/").empty());
  const auto streams = process->agent->live_streams(wf);
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_EQ(streams[0].bytes, 6u);
  EXPECT_EQ(streams[0].lines, 1u);
  EXPECT_FALSE(streams[0].complete);
  // Stopping makes them durable; a new agent goes on behind them.
  process->agent.reset();
  EXPECT_EQ(store.keys("/segments/").size(), 1u);
  auto next = start_process();
  cluster.write(pod, "more\n");
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_EQ(archived(*stored_record(wf), "writer"), "fresh\nmore\n");
}

TEST_F(LiveLog, ALogThatIsGoneOnIsReadWhole) {
  const std::string wf = cluster.add_workflow("live");
  const std::string pod = cluster.add_pod(wf, "writer");
  std::string expected;
  {
    auto process = start_process();
    for (int i = 0; i < 3; ++i) {
      std::string part;
      for (int j = 0; j < 200; ++j) part += "part " + std::to_string(i) + " line " + std::to_string(j) + "\n";
      part += "unfinished";
      cluster.write(pod, part);
      expected += part;
      ASSERT_TRUE(eventually([&] { return process->agent->metrics().bytes_captured == expected.size(); }));
    }
  }
  auto process = start_process();
  const auto log = open(*process, wf, pod, "writer");
  ASSERT_NE(log, nullptr);
  ASSERT_TRUE(eventually([&] { return log->extent().bytes == expected.size(); }));
  EXPECT_EQ(log->extent().lines, static_cast<std::uint64_t>(std::count(expected.begin(), expected.end(), '\n')) + 1);
  EXPECT_EQ(read_all(*log, 0, expected.size()), expected);
}

}  // namespace
}  // namespace logstone::testing
