// The sockets: takes connections, reads requests, writes responses.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "serve/http.h"
#include "serve/server.h"
#include "serve/traffic.h"

namespace logstone::http {

/// One thread moves all bytes between sockets and buffers; handlers and bodies run on `settings.threads` workers, so
/// that a slow store never stalls a connection that is not waiting for it. Requests that change something (which may
/// take long: a verification) have workers of their own.
class HttpServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const ServerSettings& settings, Handler handler,
                                                                 Traffic& traffic);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void stop() = 0;
};

}  // namespace logstone::http
