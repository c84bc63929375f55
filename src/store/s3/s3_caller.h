// Sends a request until it is answered: back-off, deadline, fresh credentials, metrics. The only part that retries.
#pragma once

#include <functional>
#include <mutex>

#include "store/s3/s3_client.h"

namespace logstone::s3 {

/// Reads what the source names. kInvalidInput or a file's error, with the places that were looked at.
[[nodiscard]] Result<Keys> read_keys(const S3CredentialSource& source);

/// Thread-safe.
class Caller {
 public:
  /// Whether a 2xx answer can be used; a kCorrupt one is asked for again.
  using Judge = std::function<Result<>(const Answer&)>;
  struct Outcome {
    Answer answer;
    bool repeated = false;  ///< An earlier try may have reached the store.
  };

  Caller(const S3Settings& settings, Keys keys);
  /// `attempted` and `path` go into the error. Retries what is kUnavailable or kCorrupt, so only send what may be
  /// repeated.
  [[nodiscard]] Result<Outcome> call(const std::string& attempted, const Request& request, const Judge& judge = {});
  [[nodiscard]] std::string subject(const std::string& path) const;

 private:
  [[nodiscard]] Result<Answer> attempt(const Request& request, const Judge& judge);
  [[nodiscard]] Keys keys();
  bool renew_keys(const Keys& refused);

  const S3Settings& settings_;
  Client client_;
  std::mutex mutex_;
  Keys keys_;
};

}  // namespace logstone::s3
