#include "argo/log_finder.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "argo/key_search.h"
#include "argo/known_workflows.h"

namespace logstone::argo {
namespace {

std::string workflow_text(const WorkflowIdentity& id) {
  return (id.name_space.empty() ? "" : id.name_space + "/") + id.name + (id.uid.empty() ? "" : " (" + id.uid + ")");
}

}  // namespace

/// Stores that were opened, for the next request.
struct LogFinder::Stores {
  using Time = std::chrono::steady_clock::time_point;
  struct Item {
    std::shared_ptr<ObjectStore> store;  ///< Null: it did not answer, and `error` says why.
    Error error;
    Time opened;
  };
  static constexpr std::size_t kMostItems = 64;
  /// Secrets change; a store that was opened with one is opened anew after this.
  static constexpr auto kAge = std::chrono::minutes(5);
  /// One that does not answer is not asked again so soon: every reader would wait for it.
  static constexpr auto kAwayAge = std::chrono::seconds(5);

  static std::string key_of(const ArtifactRepository& r) {
    const auto secret = [](const std::optional<SecretReference>& s) { return s ? s->name + '/' + s->key : ""; };
    std::string key = r.driver;
    for (const std::string& part : {r.bucket, r.endpoint, r.region, std::string(r.insecure ? "insecure" : ""),
                                    std::string(r.use_sdk_credentials ? "sdk" : ""), secret(r.access_key_secret),
                                    secret(r.secret_key_secret), secret(r.session_token_secret), r.name_space}) {
      key += '\n' + part;
    }
    return key;
  }

  Result<std::shared_ptr<ObjectStore>> open(const StoreOpener& opener, const ArtifactRepository& repository) {
    const std::string key = key_of(repository);
    const Time now = std::chrono::steady_clock::now();
    {
      const std::lock_guard lock(mutex);
      const auto known = items.find(key);
      if (known != items.end() && known->second.store && now - known->second.opened < kAge) return known->second.store;
      if (known != items.end() && !known->second.store && now - known->second.opened < kAwayAge) {
        return known->second.error;
      }
    }
    auto opened = opener(repository);
    const std::lock_guard lock(mutex);
    if (items.size() >= kMostItems) items.clear();
    if (opened) {
      items[key] = {*opened, {}, now};
    } else if (opened.error().retryable()) {
      items[key] = {nullptr, opened.error(), std::chrono::steady_clock::now()};
    }
    return opened;
  }
  void forget(const ArtifactRepository& repository) {
    const std::lock_guard lock(mutex);
    items.erase(key_of(repository));
  }

  std::mutex mutex;
  std::map<std::string, Item> items;
};

namespace {

/// One request's way through the places.
template <class Stores>
class Search {
 public:
  Search(const FinderParts& parts, const FinderSettings& settings, Stores& stores, const PodRequest& request)
      : parts_(parts), settings_(settings), stores_(stores), request_(request) {}

  FinderAnswer run() {
    known_ = sort_workflows(parts_.workflows, request_, settings_);
    answer_.tried = std::move(known_.remarks);
    by_status();
    for (const auto& known : known_.own) {
      if (done()) break;
      const ArtifactRepository& repository = known.locations.repository;
      if (!known.certain || repository.driver.empty()) continue;
      by_repository("the repository in the status of workflow " + workflow_text(known.record.id), repository, true);
    }
    if (!done()) by_config();
    if (!done()) by_settings();
    return std::move(answer_);
  }

 private:
  [[nodiscard]] bool done() const { return answer_.found || answer_.refused; }
  void tried(std::string place, std::string outcome) {
    answer_.tried.push_back({std::move(place), std::move(outcome)});
  }

  /// The ways to a repository: as the operator reaches the bucket of that name, then as it is written.
  std::vector<ArtifactRepository> ways(const ArtifactRepository& repository) const {
    std::vector<ArtifactRepository> all;
    const bool same_bucket = settings_.repository && settings_.repository->driver == repository.driver &&
                             settings_.repository->bucket == repository.bucket;
    if (same_bucket) all.push_back(*settings_.repository);
    if (!same_bucket || !same_endpoint(repository.endpoint, settings_.repository->endpoint)) all.push_back(repository);
    return all;
  }

  std::shared_ptr<ObjectStore> open(const std::string& place, const ArtifactRepository& repository, bool foreign) {
    if (broken_.contains(repository.description())) return nullptr;
    const auto fail = [&](std::string reason) {
      tried(place, std::move(reason));
      broken_.insert(repository.description());
      return nullptr;
    };
    // What anybody may write into a workflow must not make this program ask a machine for its own credentials.
    if (foreign && is_metadata_endpoint(repository.endpoint)) {
      return fail("its endpoint " + repository.endpoint + " is not asked: it may be a metadata service");
    }
    auto store = stores_.open(parts_.open_store, repository);
    if (!store) return fail(store.error().message());
    return *std::move(store);
  }

  /// Opens an object that is certain; true when it is given.
  bool give(const std::string& place, const std::shared_ptr<ObjectStore>& store, const ObjectInfo& object,
            const std::string& how, const WorkflowIdentity& workflow, const std::string& container) {
    auto log = parts_.objects.open(store, object, container);
    if (!log) {
      tried(place, log.error().message());
      return false;
    }
    answer_.found = FoundArgoLog{*std::move(log), how, store->description() + "/" + object.key, workflow, container};
    return true;
  }

  void refuse(const std::string& place, const std::vector<std::string>& fitting) {
    std::string all;
    for (std::size_t i = 0; i < fitting.size() && i < 10; ++i) all += (i == 0 ? "" : ", ") + fitting[i];
    if (fitting.size() > 10) all += ", ...";
    tried(place, "several workflows fit: " + all);
    answer_.refused = Error{ErrorKind::kConflict, "find log of pod", request_.pod_name,
                            "several workflows may have had that pod, and none is guessed: " + all,
                            "give the run's id, its namespace or the day when it was created"};
  }

  void by_status() {
    struct Hit {
      const KnownWorkflow* known;
      const ArchivedLocation* log;
    };
    std::vector<Hit> hits;
    std::set<std::string> fitting;
    for (const auto& known : known_.own) {
      if (known.record.manifest_json.empty()) continue;
      const std::string place = "the status of workflow " + workflow_text(known.record.id);
      std::vector<const ArchivedLocation*> of_pod;
      for (const auto& log : known.locations.logs) {
        const auto& names = log.pod_names;
        if (std::find(names.begin(), names.end(), request_.pod_name) != names.end()) of_pod.push_back(&log);
      }
      const std::string wanted = request_.container.empty() ? settings_.default_container : request_.container;
      const bool only = request_.container.empty() && of_pod.size() == 1;
      const auto log = std::find_if(of_pod.begin(), of_pod.end(),
                                    [&](const ArchivedLocation* l) { return only || l->container == wanted; });
      if (log != of_pod.end()) {
        hits.push_back({&known, *log});
        fitting.insert(workflow_text(known.record.id));
        continue;
      }
      std::string others;
      for (const auto* other : of_pod) others += (others.empty() ? "" : ", ") + other->container + "-logs";
      tried(place, others.empty() ? "it names no archived log of the pod"
                                  : "it names no " + wanted + "-logs of the pod, but " + others);
    }
    if (fitting.size() > 1) return refuse("the workflows' status", {fitting.begin(), fitting.end()});
    for (const Hit& hit : hits) {
      const std::string place = "the status of workflow " + workflow_text(hit.known->record.id);
      for (const ArtifactRepository& way : ways(hit.log->repository)) {
        if (done()) return;
        const auto store = open(place, way, true);
        if (!store) continue;
        auto object = store->head(hit.log->key);
        if (!object) {
          told_error(place, way, object.error());
          continue;
        }
        give(place, store, *object, "argo-status", hit.known->record.id, hit.log->container);
      }
    }
  }

  void told_error(const std::string& place, const ArtifactRepository& way, const Error& error) {
    tried(place, way.description() + ": " + error.message());
    if (error.kind == ErrorKind::kForbidden) stores_.forget(way);
    if (error.retryable()) broken_.insert(way.description());
  }

  void by_repository(const std::string& place, const ArtifactRepository& repository, bool foreign) {
    const std::string text = repository.key_format.empty() ? std::string(kArgoKeyFormat) : repository.key_format;
    auto format = KeyFormat::parse(text);
    if (!format) return tried(place, format.error().message());
    for (const ArtifactRepository& way : ways(repository)) {
      if (done()) return;
      by_format(place, way, *format, foreign);
    }
  }

  void by_config() {
    if (parts_.config == nullptr) return;
    std::string name_space = request_.name_space.empty() ? settings_.default_namespace : request_.name_space;
    if (name_space.empty() && known_.own.size() == 1) name_space = known_.own.front().record.id.name_space;
    auto repositories = find_repositories(*parts_.config, settings_.controller_namespace, name_space);
    for (auto& unused : repositories.unused) tried(std::move(unused.place), std::move(unused.reason));
    for (const auto& found : repositories.found) {
      if (done()) return;
      by_repository(found.place, found.repository, false);
    }
  }

  void by_settings() {
    if (settings_.key_formats.empty()) return tried("the configured key formats", "the setting `key_formats` is empty");
    if (!settings_.repository) return tried("the configured key formats", "the setting `argo_store` names no bucket");
    for (const KeyFormat& format : settings_.key_formats) {
      if (done()) return;
      by_format("the configured key format", *settings_.repository, format, false);
    }
  }

  void by_format(const std::string& place, const ArtifactRepository& way, const KeyFormat& format, bool foreign) {
    const std::string where = place + " " + format.text() + " in " + way.description();
    if (!searched_.insert(way.description() + '\n' + format.text()).second) return;
    const auto store = open(where, way, foreign);
    if (!store) return;
    const KeySearchResult result = KeySearch(*store, format, known_, request_, settings_).run();
    if (result.hits.size() > 1) {
      std::vector<std::string> fitting;
      for (const KeyHit& hit : result.hits) fitting.push_back(workflow_text(hit.workflow) + " at " + hit.object.key);
      return refuse(where, fitting);
    }
    if (result.hits.empty()) return tried(where, result.outcome);
    const KeyHit& hit = result.hits.front();
    give(where, store, hit.object, hit.listed ? "argo-listing" : "argo-key-format", hit.workflow, hit.container);
  }

  const FinderParts& parts_;
  const FinderSettings& settings_;
  Stores& stores_;
  const PodRequest& request_;
  KnownWorkflows known_;
  FinderAnswer answer_;
  std::set<std::string> broken_;    ///< Repositories that did not answer: not asked again for this request.
  std::set<std::string> searched_;  ///< Bucket and format, so that one named twice is not searched twice.
};

}  // namespace

LogFinder::LogFinder(FinderParts parts, FinderSettings settings)
    : parts_(std::move(parts)), settings_(std::move(settings)), stores_(std::make_unique<Stores>()) {}
LogFinder::~LogFinder() = default;

FinderAnswer LogFinder::find(const PodRequest& request) {
  return Search<Stores>(parts_, settings_, *stores_, request).run();
}

}  // namespace logstone::argo
