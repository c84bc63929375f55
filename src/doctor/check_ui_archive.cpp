// Will the UI look where Argo wrote?
#include <algorithm>
#include <set>

#include "doctor/checks.h"
#include "doctor/store_address.h"
#include "doctor/ui_key_format.h"

namespace logstone::doctor {
namespace {

constexpr const char* kUiDefaultKeyFormat =
    "artifacts/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/"
    "{{workflow.creationTimestamp.d}}/{{pod.name}}";

std::string variable(const UiFacts& ui, const std::string& name, const std::string& value) {
  return "In the environment of container " + ui.container + ":\n- name: " + name + "\n  value: \"" + value + '"';
}

std::string join(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

class UiCheck {
 public:
  UiCheck(const DeploymentFacts& facts, const UiFacts& ui, FindingList& out) : facts_(facts), ui_(ui), out_(out) {}

  void run() {
    const Setting archive = ui_.get("ARGO_ARCHIVE_LOGS", "false");
    if (!archive.known) {
      out_.add("setting-unknown", Severity::kInfo, archive.place,
               "ARGO_ARCHIVE_LOGS comes from an object that is not among the manifests",
               "Whether the UI looks into the archive could not be judged.", "");
    } else if (!archive.is_true()) {
      out_.add("ui-archive-off", Severity::kError, archive.place,
               archive.set ? "ARGO_ARCHIVE_LOGS is " + archive.value : "ARGO_ARCHIVE_LOGS is not set: it is false then",
               "Once a workflow is deleted the UI answers \"Could not get main container logs\", though the log may "
               "still be in the bucket: it does not look there.",
               variable(ui_, "ARGO_ARCHIVE_LOGS", "true"));
    }
    const auto repositories = repositories_of();
    for (const Repository* repository : repositories) compare(*repository);
    check_own_format(!repositories.empty());
    if (repositories.empty()) {
      out_.add("controller-missing", Severity::kInfo, ui_.place,
               "no artifact repository of the workflow controller is among the manifests",
               "Whether the UI looks where Argo writes could not be compared: key format, bucket, endpoint.",
               "Give the manifests of Argo Workflows as well.");
    }
  }

 private:
  /// The controller's, and every namespace's default.
  std::vector<const Repository*> repositories_of() const {
    std::vector<const Repository*> found;
    for (const ControllerFacts* controller : facts_.controllers_for(ui_.name_space)) {
      if (controller->repository && !controller->repository->kind.empty()) found.push_back(&*controller->repository);
    }
    for (const NamespaceRepositories& one : facts_.repositories) {
      const auto entry = one.by_key.find(one.default_key);
      if (entry != one.by_key.end() && !entry->second.kind.empty()) found.push_back(&entry->second);
    }
    return found;
  }

  bool looks_up() const { return ui_.get("ARGO_ARTIFACT_REPOSITORIES_LOOKUP", "false").is_true(); }

  /// The format that the UI would use for a repository's workflows.
  Setting format_for(const Repository& repository) const {
    if (looks_up()) {
      for (const NamespaceRepositories& one : facts_.repositories) {
        const bool of_repository = !repository.name_space.empty() && one.name_space == repository.name_space;
        if (!of_repository && !may_be_same_namespace(one.name_space, repository.name_space)) continue;
        // The server reads this one key, whatever the annotation says.
        const auto entry = one.by_key.find("artifact-repositories");
        if (entry == one.by_key.end() || one.config->name() != "artifact-repositories") continue;
        if (entry->second.key_format.set) return entry->second.key_format;
      }
    }
    return ui_.get("ARGO_KEYFORMAT", kUiDefaultKeyFormat);
  }

  void compare(const Repository& repository) {
    if (repository.kind == "plugin") {
      out_.add("store-kind-differs", Severity::kError, repository.place,
               "Argo writes logs through a plugin (" + repository.origin + ")",
               "The UI reads logs through S3 only: once the workflow is deleted it finds none.",
               "Put Logstone before the UI, or use an s3 repository.");
      return;
    }
    compare_formats(repository);
    if (compare_kinds(repository)) {
      compare_buckets(repository);
      compare_endpoints(repository);
    }
  }

  void compare_formats(const Repository& repository) {
    const Setting own = format_for(repository);
    if (!own.known || !repository.key_format.known) return;
    const std::string argo = plain_format(repository.key_format.value, false);
    const std::string ui = plain_format(own.value, true);
    if (argo == ui) return;
    const std::string space = namespace_of(repository);
    if (!space.empty() && with_namespace(argo, space) == with_namespace(ui, space)) return;
    const UiKeyProblems problems = ui_key_problems(argo);
    std::string edit;
    if (problems.none()) {
      edit = variable(ui_, "ARGO_KEYFORMAT", argo);
    } else {
      edit = "The UI cannot make the keys of Argo's format (" + describe(problems) +
             "). Change Argo's keyFormat, and then the UI's:\nkeyFormat: \"" + fillable(argo) + "\"\n" +
             variable(ui_, "ARGO_KEYFORMAT", fillable(argo));
    }
    if (looks_up() && !own.set) {
      edit +=
          "\nThe lookup reads the data key \"artifact-repositories\" of the ConfigMap only, not the one that its "
          "annotation names.";
    }
    out_.add(
        "key-format-differs", Severity::kError, own.place,
        (own.set ? "the UI's key format is " : "ARGO_KEYFORMAT is not set: the UI's key format is ") + own.value +
            ", Argo's (" + repository.origin + ", " + repository.key_format.place.file_name() + ':' +
            std::to_string(repository.key_format.place.line) + ") is " + repository.key_format.value,
        "Argo writes each log under a key that the UI never asks for: when the workflow is deleted, so is the only "
        "way to its logs.",
        edit);
  }

  /// Of a repository whose workflows are all in one namespace; else empty.
  std::string namespace_of(const Repository& repository) const {
    for (const NamespaceRepositories& one : facts_.repositories) {
      for (const auto& [key, candidate] : one.by_key) {
        if (&candidate == &repository) return one.name_space;
      }
    }
    for (const ControllerFacts& controller : facts_.controllers) {
      if (controller.repository && &*controller.repository == &repository && controller.only_its_namespace) {
        return controller.name_space;
      }
    }
    return "";
  }

  static std::string describe(const UiKeyProblems& problems) {
    std::vector<std::string> parts;
    if (!problems.unknown.empty()) parts.push_back("it does not know " + join(problems.unknown));
    if (!problems.repeated.empty()) parts.push_back("it fills only the first " + join(problems.repeated));
    if (!problems.characters.empty()) parts.push_back("it refuses the characters " + problems.characters);
    return join(parts);
  }

  /// A format that both can use, as near to Argo's as it goes.
  static std::string fillable(const std::string& argo) {
    std::string prefix = fixed_prefix(argo);
    if (!ui_key_problems(prefix).none()) prefix.clear();
    return prefix +
           "{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/"
           "{{workflow.creationTimestamp.d}}/{{pod.name}}";
  }

  void check_own_format(bool compared) {
    std::set<std::string> seen;
    const auto check = [&](const Setting& format) {
      if (!format.known || !seen.insert(format.value).second) return;
      const UiKeyProblems problems = ui_key_problems(format.value);
      if (problems.none()) return;
      out_.add("key-format-unfillable", Severity::kError, format.place,
               "the UI cannot make a key of " + format.value + ": " + describe(problems),
               "Its server replaces six tags, each once, and takes keys of A-Z a-z 0-9 - . _ / only: it answers every "
               "request for an archived log with an error.",
               "Use each of these once at most: " + join(ui_tags()) + ". For example:\n" +
                   variable(ui_, "ARGO_KEYFORMAT", fillable(plain_format(format.value, true))));
    };
    check(ui_.get("ARGO_KEYFORMAT", kUiDefaultKeyFormat));
    if (!compared || !looks_up()) return;
    for (const Repository* repository : repositories_of()) check(format_for(*repository));
  }

  bool uses_minio() const { return ui_.get("ARGO_ARCHIVE_ARTIFACTORY", "minio").value == "minio"; }

  Setting ui_endpoint() const {
    if (!uses_minio()) return ui_.get("AWS_S3_ENDPOINT", "s3.amazonaws.com");
    Setting host = ui_.get("MINIO_HOST", "seaweedfs");
    const Setting space = ui_.get("MINIO_NAMESPACE", "kubeflow");
    const Setting port = ui_.get("MINIO_PORT", "9000");
    host.known = host.known && space.known && port.known;
    if (!host.set && space.set) host.place = space.place;
    if (!space.value.empty()) host.value += '.' + space.value;
    host.value += ':' + port.value;
    return host;
  }
  bool ui_tls() const {
    return uses_minio() ? ui_.get("MINIO_SSL", "false").is_true() : ui_.get("AWS_SSL", "true").is_true();
  }

  /// Google's and Alibaba's stores speak S3 as well, at addresses of their own.
  bool compare_kinds(const Repository& repository) {
    if (repository.kind == "s3") return true;
    const Setting own = ui_endpoint();
    const bool through_s3 = (repository.kind == "gcs" && own.value.find("googleapis.com") != std::string::npos) ||
                            (repository.kind == "oss" && own.value.find("aliyuncs.com") != std::string::npos);
    if (through_s3) {
      compare_buckets(repository);
      return false;
    }
    std::string edit = "Put Logstone before the UI, or let Argo write to an s3 repository.";
    if (repository.kind == "gcs") {
      edit = variable(ui_, "ARGO_ARCHIVE_ARTIFACTORY", "s3") +
             "\n- name: AWS_S3_ENDPOINT\n  value: \"storage.googleapis.com\"\nwith an HMAC key of a service account as "
             "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
    }
    out_.add("store-kind-differs", Severity::kError, own.place,
             "Argo writes logs to " + repository.kind + " (" + repository.origin + "), the UI reads from " + own.value,
             "The UI reads archived logs through S3 only, and not from this store: once a workflow is deleted it finds "
             "none of its logs.",
             edit);
    return false;
  }

  void compare_buckets(const Repository& repository) {
    const Setting own = ui_.get("ARGO_ARCHIVE_BUCKETNAME", "mlpipeline");
    if (!own.known || !repository.bucket.known || repository.bucket.value.empty()) return;
    if (own.value == repository.bucket.value) return;
    out_.add("bucket-differs", Severity::kError, own.place,
             (own.set ? "the UI looks into bucket " : "ARGO_ARCHIVE_BUCKETNAME is not set: the UI looks into bucket ") +
                 own.value + ", Argo (" + repository.origin + ") writes to " + repository.bucket.value,
             "The UI asks another bucket for the logs than the one that holds them.",
             variable(ui_, "ARGO_ARCHIVE_BUCKETNAME", repository.bucket.value));
  }

  void compare_endpoints(const Repository& repository) {
    const Setting own = ui_endpoint();
    if (!own.known || !repository.endpoint.known || repository.endpoint.value.empty()) return;
    const StoreAddress ui = parse_store_address(own.value, ui_tls(), ui_.name_space);
    const StoreAddress argo =
        parse_store_address(repository.endpoint.value, !repository.insecure.is_true(), repository.name_space);
    if (is_same_store(ui, argo, *facts_.deployment)) return;
    const std::string host = argo.host.substr(0, argo.host.find('.'));
    const bool service = argo.is_service() && argo.host.find('.') != std::string::npos;
    const std::string edit = service ? variable(ui_, "MINIO_HOST", host) + "\n- name: MINIO_NAMESPACE\n  value: \"" +
                                           argo.host.substr(argo.host.find('.') + 1) +
                                           "\"\n- name: MINIO_PORT\n  value: \"" + std::to_string(argo.port) + '"'
                                     : variable(ui_, "ARGO_ARCHIVE_ARTIFACTORY", "s3") +
                                           "\n- name: AWS_S3_ENDPOINT\n  value: \"" + repository.endpoint.value + '"';
    out_.add("endpoint-differs", Severity::kWarning, own.place,
             "the UI reads from " + ui.text() + ", Argo (" + repository.origin + ") writes to " + argo.text(),
             "Unless both names lead to one store, the UI asks a store that has no logs.", edit);
  }

  const DeploymentFacts& facts_;
  const UiFacts& ui_;
  FindingList& out_;
};

}  // namespace

void check_ui_archive(const DeploymentFacts& facts, FindingList& out) {
  for (const UiFacts& ui : facts.uis) UiCheck(facts, ui, out).run();
}

}  // namespace logstone::doctor
