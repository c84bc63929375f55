#include "model/key_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "model/argo_names.h"

namespace logstone {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kKfpFormat =
    "artifacts/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/"
    "{{workflow.creationTimestamp.d}}/{{pod.name}}";

KeyFormat parsed(std::string_view text) {
  auto format = KeyFormat::parse(text);
  EXPECT_TRUE(format) << format.error().message();
  return format ? *format : *KeyFormat::parse("x");
}

std::string refused(std::string_view text) {
  const auto format = KeyFormat::parse(text);
  EXPECT_FALSE(format) << text;
  return format ? "" : format.error().message();
}

TEST(KeyFormatTest, KfpDefault) {
  const KeyFormat format = parsed(kKfpFormat);
  TagValues values{{"workflow.name", "wf-1"}, {"pod.name", "wf-1-work-7"}};
  set_creation_time(values, *parse_rfc3339("2026-03-07T23:05:09Z"));
  EXPECT_EQ(*format.render(values), "artifacts/wf-1/2026/03/07/wf-1-work-7");
  EXPECT_EQ(argo_log_key(*format.render(values), "main"), "artifacts/wf-1/2026/03/07/wf-1-work-7/main.log");
}

TEST(KeyFormatTest, EveryTimeTag) {
  TagValues values;
  set_creation_time(values, *parse_rfc3339("2026-09-06T00:05:09Z"));
  const std::string prefix = "workflow.creationTimestamp";
  const std::map<std::string, std::string> expected = {{"", "2026-09-06T00:05:09Z"},
                                                       {".RFC3339", "2026-09-06T00:05:09Z"},
                                                       {".s", "1788653109"},
                                                       {".B", "September"},
                                                       {".b", "Sep"},
                                                       {".m", "09"},
                                                       {".A", "Sunday"},
                                                       {".a", "Sun"},
                                                       {".d", "06"},
                                                       {".H", "00"},
                                                       {".I", "12"},
                                                       {".M", "05"},
                                                       {".S", "09"},
                                                       {".Y", "2026"},
                                                       {".y", "26"},
                                                       {".p", "AM"},
                                                       {".Z", "UTC"},
                                                       {".z", "+0000"},
                                                       {".L", ".000"}};
  for (const auto& [part, text] : expected) {
    const KeyFormat format = parsed("{{" + prefix + part + "}}x");
    EXPECT_EQ(*format.render(values), text + "x") << part;
    const auto matches = format.match(text + "x");
    ASSERT_EQ(matches.assignments.size(), 1U) << part;
    EXPECT_EQ(matches.assignments[0].at(prefix + part), text);
  }
  set_creation_time(values, *parse_rfc3339("2026-09-06T12:05:09Z"));
  EXPECT_EQ(values.at(prefix + ".I") + values.at(prefix + ".p"), "12PM");
}

TEST(KeyFormatTest, NamesWithDotsSlashesAndBlanks) {
  const KeyFormat format = parsed(
      "  {{ workflow.labels.app.kubernetes.io/part-of }}/{{workflow.annotations.a/b.c}}/{{\tworkflow.parameters.x-y }}/"
      "{{inputs.parameters.n}}/{{workflow.serviceAccountName}}-{{workflow.mainEntrypoint}}-{{workflow.priority}}/"
      "{{workflow.uid}}/{{workflow.namespace}}/{{node.name}}/{{retries}}\n");
  EXPECT_THAT(format.tags(), ElementsAre("workflow.labels.app.kubernetes.io/part-of", "workflow.annotations.a/b.c",
                                         "workflow.parameters.x-y", "inputs.parameters.n",
                                         "workflow.serviceAccountName", "workflow.mainEntrypoint", "workflow.priority",
                                         "workflow.uid", "workflow.namespace", "node.name", "retries"));
  EXPECT_THAT(format.unknown_tags({{"workflow.uid", "u"}}), testing::SizeIs(10));
}

TEST(KeyFormatTest, ExpressionsThatAreNames) {
  EXPECT_THAT(parsed("{{=workflow.name}}/{{= workflow.labels['a.b/c'] }}/{{=workflow.labels[\"d\"]}}").tags(),
              ElementsAre("workflow.name", "workflow.labels.a.b/c", "workflow.labels.d"));
}

TEST(KeyFormatTest, OtherExpressionsAreUnknown) {
  const KeyFormat format = parsed("a/{{=sprig.lower(workflow.name)}}/{{pod.name}}");
  EXPECT_THAT(format.tags(), ElementsAre("=sprig.lower(workflow.name)", "pod.name"));
  const auto key = format.render({{"workflow.name", "wf"}, {"pod.name", "wf-1"}});
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().message(), HasSubstr("{{=sprig.lower(workflow.name)}}"));
  EXPECT_EQ(format.known_prefix({{"pod.name", "wf-1"}}), "a/");
  EXPECT_EQ(format.match("a/WF/wf-1", {{"pod.name", "wf-1"}}).assignments.size(), 1U);
}

TEST(KeyFormatTest, ErrorsNameTagAndPosition) {
  EXPECT_THAT(refused("a/{{workflow.nam}}"), HasSubstr("{{workflow.nam}} at position 3 is no tag"));
  EXPECT_THAT(refused("{{pod.name}}/{{workflow.name"), HasSubstr("\"{{workflow.name\" at position 14 has no end"));
  EXPECT_THAT(refused("a{{ }}"), HasSubstr("{{ }} at position 2 is empty"));
  EXPECT_THAT(refused("a{{=}}"), HasSubstr("position 2"));
  EXPECT_THAT(refused("{{workflow.labels}}"), HasSubstr("workflow.labels.NAME"));
  EXPECT_THAT(refused("{{workflow.creationTimestamp.Q}}"), HasSubstr("BbmAadHIMSYypZzL"));
  EXPECT_THAT(refused(" \n"), HasSubstr("empty"));
  refused(std::string(5000, 'x'));
}

TEST(KeyFormatTest, UnknownTagsAreAllNamed) {
  const auto key = parsed(kKfpFormat).render({{"workflow.name", "wf"}, {"workflow.creationTimestamp.m", "01"}});
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().kind, ErrorKind::kInvalidInput);
  EXPECT_THAT(key.error().reason, HasSubstr("{{workflow.creationTimestamp.Y}}, {{workflow.creationTimestamp.d}}, "
                                            "{{pod.name}}"));
}

TEST(KeyFormatTest, KeysAreJoinedAsArgoDoes) {
  const KeyFormat format = parsed("/a//{{workflow.labels.x}}/./{{pod.name}}/");
  EXPECT_EQ(*format.render({{"workflow.labels.x", ""}, {"pod.name", "p"}}), "a/p");
  EXPECT_EQ(format.known_prefix({{"workflow.labels.x", "l"}}), "a/l/");
  EXPECT_EQ(format.known_prefix({}), "a/");
  EXPECT_FALSE(format.render({{"workflow.labels.x", ".."}, {"pod.name", "p"}}));
  EXPECT_EQ(*KeyFormat::from_key_prefix("old/")->render({{"workflow.name", "wf"}, {"pod.name", "wf-1"}}),
            "old/wf/wf-1");
  EXPECT_EQ(*KeyFormat::from_key_prefix("")->render({{"workflow.name", "wf"}, {"pod.name", "wf-1"}}), "wf/wf-1");
  EXPECT_EQ(parsed("/x//{{pod.name}}/").match("x/p").assignments.size(), 1U);
}

TEST(KeyFormatTest, MatchFindsEveryAssignment) {
  const KeyFormat format = parsed("{{workflow.name}}-{{workflow.labels.x}}-{{pod.name}}");
  std::vector<std::string> found;
  for (const auto& values : format.match("a-b-a-b-1").assignments) {
    found.push_back(values.at("workflow.name") + "|" + values.at("workflow.labels.x") + "|" + values.at("pod.name"));
  }
  // Only where the pod's name fits the workflow's.
  EXPECT_THAT(found, ElementsAre("a|b|a-b-1"));
  EXPECT_TRUE(format.match("a-b").assignments.empty());
  EXPECT_TRUE(format.match("").assignments.empty());
}

TEST(KeyFormatTest, MatchHoldsEqualTagsEqual) {
  const KeyFormat format = parsed("{{workflow.name}}/{{workflow.name}}/{{pod.name}}");
  EXPECT_EQ(format.match("wf/wf/wf-1").assignments.size(), 1U);
  EXPECT_TRUE(format.match("wf/wg/wf-1").assignments.empty());
}

TEST(KeyFormatTest, MatchTakesWhatIsKnown) {
  const KeyFormat format = parsed(kKfpFormat);
  EXPECT_EQ(format.match("artifacts/wf/2026/01/31/wf-a-1", {{"pod.name", "wf-a-1"}}).assignments.size(), 1U);
  EXPECT_TRUE(format.match("artifacts/wf/2026/01/31/wf-a-12", {{"pod.name", "wf-a-1"}}).assignments.empty());
  for (const char* key : {"artifacts/wf/2026/13/31/wf-1", "artifacts/wf/2026/01/32/wf-1", "artifacts/wf/26/01/31/wf-1",
                          "artifacts/wf/2026/01/31", "artifacts/wf/2026/01/31/wf-1/main.log",
                          "artifact/wf/2026/01/31/wf-1", "artifacts/wf/2026/01/31/other-1"}) {
    EXPECT_TRUE(format.match(key).assignments.empty()) << key;
  }
}

TEST(KeyFormatTest, MatchIsBounded) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "{{workflow.parameters.p" + std::to_string(i) + "}}a";
  const auto many = parsed(text).match(std::string(1000, 'a'));
  EXPECT_FALSE(many.complete);
  EXPECT_LE(many.assignments.size(), 1000U);
  // Equal tags, so that nearly every attempt fails late.
  std::string twice = "{{workflow.parameters.a}}{{workflow.parameters.b}}{{workflow.parameters.c}}";
  const auto few = parsed(twice + twice).match(std::string(999, 'a') + "b");
  EXPECT_FALSE(few.complete);
}

/// A random value of the kind that a tag has.
std::string random_value(const std::string& tag, std::mt19937& random) {
  static const std::string kNames = "abz019-.";
  static const std::string kAny = "ab01-._/[]():=% \xc3\xa9";
  const bool any =
      tag.find("parameters") != std::string::npos || tag.find("annotations") != std::string::npos || tag == "node.name";
  const std::string& letters = any ? kAny : kNames;
  std::string out = "a";
  const unsigned length = random() % 8;
  for (unsigned i = 0; i < length; ++i) {
    const char c = letters[random() % letters.size()];
    if ((c == '/' || c == '.') && (out.back() == '/' || out.back() == '.')) continue;
    out += c;
  }
  return out + "b";
}

TEST(KeyFormatTest, MatchFindsWhatWasRendered) {
  std::mt19937 random(20);
  const std::vector<std::string> names = {"workflow.name",
                                          "workflow.namespace",
                                          "workflow.uid",
                                          "pod.name",
                                          "node.name",
                                          "workflow.labels.a/b",
                                          "workflow.parameters.p",
                                          "workflow.annotations.x",
                                          "workflow.serviceAccountName",
                                          "inputs.parameters.i"};
  const std::string times = "BbmAadHIMSYypZzLs";
  const std::vector<std::string> separators = {"/", "-", "", "x", "/2026/", "//", "a/b-"};
  for (int round = 0; round < 3000; ++round) {
    TagValues all;
    set_creation_time(all, from_unix_nanoseconds(static_cast<std::int64_t>(random()) * 1'000'000'000));
    for (const auto& name : names) all[name] = random_value(name, random);
    all["pod.name"] = all["workflow.name"] + "-" + std::to_string(random());
    std::string text = "k";
    const unsigned count = 1 + random() % 5;
    for (unsigned i = 0; i < count; ++i) {
      text += separators[random() % separators.size()] + "{{";
      text += random() % 3 == 0 ? std::string("workflow.creationTimestamp.") + times[random() % times.size()]
                                : names[random() % names.size()];
      text += "}}";
    }
    const KeyFormat format = parsed(text);
    TagValues used;
    for (const auto& tag : format.tags()) used[tag] = all[tag];
    const auto key = format.render(all);
    ASSERT_TRUE(key) << text << ": " << key.error().message();
    const KeyMatches matches = format.match(*key);
    ASSERT_TRUE(matches.complete) << text << ": " << *key;
    ASSERT_THAT(matches.assignments, Contains(used)) << text << ": " << *key;
    for (const auto& assignment : matches.assignments) ASSERT_EQ(*format.render(assignment), *key) << text;
    ASSERT_TRUE(key->starts_with(format.known_prefix({}))) << text;
  }
}

}  // namespace
}  // namespace logstone
