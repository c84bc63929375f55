// Where the keys of requests come from, and how they stay fresh.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "store/s3/s3_store.h"

namespace logstone::s3 {

struct Keys {
  std::string access;
  std::string secret;
  std::string session_token;
  std::optional<Timestamp> expires;  ///< None: they do not.
  /// Whether a request would be signed alike.
  friend bool operator==(const Keys& a, const Keys& b) {
    return a.access == b.access && a.secret == b.secret && a.session_token == b.session_token;
  }
};

/// Reads or asks what the source names. kInvalidInput, kForbidden, a file's error, or kUnavailable, with the places
/// that were looked at.
[[nodiscard]] Result<Keys> read_keys(const S3CredentialSource& source);

/// Asks STS for the keys of a role, by the token that Kubernetes mounted (web identity, "IRSA").
[[nodiscard]] Result<Keys> ask_web_identity(const S3CredentialSource& source);
/// Asks the metadata service of the machine (IMDSv2). Waits for seconds at most.
[[nodiscard]] Result<Keys> ask_instance_metadata(const S3CredentialSource& source);
/// What these two answer. kCorrupt where it is something else.
[[nodiscard]] Result<Keys> read_web_identity_answer(std::string_view xml);
[[nodiscard]] Result<Keys> read_instance_metadata_answer(std::string_view json);
/// The AWS tools' file: "[profile]" lines, then "name = value" ones; `name` is for errors.
[[nodiscard]] Result<Keys> read_profile(std::string_view text, const std::string& profile, const std::string& name);

/// Keys that are renewed ahead of their end, by one thread while the others go on with the old ones. Thread-safe.
class KeyKeeper {
 public:
  explicit KeyKeeper(const S3CredentialSource& source) : source_(source) {}
  /// Renewed if they end within minutes; the old ones where that fails and they are still good.
  [[nodiscard]] Result<Keys> keys();
  /// The store refused these: true when others can be had now.
  [[nodiscard]] bool renew(const Keys& refused);

 private:
  const S3CredentialSource source_;
  std::mutex mutex_;
  std::condition_variable renewed_;
  std::optional<Keys> keys_;
  bool renewing_ = false;
  Timestamp next_try_{};
};

}  // namespace logstone::s3
