// Writes a text as a container runtime would have: bench_make_node_log TEXT FOLDER COPIES.
#include <filesystem>
#include <fstream>
#include <random>

#include "bench/measure.h"
#include "cluster/nodefiles/cri_record.h"

int main(int argc, char** argv) {
  using namespace logstone;
  if (argc != 4) return 2;
  constexpr std::size_t kRuntimeSplit = std::size_t{16} << 10;
  constexpr std::size_t kFlush = std::size_t{4} << 20;
  std::filesystem::create_directories(argv[2]);
  std::ofstream out(std::filesystem::path(argv[2]) / "0.log", std::ios::binary | std::ios::trunc);
  std::mt19937_64 random(1);
  std::int64_t now = 1'790'000'000'000'000'000;
  std::string text, records;
  {
    std::ifstream in(argv[1], std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  for (int copy = std::atoi(argv[3]); copy > 0; --copy) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t newline = text.find('\n', at);
      const std::size_t end = std::min(newline, text.size());
      const std::size_t stop = std::min(end, at + kRuntimeSplit);
      // Lines come in bursts: most a few microseconds apart, some after a pause.
      now += static_cast<std::int64_t>(random() % 100 == 0 ? random() % 50'000'000 : 500 + random() % 20'000);
      const bool whole = stop == end && newline != std::string::npos;
      append_cri_record(records, LogPiece{from_unix_nanoseconds(now), random() % 10 ? Output::kStdout : Output::kStderr,
                                          whole, std::string_view(text).substr(at, stop - at)});
      at = whole ? stop + 1 : stop;
      if (records.size() < kFlush) continue;
      out << records;
      records.clear();
    }
  }
  out << records << std::flush;
  return out.good() ? 0 : 1;
}
