#include "model/stream.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "model/record.h"
#include "model/workflow.h"

namespace logstone {
namespace {

const char kUid[] = "5f0c7a52-9d7e-4a37-8d58-6d1f0d5f3c11";

TEST(StreamKeyTest, OrdinaryNamesStayReadable) {
  EXPECT_EQ((StreamIdentity{"n", "wf-fit-273159", kUid, "main", 0}).key(), "wf-fit-273159.5f0c7a52.main.0");
  EXPECT_EQ((StreamIdentity{"n", "wf.v2-fit", kUid, "main", 12}).key(), "wf.v2-fit.5f0c7a52.main.12");
}

TEST(StreamKeyTest, EverythingElseIsSafeAndDistinct) {
  const std::vector<StreamIdentity> unusual = {
      {"", "a/b", kUid, "main", 0},
      {"", "a_b", kUid, "main", 0},
      {"", "a b", kUid, "main", 0},
      {"", "../../etc", kUid, "main", 0},
      {"", "", "", "", 0},
      {"", "", "", "", 1},
      {"", ".hidden", kUid, "main", 0},
      {"", "-flag", kUid, "main", 0},
      {"", "a", "pod-uid-1", "main", 0},
      {"", "a", "pod-uid-2", "main", 0},
      {"", "a.b", "c", "main", 0},
      {"", "a", "b.c", "main", 0},
      {"", "a", "b", "c.main", 0},
      {"", std::string(253, 'p'), kUid, "main", 0},
      {"", std::string(252, 'p') + "q", kUid, "main", 0},
      {"", "a", kUid, std::string(1000, 'c'), 4'294'967'295},
      {"", std::string("nul\0nul", 7), kUid, "main", 0},
      {"", "\xff\xfe", kUid, "main", 0},
  };
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < unusual.size(); ++i) {
    const std::string key = unusual[i].key();
    EXPECT_LE(key.size(), 200u);
    EXPECT_EQ(key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"),
              std::string::npos)
        << key;
    EXPECT_NE(key.front(), '.');
    EXPECT_NE(key.front(), '-');
    EXPECT_TRUE(seen.emplace(key, i).second) << key << " is the key of " << seen[key] << " and " << i;
    EXPECT_EQ(key, unusual[i].key());
  }
}

TEST(StreamKeyTest, RandomIdentitiesNeverShareAKey) {
  std::mt19937 random(5);
  const auto text = [&](std::size_t max) {
    std::string out;
    for (std::size_t i = random() % (max + 1); i > 0; --i) out += "ab.-_/0"[random() % 7];
    return out;
  };
  std::map<std::string, StreamIdentity> seen;
  for (int i = 0; i < 50'000; ++i) {
    const StreamIdentity id{"", text(5), random() % 4 == 0 ? kUid : text(5), text(3),
                            static_cast<std::uint32_t>(random() % 3)};
    const auto [at, is_new] = seen.emplace(id.key(), id);
    ASSERT_TRUE(is_new || at->second == id) << at->first;
  }
}

TEST(WordsTest, EveryPhaseAndStateComesBack) {
  for (int i = 0; i <= static_cast<int>(Phase::kOmitted); ++i) {
    EXPECT_EQ(parse_phase(to_string(static_cast<Phase>(i))), static_cast<Phase>(i));
  }
  for (int i = 0; i <= static_cast<int>(LifecycleState::kExpired); ++i) {
    EXPECT_EQ(parse_lifecycle_state(to_string(static_cast<LifecycleState>(i))), static_cast<LifecycleState>(i));
  }
  EXPECT_FALSE(parse_phase("running"));
  EXPECT_FALSE(parse_lifecycle_state(""));
}

}  // namespace
}  // namespace logstone
