// Many streams on few threads.
#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

class Scale : public AgentTest {};

TEST_F(Scale, FiveHundredStreamsGetTheirTurnBesideOneThatNeverPauses) {
  AgentSettings settings = quick_settings();
  settings.segment_bytes = std::size_t{256} << 10;
  settings.segment_age = std::chrono::seconds(1);
  const std::string wf = cluster.add_workflow("fan-out");
  const std::string greedy = cluster.add_pod(wf, "greedy");
  std::vector<std::string> pods;
  for (int i = 0; i < 500; ++i) pods.push_back(cluster.add_pod(wf, "pod-" + std::to_string(i)));
  auto process = start_process(settings);
  std::atomic<bool> over{false};
  std::thread writer([&] {
    const std::string line(100, 'g');
    std::vector<FakeLog::Piece> pieces(1000, {line, true, Output::kStdout, {}});
    while (!over) {
      // As fast as it is read: always behind, never without work.
      if (process->agent->metrics().bytes_captured + (8u << 20) > cluster.pieces(greedy) * 101) {
        cluster.write_pieces(greedy, pieces);
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (std::size_t i = 0; i < pods.size(); ++i) cluster.write(pods[i], "hello from " + std::to_string(i) + "\n");
  const bool all = eventually([&] {
    std::size_t with_bytes = 0;
    for (const StreamRecord& stream : process->agent->live_streams(wf)) with_bytes += stream.bytes > 0 ? 1 : 0;
    return with_bytes == 501;
  });
  over = true;
  writer.join();
  EXPECT_TRUE(all) << "a stream starves";
  cluster.end_pod(greedy);
  for (const std::string& pod : pods) cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->streams.size(), 501u);
  for (const StreamRecord& stream : record->streams) {
    if (stream.id.pod_name == "greedy") continue;
    EXPECT_EQ(archived(*record, stream.id.pod_name), "hello from " + stream.id.pod_name.substr(4) + "\n");
  }
  EXPECT_EQ(cluster.open_readers(), 0u);
}

}  // namespace
}  // namespace logstone::testing
