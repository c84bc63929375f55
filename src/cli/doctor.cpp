#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "doctor/examination.h"

namespace logstone::cli {
namespace {

struct Flags {
  std::vector<std::string> paths;
  std::string keep;
  std::string retention_policy;
  std::string output = "table";
};

Result<std::string> read_standard_input() {
  std::string all;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", "standard input", errno);
    if (got == 0) return all;
    all.append(buffer, static_cast<std::size_t>(got));
    if (all.size() > (std::size_t{256} << 20)) {
      return Error{ErrorKind::kInvalidInput, "read", "standard input", "more than 256 MiB of manifests", ""};
    }
  }
}

Result<doctor::WantedRetention> wanted_retention(const Flags& flags) {
  if (!flags.keep.empty() && !flags.retention_policy.empty()) {
    return Error{ErrorKind::kInvalidInput, "doctor", "", "give --keep or --retention-policy, not both", ""};
  }
  if (flags.keep == "forever") return doctor::WantedRetention{true, std::nullopt};
  if (!flags.keep.empty()) {
    LOGSTONE_ASSIGN(const Nanoseconds keep, parse_duration(flags.keep));
    return doctor::WantedRetention{true, keep};
  }
  if (flags.retention_policy.empty()) return doctor::WantedRetention{};
  auto text = read_file(flags.retention_policy, 1 << 20);
  if (!text) {
    Error error = std::move(text).error();
    error.kind = ErrorKind::kInvalidInput;
    return error;
  }
  LOGSTONE_ASSIGN(const RetentionPolicy policy, RetentionPolicy::parse(*text, flags.retention_policy));
  return doctor::longest_of(policy);
}

std::string indented(const std::string& text, const std::string& by) {
  std::string out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out += by + printable(text.substr(begin, end - begin)) + '\n';
    begin = end + 1;
  }
  return out;
}

Colour colour_of(doctor::Severity severity) {
  switch (severity) {
    case doctor::Severity::kError:
      return Colour::kRed;
    case doctor::Severity::kWarning:
      return Colour::kYellow;
    case doctor::Severity::kInfo:
      break;
  }
  return Colour::kBlue;
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string as_text(const doctor::Examination& examination) {
  std::string out;
  std::size_t counts[3] = {};
  for (const doctor::Finding& finding : examination.findings) {
    ++counts[static_cast<std::size_t>(finding.severity)];
    out += coloured(to_string(finding.severity), colour_of(finding.severity)) + "  " + finding.id + "  " +
           printable(finding.place.file_name());
    if (finding.place.line > 0) out += ':' + std::to_string(finding.place.line);
    out += '\n' + indented(finding.summary, "  ") + indented("why: " + finding.why, "  ");
    if (!finding.edit.empty()) out += "  edit:\n" + indented(finding.edit, "    ");
    if (examination.deployments.size() > 1 && !finding.deployments.empty()) {
      std::string names;
      for (std::size_t i = 0; i < finding.deployments.size() && i < 3; ++i) {
        names += (i > 0 ? ", " : "") + finding.deployments[i];
      }
      if (finding.deployments.size() > 3) names += " and " + std::to_string(finding.deployments.size() - 3) + " more";
      out += "  in: " + printable(names) + '\n';
    }
    out += '\n';
  }
  out += counted(counts[0], "error") + ", " + counted(counts[1], "warning") + ", " + counted(counts[2], "info") +
         "; read " + counted(examination.files, "file") + " as " +
         counted(examination.deployments.size(), "deployment");
  if (examination.unused > 0) {
    out += "; " + counted(examination.unused, "file") + " beside kustomizations that use " +
           (examination.unused == 1 ? "it" : "them") + " not";
  }
  return out + '\n';
}

Result<int> run_doctor(const Flags& flags) {
  LOGSTONE_ASSIGN(const doctor::WantedRetention wanted, wanted_retention(flags));
  std::string input;
  for (const std::string& path : flags.paths) {
    if (path == "-" && input.empty()) {
      LOGSTONE_ASSIGN(input, read_standard_input());
    }
  }
  LOGSTONE_ASSIGN(const doctor::Examination examination, doctor::examine(flags.paths, input, wanted));
  write_out(flags.output == "json" ? to_json(examination) : as_text(examination));
  return examination.has_errors() ? kExitNo : kExitOk;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context, Action& chosen) {
  add_command(
      app, context, chosen, "doctor", "Read a deployment's manifests and tell what will lose logs",
      "  kustomize build env/prod | logstone doctor -\n  logstone doctor manifests/ --keep 90d\n"
      "  helm template argo argo/argo-workflows -f values.yaml | logstone doctor - -o json\n"
      "Exit code: 0 no errors; 1 errors; 2 nothing could be read.\n",
      [](CLI::App& command) -> Action {
        auto flags = std::make_shared<Flags>();
        command.add_option("PATH", flags->paths, "files, folders, or - for standard input")->required();
        command.add_option("--keep", flags->keep, "how long logs shall be kept: 90d, or forever");
        command.add_option("--retention-policy", flags->retention_policy,
                           "a retention policy file, to compare buckets' lifecycle rules with");
        command.add_option("-o,--output", flags->output, "table or json")->check(CLI::IsMember({"table", "json"}));
        return [flags](const Context&) { return run_doctor(*flags); };
      });
}

}  // namespace logstone::cli
