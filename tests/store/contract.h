// What every ObjectStore must pass. A test program includes this once and says
//   INSTANTIATE_TEST_SUITE_P(Filesystem, StoreContract, ::testing::Values(StoreFactory{"filesystem", make}));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "store/object_store.h"

namespace logstone::testing {

struct StoreFactory {
  std::string name;
  /// A new, empty store; what it stands on goes when the pointer goes.
  std::function<std::shared_ptr<ObjectStore>()> make;
  /// Whether it may refuse parts above 255 bytes and backslashes, for what is underneath it takes none.
  bool folder_names = false;
};
inline void PrintTo(const StoreFactory& factory, std::ostream* out) { *out << factory.name; }

class StoreContract : public ::testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override {
    store_ = GetParam().make();
    ASSERT_NE(store_, nullptr);
  }
  std::vector<std::string> keys(const std::string& prefix) {
    const auto all = list_all(*store_, prefix);
    EXPECT_TRUE(all) << all.error().message();
    std::vector<std::string> out;
    if (all) {
      for (const ObjectInfo& object : *all) out.push_back(object.key);
    }
    return out;
  }
  void put(const std::string& key, std::string_view bytes = "x") {
    const auto result = store_->put(key, bytes);
    ASSERT_TRUE(result) << result.error().message();
  }
  std::shared_ptr<ObjectStore> store_;
};

TEST_P(StoreContract, WhatIsPutComesBack) {
  std::string bytes(300'000, '\0');
  std::mt19937 random(11);
  for (char& c : bytes) c = static_cast<char>(random());
  put("v1/a/b.log", bytes);
  EXPECT_EQ(store_->get("v1/a/b.log").value(), bytes);
  put("v1/a/b.log", "shorter");
  EXPECT_EQ(store_->get("v1/a/b.log").value(), "shorter");
  put("empty", "");
  EXPECT_EQ(store_->get("empty").value(), "");
}

TEST_P(StoreContract, MissingObjectsAreNotFound) {
  put("a/b");
  for (const char* key : {"a", "a/c", "a/b/c", "x/y/z", "b"}) {
    EXPECT_EQ(store_->get(key).error().kind, ErrorKind::kNotFound) << key;
    EXPECT_EQ(store_->get_range(key, 0, 1).error().kind, ErrorKind::kNotFound) << key;
    EXPECT_EQ(store_->head(key).error().kind, ErrorKind::kNotFound) << key;
    EXPECT_TRUE(store_->remove(key)) << key;
  }
  EXPECT_EQ(keys(""), std::vector<std::string>{"a/b"});
}

TEST_P(StoreContract, RangesEndWhereTheObjectEnds) {
  put("k", "0123456789");
  EXPECT_EQ(store_->get_range("k", 0, 4).value(), "0123");
  EXPECT_EQ(store_->get_range("k", 7, 100).value(), "789");
  EXPECT_EQ(store_->get_range("k", 3, ~std::uint64_t{0}).value(), "3456789");
  EXPECT_EQ(store_->get_range("k", 10, 1).value(), "");
  EXPECT_EQ(store_->get_range("k", 1'000'000, 1).value(), "");
  EXPECT_EQ(store_->get_range("k", 2, 0).value(), "");
}

TEST_P(StoreContract, HeadTellsSizeAndTime) {
  put("k", "12345");
  const auto info = store_->head("k");
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->key, "k");
  EXPECT_EQ(info->size, 5u);
  EXPECT_GT(info->modified, from_unix_nanoseconds(1'600'000'000'000'000'000));
  const auto page = store_->list("k");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].size, 5u);
  EXPECT_EQ(page->objects[0].modified, info->modified);
}

TEST_P(StoreContract, PutIfAbsentIsWonByOne) {
  ASSERT_TRUE(store_->put_if_absent("once/k", "first"));
  EXPECT_EQ(store_->put_if_absent("once/k", "second").error().kind, ErrorKind::kConflict);
  EXPECT_EQ(store_->get("once/k").value(), "first");
  ASSERT_TRUE(store_->remove("once/k"));
  EXPECT_TRUE(store_->put_if_absent("once/k", "third"));
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto result = store_->put_if_absent("race/k", std::to_string(i));
      if (result) {
        ++won;
      } else {
        EXPECT_EQ(result.error().kind, ErrorKind::kConflict) << result.error().message();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
}

TEST_P(StoreContract, RemovedIsGone) {
  put("a/b/c");
  put("a/d");
  ASSERT_TRUE(store_->remove("a/b/c"));
  ASSERT_TRUE(store_->remove("a/b/c"));
  EXPECT_EQ(store_->get("a/b/c").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(keys(""), std::vector<std::string>{"a/d"});
  put("a/b/c", "again");
  EXPECT_EQ(store_->get("a/b/c").value(), "again");
}

TEST_P(StoreContract, ManyAreRemovedAtOnce) {
  std::vector<std::string> many;
  for (int i = 0; i < 120; ++i) many.push_back("m/" + std::to_string(i % 7) + "/a b+c%&<" + std::to_string(i));
  for (const std::string& key : many) put(key);
  put("m/stays");
  many.push_back("m/never/was");
  ASSERT_TRUE(store_->remove_many(many));
  EXPECT_EQ(keys(""), std::vector<std::string>{"m/stays"});
  EXPECT_TRUE(store_->remove_many(many));
  EXPECT_TRUE(store_->remove_many({}));
  EXPECT_EQ(store_->remove_many({"m/stays", "../x"}).error().kind, ErrorKind::kInvalidInput);
}

TEST_P(StoreContract, KeysThatBreakTheRulesAreRefused) {
  for (const std::string& key :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."), std::string(".."),
        std::string("a/../b"), std::string("../../etc/passwd"), std::string("a/./b"), std::string("a\0b", 3),
        std::string("a\nb"), std::string("a\x7f"), std::string("\xff"), std::string("a\xc0\xaf"),
        std::string("\xed\xa0\x80"), std::string("a\xc2\x85"), std::string(1025, 'a')}) {
    EXPECT_EQ(store_->put(key, "x").error().kind, ErrorKind::kInvalidInput) << key;
    EXPECT_EQ(store_->put_if_absent(key, "x").error().kind, ErrorKind::kInvalidInput) << key;
    EXPECT_EQ(store_->get(key).error().kind, ErrorKind::kInvalidInput) << key;
    EXPECT_EQ(store_->get_range(key, 0, 1).error().kind, ErrorKind::kInvalidInput) << key;
    EXPECT_EQ(store_->head(key).error().kind, ErrorKind::kInvalidInput) << key;
    EXPECT_EQ(store_->remove(key).error().kind, ErrorKind::kInvalidInput) << key;
  }
  EXPECT_TRUE(keys("").empty());
}

TEST_P(StoreContract, UnusualKeysWork) {
  std::vector<std::string> unusual = {"a",
                                      "a/b",
                                      "a/b/c",
                                      "a%o",
                                      "a%o/b",
                                      "a%25",
                                      "a%",
                                      "%",
                                      "a%+",
                                      "a%+/b",
                                      "...",
                                      ".a",
                                      "a b",
                                      "a:b",
                                      "a\\b",
                                      "\xc3\xa9/\xe2\x82\xac",
                                      "-",
                                      "*?[x]",
                                      "a+b c=d&e;f,g/h i+j=k%20%2F",
                                      "#?a=b",
                                      "\xf0\x9f\x8c\x8d/\xe4\xb8\x96\xe7\x95\x8c",
                                      std::string(255, 'p') + '/' + std::string(255, '+') + '/' +
                                          std::string(255, 'q') + "/" + std::string(252, '=') + "/zzz",
                                      "<x>&amp;\"'",
                                      std::string(255, 'x'),
                                      std::string(256, 'x'),
                                      std::string(256, 'x') + "/y",
                                      std::string(250, 'z') + ".",
                                      std::string(250, 'z') + "..",
                                      std::string(1024, 'l'),
                                      std::string(200, '%'),
                                      std::string(1000, '%'),
                                      std::string(199, 'u') + "\xe2\x82\xac" + std::string(100, 'u')};
  std::vector<std::string> refused;
  if (GetParam().folder_names) {
    const auto at = std::stable_partition(unusual.begin(), unusual.end(), [](const std::string& key) {
      std::size_t part = 0;
      return std::all_of(key.begin(), key.end(), [&](char c) {
        part = c == '/' ? 0 : part + 1;
        return part <= 255 && c != '\\';
      });
    });
    refused.assign(at, unusual.end());
    unusual.erase(at, unusual.end());
  }
  for (const std::string& key : unusual) put(key, "of " + key);
  for (const std::string& key : refused) EXPECT_EQ(store_->put(key, "x").error().kind, ErrorKind::kInvalidInput) << key;
  for (const std::string& key : unusual) EXPECT_EQ(store_->get(key).value_or("none"), "of " + key) << key;
  std::vector<std::string> sorted = unusual;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(keys(""), sorted);
  for (const std::string& key : unusual)
    EXPECT_TRUE(store_->put_if_absent(key, "").error().kind == ErrorKind::kConflict);
  for (const std::string& key : unusual) EXPECT_TRUE(store_->remove(key));
  EXPECT_TRUE(keys("").empty());
}

TEST_P(StoreContract, AnObjectMayBeAFolderToo) {
  put("a/b/c", "deep");
  put("a", "short");
  put("a/b", "middle");
  EXPECT_EQ(store_->get("a").value(), "short");
  EXPECT_EQ(store_->get("a/b").value(), "middle");
  EXPECT_EQ(store_->get("a/b/c").value(), "deep");
  put("a", "again");
  EXPECT_EQ(store_->get("a").value(), "again");
  ASSERT_TRUE(store_->remove("a/b/c"));
  ASSERT_TRUE(store_->remove("a/b"));
  EXPECT_EQ(store_->get("a").value(), "again");
  put("a", "and again");
  EXPECT_EQ(store_->get("a").value(), "and again");
  EXPECT_EQ(keys(""), std::vector<std::string>{"a"});
  put("a/b", "back");
  EXPECT_EQ(store_->get("a").value(), "and again");
  ASSERT_TRUE(store_->remove("a"));
  EXPECT_EQ(store_->get("a").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store_->get("a/b").value(), "back");
}

TEST_P(StoreContract, ListsInTheOrderOfKeysPageByPage) {
  // '-' and '.' sort before '/', letters after it.
  std::set<std::string> all;
  std::mt19937 random(12);
  for (int i = 0; i < 200; ++i) {
    std::string key;
    for (unsigned depth = 1 + random() % 4; depth > 0; --depth) {
      if (!key.empty()) key += '/';
      for (unsigned size = 1 + random() % 2; size > 0; --size) key += "ab-x0"[random() % 5];
    }
    all.insert(key);
  }
  for (const std::string& key : all) put(key, key);
  for (const std::string& prefix : {std::string(), std::string("a"), std::string("a/"), std::string("a-"),
                                    std::string("a/b"), std::string("ab/x"), std::string("zz"), std::string("a//"),
                                    std::string("../"), std::string("/"), std::string("a/../"), std::string("\xff")}) {
    std::vector<std::string> expected;
    for (const std::string& key : all) {
      if (key.compare(0, prefix.size(), prefix) == 0) expected.push_back(key);
    }
    EXPECT_EQ(keys(prefix), expected) << prefix;
    for (const std::size_t limit : {1, 7, 1000}) {
      std::vector<std::string> got;
      std::string last;
      while (true) {
        const auto page = store_->list(prefix, last, limit);
        ASSERT_TRUE(page) << page.error().message();
        ASSERT_LE(page->objects.size(), limit);
        for (const ObjectInfo& object : page->objects) got.push_back(object.key);
        if (!page->more) break;
        ASSERT_FALSE(page->objects.empty());
        last = got.back();
      }
      EXPECT_EQ(got, expected) << prefix << " by " << limit;
    }
  }
  for (const char* after : {"a", "a/", "a/zzz", "ab", "b-", "0", "zzz", "a/b/c/d/e"}) {
    const auto page = store_->list("", after, 1000);
    ASSERT_TRUE(page);
    const auto expected = std::distance(all.upper_bound(after), all.end());
    EXPECT_EQ(static_cast<std::ptrdiff_t>(page->objects.size()), expected) << after;
  }
  EXPECT_EQ(store_->list("", "", 0).error().kind, ErrorKind::kInvalidInput);
  EXPECT_EQ(store_->list("", "", 1001).error().kind, ErrorKind::kInvalidInput);
}

TEST_P(StoreContract, ReadersSeeWholeObjectsOnly) {
  // Sizes and contents differ from put to put; a reader must meet each of them only whole.
  const auto content = [](unsigned i) { return std::string(1 + i % 7 * 20'000, static_cast<char>('a' + i % 7)); };
  put("shared/k", content(0));
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (unsigned writer = 0; writer < 2; ++writer) {
    threads.emplace_back([&, writer] {
      for (unsigned i = 0; i < 40; ++i) EXPECT_TRUE(store_->put("shared/k", content(i * 2 + writer)));
      done = true;
    });
  }
  threads.emplace_back([&] {
    while (!done) {
      const auto bytes = store_->get("shared/k");
      ASSERT_TRUE(bytes) << bytes.error().message();
      ASSERT_EQ(*bytes, content(static_cast<unsigned>(bytes->front() - 'a')));
    }
  });
  for (auto& thread : threads) thread.join();
}

TEST_P(StoreContract, FoldersComeAndGoUnderWriters) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const std::string key = "f/g/" + std::to_string(t);
        const auto result = store_->put(key, "x");
        ASSERT_TRUE(result) << result.error().message();
        ASSERT_TRUE(store_->get(key)) << key;
        if (t == 0) {
          ASSERT_TRUE(store_->put("f", std::to_string(i)));
          ASSERT_EQ(store_->get("f").value_or("none"), std::to_string(i));
        }
        ASSERT_TRUE(store_->remove(key));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(keys(""), std::vector<std::string>{"f"});
}

}  // namespace logstone::testing
