#include "cli/submission.h"

#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <iterator>

#include "base/file.h"
#include "cluster/local/manifest.h"

namespace logstone::cli {
namespace {

constexpr std::size_t kLargestManifest = std::size_t{16} << 20;

Result<std::string> read_input(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  auto text = read_file(file, kLargestManifest);
  if (text) return text;
  Error error = std::move(text).error();
  error.kind = ErrorKind::kInvalidInput;
  return error;
}

}  // namespace

void add_submission_flags(CLI::App& command, SubmissionFlags& flags, bool files_required) {
  auto* files = command.add_option("FILE", flags.files, "Argo Workflow manifests (- reads standard input)");
  if (files_required) files->required();
  command.add_option("-p,--parameter", flags.parameters, "name=value; may be repeated")->take_all();
  command.add_option("--parameter-file", flags.parameter_files, "YAML or JSON file with parameters");
  command.add_option("-n,--namespace", flags.name_space, "for workflows that name none");
}

Result<std::vector<Submission>> read_submissions(const SubmissionFlags& flags) {
  std::map<std::string, std::string> parameters;
  for (const auto& file : flags.parameter_files) {
    LOGSTONE_ASSIGN(const std::string text, read_input(file));
    LOGSTONE_ASSIGN(const auto read, local::parse_parameter_file(text, file));
    for (const auto& [name, value] : read) parameters[name] = value;
  }
  for (const auto& parameter : flags.parameters) {
    const std::size_t equals = parameter.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Error{ErrorKind::kInvalidInput, "read parameter", parameter, "it is not name=value", ""};
    }
    parameters[parameter.substr(0, equals)] = parameter.substr(equals + 1);
  }
  std::vector<Submission> submissions;
  for (const auto& file : flags.files) {
    LOGSTONE_ASSIGN(std::string text, read_input(file));
    submissions.push_back({std::move(text), file == "-" ? "standard input" : file, parameters, flags.name_space});
  }
  return submissions;
}

Result<std::vector<std::string>> shim_command() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return Error{ErrorKind::kInternal, "find this program", "/proc/self/exe", error.message(), "is /proc mounted?"};
  }
  return std::vector<std::string>{program.string(), "pod-shim"};
}

}  // namespace logstone::cli
