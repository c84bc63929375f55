// Sends a request until it is answered: back-off, deadline, fresh credentials, metrics. The only part that retries.
#pragma once

#include <functional>

#include "store/s3/s3_client.h"
#include "store/s3/s3_credentials.h"

namespace logstone::s3 {

/// Thread-safe.
class Caller {
 public:
  /// Whether a 2xx answer can be used; a kCorrupt one is asked for again.
  using Judge = std::function<Result<>(const Answer&)>;
  struct Outcome {
    Answer answer;
    bool repeated = false;  ///< An earlier try may have reached the store.
  };

  explicit Caller(const S3Settings& settings);
  /// `attempted` and `path` go into the error. Retries what is kUnavailable or kCorrupt, so only send what may be
  /// repeated.
  [[nodiscard]] Result<Outcome> call(const std::string& attempted, const Request& request, const Judge& judge = {});
  [[nodiscard]] std::string subject(const std::string& path) const;

 private:
  [[nodiscard]] Result<Answer> attempt(const Request& request, const Judge& judge);

  const S3Settings& settings_;
  Client client_;
  KeyKeeper keys_;
};

}  // namespace logstone::s3
