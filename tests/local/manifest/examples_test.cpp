// A tool beside the tests: LOGSTONE_EXAMPLES=<folder> counts the manifests there that this engine takes, and why it
// refuses the rest: LOGSTONE_EXAMPLES=<folder> local_manifest_test --gtest_also_run_disabled_tests
// --gtest_filter='Examples.*'.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <vector>

#include "base/file.h"
#include "cluster/local/manifest.h"

namespace logstone::local {
namespace {

TEST(Examples, DISABLED_AreCounted) {
  const char* folder = std::getenv("LOGSTONE_EXAMPLES");
  ASSERT_NE(folder, nullptr) << "set LOGSTONE_EXAMPLES to a folder of manifests";
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::map<std::filesystem::path, ParsedManifests> parsed;
  std::map<std::filesystem::path, Error> refused;
  for (const auto& path : paths) {
    const auto text = read_file(path);
    ASSERT_TRUE(text.has_value());
    auto manifests = parse_manifests(*text, path.filename());
    if (manifests) {
      parsed.emplace(path, *std::move(manifests));
    } else {
      refused.emplace(path, std::move(manifests).error());
    }
  }
  std::vector<ParsedManifests> alongside;
  for (const auto& [path, manifests] : parsed) alongside.push_back(manifests);
  std::size_t taken = 0;
  for (const auto& [path, manifests] : parsed) {
    auto workflows = resolve_manifests(manifests, {}, alongside);
    if (!workflows) {
      refused.emplace(path, std::move(workflows).error());
      continue;
    }
    ++taken;
    for (const ParsedWorkflow& workflow : *workflows) {
      const auto again = reopen_workflow(workflow.stored);
      EXPECT_TRUE(again.has_value()) << path << ": " << again.error().message();
    }
  }
  for (const auto& [path, error] : refused) {
    std::printf("%s %s: %s\n", error.kind == ErrorKind::kUnsupported ? "UNSUPPORTED" : "INVALID",
                path.filename().c_str(), error.reason.c_str());
  }
  std::printf("%zu files, %zu taken, %zu refused\n", paths.size(), taken, refused.size());
}

}  // namespace
}  // namespace logstone::local
