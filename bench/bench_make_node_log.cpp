// Writes a text as a container runtime would have, a record a write, stamped as it is written: bench_make_node_log TEXT
// FOLDER COPIES.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "base/time.h"
#include "bench/measure.h"
#include "cluster/nodefiles/cri_record.h"

int main(int argc, char** argv) {
  using namespace logstone;
  if (argc != 4) return 2;
  constexpr std::size_t kRuntimeSplit = std::size_t{16} << 10;
  std::filesystem::create_directories(argv[2]);
  const int out = ::open((std::string(argv[2]) + "/0.log").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  std::mt19937_64 random(1);
  std::string text, record;
  {
    std::ifstream in(argv[1], std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  for (int copy = std::atoi(argv[3]); copy > 0; --copy) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t newline = text.find('\n', at);
      const std::size_t end = std::min(newline, text.size());
      const std::size_t stop = std::min(end, at + kRuntimeSplit);
      const bool whole = stop == end && newline != std::string::npos;
      record.clear();
      append_cri_record(record, LogPiece{Clock::system().now(), random() % 10 ? Output::kStdout : Output::kStderr,
                                         whole, std::string_view(text).substr(at, stop - at)});
      at = whole ? stop + 1 : stop;
      if (::write(out, record.data(), record.size()) != static_cast<ssize_t>(record.size())) return 1;
    }
  }
  return ::close(out) == 0 ? 0 : 1;
}
