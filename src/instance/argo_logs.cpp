#include "instance/argo_logs.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "store/s3/s3_store.h"

namespace logstone {
namespace {

using argo::ArtifactRepository;

/// A person waits: what does not answer soon is told as such.
constexpr std::chrono::milliseconds kConnectTimeout{3'000};
constexpr std::chrono::milliseconds kDeadline{10'000};
constexpr std::size_t kMostRecords = 50;  ///< That one request reads.

/// Finds the workflows in our own catalogue.
class CatalogWorkflows final : public argo::WorkflowSource {
 public:
  CatalogWorkflows(Catalog& catalog, RecordBook& book) : catalog_(catalog), book_(book) {}

  Result<std::vector<WorkflowRecord>> find_workflows(const argo::PodRequest& request,
                                                     const std::vector<std::string>& names) override {
    std::vector<std::string> uids;
    const auto add = [&](const std::string& uid) {
      if (std::find(uids.begin(), uids.end(), uid) == uids.end()) uids.push_back(uid);
    };
    LOGSTONE_ASSIGN(const auto pods, catalog_.find_pod("", request.pod_name));
    for (const auto& pod : pods) add(pod.workflow.uid);
    if (!request.run_id.empty()) {
      if (const auto by_uid = catalog_.get(request.run_id)) add(by_uid->id.uid);
      if (auto selector = LabelSelector::parse("pipeline/runid=" + request.run_id)) {
        WorkflowQuery query;
        query.labels = *std::move(selector);
        query.include_expired = true;
        LOGSTONE_ASSIGN(const WorkflowPage page, catalog_.list(query));
        for (const auto& summary : page.workflows) add(summary.id.uid);
      }
    }
    for (const std::string& name : names) {
      WorkflowQuery query;
      query.name_prefix = name;
      query.include_expired = true;
      query.limit = 1000;
      LOGSTONE_ASSIGN(const WorkflowPage page, catalog_.list(query));
      for (const auto& summary : page.workflows) {
        if (summary.id.name == name) add(summary.id.uid);
      }
    }
    std::vector<WorkflowRecord> records;
    for (const auto& uid : uids) {
      if (records.size() >= kMostRecords) break;
      if (auto record = book_.read(uid)) records.push_back(*std::move(record));
    }
    return records;
  }

 private:
  Catalog& catalog_;
  RecordBook& book_;
};

class FoundArgoLogs final : public ArgoLogs {
 public:
  FoundArgoLogs(std::map<std::string, std::string> environment, const std::string& spool_folder,
                const ArgoSettings& settings, ArgoLogsParts parts)
      : environment_(std::move(environment)),
        workflows_(parts.catalog, parts.book),
        objects_(parts.cache, {spool_folder, settings.unpacked_bytes, std::uint64_t{1} << 30}) {}

  Result<> prepare(const ArgoSettings& settings) {
    argo::FinderSettings finder;
    for (const std::string& text : settings.key_formats) {
      LOGSTONE_ASSIGN(KeyFormat format, KeyFormat::parse(text));
      finder.key_formats.push_back(std::move(format));
    }
    if (!settings.store.empty()) {
      LOGSTONE_TRY(check_argo_store(settings.store));
      LOGSTONE_ASSIGN(S3Settings s3, parse_s3_url(settings.store, environment_));
      if (!settings.access_key.empty() || !settings.secret_key.empty()) {
        s3.credentials = {};
        s3.credentials.access_key = settings.access_key;
        s3.credentials.secret_key = settings.secret_key;
      }
      ArtifactRepository repository;
      repository.driver = "s3";
      repository.bucket = s3.bucket;
      repository.endpoint = s3.endpoint;
      repository.region = s3.region;
      finder.repository = repository;
      configured_store_ = std::move(s3);
    }
    if (!settings.config.empty()) config_ = argo::open_config_folder(settings.config);
    if (!settings.name_space.empty()) finder.controller_namespace = settings.name_space;
    finder.default_namespace = settings.name_space;
    finder.default_container = settings.log_container;
    finder.most_listed = settings.most_listed;
    const argo::StoreOpener opener = [this](const ArtifactRepository& repository) { return open_store(repository); };
    repository_ = finder.repository;
    key_formats_ = finder.key_formats;
    default_namespace_ = finder.default_namespace;
    finder_ = std::make_unique<argo::LogFinder>(argo::FinderParts{objects_, opener, &workflows_, config_.get()},
                                                std::move(finder));
    return {};
  }

  argo::FinderAnswer find(const argo::PodRequest& request) override { return finder_->find(request); }
  bool configured() const override { return repository_ || config_; }
  argo::LogObjects& objects() override { return objects_; }

  Result<ArgoBucket> bucket() override {
    if (!repository_) {
      return Error{ErrorKind::kInvalidInput, "use", "Argo's bucket", "argo_store is not set",
                   "Set it to the bucket where Argo archived logs (docs/argo-logs.md)."};
    }
    if (key_formats_.empty()) {
      return Error{ErrorKind::kInvalidInput, "use", "Argo's bucket", "key_formats is not set",
                   "Set it to what keyFormat is in Argo's artifactRepository (docs/argo-logs.md)."};
    }
    const std::lock_guard lock(bucket_mutex_);
    if (!bucket_) {
      LOGSTONE_ASSIGN(bucket_, open_store(*repository_));
    }
    return ArgoBucket{bucket_, key_formats_, default_namespace_};
  }

 private:
  Result<std::shared_ptr<ObjectStore>> open_store(const ArtifactRepository& repository) {
    if (repository.driver != "s3") {
      return Error{ErrorKind::kUnsupported,
                   "open",
                   repository.description(),
                   "logs are read from s3 only, not from " + repository.driver,
                   {}};
    }
    S3Settings s3;
    if (repository_ && repository == *repository_) {
      s3 = *configured_store_;
    } else {
      LOGSTONE_ASSIGN(s3, settings_of(repository));
    }
    s3.connect_timeout = std::min(s3.connect_timeout, kConnectTimeout);
    s3.deadline = std::min(s3.deadline, kDeadline);
    LOGSTONE_ASSIGN(auto store, open_s3_store(std::move(s3)));
    return std::shared_ptr<ObjectStore>(std::move(store));
  }

  /// Of a repository that a workflow or a ConfigMap names.
  Result<S3Settings> settings_of(const ArtifactRepository& repository) {
    const Error refused{ErrorKind::kForbidden, "open", repository.description(), "", ""};
    const bool amazon = repository.endpoint.empty() || repository.endpoint.find("amazonaws.com") != std::string::npos;
    LOGSTONE_ASSIGN(S3Settings s3, parse_s3_url("s3://" + repository.bucket, amazon ? environment_ : Environment{}));
    if (!repository.region.empty()) s3.region = repository.region;
    if (!repository.endpoint.empty() && !amazon) {
      s3.endpoint = (repository.insecure ? "http://" : "https://") + repository.endpoint;
      if (repository.endpoint.find("://") != std::string::npos) s3.endpoint = repository.endpoint;
      // Without an endpoint in its URL it was taken for one of Amazon's.
      s3.addressing = S3Settings::Addressing::kPath;
      s3.listing = S3Settings::Listing::kFolders;
    } else if (amazon && !repository.region.empty()) {
      s3.endpoint = "https://s3." + repository.region + ".amazonaws.com";
    }
    const bool ours = repository_ && argo::same_endpoint(repository.endpoint, repository_->endpoint);
    if (ours) {
      // The operator's own way to that server.
      s3.endpoint = configured_store_->endpoint;
      s3.addressing = configured_store_->addressing;
      s3.ca_file = configured_store_->ca_file;
    }
    if (repository.access_key_secret && repository.secret_key_secret && config_) {
      auto access = config_->secret(repository.name_space, *repository.access_key_secret);
      auto secret = config_->secret(repository.name_space, *repository.secret_key_secret);
      if (access && secret) {
        s3.credentials = {};
        s3.credentials.access_key = *access;
        s3.credentials.secret_key = *secret;
        if (repository.session_token_secret) {
          LOGSTONE_ASSIGN(s3.credentials.session_token,
                          config_->secret(repository.name_space, *repository.session_token_secret));
        }
        return s3;
      }
      if (!ours) return access ? secret.error() : access.error();
    }
    if (ours) {
      s3.credentials = configured_store_->credentials;
      return s3;
    }
    // This machine's own keys are for Amazon; others have no business with what is signed by them.
    if (repository.use_sdk_credentials && amazon) return s3;
    Error error = refused;
    if (repository.access_key_secret) {
      error.reason = "its keys are in Secret " + repository.name_space + "/" + repository.access_key_secret->name +
                     ", which nothing gives";
      error.advice = "set argo_config to a folder with the Secret, or argo_store to the bucket";
    } else {
      error.reason = "nothing gives its keys";
      error.advice = "set argo_store to the bucket";
    }
    return error;
  }

  using Environment = std::map<std::string, std::string>;
  const Environment environment_;
  CatalogWorkflows workflows_;
  argo::LogObjects objects_;
  std::unique_ptr<argo::ConfigSource> config_;
  std::optional<ArtifactRepository> repository_;
  std::optional<S3Settings> configured_store_;
  std::vector<KeyFormat> key_formats_;
  std::string default_namespace_;
  std::mutex bucket_mutex_;
  std::shared_ptr<ObjectStore> bucket_;  ///< Once it was asked for.
  std::unique_ptr<argo::LogFinder> finder_;
};

}  // namespace

Result<> check_argo_store(const std::string& url) {
  LOGSTONE_ASSIGN(const S3Settings s3, parse_s3_url(url, {}));
  if (!s3.prefix.empty()) {
    return Error{ErrorKind::kInvalidInput, "read", url, "it names a folder of the bucket",
                 "name the bucket alone: what is before the keys belongs into key_formats"};
  }
  return {};
}

Result<std::unique_ptr<ArgoLogs>> ArgoLogs::open(const ArgoSettings& settings,
                                                 const std::map<std::string, std::string>& environment,
                                                 const std::string& spool_folder, ArgoLogsParts parts) {
  auto logs = std::make_unique<FoundArgoLogs>(environment, spool_folder, settings, parts);
  LOGSTONE_TRY(logs->prepare(settings));
  return std::unique_ptr<ArgoLogs>(std::move(logs));
}

}  // namespace logstone
