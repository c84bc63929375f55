// Manifests and parameters from the command line.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cluster/local/local_cluster.h"

namespace logstone::cli {

struct SubmissionFlags {
  std::vector<std::string> files;
  std::vector<std::string> parameters;  ///< `name=value`.
  std::vector<std::string> parameter_files;
  std::string name_space;
};

void add_submission_flags(CLI::App& command, SubmissionFlags& flags, bool files_required);
/// Reads the files ("-": standard input). kInvalidInput names what cannot be read.
[[nodiscard]] Result<std::vector<Submission>> read_submissions(const SubmissionFlags& flags);
/// How the engine starts a pod's shim: this very program.
[[nodiscard]] Result<std::vector<std::string>> shim_command();

}  // namespace logstone::cli
