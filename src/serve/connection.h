// One client's connection: reads its requests, writes the responses, waits for more while a log is followed.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "serve/http.h"
#include "serve/server.h"
#include "serve/traffic.h"
#include "serve/wire_format.h"

namespace logstone::http {

class Connection;

/// What all connections share. Only the loop's thread touches what is not const or atomic.
struct Core {
  Core(const ServerSettings& given, Handler answer, Traffic& counts)
      : settings(given),
        handler(std::move(answer)),
        traffic(counts),
        workers(std::max<std::size_t>(1, given.threads)),
        changers(2) {}

  [[nodiscard]] Response answer(const Request& request) const {
    try {
      return handler(request);
    } catch (const std::exception& e) {
      return problem_response(Error{ErrorKind::kInternal, "answer", request.path.substr(0, 200), e.what(), {}});
    }
  }
  [[nodiscard]] bool host_allowed(std::string_view host) const {
    const std::string name = host_name(host);
    return name == "localhost" || name == "127.0.0.1" || name == "[::1]" || name == lower_case(settings.host) ||
           std::any_of(settings.host_names.begin(), settings.host_names.end(),
                       [&](const std::string& one) { return name == lower_case(one); });
  }

  const ServerSettings settings;
  const Handler handler;
  Traffic& traffic;
  boost::asio::io_context loop{1};
  boost::asio::thread_pool workers;
  boost::asio::thread_pool changers;
  std::unordered_set<Connection*> connections;
  std::size_t refusing = 0;
  bool stopping = false;
};

/// Lives on the loop's thread, as long as one of its coroutines runs.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Answers requests until the connection is over.
  virtual boost::asio::awaitable<void> run() = 0;
  /// Tells a client that there are too many others.
  virtual boost::asio::awaitable<void> refuse_for_load() = 0;
  /// No new request; what waits is ended, what is being sent may go on for a while.
  virtual void stop() = 0;
  virtual void close() = 0;
};

/// `core` outlives it. `check_host`: only names that this server is known by are served.
[[nodiscard]] std::shared_ptr<Connection> make_connection(Core& core,
                                                          boost::asio::generic::stream_protocol::socket socket,
                                                          std::string peer, bool check_host);

}  // namespace logstone::http
