// One HTTP request over the wire and its answer. Knows nothing of S3, signs nothing, retries nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace logstone::s3 {

struct HttpRequest {
  std::string method;
  std::string url;
  std::vector<std::string> headers = {};  ///< "name: value".
  std::string_view body = {};
  std::uint64_t most_bytes = 1 << 20;  ///< A longer answer is given up.
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::seconds stall_timeout{30};      ///< A transfer below 1 KiB/s for so long is given up.
  std::chrono::milliseconds total_timeout{0};  ///< 0: as long as it does not stall.
  std::string ca_file = {};                    ///< PEM; empty: the system's.
  bool no_proxy = false;                       ///< Never through a proxy that the environment names.
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
class HttpConnections {
 public:
  HttpConnections();
  ~HttpConnections();
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;
  /// Any status is an answer; redirects are not followed. kUnavailable when there was none or only a part of it;
  /// kCorrupt when it was too long; kInvalidInput or kForbidden when the address or the certificate cannot be used.
  /// The errors name no subject.
  [[nodiscard]] Result<Answer> send(const HttpRequest& request);

 private:
  void* take();
  void give_back(void* handle, bool broken);

  std::mutex mutex_;
  std::vector<void*> idle_;
};

}  // namespace logstone::s3
