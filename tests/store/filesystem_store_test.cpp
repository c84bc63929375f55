#include "store/filesystem_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "base/file.h"
#include "tests/store/contract.h"

namespace logstone {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "logstone-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::shared_ptr<ObjectStore> make_store() {
  auto folder = std::make_shared<Folder>();
  auto store = open_filesystem_store(folder->path());
  if (!store) return nullptr;
  return {store->release(), [folder](ObjectStore* pointer) { delete pointer; }};
}

std::size_t entries_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

class FilesystemStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    auto opened = open_filesystem_store(folder_.path());
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = *std::move(opened);
  }
  Folder folder_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(FilesystemStoreTest, OrdinaryKeysAreFilesOfThatName) {
  ASSERT_TRUE(store_->put("v1/workflows/local/ns/2026-01-01/wf.uid/record.json", "{}"));
  EXPECT_EQ(read_file(folder_.path() / "objects/v1/workflows/local/ns/2026-01-01/wf.uid/record.json").value(), "{}");
  EXPECT_EQ(entries_in(folder_.path() / "incoming"), 0u);
  EXPECT_EQ(store_->description(), "file://" + folder_.path().string());
}

TEST_F(FilesystemStoreTest, RemovingTheLastObjectRemovesItsFolders) {
  ASSERT_TRUE(store_->put("a/b/c/d", "x"));
  ASSERT_TRUE(store_->put("a/e", "x"));
  ASSERT_TRUE(store_->remove("a/b/c/d"));
  EXPECT_EQ(entries_in(folder_.path() / "objects/a"), 1u);
  ASSERT_TRUE(store_->remove("a/e"));
  EXPECT_EQ(entries_in(folder_.path() / "objects"), 0u);
}

TEST_F(FilesystemStoreTest, LinksLeadNowhere) {
  const Folder outside;
  ASSERT_TRUE(write_file_atomically(outside.path() / "secret", "s", outside.path()));
  fs::create_directory_symlink(outside.path(), folder_.path() / "objects/out");
  fs::create_symlink(outside.path() / "secret", folder_.path() / "objects/leaf");
  EXPECT_EQ(store_->get("out/secret").error().kind, ErrorKind::kForbidden);
  EXPECT_EQ(store_->put("out/new", "x").error().kind, ErrorKind::kForbidden);
  EXPECT_EQ(store_->get("leaf").error().kind, ErrorKind::kForbidden);
  EXPECT_FALSE(store_->remove("out/secret"));
  EXPECT_TRUE(list_all(*store_, "")->empty());
  EXPECT_TRUE(list_all(*store_, "out/")->empty());
  ASSERT_TRUE(store_->put("leaf", "mine"));
  EXPECT_EQ(store_->get("leaf").value(), "mine");
  EXPECT_EQ(read_file(outside.path() / "secret").value(), "s");
  EXPECT_EQ(entries_in(outside.path()), 1u);
}

TEST_F(FilesystemStoreTest, NoObjectsButFilesCount) {
  ASSERT_EQ(::mkfifo((folder_.path() / "objects/pipe").c_str(), 0600), 0);
  fs::create_directories(folder_.path() / "objects/empty/folder");
  EXPECT_EQ(store_->get("pipe").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store_->get("empty").error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(list_all(*store_, "")->empty());
}

TEST_F(FilesystemStoreTest, LeftoversGoAtOpenUnlessSomebodyWritesThem) {
  const fs::path incoming = folder_.path() / "incoming";
  ASSERT_TRUE(write_file_atomically(incoming / "dead", "half", incoming));
  ASSERT_TRUE(write_file_atomically(incoming / "alive", "half", incoming));
  {
    const auto writer = FileLock::try_lock(incoming / "alive", FileLock::Mode::kExclusive);
    ASSERT_TRUE(writer);
    open();
    EXPECT_FALSE(fs::exists(incoming / "dead"));
    EXPECT_TRUE(fs::exists(incoming / "alive"));
  }
  open();
  EXPECT_EQ(entries_in(incoming), 0u);
}

TEST_F(FilesystemStoreTest, OpeningAgainAndAgainDisturbsNoWriter) {
  std::atomic<bool> done = false;
  std::thread opener([&] {
    while (!done) EXPECT_TRUE(open_filesystem_store(folder_.path()));
  });
  for (int i = 0; i < 200; ++i) {
    const auto result = store_->put("k/" + std::to_string(i % 5), std::to_string(i));
    EXPECT_TRUE(result) << result.error().message();
  }
  done = true;
  opener.join();
  EXPECT_EQ(list_all(*store_, "")->size(), 5u);
}

/// The content of the key tells its own digest, so a part of it is known as one.
std::string content_of(unsigned number) {
  std::string bytes(number * 7919 % 60'000, static_cast<char>('a' + number % 26));
  return Digest::hex_of(bytes) + bytes;
}

TEST_F(FilesystemStoreTest, KilledAtAnyInstantObjectsAreWhole) {
  std::size_t seen = 0;
  for (int round = 0; round < 40; ++round) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      for (unsigned i = 0;; ++i) {
        const std::string key = "k/" + std::to_string(i % 3) + "/" + std::to_string(round) + "-" + std::to_string(i);
        const bool put = i % 2 == 0 ? store_->put(key, content_of(i)).has_value()
                                    : store_->put_if_absent(key, content_of(i)).has_value();
        // Told only after the put returned: what was told must be there.
        if (!put || ::write(told[1], (key + "\n").c_str(), key.size() + 1) < 0) ::_exit(1);
      }
    }
    ::close(told[1]);
    // Some puts later, at some place between two of them.
    std::string acknowledged;
    char c = 0;
    for (int lines = 0; lines < 1 + round % 5;) {
      ASSERT_EQ(::read(told[0], &c, 1), 1);
      acknowledged += c;
      lines += c == '\n' ? 1 : 0;
    }
    ::usleep(static_cast<useconds_t>(round * 97 % 700));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(told[0], &c, 1) == 1) acknowledged += c;
    ::close(told[0]);

    std::size_t at = 0;
    for (std::size_t end; (end = acknowledged.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string key = acknowledged.substr(at, end - at);
      EXPECT_TRUE(store_->head(key)) << key << " was acknowledged";
    }
    const auto all = list_all(*store_, "");
    ASSERT_TRUE(all) << all.error().message();
    for (const ObjectInfo& object : *all) {
      const auto bytes = store_->get(object.key);
      ASSERT_TRUE(bytes) << bytes.error().message();
      ASSERT_GE(bytes->size(), 32u) << object.key;
      ASSERT_EQ(bytes->substr(0, 32), Digest::hex_of(bytes->substr(32))) << object.key;
      ASSERT_TRUE(store_->remove(object.key));
    }
    seen += all->size();
  }
  EXPECT_GE(seen, 40u);
  open();
  EXPECT_EQ(entries_in(folder_.path() / "incoming"), 0u);
}

TEST_F(FilesystemStoreTest, AFullDiskIsToldAndPasses) {
  ASSERT_TRUE(store_->put("k", "before"));
  // A limit on the size of files is the full disk that every test machine has.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 10'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto full = store_->put("k", std::string(20'000, 'x'));
  const auto absent = store_->put_if_absent("new/k", std::string(20'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::kOutOfSpace);
  EXPECT_TRUE(full.error().retryable());
  EXPECT_EQ(full.error().subject, "k");
  EXPECT_FALSE(full.error().advice.empty());
  EXPECT_EQ(absent.error().kind, ErrorKind::kOutOfSpace);
  EXPECT_EQ(store_->get("k").value(), "before");
  EXPECT_EQ(entries_in(folder_.path() / "incoming"), 0u) << "the unfinished file takes the room that is missing";
  EXPECT_TRUE(store_->put("k", std::string(20'000, 'x')));
}

TEST_F(FilesystemStoreTest, AForbiddenFolderServesReaders) {
  ASSERT_TRUE(store_->put("k", "x"));
  fs::permissions(folder_.path(), fs::perms::all);
  fs::permissions(folder_.path() / "incoming", static_cast<fs::perms>(0555));
  const pid_t child = ::fork();
  if (child == 0) {
    // Root may write everywhere, so the test goes on as nobody.
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(10);
    const auto opened = open_filesystem_store(folder_.path());
    if (!opened) ::_exit(11);
    if ((*opened)->get("k").value_or("") != "x") ::_exit(12);
    const auto result = (*opened)->put("k", "y");
    if (result || result.error().kind != ErrorKind::kForbidden || result.error().advice.empty()) ::_exit(13);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  fs::permissions(folder_.path() / "incoming", fs::perms::owner_all);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(store_->get("k").value(), "x");
}

TEST(FilesystemStoreOpenTest, AFileInTheWayIsToldByItsPath) {
  const Folder folder;
  ASSERT_TRUE(write_file_atomically(folder.path() / "file", "", folder.path()));
  const auto store = open_filesystem_store(folder.path() / "file");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message().find((folder.path() / "file").string()), std::string::npos);
}

TEST_F(FilesystemStoreTest, ManyObjectsInOneFolderAreListed) {
  const fs::path flat = folder_.path() / "objects/flat";
  fs::create_directories(flat);
  constexpr int kMany = 5'000;
  for (int i = 0; i < kMany; ++i) {
    const int fd = ::open((flat / std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ASSERT_GE(fd, 0);
    ::close(fd);
  }
  const auto all = list_all(*store_, "flat/");
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->size(), static_cast<std::size_t>(kMany));
  EXPECT_TRUE(std::is_sorted(all->begin(), all->end(), [](const auto& a, const auto& b) { return a.key < b.key; }));
}

}  // namespace

namespace testing {
INSTANTIATE_TEST_SUITE_P(Filesystem, StoreContract, ::testing::Values(StoreFactory{"filesystem", make_store}));
}  // namespace testing
}  // namespace logstone
