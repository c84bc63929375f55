#include "doctor/examination.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace logstone::doctor {
namespace {

Finding finding_of(const ReadingNote& note) {
  Finding finding;
  finding.place = note.place;
  finding.severity = Severity::kWarning;
  switch (note.kind) {
    case ReadingNote::Kind::kUnreadable:
      finding.id = "unreadable";
      finding.summary = "this cannot be read: " + note.what;
      finding.why = "What it holds was not judged.";
      finding.edit = "Correct the YAML there.";
      break;
    case ReadingNote::Kind::kHelmTemplate:
      finding.id = "helm-template";
      finding.severity = Severity::kInfo;
      finding.summary = "this is a Helm template, not yet YAML";
      finding.why = "What it becomes depends on values that are not here; it was not judged.";
      finding.edit = "helm template RELEASE CHART -f VALUES | logstone doctor -";
      break;
    case ReadingNote::Kind::kHelmChart:
      finding.id = "helm-chart";
      finding.severity = Severity::kWarning;
      finding.summary = "the folder " + note.what + " is a Helm chart; it was not read";
      finding.why = "What a chart becomes depends on its values.";
      finding.edit = "helm template RELEASE " + note.what + " -f VALUES | logstone doctor -";
      break;
    case ReadingNote::Kind::kRemote:
      finding.id = "remote-resource";
      finding.severity = Severity::kInfo;
      finding.summary = "the kustomization takes " + note.what + " from elsewhere";
      finding.why = "Nothing is downloaded: what is there was not judged; patches of it were.";
      finding.edit = "kustomize build FOLDER | logstone doctor -";
      break;
    case ReadingNote::Kind::kMissing:
      finding.id = "kustomization-incomplete";
      finding.summary = "the kustomization uses what cannot be read: " + note.what;
      finding.why = "What it holds was not judged.";
      finding.edit = "Put it there, or take the line out.";
      break;
    case ReadingNote::Kind::kNotApplied:
      finding.id = "patch-not-applied";
      finding.severity = Severity::kInfo;
      finding.summary = "this patch was not applied: " + note.what;
      finding.why = "If kustomize applies it, what it changes was not judged.";
      finding.edit = "kustomize build FOLDER | logstone doctor -";
      break;
  }
  return finding;
}

}  // namespace

bool Examination::has_errors() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::kError; });
}

Examination examine(ManifestSet set, const WantedRetention& wanted) {
  Examination examination;
  examination.files = set.files;
  examination.documents = set.documents;
  examination.unused = set.unused;
  std::vector<Finding> findings;
  for (const ReadingNote& note : set.notes) findings.push_back(finding_of(note));
  for (const Deployment& deployment : set.deployments) {
    examination.deployments.push_back(deployment.name);
    const DeploymentFacts facts = gather_facts(deployment);
    FindingList list(deployment.name);
    check_archiving(facts, list);
    check_ui_archive(facts, list);
    check_ui_settings(facts, list);
    check_deletion(facts, list);
    check_secrets(facts, list);
    check_lifecycle(facts, wanted, list);
    auto found = list.take();
    std::move(found.begin(), found.end(), std::back_inserter(findings));
  }
  examination.findings = merge_findings(std::move(findings));
  return examination;
}

Result<Examination> examine(const std::vector<std::string>& paths, std::string_view standard_input,
                            const WantedRetention& wanted) {
  LOGSTONE_ASSIGN(ManifestSet set, read_manifests(paths, standard_input));
  return examine(std::move(set), wanted);
}

WantedRetention longest_of(const RetentionPolicy& policy) {
  WantedRetention wanted{true, Nanoseconds(0)};
  bool all_matched = false;
  for (const RetentionRule& rule : policy.rules()) {
    if (!rule.keep) return {true, std::nullopt};
    wanted.keep = std::max(*wanted.keep, *rule.keep);
    const bool any_namespace = rule.name_space.find_first_not_of('*') == std::string::npos;
    if (any_namespace && rule.labels_text.empty() && rule.phases.empty()) {
      all_matched = true;
      break;
    }
  }
  if (!all_matched) wanted.keep.reset();
  return wanted;
}

std::string to_json(const Examination& examination) {
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  std::size_t counts[3] = {};
  for (const Finding& finding : examination.findings) {
    ++counts[static_cast<std::size_t>(finding.severity)];
    findings.push_back({{"id", finding.id},
                        {"severity", to_string(finding.severity)},
                        {"file", finding.place.file_name()},
                        {"line", finding.place.line},
                        {"summary", finding.summary},
                        {"why", finding.why},
                        {"edit", finding.edit},
                        {"deployments", finding.deployments}});
  }
  const nlohmann::ordered_json out = {{"errors", counts[0]},
                                      {"warnings", counts[1]},
                                      {"infos", counts[2]},
                                      {"deployments", examination.deployments},
                                      {"files", examination.files},
                                      {"documents", examination.documents},
                                      {"unusedFiles", examination.unused},
                                      {"findings", std::move(findings)}};
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace logstone::doctor
