#include "cluster/local/pod_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace logstone::local {
namespace {

constexpr int kPipeBytes = 256 * 1024;

Error start_error(const std::string& program, std::string reason) {
  return Error{ErrorKind::kInvalidInput, "start container process", program, std::move(reason),
               "Images are not pulled: the command must exist on this machine."};
}

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const PodProcessPlan& plan) {
  const auto& name = plan.argv.front();
  if (name.find('/') != std::string::npos) return name;
  for (const auto& variable : plan.environment) {
    if (!std::string_view(variable).starts_with("PATH=")) continue;
    std::string_view rest = std::string_view(variable).substr(5);
    while (!rest.empty()) {
      const auto end = std::min(rest.find(':'), rest.size());
      auto path = std::string(rest.substr(0, end)) + "/" + name;
      if (is_program(path)) return path;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return start_error(name, "exec: \"" + name + "\": executable file not found in $PATH");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return system_error("make pipe", "container output", errno);
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

/// What failed in the child, told through a pipe that a successful exec closes.
struct ChildFailure {
  int error = 0;
  int step = 0;  ///< 0: working folder, 1: exec.
};

/// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const char* program, char* const* argv, char* const* environment, const char* working_dir,
                         int input, int out, int err, int failure, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // It died before prctl.
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  ::dup2(input, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  ChildFailure failed;
  if (::chdir(working_dir) == 0) {
    ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    ::execve(program, argv, environment);
    failed.step = 1;
  }
  failed.error = errno;
  [[maybe_unused]] const auto ignored = ::write(failure, &failed, sizeof failed);
  ::_exit(127);
}

struct ProcessStat {
  char state = '?';
  pid_t session = -1;

  static std::optional<ProcessStat> of(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!text) return std::nullopt;
    // The program's name stands in parentheses before, and may hold anything.
    const auto name_end = text->rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(text->substr(name_end + 1));
    ProcessStat stat;
    pid_t parent = 0, group = 0;
    fields >> stat.state >> parent >> group >> stat.session;
    return stat;
  }
};

template <class Visit>
void each_process(Visit visit) {
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return;
  while (const auto* entry = ::readdir(proc)) {
    const auto pid = std::atoi(entry->d_name);
    if (pid > 0) visit(static_cast<pid_t>(pid));
  }
  ::closedir(proc);
}

}  // namespace

Result<PodProcess> start_pod_process(const PodProcessPlan& plan) {
  if (plan.argv.empty())
    return start_error("", "the container names no command, and its image's own is not known here");
  LOGSTONE_ASSIGN(const auto program, find_program(plan));
  LOGSTONE_ASSIGN(auto out, make_pipe());
  LOGSTONE_ASSIGN(auto err, make_pipe());
  LOGSTONE_ASSIGN(auto failure, make_pipe());
  const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input.valid()) return system_error("open", "/dev/null", errno);
  // Larger pipes mean fewer wake-ups for a fast writer; refused where the user has many already.
  ::fcntl(out.read.get(), F_SETPIPE_SZ, kPipeBytes);
  ::fcntl(err.read.get(), F_SETPIPE_SZ, kPipeBytes);
  ::fcntl(out.read.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(err.read.get(), F_SETFL, O_NONBLOCK);

  const auto argv = pointers(plan.argv);
  const auto environment = pointers(plan.environment);
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid < 0) return system_error("fork for container process", program, errno);
  if (pid == 0)
    become(program.c_str(), argv.data(), environment.data(), plan.working_dir.c_str(), input.get(), out.write.get(),
           err.write.get(), failure.write.get(), parent);
  ::setpgid(pid, pid);
  failure.write.reset();
  ChildFailure failed;
  ssize_t count = 0;
  do {
    count = ::read(failure.read.get(), &failed, sizeof failed);
  } while (count < 0 && errno == EINTR);
  if (count == static_cast<ssize_t>(sizeof failed)) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    const std::string why = std::strerror(failed.error);
    return failed.step == 0 ? start_error(program, "enter the working folder " + plan.working_dir + ": " + why)
                            : start_error(program, "exec " + program + ": " + why);
  }
  return PodProcess{pid, std::move(out.read), std::move(err.read)};
}

void kill_orphans(const std::vector<pid_t>& keep) {
  const auto self = std::to_string(::getpid());
  for (bool found = true; found;) {
    found = false;
    const auto children = read_file("/proc/self/task/" + self + "/children");
    if (!children) return;  // A kernel without it: the process group's kill has to do.
    std::istringstream pids(*children);
    for (pid_t pid = 0; pids >> pid;) {
      if (std::find(keep.begin(), keep.end(), pid) != keep.end() || ::kill(pid, SIGKILL) != 0) continue;
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
      found = true;  // Its own children come to us now.
    }
  }
}

void kill_session(pid_t leader) {
  // A killed process may take a moment to go, and may have forked meanwhile: look again, but not for ever.
  constexpr int kRounds = 100;
  bool found = true;
  for (int round = 0; found && round < kRounds; ++round) {
    if (round > 0) ::usleep(1000);
    found = false;
    each_process([&](pid_t pid) {
      const auto stat = ProcessStat::of(pid);
      if (pid == leader || !stat || stat->session != leader || stat->state == 'Z') return;
      if (::kill(pid, SIGKILL) == 0) found = true;
    });
  }
}

}  // namespace logstone::local
