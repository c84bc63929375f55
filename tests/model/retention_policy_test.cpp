#include "model/retention_policy.h"

#include <gtest/gtest.h>

namespace logstone {
namespace {

using namespace std::chrono_literals;

const Timestamp kEnd = from_unix_nanoseconds(1'795'599'000'000'000'000);

WorkflowRecord finished(std::string name_space, Labels labels, Phase phase) {
  WorkflowRecord record;
  record.id.name_space = std::move(name_space);
  record.labels = std::move(labels);
  record.phase = phase;
  record.finished = kEnd;
  return record;
}

const char kPolicy[] = R"(# who keeps what
rules:
  - namespace: "audit*"
    keep: forever
  - namespace: team-*-prod
    labels: "tier=gold,!scratch"
    phases: [Failed, Error]
    keep: 90d
  - phases:
      - Succeeded
    keep: 1h30m
)";

TEST(RetentionPolicyTest, FirstMatchDecides) {
  const auto policy = RetentionPolicy::parse(kPolicy, "p.yaml");
  ASSERT_TRUE(policy) << policy.error().message();
  ASSERT_EQ(policy->rules().size(), 3u);
  EXPECT_EQ(policy->rules()[1].labels_text, "tier=gold,!scratch");
  EXPECT_EQ(policy->expiry(finished("audit-1", {}, Phase::kSucceeded)), std::nullopt);
  EXPECT_EQ(policy->expiry(finished("team-x-prod", {{"tier", "gold"}}, Phase::kFailed)), kEnd + 90 * 24h);
  EXPECT_EQ(policy->expiry(finished("team-x-prod", {{"tier", "gold"}}, Phase::kSucceeded)), kEnd + 90min);
  EXPECT_EQ(policy->expiry(finished("team-x-prod", {{"tier", "gold"}, {"scratch", ""}}, Phase::kFailed)), std::nullopt);
  EXPECT_EQ(policy->expiry(finished("team-prod", {{"tier", "gold"}}, Phase::kFailed)), std::nullopt);
  EXPECT_EQ(policy->expiry(finished("other", {}, Phase::kSucceeded)), kEnd + 90min);
}

TEST(RetentionPolicyTest, APersonsWordIsAboveTheRules) {
  const auto policy = RetentionPolicy::parse(kPolicy, "p.yaml").value();
  WorkflowRecord record = finished("x", {}, Phase::kSucceeded);
  record.retention = RetentionOverride{std::nullopt, "forever, please"};
  EXPECT_EQ(policy.expiry(record), std::nullopt);
  record.retention = RetentionOverride{5s, ""};
  EXPECT_EQ(policy.expiry(record), kEnd + 5s);
  record.finished.reset();
  EXPECT_EQ(policy.expiry(record), std::nullopt) << "what still runs does not expire";
  EXPECT_EQ(RetentionPolicy().expiry(finished("x", {}, Phase::kSucceeded)), std::nullopt);
  record = finished("x", {}, Phase::kSucceeded);
  record.retention = RetentionOverride{Nanoseconds::max(), ""};
  EXPECT_EQ(policy.expiry(record), std::nullopt) << "the end of time is forever";
}

TEST(RetentionPolicyTest, PatternsMatchAnyRun) {
  const auto matches = [](const std::string& pattern, const std::string& name_space) {
    RetentionRule rule;
    rule.name_space = pattern;
    rule.keep = 1s;
    return RetentionPolicy({rule}).expiry(finished(name_space, {}, Phase::kSucceeded)).has_value();
  };
  EXPECT_TRUE(matches("", "x"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(matches("**a", "aa"));
  EXPECT_FALSE(matches("a*b", "a-b-c"));
  EXPECT_FALSE(matches("a", "aa"));
  EXPECT_FALSE(matches("a?", "ab"));
}

TEST(RetentionPolicyTest, NothingMeansForever) {
  for (const char* text : {"", "# only words\n", "rules:\n", "rules: []\n", "{}\n", "---\n"}) {
    const auto policy = RetentionPolicy::parse(text, "p.yaml");
    ASSERT_TRUE(policy) << text << ": " << policy.error().message();
    EXPECT_TRUE(policy->rules().empty());
  }
}

TEST(RetentionPolicyTest, ErrorsNameTheLine) {
  const struct {
    const char* text;
    const char* subject;
    const char* reason;
  } cases[] = {
      {"rule:\n  - keep: 1d\n", "p.yaml:1", "unknown key \"rule\""},
      {"rules:\n  - keep: 1d\n    pipeline: x\n", "p.yaml:3", "unknown key \"pipeline\""},
      {"rules:\n  - namespace: x\n", "p.yaml:2", "how long to keep"},
      {"rules:\n  - namespace: x\n    keep: soon\n", "p.yaml:3", "\"keep: soon\""},
      {"rules:\n  - keep: 90\n", "p.yaml:2", "has no unit"},
      {"rules:\n  - keep: -1d\n", "p.yaml:2", "negative"},
      {"rules:\n  - keep: 1d\n\n    labels: \"a=\xc3\xa9\"\n", "p.yaml:4", "comma was expected"},
      {"rules:\n  - keep: 1d\n    labels: {a: b}\n", "p.yaml:3", "is not a text"},
      {"rules:\n  - keep: 1d\n    phases: Failed\n", "p.yaml:3", "not a list"},
      {"rules:\n  - keep: 1d\n    phases: [Failed,\n      Running]\n", "p.yaml:4", "\"Running\""},
      {"rules:\n  keep: 1d\n", "p.yaml:2", "not a list"},
      {"rules:\n  - 1d\n", "p.yaml:2", "not a mapping"},
      {"rules:\n  - keep: 1d\n    keep: 2d\n", "p.yaml:3", "twice"},
      {"- keep: 1d\n", "p.yaml:1", "not a mapping"},
      {"rules: []\n---\nrules: []\n", "p.yaml:", "follows the first document"},
      {",!x\"\n  a: [b]\n  c: d\n", "p.yaml:", "follows"},
      {"rules:\n  - keep: [\n", "p.yaml:", ""},
      {"rules: *none\n", "p.yaml:1", ""},
  };
  for (const auto& [text, subject, reason] : cases) {
    const auto policy = RetentionPolicy::parse(text, "p.yaml");
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().kind, ErrorKind::kInvalidInput);
    EXPECT_EQ(policy.error().subject.rfind(subject, 0), 0u) << text << " -> " << policy.error().message();
    EXPECT_NE(policy.error().reason.find(reason), std::string::npos) << text << " -> " << policy.error().message();
  }
}

}  // namespace
}  // namespace logstone
