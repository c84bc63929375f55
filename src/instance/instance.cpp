#include "instance/instance.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "instance/instance_backend.h"
#include "store/filesystem_store.h"

namespace logstone {
namespace {

namespace fs = std::filesystem;

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

class OpenInstance final : public Instance {
 public:
  ~OpenInstance() override { stop(); }

  Result<> open(InstanceOptions options) {
    mode_ = options.mode;
    const fs::path data = options.settings.data;
    data_ = data;
    if (mode_ != InstanceMode::kServe && !fs::exists(data / "store")) {
      return Error{ErrorKind::kNotFound, "open data folder", data.string(), "there is no archive in it",
                   "start one with `logstone up`, or name a folder with --data or a server with --server"};
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
    LOGSTONE_ASSIGN(store_, open_filesystem_store(data / "store"));
    LOGSTONE_ASSIGN(catalog_, open_sqlite_catalog((data / "catalog.sqlite").string()));
    book_ = std::make_unique<RecordBook>(*store_, *catalog_);
    RetentionPolicy policy;
    if (!options.settings.retention_policy.empty()) {
      LOGSTONE_ASSIGN(const std::string text, read_file(options.settings.retention_policy, 1 << 20));
      LOGSTONE_ASSIGN(policy, RetentionPolicy::parse(text, options.settings.retention_policy));
    }
    keeper_ = std::make_unique<ArchiveKeeper>(*book_, *catalog_, Clock::system(), std::move(policy));
    cache_ = std::make_unique<BlockCache>(options.settings.cache_bytes);
    if (mode_ == InstanceMode::kServe) {
      LocalClusterSettings engine;
      engine.folder = data / "cluster";
      engine.shim_command = options.shim_command;
      engine.log_file_bytes = options.settings.log_file_bytes;
      engine.log_files = options.settings.log_files;
      engine.parallel_pods = options.settings.parallel_pods;
      LOGSTONE_ASSIGN(cluster_, LocalCluster::open(engine));
      LOGSTONE_ASSIGN(agent_, Agent::start({*cluster_, *store_, *book_, *keeper_, *cache_, Clock::system()},
                                           options.settings.agent));
    }
    backend_ = std::make_unique<InstanceBackend>(
        InstanceBackendParts{*store_, *catalog_, *book_, *keeper_, *cache_, agent_.get()});
    return start_server(options);
  }

  RunningInstance address() const override { return address_; }
  LocalCluster* cluster() override { return cluster_.get(); }
  Agent* agent() override { return agent_.get(); }
  RecordBook& book() override { return *book_; }
  Catalog& catalog() override { return *catalog_; }

  void stop() override {
    std::error_code ignored;
    if (announced_) fs::remove(data_ / "server.json", ignored);
    announced_ = false;
    if (server_) server_->stop();
    if (agent_) agent_->stop();
    if (!address_.socket.empty()) fs::remove(address_.socket, ignored);
    if (!private_folder_.empty()) fs::remove(private_folder_, ignored);
    address_ = {};
    private_folder_.clear();
  }

 private:
  Result<> start_server(const InstanceOptions& options) {
    ServerSettings server = options.settings.server;
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
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<RecordBook> book_;
  std::unique_ptr<ArchiveKeeper> keeper_;
  std::unique_ptr<BlockCache> cache_;
  std::unique_ptr<LocalCluster> cluster_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<InstanceBackend> backend_;
  std::unique_ptr<Server> server_;
  RunningInstance address_;
  fs::path private_folder_;
  bool announced_ = false;
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
