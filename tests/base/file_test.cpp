#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace logstone {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "logstone-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, WritesReplaceWhole) {
  const auto path = folder_ / "file";
  ASSERT_TRUE(write_file_atomically(path, "one", folder_));
  ASSERT_TRUE(write_file_atomically(path, std::string("t\0wo", 4), folder_));
  EXPECT_EQ(read_file(path).value(), std::string("t\0wo", 4));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "unfinished files were left";
}

TEST_F(FileTest, FailedWriteLeavesNothingBehind) {
  ASSERT_TRUE(make_directories(folder_ / "taken"));
  const auto result = write_file_atomically(folder_ / "taken", "x", folder_);
  ASSERT_FALSE(result);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  EXPECT_EQ(write_file_atomically(folder_ / "a", "x", folder_ / "none").error().kind, ErrorKind::kNotFound);
}

TEST_F(FileTest, ReadErrorsSayWhy) {
  EXPECT_EQ(read_file(folder_ / "none").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(read_file(folder_).error().kind, ErrorKind::kInvalidInput);
  ASSERT_TRUE(write_file_atomically(folder_ / "five", "12345", folder_));
  EXPECT_EQ(read_file(folder_ / "five", 5).value(), "12345");
  const auto small = read_file(folder_ / "five", 4);
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().kind, ErrorKind::kInvalidInput);
  EXPECT_NE(read_file("/proc/self/status").value().find("Name:"), std::string::npos) << "files of unknown size";
}

TEST_F(FileTest, MakesDirectoriesOfEveryShape) {
  ASSERT_TRUE(make_directories(folder_ / "a/b/c"));
  ASSERT_TRUE(make_directories(folder_ / "a/b/c"));
  ASSERT_TRUE(make_directories((folder_ / "d/e").string() + "/"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "d/e"));
  ASSERT_TRUE(write_file_atomically(folder_ / "file", "", folder_));
  EXPECT_EQ(make_directories(folder_ / "file/below").error().kind, ErrorKind::kInvalidInput);
  EXPECT_EQ(make_directories(folder_ / "file").error().kind, ErrorKind::kInvalidInput);
}

TEST_F(FileTest, LocksExcludeOtherHolders) {
  const auto path = folder_ / "lock";
  {
    const auto first = FileLock::try_lock(path, FileLock::Mode::kShared);
    ASSERT_TRUE(first);
    EXPECT_TRUE(FileLock::try_lock(path, FileLock::Mode::kShared));
    const auto second = FileLock::try_lock(path, FileLock::Mode::kExclusive);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  }
  EXPECT_TRUE(FileLock::try_lock(path, FileLock::Mode::kExclusive));
}

TEST_F(FileTest, LockOfAKilledProcessIsFree) {
  const auto path = folder_ / "lock";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::try_lock(path, FileLock::Mode::kExclusive);
    const char sign = lock ? 'y' : 'n';
    if (::write(ready[1], &sign, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char sign = 0;
  ASSERT_EQ(::read(ready[0], &sign, 1), 1);
  ASSERT_EQ(sign, 'y');
  EXPECT_EQ(FileLock::try_lock(path, FileLock::Mode::kExclusive).error().kind, ErrorKind::kConflict);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::try_lock(path, FileLock::Mode::kExclusive));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(SystemErrorTest, KindsFollowErrno) {
  EXPECT_EQ(system_error("a", "b", ENOSPC).kind, ErrorKind::kOutOfSpace);
  EXPECT_EQ(system_error("a", "b", EFBIG).kind, ErrorKind::kOutOfSpace);
  EXPECT_EQ(system_error("a", "b", EROFS).kind, ErrorKind::kForbidden);
  EXPECT_FALSE(system_error("a", "b", EACCES).advice.empty());
  EXPECT_EQ(system_error("write", "/x/y", ENOENT).message(), "write /x/y: No such file or directory");
}

TEST(UniqueFdTest, ClosesOnce) {
  const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  UniqueFd first(raw);
  UniqueFd second(std::move(first));
  EXPECT_FALSE(first.valid());
  EXPECT_EQ(second.get(), raw);
  second.reset();
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
}

}  // namespace
}  // namespace logstone
