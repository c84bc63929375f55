// The files in which engine and shim tell each other, and those in which the engine keeps its objects.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/file.h"
#include "cluster/local/object_folder.h"
#include "tests/local/engine/pod_fixture.h"

namespace logstone::local::test {
namespace {

namespace fs = std::filesystem;

PodSpec full_spec() {
  PodSpec spec;
  spec.uid = "u";
  spec.name_space = "ns";
  spec.workflow_name = "wf";
  spec.workflow_uid = "wf-uid";
  spec.created = from_unix_nanoseconds(1'700'000'000'123'456'789);
  spec.cluster_folder = "/somewhere";
  spec.log_limits = {123, 4};
  auto& request = spec.request;
  request.node_id = "wf-1";
  request.node_name = "wf[0].a";
  request.pod_name = "wf-a-1";
  request.labels = {{"a", "b"}};
  request.annotations = {{"c", "d"}};
  request.containers = {shell("echo \"x\"\n")};
  auto& container = request.containers[0];
  container.image = "alpine:3";
  container.env = {{"B", "2"}, {"A", "1"}};
  container.env_pod_uid = {"UID"};
  container.working_dir = "/w";
  container.script = "print()";
  container.dependencies = {"other"};
  container.retries = 3;
  container.retry_delay = std::chrono::seconds(2);
  ArtifactSource raw;
  raw.raw = "bytes \xff";
  request.input_artifacts = {{"in", "/tmp/in", 0644, {{}, "wf-2", "out", "sub"}}, {"raw", "/tmp/raw", {}, raw}};
  request.output_parameters = {{"p", "/tmp/p", "default"}, {"q", "/tmp/q", {}}};
  request.output_artifacts = {{"o", "/tmp/o", true}};
  request.result_container = "main";
  request.deadline = from_unix_nanoseconds(1'700'000'001'000'000'000);
  return spec;
}

TEST(PodSpecJson, ComesBackAsItWas) {
  auto spec = full_spec();
  spec.request.input_artifacts[1].source.raw = "text";
  const auto back = pod_spec_from_json(to_json(spec));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->uid, spec.uid);
  EXPECT_EQ(back->name_space, spec.name_space);
  EXPECT_EQ(back->workflow_name, spec.workflow_name);
  EXPECT_EQ(back->workflow_uid, spec.workflow_uid);
  EXPECT_EQ(back->created, spec.created);
  EXPECT_EQ(back->cluster_folder, spec.cluster_folder);
  EXPECT_EQ(back->log_limits.file_bytes, spec.log_limits.file_bytes);
  EXPECT_EQ(back->log_limits.files, spec.log_limits.files);
  EXPECT_EQ(back->request, spec.request);
}

TEST(PodSpecJson, BytesThatAreNoTextDoNotStopIt) { EXPECT_TRUE(pod_spec_from_json(to_json(full_spec()))); }

TEST(PodSpecJson, WhatIsCutOffIsCorrupt) {
  const auto text = to_json(full_spec());
  for (std::size_t length = 0; length < text.size(); length += 7) {
    const auto back = pod_spec_from_json(text.substr(0, length));
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().kind, ErrorKind::kCorrupt);
  }
  EXPECT_EQ(pod_spec_from_json("[1]").error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(pod_status_from_json(R"({"shim": 3})").error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(pod_stop_from_json("{}").error().kind, ErrorKind::kCorrupt);
}

TEST(PodStatusJson, ComesBackAsItWas) {
  PodStatus status;
  status.shim = ProcessIdentity::of(::getpid());
  EXPECT_GT(status.shim.start_ticks, 0u);
  EXPECT_EQ(status.shim.boot_id.size(), 36u);
  status.outcome.phase = Phase::kFailed;
  status.outcome.message = "why";
  status.outcome.started = from_unix_nanoseconds(5);
  status.outcome.finished = from_unix_nanoseconds(9);
  status.outcome.containers["main"] = {from_unix_nanoseconds(6), from_unix_nanoseconds(8), 3, "Error", "message"};
  status.outcome.containers["waiting"] = {};
  status.outcome.result = "r";
  status.outcome.parameters = {{"p", "v"}};
  status.outcome.artifacts = {"a"};
  const auto back = pod_status_from_json(to_json(status));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->shim, status.shim);
  EXPECT_EQ(to_json(*back), to_json(status));
}

TEST(PodArtifactPath, NamesThatAreNoFileNamesAreRefused) {
  EXPECT_EQ(PodSpec::artifact_path("u", "n", "a").value_or(""), "artifacts/u/n/a");
  for (const auto* name : {"", ".", "..", "a/b", "/etc"})
    EXPECT_EQ(PodSpec::artifact_path("u", "n", name).error().kind, ErrorKind::kInvalidInput) << name;
}

TEST(ObjectFolder, KeepsObjectsAndForgetsUnfinishedOnes) {
  const TempFolder folder;
  {
    const auto objects = ObjectFolder::open(folder.path() / "o");
    ASSERT_TRUE(objects);
    ASSERT_TRUE(objects->put("b", "2"));
    ASSERT_TRUE(objects->put("a", "0"));
    ASSERT_TRUE(objects->put("a", "1"));
    ASSERT_TRUE(objects->put("c", "3"));
    ASSERT_TRUE(objects->remove("c"));
    ASSERT_TRUE(objects->remove("c"));
  }
  std::ofstream(folder.path() / "o/d.json.tmp") << "half";
  const auto objects = ObjectFolder::open(folder.path() / "o");
  const auto all = objects->load();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(0).name, "a");
  EXPECT_EQ(all->at(0).json, "1");
  EXPECT_EQ(all->at(1).name, "b");
  EXPECT_FALSE(fs::exists(folder.path() / "o/d.json.tmp"));
}

TEST(RemoveFolder, TakesReadOnlyFoldersToo) {
  const TempFolder folder;
  const auto locked = folder.path() / "x/locked";
  fs::create_directories(locked);
  std::ofstream(locked / "file") << "x";
  ::chmod(locked.c_str(), 0555);
  const auto removed = remove_folder(folder.path() / "x");
  EXPECT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(fs::exists(folder.path() / "x"));
  EXPECT_TRUE(remove_folder(folder.path() / "x"));
}

TEST(RemoveFolder, DeletesNothingThroughAMount) {
  const TempFolder folder;
  fs::create_directories(folder.path() / "kept");
  fs::create_directories(folder.path() / "x/mounted");
  std::ofstream(folder.path() / "kept/file") << "x";
  const auto target = folder.path() / "x/mounted";
  if (::mount((folder.path() / "kept").c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(remove_folder(folder.path() / "x").error().kind, ErrorKind::kConflict);
  ASSERT_EQ(::umount(target.c_str()), 0);
  EXPECT_TRUE(fs::exists(folder.path() / "kept/file"));
}

}  // namespace
}  // namespace logstone::local::test
