#include "instance/settings.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace logstone {
namespace {

using namespace std::chrono_literals;

TEST(Settings, LaterSourcesWin) {
  const auto loaded = load_settings("segment_age: 2s\nsegment_bytes: 1MiB\nlisten: 127.0.0.1:1\n", "a.yaml",
                                    {{"LOGSTONE_SEGMENT_AGE", "3s"}, {"LOGSTONE_LISTEN", "127.0.0.1:2"}, {"HOME", "/"}},
                                    {{"listen", "[::1]:3"}});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->settings.agent.segment_bytes, 1u << 20);
  EXPECT_EQ(loaded->settings.agent.segment_age, 3s);
  EXPECT_EQ(loaded->settings.server.host, "::1");
  EXPECT_EQ(loaded->settings.server.port, 3);
  std::map<std::string, std::string> sources;
  for (const auto& one : loaded->effective) sources[one.key] = one.source;
  EXPECT_EQ(sources["segment_bytes"], "a.yaml:2");
  EXPECT_EQ(sources["segment_age"], "LOGSTONE_SEGMENT_AGE");
  EXPECT_EQ(sources["listen"], "--listen");
  EXPECT_EQ(sources["block_bytes"], "default");
}

TEST(Settings, EveryDefaultIsReadBackAsItIsShown) {
  const auto defaults = load_settings("", "", {}, {});
  ASSERT_TRUE(defaults);
  std::string yaml;
  for (const auto& one : defaults->effective) yaml += one.key + ": \"" + one.value + "\"\n";
  const auto again = load_settings(yaml, "all.yaml", {}, {});
  ASSERT_TRUE(again) << again.error().message();
  for (std::size_t i = 0; i < defaults->effective.size(); ++i) {
    EXPECT_EQ(defaults->effective[i].value, again->effective[i].value) << defaults->effective[i].key;
  }
}

struct BadCase {
  const char* yaml;
  const char* place;
  const char* says;
};

TEST(Settings, BadFilesAreRefusedWithTheLine) {
  for (const auto& bad : {BadCase{"listen: x\n", "s.yaml:1", "names no port"},
                          BadCase{"data: a\nsegmentbytes: 1\n", "s.yaml:2", "segment_bytes"},
                          BadCase{"data: a\ndata: b\n", "s.yaml:2", "twice"},
                          BadCase{"data: [a]\n", "s.yaml:1", "single value"}, BadCase{"- a\n", "s.yaml", "not a map"},
                          BadCase{"a: [\n", "s.yaml", ""}, BadCase{"segment_bytes: 1\n", "s.yaml:1", "from 65536"},
                          BadCase{"compression_level: 99\n", "s.yaml:1", "from 1 to 19"},
                          BadCase{"log_level: loud\n", "s.yaml:1", "debug"}}) {
    const auto loaded = load_settings(bad.yaml, "s.yaml", {}, {});
    ASSERT_FALSE(loaded) << bad.yaml;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kInvalidInput);
    EXPECT_NE(loaded.error().message().find(bad.place), std::string::npos) << loaded.error().message();
    EXPECT_NE(loaded.error().message().find(bad.says), std::string::npos) << loaded.error().message();
  }
}

TEST(Settings, AnUnknownVariableOfOursIsAnError) {
  EXPECT_FALSE(load_settings("", "", {{"LOGSTONE_DATTA", "x"}}, {}));
  EXPECT_TRUE(load_settings("", "", {{"LOGSTONE_SERVER", "x"}, {"LOGSTONE_CONFIG", "y"}}, {}));
}

TEST(Settings, HostNamesAreAListWithCommas) {
  const auto loaded = load_settings("host_names: logs.example, box\n", "a.yaml", {}, {});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->settings.server.host_names, (std::vector<std::string>{"logs.example", "box"}));
  EXPECT_FALSE(load_settings("host_names: \"a,,b\"\n", "a.yaml", {}, {}));
  EXPECT_FALSE(load_settings("host_names: http://a\n", "a.yaml", {}, {}));
}

TEST(Settings, Sizes) {
  EXPECT_EQ(*parse_size("0"), 0u);
  EXPECT_EQ(*parse_size("4KiB"), 4096u);
  EXPECT_EQ(*parse_size("10 MB"), 10'000'000u);
  EXPECT_EQ(*parse_size("2G"), 2ull << 30);
  for (const char* bad : {"", "MiB", "-1", "1.5M", "1 parsec", "99999999999999999999", "18446744073709551615K"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

TEST(Settings, KeysAreUnique) {
  std::set<std::string> keys;
  for (const auto& description : setting_descriptions()) EXPECT_TRUE(keys.insert(description.key).second);
}

TEST(Settings, KeyFormatsAsListsLinesAndCommas) {
  const std::vector<std::string> two = {"a,b/{{pod.name}}", "{{=f(x, y)}}/{{pod.name}}"};
  const auto from_yaml =
      load_settings("key_formats:\n- a,b/{{pod.name}}\n- '{{=f(x, y)}}/{{pod.name}}'\n", "s.yaml", {}, {});
  ASSERT_TRUE(from_yaml) << from_yaml.error().message();
  EXPECT_EQ(from_yaml->settings.argo.key_formats, two);
  const auto commas =
      load_settings("", "", {{"LOGSTONE_KEY_FORMATS", "{{=f(x, y)}}/{{pod.name}} , c/{{pod.name}},"}}, {});
  EXPECT_EQ(commas->settings.argo.key_formats,
            (std::vector<std::string>{"{{=f(x, y)}}/{{pod.name}}", "c/{{pod.name}}"}));
  for (const auto& loaded : {from_yaml, commas}) {
    for (const auto& one : loaded->effective) {
      if (one.key != "key_formats") continue;
      EXPECT_EQ(load_settings("", "", {}, {{"key_formats", one.value}})->settings.argo.key_formats,
                loaded->settings.argo.key_formats);
    }
  }
  for (const char* bad : {"key_formats: ['{{pod.nam}}']\n", "key_formats: [[a]]\n", "key_formats: {a: b}\n",
                          "argo_store: s3://bucket/folder\n", "argo_store: /folder\n", "enable_authz: maybe\n"}) {
    const auto loaded = load_settings(bad, "s.yaml", {}, {});
    ASSERT_FALSE(loaded) << bad;
    EXPECT_NE(loaded.error().message().find("s.yaml:1"), std::string::npos) << loaded.error().message();
  }
}

TEST(Settings, SecretsAreNotShown) {
  const auto loaded = load_settings("", "", {{"LOGSTONE_ARGO_SECRET_KEY", "hunter2"}}, {});
  EXPECT_EQ(loaded->settings.argo.secret_key, "hunter2");
  for (const auto& one : loaded->effective) EXPECT_EQ(one.value.find("hunter2"), std::string::npos) << one.key;
}

}  // namespace
}  // namespace logstone
