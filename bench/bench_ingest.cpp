// Takes a container's log in as the agent does: read, cut into segments, made durable, all in one thread.
// bench_ingest LOG-FOLDER STORE: prints JSON.
#include <filesystem>

#include "archive/layout.h"
#include "archive/segment_reader.h"
#include "archive/segment_writer.h"
#include "base/bytes.h"
#include "bench/measure.h"
#include "cluster/nodefiles/node_log.h"
#include "store/filesystem_store.h"

int main(int argc, char** argv) {
  using namespace logstone;
  using namespace logstone::bench;
  if (argc != 3) return 2;
  constexpr std::size_t kReadBytes = std::size_t{256} << 10;
  constexpr std::size_t kSegmentBytes = std::size_t{4} << 20;
  const auto store = must(open_filesystem_store(argv[2]));
  const auto watcher = must(NodeLogWatcher::start());
  const auto reader = must(watcher->open(
      {argv[1], 0}, {}, [] { return true; }, [] {}));
  const WorkflowIdentity workflow{"bench", "default", "bench", "00000000-0000-4000-8000-000000000000"};
  const StreamIdentity stream{"bench", "bench", "00000000", "main", 0};
  const std::string prefix = segments_prefix(workflow_prefix(workflow, Timestamp{}), stream);

  const double cpu_before = cpu_seconds(), wall_before = wall_seconds();
  Digest digest;
  std::uint64_t bytes = 0, lines = 0, stored = 0, segments = 0;
  std::string digested;
  std::optional<SegmentWriter> writer;
  for (bool end = false; !end;) {
    const LogBatch batch = must(reader->read(kReadBytes));
    end = batch.end;
    if (!writer) writer.emplace(SegmentSettings{}, SegmentPlace{stream, workflow.uid, bytes, lines});
    digested.clear();
    for (const LogPiece& piece : batch.pieces) {
      digested += piece.text;
      if (piece.ends_line) digested += '\n';
    }
    digest.update(digested);
    writer->append(batch.pieces);
    if (writer->bytes() < kSegmentBytes && !end) continue;
    const std::string object = writer->object(batch.after, end);
    const std::string key = segment_key(prefix, bytes, writer->end_byte());
    must(describe_segment(key, object));
    must(store->put(key, object));
    bytes = writer->end_byte();
    lines += writer->lines();
    stored += object.size();
    ++segments;
    writer.reset();
  }
  const double cpu = cpu_seconds() - cpu_before, wall = wall_seconds() - wall_before;

  const double verify_before = cpu_seconds();
  for (const ObjectInfo& object : must(list_all(*store, prefix))) {
    must(check_segment(must(store->get(object.key)), object.key));
  }
  std::printf(
      "{\"bytes\": %llu, \"lines\": %llu, \"stored\": %llu, \"segments\": %llu, \"cpu\": %.4f, \"wall\": %.4f, "
      "\"verify_cpu\": %.4f, \"peak_memory\": %zu, \"digest\": \"%s\"}\n",
      static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(lines),
      static_cast<unsigned long long>(stored), static_cast<unsigned long long>(segments), cpu, wall,
      cpu_seconds() - verify_before, peak_memory(), digest.hex().c_str());
}
