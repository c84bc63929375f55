// Any bytes as a log file, a compressed log file and a cursor: reading ends, and going on from any cursor brings what
// going on without a break brought.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cluster/nodefiles/node_log.h"

namespace {

using namespace logstone;

struct Read {
  std::string text;
  std::vector<std::pair<Cursor, std::size_t>> places;  // Cursors, and how much text was before each.
};

struct Bench {
  Bench() {
    std::string pattern = std::filesystem::temp_directory_path() / "logstone-fuzz-XXXXXX";
    root = mkdtemp(pattern.data());
    folder = root / "pod" / "main";
    std::filesystem::create_directories(folder);
    watcher = *NodeLogWatcher::start();
  }
  ~Bench() { std::filesystem::remove_all(root); }

  Read read(const Cursor& from) const {
    Read out;
    auto reader = watcher->open(
        {folder, 0}, from, [] { return true; }, [] {});
    if (!reader) return out;
    for (int i = 0; i < 100'000; ++i) {
      auto batch = (*reader)->read(100);
      if (!batch) return out;
      if (batch->gap) out.text += "<gap>";
      for (const LogPiece& piece : batch->pieces) {
        out.text += piece.text;
        if (piece.ends_line) out.text += '\n';
      }
      if (batch->end) return out;
      out.places.emplace_back(batch->after, out.text.size());
    }
    std::abort();
  }

  std::filesystem::path root;
  std::filesystem::path folder;
  std::unique_ptr<NodeLogWatcher> watcher;
};

void write(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // The first byte divides the rest between a compressed and the current file.
  const std::size_t split = input.empty() ? 0 : std::min<std::size_t>(static_cast<unsigned char>(input[0]) * 4, size);
  write(bench.folder / "0.log.20261125-093000.gz", input.substr(0, split).substr(std::min<std::size_t>(1, split)));
  write(bench.folder / "0.log", input.substr(split));
  const Read whole = bench.read({});
  // Two files that begin with the same record cannot be told apart: no runtime writes such.
  if (split <= 1 && !whole.places.empty()) {
    const auto& [cursor, before] = whole.places[size % whole.places.size()];
    if (cursor.value.size() > 4096) std::abort();
    if (!cursor.value.empty() && bench.read(cursor).text != whole.text.substr(before)) std::abort();
  }
  bench.read(Cursor{std::string(input.substr(0, 100))});
  bench.read(Cursor{"cri1 " + std::string(input.substr(0, 100))});
  return 0;
}
