// Starts a container's process in the shim's session, and ends all that it left behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace logstone::local {

struct PodProcessPlan {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< "NAME=value"; its PATH finds argv[0].
  std::string working_dir;
};

struct PodProcess {
  pid_t pid = -1;  ///< Leads a process group of its own.
  UniqueFd out;    ///< Non-blocking read ends.
  UniqueFd err;
};

/// Starts it with nothing but standard input from /dev/null and the two pipes. Killed when the calling thread ends.
/// The Error's reason reads as a container runtime's: `exec: "foo": executable file not found in $PATH`.
[[nodiscard]] Result<PodProcess> start_pod_process(const PodProcessPlan& plan);

/// Kills children of this process beside those in `keep`: what containers left behind comes to the shim, which is their
/// reaper. Returns once none is left that can be killed.
void kill_orphans(const std::vector<pid_t>& keep);

/// Kills all that lives of a session whose leader, a shim, died. Not the leader itself.
void kill_session(pid_t leader);

}  // namespace logstone::local
