// The HTTP server: KFP's log API, the native API, health, metrics and the page.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "serve/backend.h"

namespace logstone {

struct ServerSettings {
  std::string host = "127.0.0.1";  ///< An address; only loopback unless the person says otherwise.
  std::uint16_t port = 8080;       ///< 0: any free one.
  std::string unix_socket;         ///< Listens there too unless empty (mode 0600, replaced when stale).
  bool listen_tcp = true;
  /// Names by which browsers may reach a server on loopback, beside `localhost` and the addresses: any other name in
  /// a request's Host is refused, or a page of another site could read logs through a name that points here.
  std::vector<std::string> host_names;
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = 1 << 20;
  Nanoseconds idle_timeout =
      std::chrono::seconds(60);  ///< Of a connection without a request, or a reader that takes nothing.
  std::size_t max_connections = 10000;
  std::size_t threads = 2;
};

/// Serves until stopped. `backend` outlives it.
class Server {
 public:
  /// kConflict with advice when the port is taken.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(Backend& backend, ServerSettings settings);
  virtual ~Server() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Ends open streams and returns once all threads have ended.
  virtual void stop() = 0;
};

}  // namespace logstone
