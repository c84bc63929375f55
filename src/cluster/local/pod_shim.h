// The process that runs one pod's containers and outlives the engine, as a container runtime's shim does.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "cluster/local/cri_log_writer.h"
#include "cluster/local/pod_process.h"
#include "cluster/local/pod_spec.h"
#include "cluster/local/pod_view.h"

namespace logstone::local {

/// One thread runs it all, so no state is shared; what must not block, polls.
class PodShim {
 public:
  explicit PodShim(std::filesystem::path sandbox);
  /// Runs the pod to its end. The error is told in status.json too, if that can be written.
  [[nodiscard]] Result<> run();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  enum class State { kWaiting, kRunning, kTerminated };
  struct RunningContainer {
    const PodContainer* plan = nullptr;
    State state = State::kWaiting;
    std::unique_ptr<CriLogWriter> log;
    pid_t pid = -1;                   ///< Negative once it was reaped.
    std::optional<int> wait_status;   ///< Of the current try.
    std::array<UniqueFd, 2> outputs;  ///< By Output; closed at their ends.
    SteadyTime drain_until{};         ///< After its exit: nobody holds the pipes open longer than this.
    bool flushed = false;             ///< The log's last records were formatted.
    std::int64_t tries = 0;
    SteadyTime start_at{};  ///< A retry's delay.
    std::string result;     ///< The beginning of its standard output, where it is wanted.
  };

  [[nodiscard]] Result<> prepare();
  [[nodiscard]] Result<> lock();
  [[nodiscard]] Result<> watch_signals();
  [[nodiscard]] Result<> prepare_view();
  [[nodiscard]] Result<> write_script(const PodContainer& container);
  void fail(const Error& error);
  void loop();
  void start_ready();
  void start(RunningContainer& container);
  [[nodiscard]] std::vector<std::string> environment(const PodContainer& container) const;
  void wait_for_events();
  [[nodiscard]] std::optional<SteadyTime> next_timer() const;
  void take_signals();
  void take_stop_request();
  void begin_stop(const PodStop& stop);
  void reap();
  /// False where there was nothing.
  bool read_output(RunningContainer& container, Output output);
  void drain(RunningContainer& container);
  void retry_log(RunningContainer& container);
  void log_failed(const Result<>& result);
  void settle(RunningContainer& container);
  void terminated(RunningContainer& container, int exit_code, std::string reason, std::string message);
  [[nodiscard]] ContainerOutcome& outcome_of(const RunningContainer& container);
  [[nodiscard]] bool all_terminated() const;
  void signal_all(int signal);
  void conclude();
  [[nodiscard]] bool write_status();

  const std::filesystem::path sandbox_;
  UniqueFd sandbox_fd_, cluster_fd_, lock_fd_, signals_, control_;
  std::filesystem::path files_;    ///< The sandbox, from any view.
  std::filesystem::path cluster_;  ///< The cluster's folder, from any view.
  PodSpec spec_;
  PodStatus status_;
  PodView view_;
  std::filesystem::path script_;
  std::vector<RunningContainer> containers_;
  std::optional<PodStop> stop_;
  std::optional<SteadyTime> kill_at_;
  bool forced_ = false;          ///< The pod is being deleted at once: its log need not be complete.
  bool status_pending_ = false;  ///< status.json could not be written yet.
  bool log_failure_told_ = false;
  std::string buffer_;
};

}  // namespace logstone::local
