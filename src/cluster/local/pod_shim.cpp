#include "cluster/local/pod_shim.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "cluster/local/local_cluster.h"
#include "cluster/local/pod_artifacts.h"

namespace logstone::local {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kMaxResultBytes = 256 * 1024;
/// For pipes that a process which left its group still holds; others end at once.
constexpr std::chrono::seconds kDrainTime{1};
constexpr std::chrono::milliseconds kRetryTime{200};
constexpr int kStartError = 128;      // containerd's.
constexpr int kDependencyError = 64;  // Argo's emissary's.

Timestamp now() { return Clock::system().now(); }

UniqueFd open_folder(const fs::path& path) { return UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)); }
fs::path through(const UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

}  // namespace

PodShim::PodShim(fs::path sandbox) : sandbox_(std::move(sandbox)) {}

Result<> PodShim::run() {
  sandbox_fd_ = open_folder(sandbox_);
  if (!sandbox_fd_.valid()) return system_error("open the pod's folder", sandbox_, errno);
  files_ = through(sandbox_fd_);
  LOGSTONE_TRY(lock());
  status_.shim = ProcessIdentity::of(::getpid());
  const auto prepared = prepare();
  if (!prepared) {
    fail(prepared.error());
    return prepared;
  }
  loop();
  conclude();
  return {};
}

Result<> PodShim::lock() {
  // The engine took the lock for us, so that there is no moment in which a started shim looks dead.
  constexpr int kInherited = 3;
  struct stat inherited {
  }, file{};
  const auto path = files_ / kShimLockFile;
  lock_fd_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock_fd_.valid() || ::fstat(lock_fd_.get(), &file) != 0) return system_error("open lock", path, errno);
  if (::fstat(kInherited, &inherited) == 0 && inherited.st_ino == file.st_ino && inherited.st_dev == file.st_dev &&
      lock_fd_.get() != kInherited) {
    lock_fd_.reset(kInherited);
    ::fcntl(kInherited, F_SETFD, FD_CLOEXEC);
  }
  if (::flock(lock_fd_.get(), LOCK_EX | LOCK_NB) != 0) return system_error("lock", path, errno);
  return {};
}

Result<> PodShim::prepare() {
  LOGSTONE_ASSIGN(const auto text, read_file(files_ / kPodSpecFile));
  LOGSTONE_ASSIGN(spec_, pod_spec_from_json(text));
  cluster_fd_ = open_folder(spec_.cluster_folder);
  if (!cluster_fd_.valid()) return system_error("open the cluster's folder", spec_.cluster_folder, errno);
  cluster_ = through(cluster_fd_);
  const auto control = files_ / kPodControlFile;
  control_.reset(::open(control.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!control_.valid()) return system_error("open", control, errno);
  LOGSTONE_TRY(watch_signals());
  LOGSTONE_TRY(prepare_view());
  for (const auto& container : spec_.request.containers) {
    auto& running = containers_.emplace_back();
    running.plan = &container;
    LOGSTONE_ASSIGN(running.log,
                    CriLogWriter::open(cluster_ / spec_.log_folder() / container.name, 0, spec_.log_limits));
    status_.outcome.containers[container.name] = {};
  }
  status_.outcome.phase = Phase::kRunning;
  status_.outcome.started = now();
  buffer_.resize(kReadBytes);
  // Before anything is started: a pod without a status is one that did not run, and may be started again.
  while (!write_status()) ::usleep(std::chrono::microseconds(kRetryTime).count());
  return {};
}

Result<> PodShim::watch_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const auto signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, signal);
  ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  signals_.reset(::signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_.valid()) return system_error("watch signals", "signalfd", errno);
  return {};
}

Result<> PodShim::prepare_view() {
  std::vector<fs::path> writes;
  for (const auto& input : spec_.request.input_artifacts) writes.emplace_back(input.path);
  view_ = PodView::enter(sandbox_, writes);
  if (!view_.isolated()) log_warning("the pod shares the machine's /tmp", {{"reason", view_.problem()}});
  LOGSTONE_TRY(place_input_artifacts(spec_, cluster_, view_));
  for (const auto& container : spec_.request.containers) {
    if (container.script) LOGSTONE_TRY(write_script(container));
    if (container.working_dir.empty() || !view_.isolated()) continue;
    // As a container runtime does; where it may not be made, the start says so.
    if (std::error_code error; !fs::exists(container.working_dir, error) && view_.make_parent(container.working_dir))
      fs::create_directory(container.working_dir, error);
  }
  return {};
}

Result<> PodShim::write_script(const PodContainer& container) {
  // Argo's place for it, where the pod has a root of its own.
  script_ = "/argo/staging/script";
  if (!view_.isolated() || !view_.make_parent(script_)) script_ = fs::absolute(sandbox_) / "script";
  return replace_file(script_, *container.script).and_then([&]() -> tl::expected<void, Error> {
    if (::chmod(script_.c_str(), 0755) != 0) return tl::unexpected(system_error("set the mode of", script_, errno));
    return {};
  });
}

void PodShim::fail(const Error& error) {
  const auto at = now();
  for (const auto& container : spec_.request.containers) {
    auto& outcome = status_.outcome.containers[container.name];
    outcome.finished = at;
    outcome.reason = "Error";
    outcome.message = "not started";
  }
  status_.outcome.phase = Phase::kError;
  status_.outcome.message = error.message();
  status_.outcome.finished = at;
  while (!write_status()) ::usleep(std::chrono::microseconds(kRetryTime).count());
}

void PodShim::loop() {
  take_stop_request();
  start_ready();
  status_pending_ = !write_status();
  while (!all_terminated()) {
    wait_for_events();
    if (kill_at_ && steady_clock::now() >= *kill_at_) {
      kill_at_.reset();
      signal_all(SIGKILL);
    }
    for (auto& container : containers_) {
      if (container.log->blocked()) retry_log(container);
      settle(container);
    }
    start_ready();
    if (status_pending_) status_pending_ = !write_status();
  }
}

void PodShim::wait_for_events() {
  std::vector<pollfd> polled{{signals_.get(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
  std::vector<std::pair<RunningContainer*, Output>> sources;
  for (auto& container : containers_) {
    if (container.log->blocked()) continue;  // Its writer waits, as at a full pipe.
    for (const auto output : {Output::kStdout, Output::kStderr}) {
      const auto& fd = container.outputs[static_cast<std::size_t>(output)];
      if (!fd.valid()) continue;
      polled.push_back({fd.get(), POLLIN, 0});
      sources.emplace_back(&container, output);
    }
  }
  int timeout = -1;
  if (const auto next = next_timer()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - steady_clock::now()).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  if (::poll(polled.data(), polled.size(), timeout) <= 0) return;
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (polled[i + 2].revents != 0 && !sources[i].first->log->blocked())
      (void)read_output(*sources[i].first, sources[i].second);
  if (polled[0].revents != 0) take_signals();
  if (polled[1].revents != 0) take_stop_request();
}

std::optional<PodShim::SteadyTime> PodShim::next_timer() const {
  std::optional<SteadyTime> next = kill_at_;
  const auto consider = [&](SteadyTime time) { next = next ? std::min(*next, time) : time; };
  if (status_pending_) consider(steady_clock::now() + kRetryTime);
  for (const auto& container : containers_) {
    if (container.log->blocked()) {
      consider(steady_clock::now() + kRetryTime);
      continue;
    }
    if (container.state == State::kWaiting && container.tries > 0) consider(container.start_at);
    if (container.state == State::kRunning && container.wait_status) consider(container.drain_until);
  }
  return next;
}

void PodShim::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD)
      begin_stop({kDefaultGrace, "the pod's shim was asked to end (signal " + std::to_string(info.ssi_signo) + ")"});
  }
  reap();
}

void PodShim::take_stop_request() {
  char ignored[64];
  while (::read(control_.get(), ignored, sizeof ignored) > 0) {
  }
  const auto text = read_file(files_ / kPodStopFile);
  if (!text) return;
  if (const auto stop = pod_stop_from_json(*text)) begin_stop(*stop);
}

void PodShim::begin_stop(const PodStop& stop) {
  if (stop.grace.count() <= 0) forced_ = true;
  const auto first = !stop_;
  if (first) stop_ = stop;
  const auto kill_at = steady_clock::now() + stop.grace;
  if (first || (kill_at_ && kill_at < *kill_at_)) kill_at_ = kill_at;
  if (first) signal_all(SIGTERM);
  for (auto& container : containers_)
    if (container.state == State::kWaiting) terminated(container, 128 + SIGTERM, "Error", "stopped before it started");
}

void PodShim::signal_all(int signal) {
  for (const auto& container : containers_)
    if (container.pid > 0) ::kill(-container.pid, signal);
}

void PodShim::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto found =
        std::find_if(containers_.begin(), containers_.end(), [&](const auto& c) { return c.pid == pid; });
    if (found == containers_.end()) continue;  // Left behind by a container.
    found->pid = -1;
    found->wait_status = status;
    found->drain_until = steady_clock::now() + kDrainTime;
    // A container ends with its first process.
    ::kill(-pid, SIGKILL);
    if (std::none_of(containers_.begin(), containers_.end(), [](const auto& c) { return c.pid > 0; })) kill_orphans({});
  }
}

bool PodShim::read_output(RunningContainer& container, Output output) {
  auto& fd = container.outputs[static_cast<std::size_t>(output)];
  const auto count = ::read(fd.get(), buffer_.data(), buffer_.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count <= 0) {
    fd.reset();
    return false;
  }
  const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
  if (output == Output::kStdout && container.plan->name == spec_.request.result_container)
    container.result += bytes.substr(0, kMaxResultBytes - container.result.size());
  log_failed(container.log->append(output, bytes, now()));
  return true;
}

void PodShim::drain(RunningContainer& container) {
  // Whoever holds the pipes may write for ever; what the container left in them is no more than they hold.
  constexpr int kMostReads = 64;
  for (const auto output : {Output::kStdout, Output::kStderr}) {
    auto& fd = container.outputs[static_cast<std::size_t>(output)];
    for (int reads = 0; fd.valid() && !container.log->blocked() && reads < kMostReads; ++reads)
      if (!read_output(container, output)) break;
    if (!container.log->blocked()) fd.reset();
  }
}

void PodShim::retry_log(RunningContainer& container) { log_failed(container.log->flush()); }

void PodShim::log_failed(const Result<>& result) {
  if (result) {
    log_failure_told_ = false;
  } else if (!std::exchange(log_failure_told_, true)) {
    log_error("the container waits: " + result.error().message());
  }
}

void PodShim::settle(RunningContainer& container) {
  if (container.state != State::kRunning || !container.wait_status) return;
  const auto open = [&] { return container.outputs[0].valid() || container.outputs[1].valid(); };
  if (open() && !container.log->blocked() && steady_clock::now() >= container.drain_until) drain(container);
  if (!forced_ && (open() || container.log->blocked())) return;
  if (!std::exchange(container.flushed, true)) log_failed(container.log->finish(now()));
  if (!forced_ && container.log->blocked()) return;
  for (auto& fd : container.outputs) fd.reset();

  const auto status = *container.wait_status;
  const auto code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (code != 0 && !stop_ && container.tries <= container.plan->retries) {
    container.state = State::kWaiting;
    container.start_at =
        steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(container.plan->retry_delay);
    return;
  }
  terminated(container, code, code == 0 ? "Completed" : "Error",
             WIFSIGNALED(status) ? std::string("ended by signal: ") + ::strsignal(WTERMSIG(status)) : "");
}

void PodShim::terminated(RunningContainer& container, int exit_code, std::string reason, std::string message) {
  container.state = State::kTerminated;
  auto& outcome = outcome_of(container);
  outcome.finished = now();
  outcome.exit_code = exit_code;
  outcome.reason = std::move(reason);
  outcome.message = std::move(message);
  status_pending_ = true;
}

void PodShim::start_ready() {
  for (bool again = true; again;) {
    again = false;
    for (auto& container : containers_) {
      if (container.state != State::kWaiting) continue;
      if (container.tries > 0 && steady_clock::now() < container.start_at) continue;
      bool ready = true;
      for (const auto& name : container.plan->dependencies) {
        const auto& other = status_.outcome.containers[name];
        if (other.exit_code.value_or(0) != 0) {
          terminated(container, kDependencyError, "Error",
                     "dependency \"" + name + "\" exited with non-zero code: " + std::to_string(*other.exit_code));
          again = true;
        }
        ready = ready && other.exit_code == 0;
        if (container.state == State::kTerminated) break;
      }
      if (ready && container.state == State::kWaiting) {
        start(container);
        again = again || container.state == State::kTerminated;
      }
    }
  }
}

std::vector<std::string> PodShim::environment(const PodContainer& container) const {
  std::map<std::string, std::string> values{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
  // A container sees no more of the engine's environment than what programs need to run at all.
  for (const auto* name : {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"})
    if (const auto* value = std::getenv(name)) values[name] = value;
  values["HOSTNAME"] = spec_.request.pod_name;
  values["ARGO_CONTAINER_NAME"] = container.name;
  values["ARGO_NODE_ID"] = spec_.request.node_id;
  values["ARGO_POD_NAME"] = spec_.request.pod_name;
  values["ARGO_POD_UID"] = spec_.uid;
  for (const auto& [name, value] : container.env) values[name] = value;
  for (const auto& name : container.env_pod_uid) values[name] = spec_.uid;
  std::vector<std::string> result;
  for (const auto& [name, value] : values) result.push_back(name + "=" + value);
  return result;
}

void PodShim::start(RunningContainer& container) {
  const auto& plan = *container.plan;
  PodProcessPlan process;
  process.argv = plan.command;
  process.argv.insert(process.argv.end(), plan.args.begin(), plan.args.end());
  if (plan.script) process.argv.push_back(script_.string());
  process.environment = environment(plan);
  process.working_dir = !plan.working_dir.empty() ? plan.working_dir : view_.isolated() ? "/" : sandbox_.string();

  ++container.tries;
  container.wait_status.reset();
  container.flushed = false;
  container.result.clear();
  auto& outcome = outcome_of(container);
  if (!outcome.started) outcome.started = now();
  status_pending_ = true;
  auto started = start_pod_process(process);
  if (!started) {
    auto reason = started.error().reason;
    if (status_.outcome.message.empty())
      status_.outcome.message = plan.name + ": StartError (exit code " + std::to_string(kStartError) + "): " + reason;
    terminated(container, kStartError, "StartError", std::move(reason));
    return;
  }
  container.state = State::kRunning;
  container.pid = started->pid;
  container.outputs = {std::move(started->out), std::move(started->err)};
}

ContainerOutcome& PodShim::outcome_of(const RunningContainer& container) {
  return status_.outcome.containers[container.plan->name];
}

bool PodShim::all_terminated() const {
  return std::all_of(containers_.begin(), containers_.end(),
                     [](const RunningContainer& c) { return c.state == State::kTerminated; });
}

void PodShim::conclude() {
  // Readers may end before the outputs are collected, which can take long.
  status_pending_ = !write_status();
  auto& outcome = status_.outcome;
  auto collected = collect_outputs(spec_, cluster_, outcome);
  bool succeeded = true;
  for (const auto& container : containers_) {
    succeeded = succeeded && outcome_of(container).exit_code == 0;
    if (container.plan->name != spec_.request.result_container) continue;
    outcome.result = container.result;
    if (outcome.result->ends_with('\n')) outcome.result->pop_back();
  }
  outcome.finished = now();
  outcome.phase = succeeded ? Phase::kSucceeded : Phase::kFailed;
  if (!succeeded && stop_ && outcome.message.empty()) outcome.message = stop_->reason;
  if (succeeded && !collected) {
    outcome.phase = Phase::kError;
    outcome.message = collected.error().message();
  }
  while (!write_status()) ::usleep(std::chrono::microseconds(kRetryTime).count());
  for (auto& container : containers_) container.log->compress_rest();
}

bool PodShim::write_status() {
  const auto written = replace_file(files_ / kPodStatusFile, to_json(status_));
  // Without the folder there is nobody left to tell.
  return written || written.error().kind == ErrorKind::kNotFound;
}

}  // namespace logstone::local

namespace logstone {

int run_pod_shim(const std::filesystem::path& pod_folder) {
  try {
    local::PodShim shim(std::filesystem::absolute(pod_folder));
    if (const auto result = shim.run(); !result) {
      log_error(result.error().message());
      return 1;
    }
    return 0;
  } catch (const std::exception& e) {
    log_error("the pod's shim failed", {{"reason", e.what()}});
    return 1;
  }
}

}  // namespace logstone
