#include "argo/log_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/archive/memory_store.h"
#include "tests/argo/packing.h"

namespace logstone::argo {
namespace {

using testing::HasSubstr;

class LogObjectTest : public ::testing::Test {
 protected:
  LogObjectTest()
      : folder_(std::filesystem::path(::testing::TempDir()) / ("argo-spool-" + std::to_string(::getpid()))) {}
  ~LogObjectTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Result<std::shared_ptr<LogView>> open(const std::string& bytes, const std::string& container = "main") {
    const std::string key = "k" + std::to_string(count_++);
    EXPECT_TRUE(store_->put(key, bytes));
    if (!objects_) objects(settings());
    return objects_->open(store_, *store_->head(key), container);
  }
  LogObjectSettings settings() const { return {folder_, 1 << 22, 1 << 22}; }
  LogObjects& objects(LogObjectSettings settings) {
    objects_ = std::make_unique<LogObjects>(cache_, std::move(settings));
    return *objects_;
  }
  static std::string whole(LogView& log) {
    std::string text;
    while (text.size() < log.extent().bytes) {
      const auto part = log.read(text.size(), 100'000);
      EXPECT_TRUE(part) << part.error().message();
      if (!part || part->empty()) break;
      text += *part;
    }
    return text;
  }

  std::filesystem::path folder_;
  std::shared_ptr<test::MemoryStore> store_ = std::make_shared<test::MemoryStore>();
  BlockCache cache_{4 << 20};
  std::unique_ptr<LogObjects> objects_;
  int count_ = 0;
};

std::string some_lines(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < bytes) {
    for (unsigned n = random() % 200; n > 0; --n) text += static_cast<char>(random());
    text += '\n';
  }
  text.resize(bytes);
  return text;
}

TEST_F(LogObjectTest, EveryFormIsReadByteExact) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("\n"), std::string("a\nb"),
                                  some_lines(3'000'000, 1), std::string(600'000, '\n')}) {
    for (const std::string& object :
         {text, test::gzip(text), test::gzip(test::tar({{"main.log", text}})),
          test::gzip(text.substr(0, text.size() / 2)) + test::gzip(text.substr(text.size() / 2)),
          test::gzip(text) + std::string(700, '\0')}) {
      const auto log = open(object);
      ASSERT_TRUE(log) << log.error().message();
      EXPECT_TRUE(whole(**log) == text);
      EXPECT_TRUE((*log)->gaps().empty());
      EXPECT_TRUE((*log)->extent().complete);
    }
  }
}

TEST_F(LogObjectTest, LinesAndTails) {
  for (const std::string& text : {some_lines(2'000'000, 2), some_lines(1'500'000, 3) + "\n", std::string("a\n\nb\n"),
                                  std::string("a"), std::string()}) {
    std::vector<std::uint64_t> starts;
    for (std::uint64_t at = 0; at < text.size();) {
      starts.push_back(at);
      const std::size_t newline = text.find('\n', at);
      at = newline == std::string::npos ? text.size() : newline + 1;
    }
    for (const std::string& object : {text, test::gzip(text)}) {
      const auto log = open(object);
      ASSERT_TRUE(log);
      const auto line_at = [&](std::uint64_t line) { return line < starts.size() ? starts[line] : text.size(); };
      for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, starts.size() / 2,
                                    starts.size() - 1, starts.size(), starts.size() + 1}) {
        if (n > text.size() + 2) continue;
        EXPECT_EQ(*(*log)->find_tail(n), n == 0               ? text.size()
                                         : n >= starts.size() ? 0
                                                              : starts[starts.size() - n])
            << n;
        EXPECT_EQ(*(*log)->find_line(n), line_at(n)) << n;
      }
      EXPECT_EQ(*(*log)->find_line(UINT64_MAX), text.size());
      EXPECT_TRUE((*log)->extent().lines_known);
      EXPECT_EQ((*log)->extent().lines, starts.size());
    }
  }
}

TEST_F(LogObjectTest, ATailOfPlainTextReadsTheEndOnly) {
  const std::string text = some_lines(20'000'000, 4);
  ASSERT_TRUE(store_->put("big", text));
  const auto log = objects(settings()).open(store_, *store_->head("big"), "main");
  store_->reset_counts();
  const std::uint64_t at = *(*log)->find_tail(100);
  EXPECT_FALSE((*log)->extent().lines_known);
  EXPECT_EQ(*(*log)->read(at, 1000), text.substr(at, 1000));
  EXPECT_LE(store_->counts().bytes_read, 2u << 20);
}

TEST_F(LogObjectTest, AMemberIsChosen) {
  EXPECT_EQ(whole(**open(test::gzip(test::tar({{"a.txt", "x"}, {"tmp/main.log", "m\n"}, {"side.log", "s\n"}})))),
            "m\n");
  EXPECT_EQ(whole(**open(test::gzip(test::tar({{"a.txt", "x"}, {"b.log", "only log"}})))), "only log");
  EXPECT_EQ(whole(**open(test::gzip(test::tar({{"whatever", "only file"}})))), "only file");
  const std::string two = test::gzip(test::tar({{"a.log", "x"}, {"b.log", "y"}}));
  const auto log = open(two);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(log.error().message(), HasSubstr("a.log, b.log"));
  EXPECT_EQ(whole(**open(two, "b")), "y");
  const std::string rest = test::tar({{"z.log", "z"}});
  const std::string long_name = std::string(150, 'd') + "/main.log";
  EXPECT_EQ(
      whole(**open(test::gzip(test::tar_entry("x", long_name + '\0', 'L') + test::tar_entry("short", "gnu") + rest))),
      "gnu");
  EXPECT_EQ(whole(**open(test::gzip(test::tar_entry("x", "28 path=folder/pax/main.log\n", 'x') +
                                    test::tar_entry("short", "pax") + rest))),
            "pax");
}

TEST_F(LogObjectTest, DamageIsAGapAndNeverSilent) {
  const std::string text = some_lines(1'000'000, 5);
  std::string cut = test::gzip(text);
  cut.resize(cut.size() / 2);
  const auto log = open(cut);
  ASSERT_TRUE(log);
  const std::string got = whole(**log);
  EXPECT_GT(got.size(), 100'000U);
  EXPECT_TRUE(text.starts_with(got));
  ASSERT_EQ((*log)->gaps().size(), 1U);
  EXPECT_EQ((*log)->gaps()[0].offset, got.size());
  std::string damaged = test::gzip(text);
  damaged[damaged.size() / 2] ^= 0x55;
  damaged[damaged.size() / 2 + 1] ^= 0x55;
  EXPECT_EQ((*open(damaged))->gaps().size(), 1U);
  // Text that only begins as gzip does.
  const std::string fake("\x1f\x8b\x08 is no gzip\n");
  EXPECT_EQ(whole(**open(fake)), fake);
  EXPECT_EQ((*open(test::gzip(text) + "tail"))->gaps().size(), 1U);
}

TEST_F(LogObjectTest, BombsAreBounded) {
  const std::string bomb = test::gzip(std::string(50'000'000, 'x'));
  EXPECT_LT(bomb.size(), 100'000U);
  const auto log = open(bomb);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().kind, ErrorKind::kUnsupported);
  EXPECT_FALSE(
      open(test::gzip(test::tar({{"a", std::string(3'000'000, 'a')}, {"main.log", std::string(3'000'000, 'b')}}))));
  for (const auto& left : std::filesystem::directory_iterator(folder_)) ADD_FAILURE() << left.path();
}

TEST_F(LogObjectTest, UnpackedOnceForAllReaders) {
  const std::string text = some_lines(1'000'000, 6);
  ASSERT_TRUE(store_->put("packed", test::gzip(text)));
  LogObjects& opener = objects(settings());
  const auto first = opener.open(store_, *store_->head("packed"), "main");
  store_->reset_counts();
  const auto second = opener.open(store_, *store_->head("packed"), "main");
  EXPECT_EQ(store_->counts().ranged_gets, 0U);
  EXPECT_EQ(*first, *second);
  // A view lives on when the shelf has no room for it any more.
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(open(test::gzip(some_lines(1'000'000, 10 + i))));
  EXPECT_TRUE(whole(**first) == text);
  // Written anew: other bytes.
  ASSERT_TRUE(store_->put("packed", test::gzip("other")));
  EXPECT_EQ(whole(**opener.open(store_, *store_->head("packed"), "main")), "other");
}

TEST_F(LogObjectTest, TimesAreNotMadeUp) {
  const auto log = open("a\n");
  EXPECT_EQ((*log)->find_time(Timestamp{}).error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ((*log)->pieces(0, 2).error().kind, ErrorKind::kUnsupported);
  bool told = false;
  const auto handle = (*log)->notify(0, [&] { told = true; });
  EXPECT_TRUE(told);
}

TEST_F(LogObjectTest, AnObjectThatShrinksIsNoSilentEnd) {
  ASSERT_TRUE(store_->put("k", std::string(2'000'000, 'x')));
  const auto log = objects(settings()).open(store_, *store_->head("k"), "main");
  ASSERT_TRUE(store_->put("k", "short"));
  EXPECT_FALSE((*log)->read(1'500'000, 10));
  store_->set_broken(true);
  EXPECT_EQ((*log)->read(1'500'000, 10).error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace logstone::argo
