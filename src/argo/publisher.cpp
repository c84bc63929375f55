#include "argo/publisher.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "model/key_values.h"

namespace logstone::argo {
namespace {

constexpr std::uint64_t kMostInMemory = std::uint64_t{4} << 20;
constexpr int kMostRaces = 3;

std::uint64_t bytes_of(const std::vector<const StreamRecord*>& attempts) {
  std::uint64_t bytes = 0;
  for (const StreamRecord* attempt : attempts) bytes += attempt->bytes;
  return bytes;
}

/// A file's bytes without a copy in memory.
class MappedFile {
 public:
  MappedFile(int fd, std::size_t bytes) : bytes_(bytes), at_(::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0)) {}
  ~MappedFile() {
    if (mapped()) ::munmap(at_, bytes_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  [[nodiscard]] bool mapped() const { return at_ != MAP_FAILED; }
  [[nodiscard]] std::string_view bytes() const { return {static_cast<const char*>(at_), bytes_}; }

 private:
  std::size_t bytes_;
  void* at_;
};

}  // namespace

Publisher::Publisher(PublisherParts parts, KeyFormat format, std::filesystem::path spool_folder)
    : parts_(std::move(parts)), format_(std::move(format)), spool_folder_(std::move(spool_folder)) {}

Result<std::string> Publisher::publish(const WorkflowRecord& record) {
  std::map<std::pair<std::string, std::string>, std::vector<const StreamRecord*>> logs;
  for (const StreamRecord& stream : record.streams) {
    if (!stream.segments.empty() || stream.bytes == 0)
      logs[{stream.id.pod_name, stream.id.container}].push_back(&stream);
  }
  std::size_t written = 0, there = 0;
  std::optional<Error> first_error;
  for (const auto& [name, attempts] : logs) {
    auto rendered = format_.render(pod_key_values(record, name.first));
    if (!rendered) {
      if (!first_error) first_error = std::move(rendered).error();
      continue;
    }
    LOGSTONE_ASSIGN(const Done done, publish_log(argo_log_key(*rendered, name.second), attempts));
    ++(done == Done::kWritten ? written : there);
  }
  if (first_error) return *std::move(first_error);
  std::string said =
      std::to_string(written) + (written == 1 ? " log" : " logs") + " written to " + parts_.bucket->description();
  if (there > 0) said += "; " + std::to_string(there) + " left as they were: there was as much already, or more";
  return said;
}

Result<Publisher::Done> Publisher::publish_log(const std::string& key,
                                               const std::vector<const StreamRecord*>& attempts) {
  for (int race = 0;; ++race) {
    const auto there = parts_.bucket->head(key);
    if (!there && there.error().kind != ErrorKind::kNotFound) return there.error();
    if (there && there->size >= bytes_of(attempts)) return Done::kThere;
    if (there && there->size >= 2) {
      // How much a packed log holds, its size does not tell.
      LOGSTONE_ASSIGN(const std::string magic, parts_.bucket->get_range(key, 0, 2));
      if (magic == "\x1f\x8b") return Done::kThere;
    }
    auto put = write(key, attempts, there.has_value());
    if (put) return Done::kWritten;
    // Argo's own upload came between: look at it again.
    if (put.error().kind != ErrorKind::kConflict || race == kMostRaces) return std::move(put).error();
  }
}

Result<> Publisher::write(const std::string& key, const std::vector<const StreamRecord*>& attempts, bool replace) {
  const auto put = [&](std::string_view bytes) {
    return replace ? parts_.bucket->put(key, bytes) : parts_.bucket->put_if_absent(key, bytes);
  };
  const std::uint64_t size = bytes_of(attempts);
  if (size <= kMostInMemory) {
    std::string text;
    LOGSTONE_TRY(read_all(attempts, [&text](std::string_view part) -> Result<> {
      text += part;
      return {};
    }));
    return put(text);
  }
  LOGSTONE_TRY(make_directories(spool_folder_));
  const UniqueFd file(::open(spool_folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file.valid()) return system_error("make a file for a log to publish", spool_folder_, errno);
  LOGSTONE_TRY(
      read_all(attempts, [&](std::string_view part) { return write_all(file.get(), part, spool_folder_ / key); }));
  const MappedFile mapped(file.get(), static_cast<std::size_t>(size));
  if (!mapped.mapped()) return system_error("read a log to publish", spool_folder_, errno);
  return put(mapped.bytes());
}

Result<> Publisher::read_all(const std::vector<const StreamRecord*>& attempts,
                             const std::function<Result<>(std::string_view)>& take) {
  for (const StreamRecord* attempt : attempts) {
    const auto log = open_archived_log(parts_.archive, parts_.cache, *attempt);
    for (std::uint64_t at = 0; at < attempt->bytes;) {
      LOGSTONE_ASSIGN(const std::string part, log->read(at, std::size_t{1} << 20));
      if (part.empty()) {
        return Error{ErrorKind::kCorrupt, "publish log", attempt->id.key(), "it is shorter than its record says",
                     "run `logstone verify`"};
      }
      LOGSTONE_TRY(take(part));
      at += part.size();
    }
  }
  return {};
}

}  // namespace logstone::argo
