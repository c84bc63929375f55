// Clients of a server under test: libcurl for well-formed requests, a plain socket for all others.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "serve/server.h"

namespace logstone::testing {

struct Answer {
  int curl_code = 0;  ///< CURLE_OK, or how the transfer failed.
  int status = 0;
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
};

struct Ask {
  std::string method = "GET";
  std::vector<std::string> headers;
  std::string body;
  bool send_body = false;
  bool decode = false;  ///< Let libcurl undo the content encoding.
};

/// One request, one connection.
[[nodiscard]] Answer ask(std::uint16_t port, const std::string& path, const Ask& what = {});
[[nodiscard]] Answer ask_unix(const std::string& socket, const std::string& path);
/// As a JSON client changes something.
[[nodiscard]] Answer change(std::uint16_t port, const std::string& method, const std::string& path,
                            const std::string& body = {});

/// A connection whose bytes the test writes itself. Every wait ends after 30 s.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port, int receive_buffer = 0);
  /// False when the server has closed.
  bool send(std::string_view bytes);
  /// Reads until `all` holds `part`; false when the connection ends (or 30 s pass) before.
  bool read_until(std::string_view part);
  /// Reads until the server closes; false when it does not.
  bool read_to_end();
  void end_sending();
  [[nodiscard]] int fd() const { return fd_.get(); }
  std::string all;  ///< Everything received.

 private:
  bool read_some();
  UniqueFd fd_;
};

/// A started server on a free port; fails the test when it does not start.
[[nodiscard]] std::unique_ptr<Server> start_server(Backend& backend, ServerSettings settings = {});

}  // namespace logstone::testing
