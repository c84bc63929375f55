#include "cluster/local/template_tags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "cluster/local/manifest.h"

namespace logstone::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Scope& scope() {
  static const auto* const made = new Scope{{"inputs.parameters.x", "1"},
                                            {"item", "a"},
                                            {"item.os", "debian"},
                                            {"workflow.name", "wf"},
                                            {"steps.a-b.outputs.result", "{{item}}"}};
  return *made;
}

TEST(Tags, Table) {
  struct Row {
    std::string text, kept, failed;
  };
  const std::vector<Row> table = {
      {"", "", ""},
      {"plain", "plain", "plain"},
      {"{{inputs.parameters.x}}", "1", "1"},
      {"{{ item }}-{{item.os}}", "a-debian", "a-debian"},
      {"{{steps.a-b.outputs.result}}", "{{item}}", "{{item}}"},  // values are not looked into
      {"{{steps.later.outputs.result}}", "{{steps.later.outputs.result}}", "error"},
      {"{{inputs.parameters.none}}", "{{inputs.parameters.none}}", "error"},
      {"docker inspect -f '{{.Name}}'", "docker inspect -f '{{.Name}}'", "docker inspect -f '{{.Name}}'"},
      {"{{item", "{{item", "{{item"},
      {"}}{{item}}{{", "}}a{{", "}}a{{"},
      {"{{{item}}}", "{a}", "{a}"},
      {"{{=asInt(inputs.parameters.x) + 1}}", "2", "2"},
      {"{{= steps.later.status ?? 'x' }}", "{{= steps.later.status ?? 'x' }}", "x"},
      {"{{=steps.later.status}}", "{{=steps.later.status}}", "error"},
      {"{{=1 +}}", "error", "error"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(substitute(row.text, scope(), Unresolved::kKeep).value_or("error"), row.kept) << row.text;
    EXPECT_EQ(substitute(row.text, scope(), Unresolved::kFail).value_or("error"), row.failed) << row.text;
  }
}

TEST(Tags, AMissingValueIsNamed) {
  const auto result = substitute("a {{inputs.parameters.none}}", scope(), Unresolved::kFail);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message(), "replace tag {{inputs.parameters.none}}: there is no such value here");
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalidInput);
}

TEST(Tags, AreListed) {
  EXPECT_THAT(*tags_of("{{item}} {{.Name}} {{ = 1 + 2 }}{{workflow.name}}"),
              ElementsAre("item", "=1 + 2", "workflow.name"));
  EXPECT_FALSE(tags_of("{{=(}}").has_value());
}

TEST(Tags, AreReplacedThroughoutAStep) {
  Step step;
  step.name = "s";
  step.when = "{{item}} == a";
  step.template_name = "t-{{item}}";
  step.loop.items = std::vector<std::string>{R"({"k":"{{inputs.parameters.quoted}}"})", R"("{{item}}")", "3"};
  step.arguments.parameters.push_back({"p", "{{item.os}}", {}, {}, "", {}, {}});
  Scope with_quotes = scope();
  with_quotes["inputs.parameters.quoted"] = "say \"hi\"\n";
  const auto out = substitute_step(step, with_quotes, Unresolved::kFail);
  ASSERT_TRUE(out.has_value()) << out.error().message();
  EXPECT_EQ(out->when, "a == a");
  EXPECT_EQ(out->template_name, "t-a");
  EXPECT_THAT(*out->loop.items, ElementsAre(R"({"k":"say \"hi\"\n"})", R"("a")", "3"));
  EXPECT_EQ(out->arguments.parameters[0].value, "debian");
}

TEST(Tags, AreReplacedThroughoutAPodsTemplate) {
  Template tmpl;
  tmpl.container.emplace();
  tmpl.container->args = {"{{item}}"};
  tmpl.container->env = {{"A", "{{workflow.name}}", ""}};
  tmpl.container->source = "echo {{item}}";
  tmpl.timeout = "{{inputs.parameters.x}}s";
  tmpl.metadata.labels["l"] = "{{item}}";
  const auto out = substitute_template(tmpl, scope(), Unresolved::kFail);
  ASSERT_TRUE(out.has_value()) << out.error().message();
  EXPECT_EQ(out->container->args[0], "a");
  EXPECT_EQ(out->container->env[0].value, "wf");
  EXPECT_EQ(*out->container->source, "echo a");
  EXPECT_EQ(out->timeout, "1s");
  EXPECT_EQ(out->metadata.labels.at("l"), "a");

  tmpl.container->at = {"wf.yaml", 7};
  tmpl.container->args = {"{{inputs.parameters.none}}"};
  const auto failed = substitute_template(tmpl, scope(), Unresolved::kFail);
  ASSERT_FALSE(failed.has_value());
  EXPECT_THAT(failed.error().message(), HasSubstr("{{inputs.parameters.none}} (wf.yaml:7)"));
}

TEST(Tags, AnyTextWithoutBracesStaysAsItIs) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned i = random() % 40; i > 0; --i) text += static_cast<char>(random());
    std::string value = text;
    std::erase(text, '{');
    const std::string whole = text + "{{inputs.parameters.v}}" + text;
    const auto out = substitute(whole, {{"inputs.parameters.v", value}}, Unresolved::kFail);
    ASSERT_TRUE(out.has_value());
    EXPECT_EQ(*out, text + value + text);
  }
}

std::vector<std::string> texts_of(const Result<std::vector<LoopItem>>& items) {
  std::vector<std::string> out;
  if (!items) return {"error: " + items.error().reason};
  for (const LoopItem& item : *items) out.push_back(item.text);
  return out;
}

TEST(Loops, Items) {
  Loop loop;
  loop.items = {"\"a\"", "1.50", "true", R"({"os":"debian","v":9})", "[1,\"b\"]"};
  const auto items = expand_loop(loop);
  EXPECT_THAT(texts_of(items), ElementsAre("a", "1.5", "true", R"({"os":"debian","v":9})", "[1,\"b\"]"));
  EXPECT_EQ((*items)[0].display, "a");
  EXPECT_EQ((*items)[3].display, "os:debian,v:9");
  EXPECT_EQ((*items)[3].scope.at("item.os"), "debian");
  EXPECT_EQ((*items)[3].scope.at("item.v"), "9");
}

TEST(Loops, Param) {
  Loop loop;
  loop.param = R"([{"a":"x"}, 2, "y"])";
  EXPECT_THAT(texts_of(expand_loop(loop)), ElementsAre(R"({"a":"x"})", "2", "y"));
  loop.param = "[]";
  EXPECT_THAT(texts_of(expand_loop(loop)), ElementsAre());
  loop.param = "{}";
  EXPECT_THAT(texts_of(expand_loop(loop)), ElementsAre("error: must be a JSON list"));
  loop.param = "{{steps.a.outputs.result}}";
  EXPECT_THAT(texts_of(expand_loop(loop)), ElementsAre("error: a tag in it has no value"));
  loop.param = std::string(100'000, '[');
  EXPECT_THAT(texts_of(expand_loop(loop)), ElementsAre("error: it is not JSON"));
}

TEST(Loops, Sequence) {
  const auto expand = [](Sequence sequence) {
    Loop loop;
    loop.sequence = std::move(sequence);
    return texts_of(expand_loop(loop));
  };
  EXPECT_THAT(expand({"3", "", "", ""}), ElementsAre("0", "1", "2"));
  EXPECT_THAT(expand({"2", "5", "", ""}), ElementsAre("5", "6"));
  EXPECT_THAT(expand({"", "3", "1", ""}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(expand({"", "", "1", "user%02X%%"}), ElementsAre("user00%", "user01%"));
  EXPECT_THAT(expand({"0", "", "", ""}), ElementsAre());
  EXPECT_THAT(expand({"x", "", "", ""}), ElementsAre("error: \"x\" is not a whole number"));
  EXPECT_THAT(expand({"100001", "", "", ""}), ElementsAre("error: more than 100,000 items"));
  EXPECT_THAT(expand({"1", "", "", "%n"}), ElementsAre(HasSubstr("error: it needs exactly one verb")));
  EXPECT_THAT(expand({"1", "", "", "%99999d"}), ElementsAre(HasSubstr("error: it needs exactly one verb")));
}

}  // namespace
}  // namespace logstone::local
