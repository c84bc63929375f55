#include "instance/instance.h"

#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "argo/publisher.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "instance/instance_backend.h"
#include "instance/store_choice.h"

namespace logstone {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCatalogOf = "catalog.of";  ///< Names the store that the catalogue is of.
const std::string kNotFilled = "not filled yet: ";
constexpr std::size_t kLongestSocketPath = 100;  // sockaddr_un holds 107.

/// A folder of ours for a socket whose data folder's path is too long, or that is not to be announced.
Result<fs::path> make_private_folder() {
  std::string name = (fs::temp_directory_path() / "logstone-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return system_error("make folder", name, errno);
  return fs::path(name);
}

/// Waits a little for readers, which are short, to leave; a writer stays.
Result<FileLock> lock_folder(const fs::path& path, FileLock::Mode mode) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (true) {
    auto lock = FileLock::try_lock(path, mode);
    if (lock || lock.error().kind != ErrorKind::kConflict || std::chrono::steady_clock::now() > deadline) return lock;
    if (find_running_instance(path.parent_path().string())) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

bool is_loopback(const std::string& host) { return host == "::1" || host == "localhost" || host.starts_with("127."); }

class OpenInstance final : public Instance {
 public:
  ~OpenInstance() override { stop(); }

  Result<> open(InstanceOptions options) {
    mode_ = options.mode;
    const fs::path data = options.settings.data;
    data_ = data;
    const fs::path folder = store_folder(options.settings);
    if (mode_ != InstanceMode::kServe && !folder.empty() && !fs::exists(folder)) {
      const auto of = read_file(data / kCatalogOf, 64 << 10);
      const std::string elsewhere = of && of->starts_with("s3://") ? of->substr(0, of->find_first_of(" \n")) : "";
      return Error{ErrorKind::kNotFound, "open data folder", data.string(), "there is no archive in it",
                   !elsewhere.empty() ? "its archive is in " + elsewhere + ": name it with --store or LOGSTONE_STORE"
                                      : "start one with `logstone up`, or name a folder with --data, a store with "
                                        "--store or a server with --server"};
    }
    LOGSTONE_TRY(make_directories(data));
    auto lock =
        lock_folder(data / "lock", mode_ == InstanceMode::kRead ? FileLock::Mode::kShared : FileLock::Mode::kExclusive);
    if (!lock) {
      Error error = std::move(lock).error();
      if (error.kind == ErrorKind::kConflict) error.advice = "another process works on it; use its server or end it";
      return error;
    }
    lock_ = std::move(*lock);
    LOGSTONE_ASSIGN(store_, open_store(options.settings, mode_ == InstanceMode::kServe));
    LOGSTONE_TRY(open_catalog(options.makes_catalog));
    book_ = std::make_unique<RecordBook>(*store_.store, *catalog_);
    if (catalog_is_new_ && mode_ != InstanceMode::kServe && !options.makes_catalog) {
      LOGSTONE_TRY(book_->take_all());
      LOGSTONE_TRY(catalog_is_made());
    }
    RetentionPolicy policy;
    if (!options.settings.retention_policy.empty()) {
      LOGSTONE_ASSIGN(const std::string text, read_file(options.settings.retention_policy, 1 << 20));
      LOGSTONE_ASSIGN(policy, RetentionPolicy::parse(text, options.settings.retention_policy));
    }
    keeper_ = std::make_unique<ArchiveKeeper>(*book_, *catalog_, Clock::system(), std::move(policy));
    cache_ = std::make_unique<BlockCache>(options.settings.cache_bytes);
    LOGSTONE_ASSIGN(argo_, ArgoLogs::open(options.settings.argo, options.settings.environment,
                                          (data / "unpacked").string(), {*catalog_, *book_, *cache_}));
    if (mode_ == InstanceMode::kServe) {
      LocalClusterSettings engine;
      engine.folder = data / "cluster";
      engine.shim_command = options.shim_command;
      engine.log_file_bytes = options.settings.log_file_bytes;
      engine.log_files = options.settings.log_files;
      engine.parallel_pods = options.settings.parallel_pods;
      LOGSTONE_ASSIGN(cluster_, LocalCluster::open(engine));
      AgentParts agent{*cluster_, *store_.store, *book_, *keeper_, *cache_, Clock::system()};
      if (options.settings.publish_to_argo) {
        LOGSTONE_ASSIGN(agent.publish, publish_to_argo(options.settings.argo, data / "unpacked"));
      }
      LOGSTONE_ASSIGN(agent_, Agent::start(std::move(agent), options.settings.agent));
    }
    InstanceBackendParts parts{*store_.store, *catalog_,          *book_,           *keeper_, *cache_,
                               agent_.get(),  store_.probe.get(), store_.s3_metrics};
    parts.argo = argo_.get();
    adopted_ = std::make_unique<AdoptedLogs>(
        *argo_, adopt::AdoptionParts{*store_.store, *book_, *catalog_, *keeper_, Clock::system()});
    parts.adopted = adopted_.get();
    parts.default_container = options.settings.argo.log_container;
    backend_ = std::make_unique<InstanceBackend>(std::move(parts));
    if (catalog_is_new_ && mode_ == InstanceMode::kServe) filler_ = std::thread([this] { fill_catalog(); });
    return start_server(options);
  }

  RunningInstance address() const override { return address_; }
  LocalCluster* cluster() override { return cluster_.get(); }
  Agent* agent() override { return agent_.get(); }
  RecordBook& book() override { return *book_; }
  Catalog& catalog() override { return *catalog_; }

  Result<> catalog_is_made() override { return write_file_atomically(data_ / kCatalogOf, store_.place + '\n', data_); }

  void stop() override {
    std::error_code ignored;
    if (announced_) fs::remove(data_ / "server.json", ignored);
    announced_ = false;
    ending_ = true;
    if (filler_.joinable()) filler_.join();
    if (server_) server_->stop();
    if (agent_) agent_->stop();
    if (!address_.socket.empty()) fs::remove(address_.socket, ignored);
    if (!private_folder_.empty()) fs::remove(private_folder_, ignored);
    address_ = {};
    private_folder_.clear();
  }

 private:
  /// Argo's bucket may be away when we start: it is opened when there is something to write.
  Result<std::function<Result<std::string>(const WorkflowRecord&)>> publish_to_argo(const ArgoSettings& settings,
                                                                                    const fs::path& spool_folder) {
    if (settings.store.empty() || settings.key_formats.empty()) {
      return Error{ErrorKind::kInvalidInput, "read setting \"publish\"", "argo",
                   settings.store.empty() ? "there is no argo_store to publish to" : "there are no key_formats",
                   "name Argo's bucket with argo_store, and in key_formats first the format that the UI uses"};
    }
    return [this, spool_folder](const WorkflowRecord& record) -> Result<std::string> {
      LOGSTONE_ASSIGN(ArgoBucket bucket, argo_->bucket());
      return argo::Publisher({*store_.store, *cache_, bucket.store}, bucket.key_formats.front(), spool_folder)
          .publish(record);
    };
  }

  /// The catalogue is one store's; a new one, and one that was not filled to its end, is filled from the store.
  Result<> open_catalog(bool may_be_of_another) {
    const fs::path path = data_ / "catalog.sqlite";
    const fs::path of_path = data_ / kCatalogOf;
    std::error_code ignored;
    const bool there = fs::exists(path, ignored);
    std::string of = there ? "data folder" : "";
    if (fs::exists(of_path, ignored)) {
      LOGSTONE_ASSIGN(of, read_file(of_path, 64 << 10));
      while (of.ends_with('\n')) of.pop_back();
    }
    if (there && of != store_.place && !may_be_of_another && of != kNotFilled + store_.place) {
      if (of.starts_with(kNotFilled)) of.erase(0, kNotFilled.size());
      return Error{ErrorKind::kConflict, "open data folder", data_.string(),
                   "its catalogue is of another store (" + of + ", and not " + store_.place + ")",
                   "name another folder with --data, or make the catalogue again with `logstone catalog rebuild`"};
    }
    catalog_is_new_ = !there || of.starts_with(kNotFilled);
    if (catalog_is_new_ || may_be_of_another) {
      LOGSTONE_TRY(write_file_atomically(of_path, kNotFilled + store_.place + '\n', data_));
    }
    LOGSTONE_ASSIGN(catalog_, open_sqlite_catalog(path.string()));
    return {};
  }

  void fill_catalog() {
    for (bool told = false; !ending_;) {
      auto filled = book_->take_all([this] { return !ending_; });
      if (filled) filled = catalog_is_made();
      if (filled) return;
      if (!told) log_warning("The catalogue is not filled from the store yet", {{"error", filled.error().message()}});
      told = true;
      for (int i = 0; i < 20 && !ending_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  Result<> start_server(const InstanceOptions& options) {
    ServerSettings server = options.settings.server;
    if (options.listen_tcp && options.settings.enable_authz && !is_loopback(server.host)) {
      return Error{ErrorKind::kInvalidInput, "serve on", server.host,
                   "enable_authz (KFP's ENABLE_AUTHZ) is true, but there is no cluster to ask yet who may read what: "
                   "everybody who reaches this address could read every log",
                   "listen on 127.0.0.1 behind a proxy that knows who may, or set enable_authz to false"};
    }
    server.listen_tcp = options.listen_tcp;
    fs::path socket = fs::absolute(data_) / "logstone.sock";
    if (mode_ != InstanceMode::kServe || socket.string().size() > kLongestSocketPath) {
      LOGSTONE_ASSIGN(private_folder_, make_private_folder());
      socket = private_folder_ / "logstone.sock";
    }
    server.unix_socket = socket.string();
    LOGSTONE_ASSIGN(server_, Server::start(*backend_, server));
    address_.socket = socket.string();
    if (options.listen_tcp) {
      const bool v6 = server.host.find(':') != std::string::npos;
      address_.url = "http://" + (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server_->port());
    }
    if (mode_ != InstanceMode::kServe) return {};
    const nlohmann::json announcement = {{"pid", ::getpid()}, {"socket", address_.socket}, {"url", address_.url}};
    LOGSTONE_TRY(write_file_atomically(data_ / "server.json", announcement.dump() + "\n", data_));
    announced_ = true;
    return {};
  }

  InstanceMode mode_ = InstanceMode::kRead;
  fs::path data_;
  FileLock lock_;
  OpenStore store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<RecordBook> book_;
  std::unique_ptr<ArchiveKeeper> keeper_;
  std::unique_ptr<BlockCache> cache_;
  std::unique_ptr<ArgoLogs> argo_;
  std::unique_ptr<LocalCluster> cluster_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<AdoptedLogs> adopted_;
  std::unique_ptr<InstanceBackend> backend_;
  std::unique_ptr<Server> server_;
  RunningInstance address_;
  fs::path private_folder_;
  bool announced_ = false;
  bool catalog_is_new_ = false;
  std::atomic<bool> ending_{false};
  std::thread filler_;  ///< Fills a new catalogue while the server serves what it has.
};

}  // namespace

Result<std::unique_ptr<Instance>> Instance::open(InstanceOptions options) {
  auto instance = std::make_unique<OpenInstance>();
  LOGSTONE_TRY(instance->open(std::move(options)));
  return std::unique_ptr<Instance>(std::move(instance));
}

std::optional<RunningInstance> find_running_instance(const std::string& data_folder) {
  const fs::path folder = data_folder;
  std::error_code ignored;
  if (!fs::exists(folder / "lock", ignored)) return std::nullopt;
  // The kernel gives a lock back however its process ended: what is free now is stale, whatever the file says.
  auto lock = FileLock::try_lock(folder / "lock", FileLock::Mode::kShared);
  if (lock || lock.error().kind != ErrorKind::kConflict) return std::nullopt;
  auto text = read_file(folder / "server.json", 64 * 1024);
  if (!text) return std::nullopt;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return RunningInstance{json.value("socket", ""), json.value("url", "")};
}

}  // namespace logstone
