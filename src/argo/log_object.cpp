#include "argo/log_object.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>

#include "argo/gunzip.h"
#include "argo/tar_stream.h"
#include "argo/text_log.h"
#include "base/file.h"

namespace logstone::argo {
namespace {

constexpr std::size_t kTarHeader = 512;
constexpr std::size_t kMostMembers = 10'000;

/// A file that nobody else sees and that is gone with its last reader, however that ends.
Result<UniqueFd> nameless_file(const std::filesystem::path& folder) {
  LOGSTONE_TRY(make_directories(folder));
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.valid()) return fd;
  std::string name = (folder / "unpacked-XXXXXX").string();
  fd.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return system_error("make file", folder, errno);
  ::unlink(name.c_str());
  return fd;
}

struct Member {
  std::string name;
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

/// Takes unpacked bytes, finds out whether they are a tar archive, and writes files' bytes one after the other.
class Unpacker {
 public:
  Unpacker(int file, std::filesystem::path folder, std::uint64_t most)
      : file_(file),
        folder_(std::move(folder)),
        most_(most),
        tar_({[this](const std::string& name, std::uint64_t) -> Result<> {
                if (members_.size() >= kMostMembers) {
                  return Error{ErrorKind::kUnsupported, "unpack", "an archive", "it has too many files", {}};
                }
                members_.push_back({name, written_, 0});
                return {};
              },
              [this](std::string_view bytes) { return write(bytes); }}) {}

  Result<> take(std::string_view bytes) {
    if (!kind_known_) {
      head_ += bytes;
      if (head_.size() < kTarHeader) return {};
      return decide();
    }
    return pass(bytes);
  }
  Result<> finish() { return kind_known_ ? Result<>() : decide(); }

  [[nodiscard]] std::uint64_t written() const { return written_; }
  [[nodiscard]] bool is_tar() const { return is_tar_; }
  [[nodiscard]] bool tar_complete() const { return tar_.complete(); }
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }

 private:
  Result<> decide() {
    kind_known_ = true;
    is_tar_ = looks_like_tar(head_);
    if (!is_tar_) members_.push_back({"", 0, 0});
    const std::string head = std::move(head_);
    return pass(head);
  }
  Result<> pass(std::string_view bytes) { return is_tar_ ? tar_.push(bytes) : write(bytes); }

  Result<> write(std::string_view bytes) {
    if (bytes.size() > most_ - written_) {
      return Error{ErrorKind::kUnsupported, "unpack", "a log",
                   "it unpacks to more than " + std::to_string(most_) + " bytes", "raise `argo_unpacked_bytes`"};
    }
    LOGSTONE_TRY(write_all(file_, bytes, folder_));
    written_ += bytes.size();
    members_.back().bytes += bytes.size();
    return {};
  }

  int file_;
  std::filesystem::path folder_;
  std::uint64_t most_;
  std::uint64_t written_ = 0;
  bool kind_known_ = false;
  bool is_tar_ = false;
  std::string head_;
  std::vector<Member> members_;
  TarStream tar_;
};

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<Member> choose(const std::vector<Member>& members, const std::string& container, const std::string& subject) {
  const auto only = [&](const auto& fits) -> std::optional<Member> {
    const auto first = std::find_if(members.begin(), members.end(), fits);
    if (first == members.end() || std::find_if(first + 1, members.end(), fits) != members.end()) return std::nullopt;
    return *first;
  };
  if (auto named = only([&](const Member& m) { return base_name(m.name) == container + ".log"; })) return *named;
  if (members.size() == 1) return members.front();
  if (auto log = only([](const Member& m) { return m.name.ends_with(".log"); })) return *log;
  std::string names;
  for (std::size_t i = 0; i < members.size() && i < 10; ++i) names += (i == 0 ? "" : ", ") + members[i].name;
  return Error{ErrorKind::kNotFound, "find " + container + ".log in", subject,
               members.empty() ? "it is an archive without files" : "it is an archive of " + names,
               "name one of its containers"};
}

}  // namespace

/// Unpacked logs, the newest first.
struct LogObjects::Shelf {
  struct Item {
    std::string key;
    std::shared_ptr<LogView> log;
    std::uint64_t bytes;
  };
  static constexpr std::size_t kMostItems = 64;

  std::shared_ptr<LogView> find(const std::string& key) {
    const std::lock_guard lock(mutex);
    for (auto item = items.begin(); item != items.end(); ++item) {
      if (item->key != key) continue;
      items.splice(items.begin(), items, item);
      return item->log;
    }
    return nullptr;
  }
  void keep(const std::string& key, std::shared_ptr<LogView> log, std::uint64_t bytes, std::uint64_t most) {
    const std::lock_guard lock(mutex);
    if (bytes > most) return;
    items.push_front({key, std::move(log), bytes});
    kept += bytes;
    while (kept > most || items.size() > kMostItems) {
      kept -= items.back().bytes;
      items.pop_back();
    }
  }

  std::mutex mutex;
  std::list<Item> items;
  std::uint64_t kept = 0;
};

LogObjects::LogObjects(BlockCache& cache, LogObjectSettings settings)
    : cache_(cache), settings_(std::move(settings)), shelf_(std::make_unique<Shelf>()) {}
LogObjects::~LogObjects() = default;

Result<std::shared_ptr<LogView>> LogObjects::open(std::shared_ptr<ObjectStore> store, const ObjectInfo& object,
                                                  const std::string& container) {
  const std::string subject = store->description() + "/" + object.key;
  auto text = std::make_unique<ObjectText>(store, cache_, object);
  const auto block = [&](std::uint64_t at) {
    return text->read(at, static_cast<std::size_t>(std::min<std::uint64_t>(TextLog::kBlockBytes, object.size - at)));
  };
  std::string key = subject + ' ' + std::to_string(object.size) + ' ';
  key += std::to_string(to_unix_nanoseconds(object.modified)) + ' ' + container;
  if (auto unpacked = shelf_->find(key)) return unpacked;
  bool packed = false;
  if (object.size > 0) {
    LOGSTONE_ASSIGN(const auto first, block(0));
    packed = looks_like_gzip(*first);
  }
  const auto plain = [&]() -> std::shared_ptr<LogView> {
    return std::make_shared<TextLog>(std::move(text), object.size, std::vector<Gap>{});
  };
  if (!packed) return plain();

  LOGSTONE_ASSIGN(UniqueFd fd, nameless_file(settings_.spool_folder));
  auto file = std::make_shared<UniqueFd>(std::move(fd));
  Unpacker unpacker(file->get(), settings_.spool_folder, settings_.most_bytes);
  Gunzip stream;
  std::string damage;
  for (std::uint64_t at = 0; at < object.size && damage.empty(); at += TextLog::kBlockBytes) {
    LOGSTONE_ASSIGN(const auto bytes, block(at));
    auto pushed = stream.push(*bytes, [&](std::string_view piece) { return unpacker.take(piece); });
    if (!pushed && pushed.error().kind != ErrorKind::kCorrupt) {
      Error error = std::move(pushed).error();
      error.subject = subject;
      return error;
    }
    if (!pushed) damage = pushed.error().reason;
  }
  if (damage.empty() && !stream.complete()) damage = "its end is missing";
  LOGSTONE_TRY(unpacker.finish());
  if (damage.empty() && unpacker.is_tar() && !unpacker.tar_complete()) damage = "its end is missing";
  // A container may well write what begins as gzip does.
  if (!damage.empty() && unpacker.written() == 0) return plain();
  LOGSTONE_ASSIGN(const Member member, choose(unpacker.members(), container, subject));
  std::vector<Gap> gaps;
  if (!damage.empty()) {
    gaps.push_back({member.bytes, std::nullopt, "the packed object is damaged: " + damage, Clock::system().now()});
  }
  auto log = std::make_shared<TextLog>(std::make_unique<FileText>(file, member.begin), member.bytes, std::move(gaps));
  shelf_->keep(key, log, unpacker.written(), settings_.most_kept_bytes);
  return std::shared_ptr<LogView>(log);
}

}  // namespace logstone::argo
