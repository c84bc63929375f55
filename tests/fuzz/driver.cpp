// Stands in for libFuzzer where the compiler has none: runs the corpus, then mutations of it, always the same ones.
#include <unistd.h>

#include <algorithm>
#include <csignal>
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

const std::string* running = nullptr;

/// An input that takes this long never ends, on however busy a machine: it is told, so that it can join the corpus.
constexpr unsigned kHangSeconds = 60;

void tell_hang(int) {
  (void)!write(STDERR_FILENO, "an input does not end:\n", 23);
  (void)!write(STDERR_FILENO, running->data(), running->size());
  _exit(1);
}

void run(const std::string& input) {
  running = &input;
  alarm(kHangSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGALRM, &tell_hang);
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
