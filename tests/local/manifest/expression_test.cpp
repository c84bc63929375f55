// The three small languages, by tables.
#include "cluster/local/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace logstone::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// "true", "false", or "error".
std::string when(const std::string& condition) {
  const auto result = evaluate_when(condition);
  return !result ? "error" : *result ? "true" : "false";
}

TEST(When, Table) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "true"},
      {"true", "true"},
      {"false", "false"},
      {"heads == heads", "true"},
      {"heads == tails", "false"},
      {"heads != tails", "true"},
      {"'a b' == \"a b\"", "true"},
      {"'it\\'s' == \"it's\"", "true"},
      {"10 > 9", "true"},
      {"10 < 9", "false"},
      {"'10' < '9'", "true"},
      {"1.0 == 1", "true"},
      {"-1 < 0", "true"},
      {"'1' == 1", "false"},
      {"b >= a", "true"},
      {"a < 1", "error"},
      {"true == true", "true"},
      {"!true", "false"},
      {"!(a == b)", "true"},
      {"a == a && b == c", "false"},
      {"a == b || b == b", "true"},
      {"a == a || b == b && c == d", "true"},
      {"(a == a || b == b) && c == d", "false"},
      {"tails =~ tai", "true"},
      {"tails =~ '^ail'", "false"},
      {"tails !~ x", "true"},
      {"a =~ '('", "error"},
      {"a in (b, a)", "true"},
      {"a in ('b', 'c')", "false"},
      {"my-step/v1.2 == my-step/v1.2", "true"},
      {"Zoë == Zoë", "true"},
      {"== a", "error"},
      {"a ==", "error"},
      {"a", "error"},
      {"a == b c", "error"},
      {"(a == b", "error"},
      {"'a", "error"},
      {"a & b", "error"},
      {"{\"a\": 1} == 2", "error"},
  };
  for (const auto& [condition, wanted] : table) EXPECT_EQ(when(condition), wanted) << condition;
}

TEST(When, SaysWhereTheFaultIs) {
  const auto result = evaluate_when(" == true");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(
      result.error().message(),
      "evaluate when  == true: a value is missing before `== true`: is a tag's value empty?. Put tags and words with "
      "blanks or signs in quotes: '{{inputs.parameters.x}}' == 'a b'.");
}

TEST(When, IsCheckedWithItsTagsUnknown) {
  for (const char* good : {"{{steps.a.outputs.result}} == tails", "'{{inputs.parameters.x}}' < 5",
                           "{{=asInt(item) > 3}}", "!({{item}} == a)"}) {
    EXPECT_TRUE(check_when(good).has_value()) << good;
  }
  for (const char* bad : {"{{item}} ==", "({{item}} == a", "{{=asInt(}}", "{{item}} === a"}) {
    EXPECT_FALSE(check_when(bad).has_value()) << bad;
  }
}

TEST(When, DeepNestingIsAnError) {
  EXPECT_EQ(when(std::string(100'000, '(')), "error");
  EXPECT_EQ(when(std::string(100'000, '!') + "true"), "error");
}

Task task(const std::string& name, const std::string& depends, ContinueOn go_on = {}) {
  Task out;
  out.name = name;
  out.depends = depends;
  out.continue_on = go_on;
  return out;
}

TEST(Depends, SpellsOutBareNames) {
  const std::vector<Task> all = {task("A", ""), task("B", "", {true, true}),
                                 task("C", "A && (B || B.Failed) && !A.Skipped")};
  EXPECT_EQ(
      *depends_of(all[2], all),
      "(A.Succeeded || A.Skipped || A.Daemoned) && ((B.Succeeded || B.Skipped || B.Daemoned || B.Errored || B.Failed) "
      "|| B.Failed) && !A.Skipped");
  Task old = task("D", "");
  old.dependencies = {"A", "B"};
  EXPECT_EQ(
      *depends_of(old, all),
      "(A.Succeeded || A.Skipped || A.Daemoned) && (B.Succeeded || B.Skipped || B.Daemoned || B.Errored || B.Failed)");
  EXPECT_EQ(*depends_of(all[0], all), "");
}

TEST(Depends, NamesItsTasksOnce) {
  EXPECT_THAT(*tasks_in_depends("A && (b-2.Succeeded || A.Failed)"), ElementsAre("A", "b-2"));
  EXPECT_THAT(*tasks_in_depends(""), ElementsAre());
}

TEST(Depends, Table) {
  std::map<std::string, TaskOutcome> outcomes;
  outcomes["ok"].succeeded = true;
  outcomes["bad"].failed = true;
  outcomes["err"].errored = true;
  outcomes["skip"].skipped = true;
  outcomes["omit"].omitted = true;
  outcomes["some"].failed = true;
  outcomes["some"].any_succeeded = true;
  outcomes["none"].failed = true;
  outcomes["none"].all_failed = true;
  const std::vector<std::pair<std::string, bool>> table = {
      {"", true},
      {"ok", true},
      {"skip", true},
      {"omit", false},
      {"omit.Omitted", true},
      {"bad", false},
      {"bad.Failed", true},
      {"err.Failed", false},
      {"err.Errored", true},
      {"ok.Succeeded && bad.Succeeded", false},
      {"ok.Succeeded || bad.Succeeded", true},
      {"ok && (bad.Succeeded || bad.Failed)", true},
      {"!bad.Succeeded && ok", true},
      {"ok || bad && bad", true},
      {"some.AnySucceeded", true},
      {"none.AnySucceeded", false},
      {"none.AllFailed", true},
      {"unknown.Succeeded", false},
  };
  for (const auto& [text, wanted] : table) {
    const auto result = evaluate_depends(text, outcomes);
    ASSERT_TRUE(result.has_value()) << text << ": " << result.error().message();
    EXPECT_EQ(*result, wanted) << text;
  }
  for (const char* bad : {"ok &&", "&& ok", "ok bad", "(ok", "ok)", "ok.Won", "ok & bad", "ok.", "!"}) {
    EXPECT_FALSE(evaluate_depends(bad, outcomes).has_value()) << bad;
  }
  EXPECT_FALSE(evaluate_depends(std::string(100'000, '('), outcomes).has_value());
}

const Scope& scope() {
  static const auto* const made = new Scope{
      {"inputs.parameters.n", "5"},
      {"inputs.parameters.should-print", "true"},
      {"inputs.parameters", R"([{"name":"n","value":"5"}])"},
      {"steps.flip-coin.outputs.result", "heads"},
      {"steps.heads.outputs.result", "it was heads"},
      {"item", R"({"os":"debian"})"},
      {"item.os", "debian"},
      {"workflow.status", "Failed"},
      {"workflow.parameters.json", R"([{"value": true}, {"value": "b"}])"},
      {"workflow.parameters.config",
       R"({"a": "1", "b": [1, 2, 3], "people": [{"name": "Ann", "age": 42}, {"name": "Bob", "age": 43}, {"name": "Cid", "age": 44}]})"},
  };
  return *made;
}

/// The result, or "error: " and why.
std::string result_of(const std::string& expression) {
  const auto result = evaluate_expression(expression, scope());
  return result ? *result : "error: " + result.error().reason;
}

TEST(Expressions, Table) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"-2 ** 2", "-4"},
      {"7 / 2", "3.5"},
      {"6 / 2", "3"},
      {"7 % 4", "3"},
      {"1.5 + 1", "2.5"},
      {"0x1f", "31"},
      {"1_000", "1000"},
      {"'a' + \"b\" + `c\\n`", "abc\\n"},
      {"\"tab\\t\\u00e9\"", "tab\t\xc3\xa9"},
      {"asInt(inputs.parameters.n) * 10", "50"},
      {"inputs.parameters.n", "5"},
      {"inputs.parameters['should-print'] == 'true'", "true"},
      {"inputs.parameters[\"n\"]", "5"},
      {"inputs?.parameters?.n", "5"},
      {"steps['flip-coin'].outputs.result == 'heads' ? steps.heads.outputs.result : steps.tails.outputs.result",
       "it was heads"},
      {"tasks.producer.outputs.parameters.msg ?? 'fallback'", "fallback"},
      {"asInt(inputs.parameters.n) == 1 ? 1 : asInt(inputs.parameters.n) == 5 ? 'five' : 3", "five"},
      {"item.os", "debian"},
      {"item", R"({"os":"debian"})"},
      {"workflow.status in ['Failed', 'Error']", "true"},
      {"workflow.status not in ['Failed', 'Error']", "false"},
      {"not (1 == 2) and true", "true"},
      {"1 < 2 && 'a' < 'b' || false", "true"},
      {"'main.log' endsWith '.log' && 'main.log' startsWith 'main' && 'main.log' contains 'n.l'", "true"},
      {"'abc123' matches '^[a-c]+[0-9]+$'", "true"},
      {"[1, 2, 3][-1]", "3"},
      {"[1, 2, 3, 4][1:3]", "[2,3]"},
      {"'hello'[1:]", "ello"},
      {"{'a': 1, b: [true, nil]}", R"({"a":1,"b":[true,null]})"},
      {"{a: {b: 'c'}}.a.b", "c"},
      {"1..4", "[1,2,3,4]"},
      {"filter(['a.log', 'b.txt'], {# endsWith '.log'})", "[\"a.log\"]"},
      {"map(1..3, {# * 2})", "[2,4,6]"},
      {"map([{n: 1}, {n: 2}], .n)", "[1,2]"},
      {"count(1..5, # > 2)", "3"},
      {"any(1..3, {# == 2}) && all(1..3, {# > 0}) && none(1..3, {# > 3}) && one(1..3, {# == 1})", "true"},
      {"find(1..9, {# * # > 10})", "4"},
      {"sum(map(1..3, {filter(1..#, {true}) | len()}))", "6"},
      {"len('Zoë')", "3"},
      {"toJson(map(1..2, {string(#)}))", R"(["1","2"])"},
      {"fromJSON('{\"a\": [1, 2]}').a[1]", "2"},
      {"asFloat('1.5') + 0.25", "1.75"},
      {"int('7') + asInt(' 8 ')", "15"},
      {"upper('a') + lower('B') + trim('  c ')", "Abc"},
      {"join(split('a,b,c', ','), '-')", "a-b-c"},
      {"'x' | repeat(3)", "xxx"},
      {"max(1, 3, 2) + min([4, 5])", "7"},
      {"sprig.trimSuffix('.log', 'main.log')", "main"},
      {"sprig.replace('-', '_', 'a-b-c')", "a_b_c"},
      {"sprig.default('x', '')", "x"},
      {"sprig.ternary('yes', 'no', true)", "yes"},
      {"sprig.b64enc('hello') + sprig.b64dec('aGk=')", "aGVsbG8=hi"},
      {"sprig.trunc(3, 'abcdef') + sprig.trunc(-2, 'abcdef')", "abcef"},
      {"sprig.regexReplaceAll('[0-9]+', 'a1b22', '#')", "a#b#"},
      {"sprig.title('good day') + sprig.add(1, 2) ", "error: `+` cannot take a string and a number"},
      {"jsonpath(workflow.parameters.json, '$[0].value') == true", "true"},
      {"jsonpath(workflow.parameters.config, '$.a')", "1"},
      {"jsonpath(workflow.parameters.config, '$.b[1:]')", "[2,3]"},
      {"jsonpath(workflow.parameters.config, '$.people[*].name')", R"(["Ann","Bob","Cid"])"},
      {"jsonpath(workflow.parameters.config, '$..age')", "[42,43,44]"},
      {"jsonpath(workflow.parameters.config, '$.people[-1][\"name\"]')", "Cid"},
      {"jsonpath(workflow.parameters.config, '$.people[?(@.age>42 && @.age<44)].name')", R"(["Bob"])"},
      {"jsonpath(workflow.parameters.config, '$.people[?(@.name==\"Ann\" || @.age >= 44)].age')", "[42,44]"},
      {"jsonpath(workflow.parameters.config, '$.c')", "error: nothing is at $.c"},
      {"inputs.parameters.n + 1", "error: `+` cannot take a string and a number"},
      {"inputs.parameters.n > 1", "error: `>` cannot compare a string with a number"},
      {"inputs.parameters.n ? 1 : 2", "error: true or false is needed, but there is a string"},
      {"steps.tails.outputs.result", "error: it gives nothing (nil)"},
      {"1 / 0", "error: division by zero"},
      {"9223372036854775807 + 1", "error: the number is too large"},
      {"asInt('x')", "error: \"x\" is not a whole number"},
      {"[1][3]", "error: index 3 is out of range"},
      {"1 +", "error: at character 4: it ends too early"},
      {"1 2", "error: at character 3: `2` is not expected here"},
      {"'a", "error: at character 1: the string has no closing '"},
      {"now()", "error: at character 4: the function now is not supported by the local engine"},
      {"(1).Seconds()", "error: at character 12: .Seconds() is not supported; only sprig's functions have a dot"},
      {"upper()", "error: upper takes 1 arguments, not 0"},
      {"#", "error: at character 1: `#` is not expected here"},
      {"1..100000000", "error: `..` spans more than 100,000"},
      {"repeat('xxxxxxxxxx', 100000000)", "error: the text grows beyond 16 MiB"},
      {"sum(map(1..10000, {sum(map(1..10000, {#}))}))", "error: it takes too many steps"},
      {"'a' matches '('", ""},
  };
  for (const auto& [expression, wanted] : table) {
    if (wanted.empty()) {
      EXPECT_THAT(result_of(expression), HasSubstr("error: the regular expression")) << expression;
    } else {
      EXPECT_EQ(result_of(expression), wanted) << expression;
    }
  }
}

TEST(Expressions, DeepNestingIsAnError) {
  for (const char* part : {"(", "[", "!", "-", "{a:", "a[", "1+", "true?", "1**", "map(", "a.b."}) {
    std::string text;
    while (text.size() < 10'000) text += part;
    EXPECT_FALSE(evaluate_expression(text, scope()).has_value()) << part;
  }
}

TEST(Expressions, ConditionsAreTrueOrFalse) {
  EXPECT_TRUE(*evaluate_condition("workflow.status == \"Failed\"", scope()));
  EXPECT_FALSE(*evaluate_condition("steps['none'].status == 'x'", scope()));
  const auto text = evaluate_condition("workflow.status", scope());
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().message(),
            "evaluate expression workflow.status: true or false is needed, but it gives a string");
}

TEST(Expressions, TellTheNamesThatTheyRead) {
  EXPECT_THAT(
      *names_in_expression("asInt(inputs.parameters.n) > 1 ? steps['a-b'].outputs.result : inputs.parameters[item]"),
      ElementsAre("inputs.parameters.n", "steps.a-b.outputs.result", "inputs.parameters", "item"));
  EXPECT_THAT(*names_in_expression("map([1], {# + 1})"), ElementsAre());
}

}  // namespace
}  // namespace logstone::local
