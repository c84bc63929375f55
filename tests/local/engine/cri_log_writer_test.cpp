// The log writer by itself: any chunking gives the same text, and a full disk loses nothing.
#include "cluster/local/cri_log_writer.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>

#include "tests/local/engine/pod_fixture.h"

namespace logstone::local::test {
namespace {

Timestamp at(int second) { return from_unix_nanoseconds(1'700'000'000'000'000'000 + second * 1'000'000'000LL); }

TEST(CriLogWriter, AnyBytesInAnyChunksComeBackTheSame) {
  std::mt19937 random(20);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::string pool(64 * 1024, ' ');
  for (auto& byte : pool)
    if (const auto any = static_cast<char>(below(256)); any != '\n') byte = any;
  for (int round = 0; round < 25; ++round) {
    const TempFolder folder;
    auto writer = CriLogWriter::open(folder.path() / "main", 3, {below(2) == 0 ? 20'000u : 100'000u, 1000});
    ASSERT_TRUE(writer) << writer.error().message();
    std::string text[2];
    // Lines of very different lengths, around the limit of a record among them.
    for (std::size_t chunks = below(30); chunks > 0; --chunks) {
      const auto output = below(2);
      std::string chunk;
      const std::size_t lengths[] = {0, below(5), below(300), 16383 + below(4), below(50'000)};
      for (auto lines = below(6); lines > 0; --lines) {
        chunk += pool.substr(below(1000), lengths[below(5)]);
        if (below(4) != 0) chunk += '\n';
      }
      text[output] += chunk;
      ASSERT_TRUE((*writer)->append(static_cast<Output>(output), chunk, at(round)));
    }
    ASSERT_TRUE((*writer)->finish(at(round + 1)));
    (*writer)->compress_rest();
    const auto log = read_log(folder.path() / "main", 3);
    EXPECT_TRUE(log.well_formed);
    EXPECT_EQ(log.out, text[0]);
    EXPECT_EQ(log.err, text[1]);
  }
}

TEST(CriLogWriter, AFullDiskDelaysButLosesNothing) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = ::signal(SIGXFSZ, SIG_IGN);
  const TempFolder folder;
  auto writer = CriLogWriter::open(folder.path(), 0, {});
  ASSERT_TRUE(writer);
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + "\n";

  const struct rlimit small { 50'000, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto failed = (*writer)->append(Output::kStdout, text, at(0));
  const auto failed_again = (*writer)->flush();
  const auto blocked = (*writer)->blocked();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);

  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kOutOfSpace);
  EXPECT_FALSE(failed_again);
  EXPECT_TRUE(blocked);
  ASSERT_TRUE((*writer)->flush());
  EXPECT_FALSE((*writer)->blocked());
  ASSERT_TRUE((*writer)->append(Output::kStdout, "after", at(1)));
  ASSERT_TRUE((*writer)->finish(at(2)));
  const auto log = read_log(folder.path());
  EXPECT_TRUE(log.well_formed);
  EXPECT_EQ(log.out, text + "after");
}

TEST(CriLogWriter, GoesOnWhenItsFolderIsDeleted) {
  const TempFolder folder;
  auto writer = CriLogWriter::open(folder.path() / "main", 0, {10, 2});
  ASSERT_TRUE(writer);
  std::filesystem::remove_all(folder.path() / "main");
  EXPECT_TRUE((*writer)->append(Output::kStdout, "a line longer than ten bytes\n", at(0)));
  EXPECT_TRUE((*writer)->append(Output::kStdout, "another\n", at(0)));
}

}  // namespace
}  // namespace logstone::local::test
