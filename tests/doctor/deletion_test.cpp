#include <gmock/gmock.h>

#include "tests/doctor/doctor_fixture.h"

namespace logstone::doctor {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string without_archive() { return spoiled(healthy_deployment(), "archiveLogs: true", "archiveLogs: false"); }

std::string workflow(const std::string& kind, const std::string& spec) {
  return "---\napiVersion: argoproj.io/v1alpha1\nkind: " + kind +
         "\nmetadata: {name: w, namespace: kubeflow}\nspec:\n" + spec;
}

Finding in_defaults(const std::string& deployment, const std::string& lines, const std::string& id) {
  return find_finding(
      examine_text(spoiled(deployment, "      ttlStrategy:\n        secondsAfterCompletion: 3600\n", lines)), id);
}

TEST(DoctorDeletion, TtlOfTheDefaults) {
  const std::string text = without_archive();
  const Examination examination = examine_text(text);
  const Finding finding = find_finding(examination, "ttl-before-archive");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_EQ(finding.place.line, line_of(text, "ttlStrategy:"));
  EXPECT_THAT(finding.summary, HasSubstr("3600 seconds"));
}

TEST(DoctorDeletion, TtlOfWorkflows) {
  const std::string ttl = "  ttlStrategy: {secondsAfterSuccess: 60, secondsAfterFailure: 600}\n";
  for (const char* kind : {"Workflow", "WorkflowTemplate"}) {
    EXPECT_THAT(ids_of(examine_text(healthy_deployment() + workflow(kind, ttl))), IsEmpty());
    const std::string alone = workflow(kind, ttl);
    EXPECT_THAT(find_finding(examine_text(alone), "ttl-archive-unknown").summary, HasSubstr("60 seconds"));
    // Its own word is enough where no controller is given.
    EXPECT_THAT(ids_of(examine_text(workflow(kind, "  archiveLogs: true\n" + ttl))), IsEmpty());
  }
  EXPECT_THAT(ids_of(examine_text(workflow("CronWorkflow",
                                           "  schedule: \"* * * * *\"\n  workflowSpec:\n"
                                           "    ttlStrategy: {secondsAfterSuccess: 60}\n"))),
              Contains("ttl-archive-unknown"));
}

TEST(DoctorDeletion, PersistenceAgentsTtl) {
  const std::string text = without_archive();
  bool found = false;
  for (const Finding& finding : examine_text(text).findings) {
    found |= finding.id == "ttl-before-archive" && finding.place.line == line_of(text, "value: \"86400\"");
  }
  EXPECT_TRUE(found);
}

TEST(DoctorDeletion, PodGc) {
  const std::string gc = "      podGC:\n        strategy: OnPodCompletion\n";
  EXPECT_EQ(in_defaults(without_archive(), gc, "pod-gc-before-archive").severity, Severity::kError);
  EXPECT_EQ(in_defaults(healthy_deployment(), gc, "pod-gc-leaves-one-copy").severity, Severity::kInfo);
  EXPECT_THAT(ids_of(examine_text(spoiled(healthy_deployment(), "      ttlStrategy:",
                                          "      podGC: {strategy: OnWorkflowSuccess}\n      ttlStrategy:"))),
              IsEmpty());
  EXPECT_EQ(
      find_finding(examine_text(workflow("Workflow", "  podGC: {strategy: OnPodSuccess}\n")), "pod-gc-archive-unknown")
          .severity,
      Severity::kWarning);
}

TEST(DoctorDeletion, ArtifactGcTakesTheLogsToo) {
  EXPECT_EQ(in_defaults(healthy_deployment(), "      artifactGC: {strategy: OnWorkflowDeletion}\n",
                        "artifact-gc-deletes-logs")
                .severity,
            Severity::kError);
  EXPECT_THAT(ids_of(examine_text(healthy_deployment() + workflow("Workflow", "  artifactGC: {strategy: Never}\n"))),
              IsEmpty());
}

TEST(DoctorDeletion, CronHistory) {
  const std::string cron =
      workflow("CronWorkflow", "  successfulJobsHistoryLimit: 2\n  workflowSpec: {entrypoint: a}\n");
  const Finding finding = find_finding(examine_text(without_archive() + cron), "cron-history-before-archive");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_THAT(finding.summary, HasSubstr("last 2 "));
  EXPECT_THAT(ids_of(examine_text(healthy_deployment() + cron)), IsEmpty());
}

TEST(DoctorDeletion, RetentionPolicyOfTheController) {
  const auto with_policy = [](const std::string& text) {
    return spoiled(text, "  workflowDefaults: |", "  retentionPolicy: |\n    completed: 10\n  workflowDefaults: |");
  };
  EXPECT_EQ(find_finding(examine_text(with_policy(without_archive())), "retention-policy-before-archive").severity,
            Severity::kError);
  EXPECT_THAT(ids_of(examine_text(with_policy(healthy_deployment()))), IsEmpty());
}

TEST(DoctorSecrets, Missing) {
  const std::string text =
      spoiled(healthy_deployment(), "  name: store-keys\n  namespace", "  name: other\n  namespace");
  EXPECT_EQ(find_finding(examine_text(text), "secret-missing").severity, Severity::kWarning);
  EXPECT_THAT(ids_of(examine_text(text + "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\n"
                                         "metadata: {name: e, namespace: kubeflow}\n"
                                         "spec: {target: {name: store-keys}}\n")),
              IsEmpty());
}

TEST(DoctorSecrets, KeyMissing) {
  const std::string text = spoiled(healthy_deployment(), "  secretkey: two", "  other: two");
  const Finding finding = find_finding(examine_text(text), "secret-key-missing");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_EQ(finding.place.line, line_of(text, "secretKeySecret:"));
}

TEST(DoctorSecrets, OtherNamespace) {
  const std::string text = spoiled(healthy_deployment(), "name: store-keys\n  namespace: kubeflow",
                                   "name: store-keys\n  namespace: default");
  // The UI reads Secrets of its own namespace; where a controller for all namespaces has its workflows is not known.
  const Finding finding = find_finding(examine_text(text), "secret-other-namespace");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_THAT(finding.summary, HasSubstr("the UI needs it in kubeflow"));
  const std::string elsewhere = healthy_deployment() +
                                "---\napiVersion: argoproj.io/v1alpha1\nkind: Workflow\n"
                                "metadata: {name: w, namespace: team-a}\nspec: {entrypoint: a}\n";
  EXPECT_THAT(find_finding(examine_text(elsewhere), "secret-other-namespace").summary, HasSubstr("team-a"));
}

}  // namespace
}  // namespace logstone::doctor
