#include "tests/local/engine/pod_fixture.h"

#include <stdlib.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"

namespace logstone::local::test {

namespace fs = std::filesystem;

TempFolder::TempFolder(const fs::path& parent) {
  auto pattern = (parent / "logstone-engine-XXXXXX").string();
  if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

TempFolder::~TempFolder() {
  if (path_.empty()) return;
  (void)remove_folder(path_);
  const auto prefix = path_.filename().string() + "-";
  std::error_code error;
  std::vector<fs::path> neighbours;
  for (fs::directory_iterator it("/tmp", error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with(prefix)) neighbours.push_back(it->path());
  for (const auto& neighbour : neighbours) fs::remove_all(neighbour, error);
}

std::string TempFolder::own_tmp(std::string text) const {
  const auto own = "/tmp/" + path_.filename().string() + "-";
  for (auto at = text.find("/tmp/"); at != std::string::npos; at = text.find("/tmp/", at + 1)) {
    if (at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0) continue;  // "/var/tmp/"
    text.replace(at, std::string_view("/tmp/").size(), own);
  }
  return text;
}

bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::vector<std::string> shim_command() { return {"/proc/self/exe", "pod-shim"}; }

PodContainer shell(const std::string& script, const std::string& name) {
  PodContainer container;
  container.name = name;
  container.command = {"sh", "-c"};
  container.args = {script};
  return container;
}

LogText read_log(const fs::path& container_folder, int restart) {
  LogText log;
  const auto base = std::to_string(restart) + ".log";
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(container_folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(base + ".")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.push_back(base);
  for (const auto& name : names) {
    ++log.files;
    if (name.ends_with(".gz")) ++log.compressed_files;
    std::string bytes;
    auto* gz = ::gzopen((container_folder / name).c_str(), "rb");  // Reads plain files too.
    if (gz == nullptr) continue;
    std::vector<char> buffer(64 * 1024);
    for (int count = 0; (count = ::gzread(gz, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;)
      bytes.append(buffer.data(), static_cast<std::size_t>(count));
    ::gzclose(gz);
    for (std::size_t at = 0; at < bytes.size();) {
      const auto end = bytes.find('\n', at);
      if (end == std::string::npos) {
        log.well_formed = false;
        break;
      }
      const std::string_view line(bytes.data() + at, end - at);
      at = end + 1;
      // 2026-11-30T09:30:00.123456789Z stdout F text
      if (line.size() < 40 || line[29] != 'Z' ||
          (line.substr(30, 8) != " stdout " && line.substr(30, 8) != " stderr ") ||
          (line[38] != 'F' && line[38] != 'P') || line[39] != ' ' || line.size() > 40 + 16 * 1024) {
        log.well_formed = false;
        continue;
      }
      ++log.records;
      auto& text = line.substr(30, 8) == " stdout " ? log.out : log.err;
      text += line.substr(40);
      if (line[38] == 'F') {
        text += '\n';
      } else {
        ++log.partial_records;
      }
    }
  }
  return log;
}

PodSandbox PodTest::make_pod(std::vector<PodContainer> containers, const std::function<void(PodSpec&)>& change) {
  PodSpec spec;
  spec.uid = random_uuid();
  spec.name_space = "default";
  spec.workflow_name = "wf";
  spec.workflow_uid = "wf-uid";
  spec.request.node_id = "wf-1";
  spec.request.pod_name = "wf-main-1";
  spec.request.containers = std::move(containers);
  if (change) change(spec);
  spec = pod_spec_from_json(folder_.own_tmp(to_json(spec))).value();
  spec.cluster_folder = folder_.path();
  const auto made = PodSandbox::create(folder_.path() / "sandboxes", spec, {});
  EXPECT_TRUE(made) << (made ? "" : made.error().message());
  last_ = made.value_or(PodSandbox(""));
  return last_;
}

void PodTest::start(const PodSandbox& pod) {
  const auto started = pod.start(shim_command());
  ASSERT_TRUE(started) << started.error().message();
}

PodStatus PodTest::finish(const PodSandbox& pod) {
  EXPECT_TRUE(wait_until([&] { return !pod.shim_alive(); }));
  const auto status = pod.status();
  EXPECT_TRUE(status) << status.error().message() << pod.shim_messages();
  return status.value_or(PodStatus{});
}

PodStatus PodTest::run(std::vector<PodContainer> containers, const std::function<void(PodSpec&)>& change) {
  const auto pod = make_pod(std::move(containers), change);
  start(pod);
  return finish(pod);
}

LogText PodTest::log_of(const PodSandbox& pod, const std::string& container) {
  const auto spec = pod.spec();
  EXPECT_TRUE(spec);
  return read_log(folder_.path() / spec->log_folder() / container);
}

}  // namespace logstone::local::test
