// One signed request to the bucket and its answer. Knows nothing of retries.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/s3/s3_credentials.h"
#include "store/s3/s3_http.h"
#include "store/s3/s3_store.h"

namespace logstone::s3 {

struct Request {
  std::string method;
  std::string path;                                 ///< In the bucket, without a '/' before it; empty: the bucket.
  std::map<std::string, std::string> query = {};    ///< Sorted, as a signature wants it.
  std::map<std::string, std::string> headers = {};  ///< Names in small letters; all are signed.
  std::string_view body = {};
  std::uint64_t most_bytes = 32 << 20;  ///< A longer answer is given up.
  unsigned patience = 1;                ///< Times the stall time-out, for what a store thinks about for long.
  std::vector<int> accepted = {};       ///< Statuses beside 2xx that are answers and not errors.
};

/// Thread-safe; keeps connections open between requests.
class Client {
 public:
  explicit Client(const S3Settings& settings);
  /// As HttpConnections::send.
  [[nodiscard]] Result<Answer> send(const Request& request, const Keys& keys);

 private:
  const S3Settings& settings_;
  std::string origin_;       ///< "https://host:port", with the bucket before the host where it belongs there.
  std::string host_;         ///< As the header says it.
  std::string path_before_;  ///< "/bucket" or "".
  HttpConnections connections_;
};

}  // namespace logstone::s3
