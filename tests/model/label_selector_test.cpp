#include "model/label_selector.h"

#include <gtest/gtest.h>

namespace logstone {
namespace {

bool matches(std::string_view selector, const Labels& labels) {
  const auto parsed = LabelSelector::parse(selector);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed && parsed->matches(labels);
}

TEST(LabelSelectorTest, EveryOperator) {
  const Labels labels{{"a", "1"}, {"pipeline/runid", "run-1"}, {"empty", ""}, {"in", "x"}};
  for (const char* text : {"",
                           "  ",
                           "a=1",
                           "a==1",
                           " a = 1 , pipeline/runid=run-1",
                           "a!=2",
                           "a in (1,2)",
                           "a in ( 2 , 1 )",
                           "a notin (2,3)",
                           "a",
                           "!b",
                           "! b",
                           "b!=1",
                           "b notin (1)",
                           "empty=",
                           "empty",
                           "empty in ()",
                           "empty in (,x)",
                           "in=x",
                           "in in (x)",
                           "notin!=x",
                           "a,!b,in"}) {
    EXPECT_TRUE(matches(text, labels)) << text;
  }
  for (const char* text : {"a=2", "a!=1", "a in (2,3)", "a notin (1)", "b", "!a", "b=1", "b in (1)", "a=1,b",
                           "a=", "pipeline/runid=run-2", "empty!="}) {
    EXPECT_FALSE(matches(text, labels)) << text;
  }
}

TEST(LabelSelectorTest, ErrorsNameThePart) {
  const struct {
    const char* text;
    const char* named;
  } cases[] = {
      {"a=1,", "key was expected at its end"},
      {",a", "key was expected at \",a\""},
      {"a>1", "operator was expected"},
      {"a b", "notin at \"b\""},
      {"a in 1", "parentheses were expected"},
      {"a in (1", "closing"},
      {"=1", "key was expected"},
      {"!", "key was expected"},
      {"a=1 b=2", "comma was expected at \"b=2\""},
      {"-a=1", "not a label's key"},
      {"a=-1", "not a label's value"},
      {"a=x/y", "not a label's value"},
      {"a/b/c=1", "not a label's key"},
      {"!=1", "key was expected"},
      {"a\xff=1", "operator was expected"},
  };
  for (const auto& [text, named] : cases) {
    const auto result = LabelSelector::parse(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalidInput);
    EXPECT_NE(result.error().reason.find(named), std::string::npos) << text << " -> " << result.error().message();
  }
  EXPECT_FALSE(LabelSelector::parse(std::string(64, 'a') + "=1"));
  EXPECT_FALSE(LabelSelector::parse("a=" + std::string(64, 'a')));
  std::string many;
  for (int i = 0; i < 100; ++i) many += (i == 0 ? "a" : ",a") + std::to_string(i);
  EXPECT_FALSE(LabelSelector::parse(many));
}

}  // namespace
}  // namespace logstone
