// One signed request over the wire and its answer. Knows nothing of retries.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/s3/s3_store.h"

namespace logstone::s3 {

struct Keys {
  std::string access;
  std::string secret;
  std::string session_token;
  friend bool operator==(const Keys&, const Keys&) = default;
};

struct Request {
  std::string method;
  std::string path;                          ///< In the bucket, without a '/' before it; empty: the bucket itself.
  std::map<std::string, std::string> query;  ///< Sorted, as a signature wants it.
  std::vector<std::string> headers = {};     ///< "name: value".
  std::string_view body = {};
  std::uint64_t most_bytes = 32 << 20;  ///< A longer answer is given up.
  unsigned patience = 1;                ///< Times the stall time-out, for what a store thinks about for long.
  std::vector<int> accepted = {};       ///< Statuses beside 2xx that are answers and not errors.
};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< Names in small letters.
  std::string body;
  /// The value of a header; "" where there is none.
  [[nodiscard]] std::string header(const std::string& name) const;
};

/// Everything but A-Z a-z 0-9 - . _ ~ (and '/' where told) as %XX: what S3 signs.
[[nodiscard]] std::string percent_encode(std::string_view text, bool keep_slashes);

/// Thread-safe; keeps connections open between requests.
class Client {
 public:
  explicit Client(const S3Settings& settings);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  /// Any status is an answer. kUnavailable when there was none or only a part of it; kCorrupt when it was too long;
  /// kInvalidInput or kForbidden when the address or the certificate cannot be used. The errors name no subject.
  [[nodiscard]] Result<Answer> send(const Request& request, const Keys& keys);

 private:
  [[nodiscard]] std::string url_of(const Request& request) const;
  void* take();
  void give_back(void* handle);

  const S3Settings& settings_;
  std::string base_url_;
  std::mutex mutex_;
  std::vector<void*> idle_;
};

}  // namespace logstone::s3
