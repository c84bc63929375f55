#include "cluster/local/pod_artifacts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace logstone::local {
namespace {

namespace fs = std::filesystem;

/// Argo's limit is etcd's: an object of 1.5 MiB.
constexpr std::size_t kMaxParameterBytes = std::size_t{1} << 20;

Error copy_error(const char* what, const std::string& name, const fs::path& path, const std::string& why) {
  return Error{ErrorKind::kInvalidInput, what, name, path.string() + ": " + why, ""};
}

Result<> copy_tree(const fs::path& from, const fs::path& to, const char* what, const std::string& name,
                   const fs::path& path_for_errors) {
  std::error_code error;
  // Links within are kept as links, but the artifact's own path is followed. Not by fs::canonical: `from` may begin in
  // /proc/self/fd, whose real path means something else in the pod's view.
  if (fs::is_directory(from, error)) {
    constexpr auto kOptions =
        fs::copy_options::recursive | fs::copy_options::copy_symlinks | fs::copy_options::overwrite_existing;
    fs::copy(from / ".", to, kOptions, error);
  } else if (!error) {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  }
  if (error) return copy_error(what, name, path_for_errors, error.message());
  return {};
}

bool stays_below(const fs::path& path) {
  for (const auto& part : path)
    if (part == "..") return false;
  return path.is_relative();
}

Result<> place(const PodSpec& spec, const PodInputArtifact& input, const fs::path& cluster, const PodView& view) {
  constexpr const char* kWhat = "place input artifact";
  LOGSTONE_TRY(view.make_parent(input.path));
  if (input.source.raw) {
    const UniqueFd fd(::open(input.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd.valid()) return system_error(kWhat, input.path, errno);
    LOGSTONE_TRY(write_all(fd.get(), *input.source.raw, input.path));
  } else {
    LOGSTONE_ASSIGN(auto source,
                    PodSpec::artifact_path(spec.workflow_uid, input.source.node_id, input.source.artifact_name));
    if (!stays_below(input.source.sub_path))
      return copy_error(kWhat, input.name, input.source.sub_path, "it leads out of the artifact");
    source /= input.source.sub_path;
    if (source.filename().empty()) source = source.parent_path();
    LOGSTONE_TRY(copy_tree(cluster / source, input.path, kWhat, input.name, source));
  }
  if (input.mode && ::chmod(input.path.c_str(), *input.mode & 07777) != 0)
    return system_error("set the mode of input artifact", input.path, errno);
  return {};
}

Result<> keep(const PodSpec& spec, const PodOutputArtifact& output, const fs::path& cluster, PodOutcome& outcome) {
  constexpr const char* kWhat = "save output artifact";
  std::error_code error;
  if (!fs::exists(output.path, error)) {
    if (output.optional) return {};
    return copy_error(kWhat, output.name, output.path, "no such file or directory");
  }
  LOGSTONE_ASSIGN(auto target, PodSpec::artifact_path(spec.workflow_uid, spec.request.node_id, output.name));
  target = cluster / target;
  fs::remove_all(target, error);  // An earlier pod of the node left it.
  fs::create_directories(target.parent_path(), error);
  LOGSTONE_TRY(copy_tree(output.path, target, kWhat, output.name, output.path));
  outcome.artifacts.push_back(output.name);
  return {};
}

Result<> read_parameter(const PodOutputParameter& output, PodOutcome& outcome) {
  auto text = read_file(output.path, kMaxParameterBytes);
  if (text) {
    if (text->ends_with('\n')) text->pop_back();
    outcome.parameters[output.name] = *std::move(text);
  } else if (output.default_value && text.error().kind == ErrorKind::kNotFound) {
    outcome.parameters[output.name] = *output.default_value;
  } else {
    return copy_error("save output parameter", output.name, output.path, text.error().reason);
  }
  return {};
}

}  // namespace

Result<> place_input_artifacts(const PodSpec& spec, const fs::path& cluster, const PodView& view) {
  for (const auto& input : spec.request.input_artifacts) LOGSTONE_TRY(place(spec, input, cluster, view));
  return {};
}

Result<> collect_outputs(const PodSpec& spec, const fs::path& cluster, PodOutcome& outcome) {
  Result<> first;
  const auto note = [&](Result<> result) {
    if (first && !result) first = std::move(result);
  };
  for (const auto& output : spec.request.output_parameters) note(read_parameter(output, outcome));
  for (const auto& output : spec.request.output_artifacts) note(keep(spec, output, cluster, outcome));
  return first;
}

}  // namespace logstone::local
