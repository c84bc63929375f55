// Stands in for libFuzzer where the compiler has none: runs the corpus, then mutations of it, always the same ones.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::string mutate(const std::string& seed, const std::vector<std::string>& corpus, std::mt19937& random) {
  std::string out = seed;
  const unsigned edits = 1 + random() % 6;
  for (unsigned i = 0; i < edits; ++i) {
    const std::size_t at = out.empty() ? 0 : random() % out.size();
    switch (random() % 6) {
      case 0:
        if (!out.empty()) out[at] = static_cast<char>(random());
        break;
      case 1:
        if (!out.empty()) out[at] ^= static_cast<char>(1 << random() % 8);
        break;
      case 2:
        out.insert(at, 1 + random() % 8, static_cast<char>(random()));
        break;
      case 3:
        out.erase(at, 1 + random() % 16);
        break;
      case 4:
        out.resize(at);
        break;
      default: {
        const std::string& other = corpus[random() % corpus.size()];
        if (!other.empty()) out.insert(at, other.substr(random() % other.size(), random() % 64));
      }
    }
  }
  return out;
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& path : files) {
      std::ifstream file(path, std::ios::binary);
      corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus: name a folder with at least one file\n");
    return 2;
  }
  const char* wanted = std::getenv("LOGSTONE_FUZZ_RUNS");
  const long runs = wanted ? std::atol(wanted) : 20000;
  for (const auto& input : corpus) run(input);
  std::mt19937 random(20260101);
  for (long i = 0; i < runs; ++i) run(mutate(corpus[random() % corpus.size()], corpus, random));
  std::printf("%zu files, %ld mutations\n", corpus.size(), runs);
}
