#include "store/s3/s3_store.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/log.h"
#include "store/s3/s3_answers.h"
#include "store/s3/s3_caller.h"
#include "store/s3/s3_listing.h"

namespace logstone {
namespace {

using s3::Answer;
using s3::Request;

constexpr std::chrono::milliseconds kPatienceAtOpen{3'000};
constexpr std::size_t kMostParts = 10'000;
constexpr std::uint64_t kMostBytesOfOnePut = std::uint64_t{5} << 30;
constexpr std::uint64_t kMostBytesOfGet = std::uint64_t{4} << 30;
constexpr std::size_t kLongestFolderName = 255;
constexpr std::size_t kMostKeysOfRemoval = 1000;
/// What the whole object's bytes must be, however many parts it went up in.
constexpr const char* kDigest = "x-amz-meta-logstone-xxh3";
/// Tells our own write from another's when an answer got lost and the repetition meets an object.
constexpr const char* kWriteMark = "x-amz-meta-logstone-write";

class S3Store final : public ObjectStore {
 public:
  explicit S3Store(S3Settings settings)
      : settings_(std::move(settings)),
        base_(settings_.prefix.empty() ? std::string() : settings_.prefix + '/'),
        caller_(settings_) {}

  Result<> put(const std::string& key, std::string_view bytes) override {
    LOGSTONE_ASSIGN(const std::string path, path_of(key));
    if (bytes.size() > settings_.part_bytes) return put_in_parts(path, bytes);
    Request request{.method = "PUT", .path = path, .body = bytes};
    request.headers = {{kDigest, Digest::hex_of(bytes)}};
    LOGSTONE_TRY(caller_.call("write object", request, stored_as(bytes)));
    return {};
  }

  Result<> put_if_absent(const std::string& key, std::string_view bytes) override {
    LOGSTONE_ASSIGN(const std::string path, path_of(key));
    if (bytes.size() > kMostBytesOfOnePut) {
      return Error{ErrorKind::kUnsupported, "write object once", caller_.subject(path), "it is larger than 5 GiB", ""};
    }
    const Error exists{ErrorKind::kConflict, "write object once", caller_.subject(path), "it exists already", ""};
    // Older stores take the condition, ignore it and overwrite: the question before it keeps what is there.
    if (auto there = head(key); there) {
      return exists;
    } else if (there.error().kind != ErrorKind::kNotFound) {
      return std::move(there).error();
    }
    const std::string mark = random_hex(32);
    Request request{.method = "PUT", .path = path, .body = bytes, .accepted = {412, 501}};
    request.headers = {{"if-none-match", "*"}, {kWriteMark, mark}, {kDigest, Digest::hex_of(bytes)}};
    LOGSTONE_ASSIGN(const s3::Caller::Outcome outcome, caller_.call("write object once", request, stored_as(bytes)));
    if (outcome.answer.status == 501) return put(key, bytes);
    if (outcome.answer.status != 412) return {};
    if (!outcome.repeated) return exists;
    LOGSTONE_ASSIGN(const bool ours, is_marked(path, mark));
    if (ours) return {};
    return exists;
  }

  Result<std::string> get(const std::string& key) override {
    LOGSTONE_ASSIGN(const std::string path, path_of(key));
    const Request request{.method = "GET", .path = path, .most_bytes = kMostBytesOfGet};
    LOGSTONE_ASSIGN(s3::Caller::Outcome outcome,
                    caller_.call("read object", request, [this](const Answer& answer) { return check_whole(answer); }));
    return std::move(outcome.answer.body);
  }

  Result<std::string> get_range(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    if (length == 0) {
      LOGSTONE_TRY(head(key));
      return std::string();
    }
    LOGSTONE_ASSIGN(const std::string path, path_of(key));
    const std::uint64_t last = length > ~std::uint64_t{0} - offset ? ~std::uint64_t{0} : offset + length - 1;
    // Some servers count in signed numbers.
    constexpr std::uint64_t kLastByte = (std::uint64_t{1} << 62) - 1;
    Request request{.method = "GET", .path = path, .accepted = {416}};
    request.headers["range"] =
        "bytes=" + std::to_string(std::min(offset, kLastByte)) + '-' + std::to_string(std::min(last, kLastByte));
    // A server that knows no ranges sends all.
    constexpr std::uint64_t kMostBeyond = std::uint64_t{64} << 20;
    request.most_bytes = length > ~std::uint64_t{0} - kMostBeyond ? ~std::uint64_t{0} : length + kMostBeyond;
    LOGSTONE_ASSIGN(s3::Caller::Outcome outcome, caller_.call("read object", request, [&](const Answer& answer) {
      return check_range(answer, offset, length);
    }));
    Answer& answer = outcome.answer;
    if (answer.status == 416) return std::string();
    if (answer.status != 206) {
      return offset < answer.body.size() ? answer.body.substr(offset, length) : std::string();
    }
    return std::move(answer.body);
  }

  Result<ObjectInfo> head(const std::string& key) override {
    LOGSTONE_ASSIGN(const std::string path, path_of(key));
    ObjectInfo info{key, 0, {}};
    LOGSTONE_TRY(
        caller_.call("look up object", {.method = "HEAD", .path = path}, [&](const Answer& answer) -> Result<> {
          const std::string size = answer.header("content-length");
          const char* end = size.data() + size.size();
          if (size.empty() || std::from_chars(size.data(), end, info.size).ptr != end) {
            return Error{ErrorKind::kCorrupt, "", "", "the store does not tell its size", ""};
          }
          info.modified = s3::read_http_date(answer.header("last-modified"));
          return {};
        }));
    return info;
  }

  Result<ObjectPage> list(const std::string& prefix, const std::string& start_after, std::size_t limit) override {
    if (limit < 1 || limit > 1000) {
      return Error{ErrorKind::kInvalidInput, "list objects", prefix, "the limit is not from 1 to 1,000", ""};
    }
    s3::Listing listing(caller_, base_, prefix, start_after, limit);
    return settings_.listing == S3Settings::Listing::kFlat ? listing.flat() : listing.by_folders();
  }

  Result<> remove(const std::string& key) override {
    LOGSTONE_ASSIGN(const std::string path, path_of(key));
    auto removed = caller_.call("remove object", {.method = "DELETE", .path = path});
    if (!removed && removed.error().kind != ErrorKind::kNotFound) return std::move(removed).error();
    return {};
  }

  Result<> remove_many(const std::vector<std::string>& keys) override {
    std::vector<std::string> paths;
    for (const std::string& key : keys) {
      LOGSTONE_ASSIGN(std::string path, path_of(key));
      paths.push_back(std::move(path));
    }
    for (std::size_t at = 0; at < paths.size(); at += kMostKeysOfRemoval) {
      const std::size_t end = std::min(at + kMostKeysOfRemoval, paths.size());
      const std::string list = s3::removal_list({paths.begin() + at, paths.begin() + end});
      Request request{.method = "POST", .path = "", .query = {{"delete", ""}}, .body = list, .accepted = {501, 405}};
      request.headers = {{"content-md5", s3::md5_base64(list)}, {"content-type", "application/xml"}};
      LOGSTONE_ASSIGN(const auto outcome, caller_.call("remove objects", request, s3::read_removal_answer));
      if (outcome.answer.status != 501 && outcome.answer.status != 405) continue;
      // A store that does not have it.
      for (std::size_t i = at; i < end; ++i) LOGSTONE_TRY(remove(keys[i]));
    }
    return {};
  }

  std::string description() const override { return caller_.subject(settings_.prefix); }

 private:
  Result<std::string> path_of(const std::string& key) const {
    LOGSTONE_TRY(check_key(key));
    std::string path = base_ + key;
    if (settings_.listing == S3Settings::Listing::kFolders) LOGSTONE_TRY(check_names(path));
    if (path.size() > 1024) {
      return Error{ErrorKind::kInvalidInput, "use object key", key,
                   "with the store's prefix it is longer than 1,024 bytes",
                   "Choose a shorter prefix in the store's URL."};
    }
    return path;
  }

  /// What a store of folders could not keep, or would keep under another's key.
  static Result<> check_names(const std::string& path) {
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      if (end - at > kLongestFolderName) {
        return Error{ErrorKind::kInvalidInput, "use object key", path,
                     "a part of it is longer than the 255 bytes that a store of folders takes",
                     "If the store orders keys as AWS does, give `listing=flat` in its URL."};
      }
      at = end + 1;
    }
    if (path.find('\\') == std::string::npos) return {};
    return Error{ErrorKind::kInvalidInput, "use object key", path,
                 "it has a backslash, which some stores of folders take for a slash",
                 "If the store orders keys as AWS does, give `listing=flat` in its URL."};
  }

  static Result<> wrong_sum() {
    return Error{ErrorKind::kCorrupt, "", "", "the bytes are not those that the store's ETag is the MD5 sum of",
                 "If the ETags of this store are no MD5 sums, give `etag=opaque` in its URL."};
  }

  Result<> check_whole(const Answer& answer) const {
    const std::string digest = answer.header(kDigest);
    if (!digest.empty()) return digest == Digest::hex_of(answer.body) ? Result<>{} : wrong_digest();
    return settings_.etags_are_md5 && !s3::etag_fits(answer, s3::md5_hex(answer.body)) ? wrong_sum() : Result<>{};
  }

  static Error wrong_digest() {
    return {ErrorKind::kCorrupt, "", "", "the bytes are not those that were written: their digest is another", ""};
  }

  /// Whether the answer to a write says that these bytes were stored.
  s3::Caller::Judge stored_as(std::string_view bytes) const {
    if (!settings_.etags_are_md5) return {};
    return [md5 = s3::md5_hex(bytes)](const Answer& answer) {
      return s3::etag_fits(answer, md5) ? Result<>{} : wrong_sum();
    };
  }

  /// A range must be the one that was asked for and whole, whatever its Content-Length says.
  static Result<> check_range(const Answer& answer, std::uint64_t offset, std::uint64_t length) {
    if (answer.status != 206) return {};
    const std::string range = answer.header("content-range");  // bytes FIRST-LAST/SIZE
    std::uint64_t first = 0, last = 0, size = 0;
    const char* const end = range.data() + range.size();
    const auto number = [end](const char* from, std::uint64_t& value) { return std::from_chars(from, end, value).ptr; };
    const bool read = [&] {
      if (!range.starts_with("bytes ")) return false;
      const char* at = number(range.data() + 6, first);
      if (at == end || *at != '-') return false;
      at = number(at + 1, last);
      return at != end && *at == '/' && number(at + 1, size) == end;
    }();
    if (!read || first != offset || last < first || last - first + 1 != answer.body.size() ||
        answer.body.size() != std::min(length, size - std::min(size, offset))) {
      return Error{ErrorKind::kCorrupt, "", "", "the store sent other bytes than were asked for", ""};
    }
    return {};
  }

  Result<bool> is_marked(const std::string& path, const std::string& mark) {
    LOGSTONE_ASSIGN(const s3::Caller::Outcome outcome,
                    caller_.call("look up object", {.method = "HEAD", .path = path, .accepted = {404}}));
    return outcome.answer.status != 404 && outcome.answer.header(kWriteMark) == mark;
  }

  Result<> put_in_parts(const std::string& path, std::string_view bytes) {
    const std::string mark = random_hex(32);
    Request begin{.method = "POST", .path = path, .query = {{"uploads", ""}}};
    begin.headers = {{kWriteMark, mark}, {kDigest, Digest::hex_of(bytes)}};
    std::string id;
    LOGSTONE_TRY(caller_.call("begin upload of object", begin, [&](const Answer& answer) -> Result<> {
      LOGSTONE_ASSIGN(id, s3::read_upload_id(answer.body));
      return {};
    }));
    auto done = put_parts(path, id, mark, bytes);
    if (!done) {
      // What was sent costs money until somebody drops it.
      const auto dropped = caller_.call(
          "drop upload of object", {.method = "DELETE", .path = path, .query = {{"uploadId", id}}, .accepted = {404}});
      if (!dropped) log_warning("An unfinished upload stays in the bucket", {{"reason", dropped.error().message()}});
    }
    return done;
  }

  Result<> put_parts(const std::string& path, const std::string& id, const std::string& mark, std::string_view bytes) {
    const std::size_t size = std::max<std::size_t>(settings_.part_bytes, (bytes.size() + kMostParts - 1) / kMostParts);
    std::string finish = "<CompleteMultipartUpload>";
    unsigned number = 0;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      const std::string_view part = bytes.substr(at, size);
      const std::string name = std::to_string(++number);
      Request request{.method = "PUT", .path = path, .query = {{"partNumber", name}, {"uploadId", id}}, .body = part};
      LOGSTONE_ASSIGN(const s3::Caller::Outcome outcome,
                      caller_.call("write part of object", request, stored_as(part)));
      const std::string etag = outcome.answer.header("etag");
      if (etag.find_first_of("<&") != std::string::npos) {
        return Error{ErrorKind::kCorrupt, "write part of object", caller_.subject(path), "the store's ETag is none",
                     ""};
      }
      finish += "<Part><PartNumber>" + name + "</PartNumber><ETag>" + etag + "</ETag></Part>";
    }
    finish += "</CompleteMultipartUpload>";
    Request request{.method = "POST", .path = path, .query = {{"uploadId", id}}, .body = finish, .accepted = {404}};
    request.patience = 10;
    const auto finished = [this](const Answer& answer) -> Result<> {
      const auto code = s3::error_code(answer.body);
      if (!code) return {};
      Answer failed = answer;
      failed.status = 500;
      return s3::error_of(failed, settings_);
    };
    LOGSTONE_ASSIGN(const s3::Caller::Outcome outcome, caller_.call("finish upload of object", request, finished));
    if (outcome.answer.status != 404) return {};
    // The answer to an earlier try may have been lost; then the object is there.
    LOGSTONE_ASSIGN(const bool ours, is_marked(path, mark));
    if (ours) return {};
    return Error{ErrorKind::kUnavailable, "finish upload of object", caller_.subject(path),
                 "the store no longer knows the upload", "Look for a rule that drops unfinished uploads early."};
  }

  const S3Settings settings_;
  const std::string base_;
  s3::Caller caller_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_s3_store(S3Settings settings) {
  if (settings.bucket.empty() || settings.endpoint.find("://") == std::string::npos) {
    return Error{ErrorKind::kInvalidInput, "open store", "s3://" + settings.bucket, "it has no bucket or no endpoint",
                 ""};
  }
  if (!settings.metrics) settings.metrics = std::make_shared<S3Metrics>();
  settings.stall_timeout = std::max(settings.stall_timeout, std::chrono::seconds(1));
  const auto probe = [](S3Settings how) { return S3Store(std::move(how)).list("", "", 1); };
  if (settings.may_be_away) {
    S3Settings quick = settings;
    quick.connect_timeout = std::min(quick.connect_timeout, kPatienceAtOpen);
    quick.stall_timeout = std::min(quick.stall_timeout, std::chrono::ceil<std::chrono::seconds>(kPatienceAtOpen));
    quick.deadline = std::min(quick.deadline, kPatienceAtOpen);
    const auto answered = probe(std::move(quick));
    if (!answered && answered.error().kind != ErrorKind::kUnavailable) return answered.error();
    if (!answered) log_warning("The S3 store cannot be reached yet", {{"error", answered.error().message()}});
  } else {
    LOGSTONE_TRY(probe(settings));
  }
  return std::unique_ptr<ObjectStore>(std::make_unique<S3Store>(std::move(settings)));
}

}  // namespace logstone
