#include "store/s3/s3_credentials.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"

namespace logstone::s3 {
namespace {

constexpr std::size_t kMostCredentialBytes = 1 << 20;
/// Temporary keys are renewed so long before they end, and after a failure as often as that.
constexpr auto kAheadOfEnd = std::chrono::minutes(5);
constexpr auto kBetweenTries = std::chrono::seconds(20);
constexpr const char* kAdvice =
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file (`credentials=`, `profile=`) or a mounted Secret "
    "(`secret=`); docs/s3.md lists all ways.";

std::string trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  return std::string(text);
}

/// The content of the first of the names that is there; empty where none is.
Result<std::string> read_one_of(const std::filesystem::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto text = read_file(folder / name, kMostCredentialBytes);
    if (text) return trimmed(*text);
    if (text.error().kind != ErrorKind::kNotFound) return std::move(text).error();
  }
  return std::string();
}

Result<Keys> read_secret_folder(const std::filesystem::path& folder) {
  Keys keys;
  LOGSTONE_ASSIGN(keys.access, read_one_of(folder, {"accesskey", "AWS_ACCESS_KEY_ID"}));
  LOGSTONE_ASSIGN(keys.secret, read_one_of(folder, {"secretkey", "AWS_SECRET_ACCESS_KEY"}));
  LOGSTONE_ASSIGN(keys.session_token, read_one_of(folder, {"sessiontoken", "AWS_SESSION_TOKEN"}));
  if (keys.access.empty() && keys.secret.empty()) {
    return Error{ErrorKind::kInvalidInput, "read credentials of the S3 store", folder.string(),
                 "there are no files \"accesskey\" and \"secretkey\" in it",
                 "Mount the Secret there, or correct `secret=`."};
  }
  return keys;
}

/// Keys go into headers: nothing that could end one.
Result<Keys> checked(Keys keys, const std::string& place) {
  if (keys.access.empty() || keys.secret.empty()) {
    return Error{ErrorKind::kInvalidInput, "read credentials of the S3 store", place,
                 keys.access.empty() ? "there is no access key" : "there is no secret key", kAdvice};
  }
  for (const std::string* text : {&keys.access, &keys.secret, &keys.session_token}) {
    if (std::any_of(text->begin(), text->end(), [](char c) { return c <= 0x20 || c >= 0x7f; })) {
      return Error{ErrorKind::kInvalidInput, "read credentials of the S3 store", place,
                   "a key has a blank or another character that keys do not have",
                   "Check for what was copied with it."};
    }
  }
  return keys;
}

}  // namespace

Result<Keys> read_profile(std::string_view text, const std::string& profile, const std::string& name) {
  Keys keys;
  bool ours = false;
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      ours = trimmed(std::string_view(line).substr(1, line.find(']') - 1)) == profile;
      found = found || ours;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!ours || equals == std::string::npos) continue;
    const std::string key = trimmed(std::string_view(line).substr(0, equals));
    const std::string value = trimmed(std::string_view(line).substr(equals + 1));
    if (key == "aws_access_key_id") keys.access = value;
    if (key == "aws_secret_access_key") keys.secret = value;
    if (key == "aws_session_token") keys.session_token = value;
  }
  if (!found) {
    return Error{ErrorKind::kInvalidInput, "read credentials of the S3 store", name,
                 "it has no profile [" + profile + "]", "Add it, or name another with `profile=` or AWS_PROFILE."};
  }
  return keys;
}

Result<Keys> read_keys(const S3CredentialSource& source) {
  if (!source.secret_folder.empty()) {
    LOGSTONE_ASSIGN(Keys keys, read_secret_folder(source.secret_folder));
    return checked(std::move(keys), source.secret_folder);
  }
  if (!source.access_key.empty() || !source.secret_key.empty()) {
    return checked({source.access_key, source.secret_key, source.session_token, {}},
                   "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  }
  if (!source.web_identity_token_file.empty() && !source.role_arn.empty()) {
    LOGSTONE_ASSIGN(Keys keys, ask_web_identity(source));
    return checked(std::move(keys), source.sts_endpoint);
  }
  std::string tried = "AWS_ACCESS_KEY_ID is not set";
  if (!source.credentials_file.empty()) {
    const auto text = read_file(source.credentials_file, kMostCredentialBytes);
    if (text) {
      LOGSTONE_ASSIGN(Keys keys, read_profile(*text, source.profile, source.credentials_file));
      return checked(std::move(keys), source.credentials_file + " [" + source.profile + ']');
    }
    if (text.error().kind != ErrorKind::kNotFound) return text.error();
    tried += "; there is no file " + source.credentials_file;
  }
  if (!source.instance_metadata) {
    tried += "; the machine's metadata service is not asked (`metadata=yes` allows it)";
  } else if (!source.metadata_forbidden_by.empty()) {
    tried += "; the machine's metadata service is not asked because of " + source.metadata_forbidden_by;
  } else {
    LOGSTONE_ASSIGN(Keys keys, ask_instance_metadata(source));
    return checked(std::move(keys), source.metadata_endpoint);
  }
  return Error{ErrorKind::kInvalidInput, "find credentials", "of the S3 store", tried, kAdvice};
}

Result<Keys> KeyKeeper::keys() {
  std::unique_lock lock(mutex_);
  while (true) {
    const Timestamp now = Clock::system().now();
    const bool good = keys_ && (!keys_->expires || now < *keys_->expires);
    const bool ends_soon = good && keys_->expires && now + kAheadOfEnd >= *keys_->expires && now >= next_try_;
    if (good && (!ends_soon || renewing_)) return *keys_;
    if (renewing_) {
      renewed_.wait(lock);
      continue;
    }
    renewing_ = true;
    lock.unlock();
    auto fresh = read_keys(source_);
    lock.lock();
    renewing_ = false;
    renewed_.notify_all();
    if (fresh) {
      keys_ = *fresh;
      // A service may hand out the same keys until they end; it is not asked again at once.
      next_try_ = now + kBetweenTries;
      return *keys_;
    }
    if (!good) return std::move(fresh).error();
    next_try_ = now + kBetweenTries;
    log_warning("The keys of the S3 store end soon and are not renewed", {{"reason", fresh.error().message()}});
    return *keys_;
  }
}

bool KeyKeeper::renew(const Keys& refused) {
  std::unique_lock lock(mutex_);
  while (renewing_) renewed_.wait(lock);
  if (keys_ && !(*keys_ == refused)) return true;
  const Timestamp now = Clock::system().now();
  // What is refused for want of a permission would be asked for again and again.
  if (keys_ && keys_->expires && now < next_try_) return false;
  renewing_ = true;
  lock.unlock();
  auto fresh = read_keys(source_);
  lock.lock();
  renewing_ = false;
  renewed_.notify_all();
  next_try_ = now + kBetweenTries;
  if (!fresh || *fresh == refused) return false;
  keys_ = *std::move(fresh);
  return true;
}

}  // namespace logstone::s3
