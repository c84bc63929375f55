#include "cluster/local/local_cluster.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "cluster/local/local_cluster_engine.h"
#include "cluster/local/manifest.h"

namespace logstone {

Result<std::unique_ptr<LocalCluster>> LocalCluster::open(LocalClusterSettings settings) {
  return local::Engine::open(std::move(settings))
      .map([](std::unique_ptr<local::Engine> engine) -> std::unique_ptr<LocalCluster> { return engine; });
}

}  // namespace logstone

namespace logstone::local {
namespace {

namespace fs = std::filesystem;

Error gone(const char* attempted, const std::string& uid) {
  return Error{ErrorKind::kNotFound, attempted, uid, "the cluster has no such object", ""};
}

/// An engine killed while it forked leaves its lock to the child for a moment, until that has closed it.
Result<FileLock> lock_folder(const fs::path& path) {
  constexpr auto kMoment = std::chrono::seconds(5);
  const auto deadline = std::chrono::steady_clock::now() + kMoment;
  while (true) {
    auto lock = FileLock::try_lock(path, FileLock::Mode::kExclusive);
    if (lock || lock.error().kind != ErrorKind::kConflict || std::chrono::steady_clock::now() > deadline) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Kubernetes' random suffix: five letters and digits that make no words and are not mistaken for one another.
std::string random_suffix() {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::random_device random;
  std::string suffix;
  for (int i = 0; i < 5; ++i) suffix += kLetters[random() % kLetters.size()];
  return suffix;
}

}  // namespace

/// Held while its function runs, so that its end waits for that; recursive, so that it may end within.
struct Engine::Subscriber {
  std::recursive_mutex mutex;
  std::function<void(const std::string&)> changed;
};

class Engine::SubscriptionHandle final : public Subscription {
 public:
  explicit SubscriptionHandle(std::shared_ptr<Subscriber> subscriber) : subscriber_(std::move(subscriber)) {}
  ~SubscriptionHandle() override {
    const std::lock_guard lock(subscriber_->mutex);
    subscriber_->changed = nullptr;
  }

 private:
  std::shared_ptr<Subscriber> subscriber_;
};

Result<std::unique_ptr<Engine>> Engine::open(LocalClusterSettings settings) {
  std::error_code error;
  settings.folder = fs::absolute(settings.folder, error).lexically_normal();
  if (error || settings.shim_command.empty())
    return Error{ErrorKind::kInvalidInput, "open the embedded engine", settings.folder.string(),
                 error ? error.message() : "no shim command is given", ""};
  settings.log_files = std::max<std::size_t>(settings.log_files, 2);
  settings.parallel_pods = std::max<std::size_t>(settings.parallel_pods, 1);
  std::unique_ptr<Engine> engine(new Engine(std::move(settings)));
  LOGSTONE_TRY(engine->load());
  engine->thread_ = std::thread([raw = engine.get()] { raw->run(); });
  return engine;
}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    wake();
    thread_.join();
  }
}

Result<> Engine::load() {
  LOGSTONE_TRY(make_directories(settings_.folder));
  auto lock = lock_folder(settings_.folder / "engine.lock");
  if (!lock) {
    auto error = std::move(lock).error();
    if (error.kind == ErrorKind::kConflict) error.advice = "Another process runs this engine; ask that one, or end it.";
    return error;
  }
  lock_ = *std::move(lock);
  for (const auto* name : {"sandboxes", "pods", "artifacts", "trash"})
    LOGSTONE_TRY(make_directories(settings_.folder / name));
  LOGSTONE_ASSIGN(objects_, ObjectFolder::open(settings_.folder / "workflows"));
  LOGSTONE_ASSIGN(watch_, SandboxWatch::open());
  LOGSTONE_ASSIGN(logs_, NodeLogWatcher::start());
  wake_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_.valid()) return system_error("open the embedded engine", "eventfd", errno);

  LOGSTONE_ASSIGN(const auto objects, objects_->load());
  for (const auto& object : objects) {
    auto workflow = workflow_object_from_json(object.json);
    if (!workflow) {
      auto error = std::move(workflow).error();
      error.subject = (settings_.folder / "workflows" / (object.name + ".json")).string();
      error.advice = "Move the file away to go on without this workflow.";
      return error;
    }
    const auto uid = workflow->facts.uid;
    workflows_.emplace(uid, *std::move(workflow));
    dirty(uid);
  }
  LOGSTONE_TRY(load_pods());
  delete_remains();
  return {};
}

Result<> Engine::load_pods() {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(settings_.folder / "sandboxes", error), end; !error && it != end; it.increment(error))
    folders.push_back(it->path());
  if (error)
    return Error{ErrorKind::kUnavailable, "list pods", (settings_.folder / "sandboxes").string(), error.message(), ""};
  for (const auto& folder : folders) {
    const PodSandbox sandbox(folder);
    if (folder.filename().string().starts_with("new-")) {
      (void)remove_folder(folder);  // Its making was interrupted: nothing runs in it.
      continue;
    }
    auto read_spec = sandbox.spec();
    const auto read_marks = sandbox.marks();
    if (!read_spec || !read_marks) {
      // Cut off by a power failure. Its logs stay, for a person to look at.
      const auto& why = !read_spec ? read_spec.error() : read_marks.error();
      log_error("a pod is left out: " + why.message(), {{"folder", folder.string()}});
      continue;
    }
    auto spec = *std::move(read_spec);
    const auto& marks = *read_marks;
    spec.cluster_folder = settings_.folder;
    const auto uid = spec.uid;
    auto& pod = pods_.emplace(uid, PodObject(sandbox, std::move(spec))).first->second;
    pod.marks = marks;
    if (marks.deletion_requested || marks.forced || !workflows_.contains(pod.spec.workflow_uid))
      deleting_pods_.insert(uid);
    if (const auto found = workflows_.find(pod.spec.workflow_uid); found != workflows_.end() && !marks.forced)
      found->second.pods.insert(uid);
    if (!sandbox.shim_alive() && !sandbox.status()) {
      queue_.push_back(uid);  // Its shim was never started, or ended before it started anything.
      continue;
    }
    pod.stage = PodStage::kRunning;
    ++running_;
    LOGSTONE_ASSIGN(pod.watch, watch_->add(folder));
    watched_[pod.watch] = uid;
    refresh_pod(pod);
  }
  return {};
}

void Engine::delete_remains() const {
  const auto each = [&](const char* name, const std::function<bool(const std::string&)>& known) {
    std::error_code error;
    std::vector<fs::path> remains;
    for (fs::directory_iterator it(settings_.folder / name, error), end; !error && it != end; it.increment(error))
      if (!known(it->path().filename().string())) remains.push_back(it->path());
    for (const auto& folder : remains)
      if (const auto removed = remove_folder(folder); !removed) log_warning(removed.error().message());
  };
  each("trash", [](const std::string&) { return false; });
  each("artifacts", [&](const std::string& uid) { return workflows_.contains(uid); });
  each("pods", [&](const std::string& folder) {
    std::error_code error;
    return fs::exists(settings_.folder / "sandboxes" / folder.substr(folder.rfind('_') + 1), error);
  });
}

bool Engine::name_taken(const std::string& name_space, const std::string& name) const {
  return std::any_of(workflows_.begin(), workflows_.end(), [&](const auto& entry) {
    return entry.second.facts.name_space == name_space && entry.second.facts.name == name;
  });
}

std::string Engine::free_name(const ParsedWorkflow& workflow) const {
  if (!workflow.name.empty()) return workflow.name;
  while (true) {
    auto name = workflow.generate_name + random_suffix();
    if (!name_taken(workflow.name_space, name)) return name;
  }
}

Result<std::vector<WorkflowIdentity>> Engine::submit(const std::vector<Submission>& submissions) {
  LOGSTONE_ASSIGN(auto manifests, resolve_submissions(submissions));

  const std::lock_guard lock(mutex_);
  std::set<std::pair<std::string, std::string>> names;
  for (const auto& manifest : manifests) {
    if (manifest.name.empty()) continue;
    if (name_taken(manifest.name_space, manifest.name) || !names.insert({manifest.name_space, manifest.name}).second)
      return Error{ErrorKind::kConflict, "submit workflow", manifest.name_space + "/" + manifest.name,
                   "a workflow of this name exists (" + manifest.at.text() + ")",
                   "Delete it, or use generateName instead of name."};
  }
  std::vector<WorkflowIdentity> identities;
  for (auto& manifest : manifests) {
    WorkflowObject workflow;
    workflow.facts.name = free_name(manifest);
    workflow.facts.name_space = manifest.name_space;
    workflow.facts.uid = random_uuid();
    workflow.facts.created = Clock::system().now();
    workflow.facts.labels = manifest.metadata.labels;
    workflow.facts.annotations = manifest.metadata.annotations;
    workflow.facts.annotations[kPodNameFormatAnnotation] = "v2";
    workflow.manifest = std::move(manifest);
    if (const auto put = objects_->put(workflow.facts.uid, to_json(workflow)); !put) {
      for (const auto& identity : identities) {
        workflows_.erase(identity.uid);
        dirty_.erase(identity.uid);
        (void)objects_->remove(identity.uid);
      }
      return put.error();
    }
    const auto& facts = workflow.facts;
    identities.push_back({name(), facts.name_space, facts.name, facts.uid});
    dirty(facts.uid);
    workflows_.emplace(identities.back().uid, std::move(workflow));
  }
  for (const auto& identity : identities) aftermath_.changed.insert(identity.uid);
  wake();
  return identities;
}

void Engine::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto ignored = ::write(wake_.get(), &one, sizeof one);
}

Result<> Engine::change_workflow(const std::string& uid, const char* attempted,
                                 const std::function<void(WorkflowObject&)>& change) {
  const std::lock_guard lock(mutex_);
  const auto found = workflows_.find(uid);
  if (found == workflows_.end()) return gone(attempted, uid);
  auto& workflow = found->second;
  const auto held = workflow.held;
  const auto terminate = workflow.terminate;
  const auto deletion_requested = workflow.deletion_requested;
  change(workflow);
  if (workflow.held == held && workflow.terminate == terminate && workflow.deletion_requested == deletion_requested)
    return {};
  if (const auto put = objects_->put(uid, to_json(workflow)); !put) {
    workflow.held = held;
    workflow.terminate = terminate;
    workflow.deletion_requested = deletion_requested;
    return put;
  }
  workflow.unsaved = false;
  dirty(uid);
  aftermath_.changed.insert(uid);
  wake();
  return {};
}

Result<> Engine::change_pod(const std::string& uid, const char* attempted,
                            const std::function<void(PodMarks&)>& change) {
  const auto found = pods_.find(uid);
  if (found == pods_.end() || found->second.marks.forced) return gone(attempted, uid);
  auto& pod = found->second;
  auto marks = pod.marks;
  change(marks);
  LOGSTONE_TRY(pod.sandbox.write_marks(marks));
  pod.marks = marks;
  if (marks.deletion_requested || marks.forced) deleting_pods_.insert(uid);
  dirty(pod.spec.workflow_uid);
  aftermath_.changed.insert(pod.spec.workflow_uid);
  wake();
  return {};
}

Result<> Engine::terminate(const std::string& uid) {
  return change_workflow(uid, "terminate workflow", [](WorkflowObject& workflow) { workflow.terminate = true; });
}

Result<> Engine::hold_workflow(const std::string& uid) {
  return change_workflow(uid, "hold workflow", [this](WorkflowObject& workflow) {
    if (workflow.held) return;
    workflow.held = true;
    // A pod that ends soon and is collected at once might otherwise go before it is held itself.
    for (const auto& pod : workflow.pods) (void)change_pod(pod, "hold pod", [](PodMarks& marks) { marks.held = true; });
  });
}

Result<> Engine::release_workflow(const std::string& uid) {
  return change_workflow(uid, "release workflow", [](WorkflowObject& workflow) { workflow.held = false; });
}

Result<> Engine::delete_workflow(const std::string& uid) {
  auto changed = change_workflow(uid, "delete workflow", [](WorkflowObject& workflow) {
    if (!workflow.deletion_requested) workflow.deletion_requested = Clock::system().now();
  });
  if (!changed && changed.error().kind == ErrorKind::kNotFound) return {};
  return changed;
}

Result<> Engine::hold_pod(const std::string& /*workflow_uid*/, const std::string& pod_uid) {
  const std::lock_guard lock(mutex_);
  return change_pod(pod_uid, "hold pod", [](PodMarks& marks) { marks.held = true; });
}

Result<> Engine::release_pod(const std::string& /*workflow_uid*/, const std::string& pod_uid) {
  const std::lock_guard lock(mutex_);
  return change_pod(pod_uid, "release pod", [](PodMarks& marks) { marks.held = false; });
}

Result<> Engine::delete_pod(const std::string& pod_uid, bool force) {
  const std::lock_guard lock(mutex_);
  return change_pod(pod_uid, "delete pod", [&](PodMarks& marks) {
    marks.forced = force;
    if (!marks.deletion_requested) marks.deletion_requested = Clock::system().now();
  });
}

Result<std::vector<Workflow>> Engine::list_workflows() {
  const std::lock_guard lock(mutex_);
  std::vector<Workflow> result;
  for (const auto& [uid, workflow] : workflows_) result.push_back(shown(workflow, name()));
  return result;
}

Result<Workflow> Engine::get_workflow(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto found = workflows_.find(uid);
  if (found == workflows_.end()) return gone("get workflow", uid);
  return shown(found->second, name());
}

Result<std::vector<Pod>> Engine::list_pods(const std::string& workflow_uid) {
  const std::lock_guard lock(mutex_);
  std::vector<Pod> result;
  if (const auto found = workflows_.find(workflow_uid); found != workflows_.end()) {
    for (const auto& uid : found->second.pods)
      if (const auto pod = pods_.find(uid); pod != pods_.end() && !pod->second.marks.forced)
        result.push_back(shown(pod->second));
    return result;
  }
  // The workflow is gone, and its pods go as soon as they may.
  for (const auto& uid : deleting_pods_)
    if (const auto pod = pods_.find(uid);
        pod != pods_.end() && pod->second.spec.workflow_uid == workflow_uid && !pod->second.marks.forced)
      result.push_back(shown(pod->second));
  return result;
}

std::unique_ptr<Subscription> Engine::subscribe(std::function<void(const std::string& uid)> changed) {
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->changed = std::move(changed);
  const std::lock_guard lock(subscribers_mutex_);
  std::erase_if(subscribers_, [](const auto& weak) { return weak.expired(); });
  subscribers_.push_back(subscriber);
  return std::make_unique<SubscriptionHandle>(std::move(subscriber));
}

void Engine::tell(Aftermath& aftermath) {
  for (const auto& place : aftermath.ended_logs) logs_->wake(place);
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  {
    const std::lock_guard lock(subscribers_mutex_);
    for (const auto& weak : subscribers_)
      if (auto subscriber = weak.lock()) subscribers.push_back(std::move(subscriber));
  }
  for (const auto& subscriber : subscribers) {
    const std::lock_guard lock(subscriber->mutex);
    for (const auto& uid : aftermath.changed)
      if (subscriber->changed) subscriber->changed(uid);
  }
  for (const auto& folder : aftermath.folders)
    if (const auto removed = remove_folder(folder); !removed) log_warning(removed.error().message());
}

Result<std::unique_ptr<LogReader>> Engine::open_log(const std::string& /*workflow_uid*/, const StreamIdentity& stream,
                                                    const Cursor& from, std::function<void()> more) {
  std::shared_ptr<LogEnds> ends;
  NodeLogPlace place;
  {
    const std::lock_guard lock(mutex_);
    const auto found = pods_.find(stream.pod_uid);
    if (found == pods_.end()) return gone("open log", stream.key());
    const auto& containers = found->second.spec.request.containers;
    if (std::none_of(containers.begin(), containers.end(), [&](const auto& c) { return c.name == stream.container; }))
      return Error{ErrorKind::kNotFound, "open log", stream.key(), "the pod has no such container", ""};
    ends = found->second.log_ends;
    place = place_of(found->second, stream.container);
    place.restart = stream.restart;
  }
  return logs_->open(
      place, from, [ends, container = stream.container] { return ends->ended(container); }, std::move(more));
}

}  // namespace logstone::local
