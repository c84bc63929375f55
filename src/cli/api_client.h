// Speaks to a Logstone server by HTTP, over TCP or a Unix socket.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logstone::cli {

/// Percent-encodes everything but unreserved characters.
[[nodiscard]] std::string encode(std::string_view text);

/// Builds "?a=b&c=d", leaving empty values out.
class Query {
 public:
  Query& add(const std::string& name, const std::string& value);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Every call makes its own connection, so one client serves many threads.
class ApiClient {
 public:
  /// `url` is `http://host:port` (empty with a socket); `socket` a Unix socket's path, or empty.
  ApiClient(std::string url, std::string socket) : url_(std::move(url)), socket_(std::move(socket)) {}
  /// The JSON answer. A problem document becomes an Error of the fitting kind.
  [[nodiscard]] Result<nlohmann::json> get(const std::string& path) const;
  [[nodiscard]] Result<nlohmann::json> send(const std::string& method, const std::string& path,
                                            const nlohmann::json& body) const;
  /// Hands over the answer's bytes as they come. `take` returns false to end it early, which is no error. kCancelled
  /// when the server cut the answer off.
  [[nodiscard]] Result<> stream(const std::string& path, const std::function<bool(std::string_view)>& take) const;

 private:
  std::string url_;
  std::string socket_;
};

/// True where one log is damaged, missing or cut off: others may be intact.
[[nodiscard]] bool concerns_one_log(const Error& error);

/// `/api/v1/workflows/<ref>`
[[nodiscard]] std::string workflow_path(const std::string& reference);

}  // namespace logstone::cli
