// The text alone in separate zstd frames, the floor of any format with random access: bench_blocks TEXT LEVEL BLOCK.
#include <zstd.h>

#include <fstream>
#include <string>

#include "bench/measure.h"

int main(int argc, char** argv) {
  using namespace logstone::bench;
  if (argc != 4) return 2;
  std::string block(std::strtoull(argv[3], nullptr, 10), '\0'), packed(ZSTD_compressBound(block.size()), '\0');
  std::ifstream in(argv[1], std::ios::binary);
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::uint64_t bytes = 0, stored = 0;
  const double before = cpu_seconds();
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    const auto count = static_cast<std::size_t>(in.gcount());
    bytes += count;
    stored += ZSTD_compressCCtx(context, packed.data(), packed.size(), block.data(), count, std::atoi(argv[2]));
  }
  ZSTD_freeCCtx(context);
  std::printf("{\"bytes\": %llu, \"stored\": %llu, \"cpu\": %.4f}\n", static_cast<unsigned long long>(bytes),
              static_cast<unsigned long long>(stored), cpu_seconds() - before);
}
