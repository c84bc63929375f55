// The last 100 lines of an archived log, nothing cached: bench_tail STORE RUNS: prints JSON.
#include <algorithm>
#include <atomic>
#include <vector>

#include "archive/layout.h"
#include "archive/log_view.h"
#include "bench/measure.h"
#include "store/filesystem_store.h"

namespace {

using namespace logstone;

/// Counts what is read of another store.
class CountingStore final : public ObjectStore {
 public:
  explicit CountingStore(ObjectStore& inner) : inner_(inner) {}
  Result<> put(const std::string& key, std::string_view object) override { return inner_.put(key, object); }
  Result<> put_if_absent(const std::string& key, std::string_view object) override {
    return inner_.put_if_absent(key, object);
  }
  Result<std::string> get(const std::string& key) override { return count(inner_.get(key)); }
  Result<std::string> get_range(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    return count(inner_.get_range(key, offset, length));
  }
  Result<ObjectInfo> head(const std::string& key) override { return inner_.head(key); }
  Result<ObjectPage> list(const std::string& prefix, const std::string& after, std::size_t limit) override {
    return inner_.list(prefix, after, limit);
  }
  Result<> remove(const std::string& key) override { return inner_.remove(key); }
  std::string description() const override { return inner_.description(); }

  std::uint64_t reads = 0;
  std::uint64_t bytes = 0;

 private:
  Result<std::string> count(Result<std::string> read) {
    ++reads;
    if (read) bytes += read->size();
    return read;
  }
  ObjectStore& inner_;
};

}  // namespace

int main(int argc, char** argv) {
  using namespace logstone::bench;
  if (argc != 3) return 2;
  const auto files = must(open_filesystem_store(argv[1]));
  const WorkflowIdentity workflow{"bench", "default", "bench", "00000000-0000-4000-8000-000000000000"};
  const StreamIdentity stream{"bench", "bench", "00000000", "main", 0};
  StreamRecord record = must(read_stream_from_store(*files, workflow_prefix(workflow, Timestamp{}), stream));
  record.complete = true;

  std::vector<double> milliseconds;
  std::uint64_t reads = 0, bytes = 0, lines = 0;
  for (int run = std::atoi(argv[2]); run > 0; --run) {
    CountingStore store(*files);
    BlockCache cache(std::size_t{64} << 20);
    const double before = wall_seconds();
    const auto view = open_archived_log(store, cache, record);
    const std::uint64_t end = view->extent().bytes;
    std::uint64_t at = must(view->find_tail(100));
    std::string text;
    while (at < end) {
      const std::string part = must(view->read(at, end - at));
      at += part.size();
      text += part;
    }
    milliseconds.push_back((wall_seconds() - before) * 1000);
    reads = store.reads;
    bytes = store.bytes;
    lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf(
      "{\"median_ms\": %.3f, \"worst_ms\": %.3f, \"reads\": %llu, \"bytes_read\": %llu, \"lines\": %llu, "
      "\"log_bytes\": %llu}\n",
      milliseconds[milliseconds.size() / 2], milliseconds.back(), static_cast<unsigned long long>(reads),
      static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(lines),
      static_cast<unsigned long long>(record.bytes));
}
