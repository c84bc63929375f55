// What the tests of pods share: a folder of their own, pods in it, and their logs read back as bytes.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/local/pod_sandbox.h"

namespace logstone::local::test {

/// Removed at the end with all in it, and with its neighbours whose names begin with its own and `-`.
class TempFolder {
 public:
  explicit TempFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Where the kernel lets pods have no /tmp of their own, tests must not meet in it: each `/tmp/x` becomes
  /// `/tmp/<this folder's name>-x`.
  [[nodiscard]] std::string own_tmp(std::string text) const;

 private:
  std::filesystem::path path_;
};

/// Waits until it is true; false after two minutes, which no machine that works needs.
[[nodiscard]] bool wait_until(const std::function<bool()>& condition);

/// This program, as a shim.
[[nodiscard]] std::vector<std::string> shim_command();

struct LogText {
  std::string out;
  std::string err;
  std::size_t records = 0;
  std::size_t partial_records = 0;
  std::size_t files = 0;
  std::size_t compressed_files = 0;
  bool well_formed = true;  ///< Every line is a CRI record, of 16 KiB of text at most.
};
/// All files of a container's attempt, oldest first.
[[nodiscard]] LogText read_log(const std::filesystem::path& container_folder, int restart = 0);

[[nodiscard]] PodContainer shell(const std::string& script, const std::string& name = "main");

class PodTest : public ::testing::Test {
 protected:
  /// A pod of these containers; `change` may alter it before it is written.
  PodSandbox make_pod(std::vector<PodContainer> containers, const std::function<void(PodSpec&)>& change = {});
  void start(const PodSandbox& pod);
  /// Waits for the shim's end.
  PodStatus finish(const PodSandbox& pod);
  PodStatus run(std::vector<PodContainer> containers, const std::function<void(PodSpec&)>& change = {});
  [[nodiscard]] LogText log_of(const PodSandbox& pod, const std::string& container = "main");

  TempFolder folder_;
  PodSandbox last_{""};
};

}  // namespace logstone::local::test
