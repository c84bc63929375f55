#include "serve/http_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "serve/connection.h"
#include "serve/listener.h"

namespace logstone::http {
namespace {

namespace asio = boost::asio;
using Protocol = asio::generic::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
/// How long a stop waits for answers that are on their way.
constexpr auto kStopGrace = std::chrono::seconds(2);
/// How many of the connections beyond the limit are told so; the rest are just closed.
constexpr std::size_t kRefusalsAtOnce = 64;

asio::awaitable<void> keep(Core& core, std::shared_ptr<Connection> connection) {
  core.connections.insert(connection.get());
  ++core.traffic.open_connections;
  try {
    co_await connection->run();
  } catch (const std::exception& e) {
    log_error("a connection failed", {{"reason", e.what()}});
  }
  --core.traffic.open_connections;
  core.connections.erase(connection.get());
}

asio::awaitable<void> turn_away(Core& core, std::shared_ptr<Connection> connection) {
  ++core.refusing;
  try {
    co_await connection->refuse_for_load();
  } catch (const std::exception&) {
  }
  --core.refusing;
}

class AsioServer final : public HttpServer {
 public:
  AsioServer(const ServerSettings& settings, Handler handler, Traffic& traffic)
      : core_(settings, std::move(handler), traffic), grace_(core_.loop) {}
  ~AsioServer() override { stop(); }

  Result<> listen() {
    const ServerSettings& settings = core_.settings;
    allow_descriptors(settings.max_connections + 256);
    if (settings.listen_tcp) {
      LOGSTONE_ASSIGN(UniqueFd fd, listen_tcp(settings.host, settings.port));
      port_ = port_of(fd.get());
      add_listener(std::move(fd), is_loopback(settings.host));
    }
    if (!settings.unix_socket.empty()) {
      LOGSTONE_ASSIGN(UniqueFd fd, listen_unix(settings.unix_socket));
      unix_bound_ = true;
      add_listener(std::move(fd), false);
    }
    if (listeners_.empty()) {
      return Error{
          ErrorKind::kInvalidInput, "start", "the server", "it has neither a port nor a socket to listen on", {}};
    }
    thread_ = std::thread([this] {
      for (;;) {
        try {
          core_.loop.run();
          return;
        } catch (const std::exception& e) {
          log_error("the server's loop went on after a failure", {{"reason", e.what()}});
        }
      }
    });
    return {};
  }

  std::uint16_t port() const override { return port_; }

  void stop() override {
    const std::lock_guard lock(stop_mutex_);
    if (thread_.joinable()) {
      asio::post(core_.loop, [this] { begin_stop(); });
      thread_.join();
    }
    core_.workers.join();
    core_.changers.join();
    if (unix_bound_) ::unlink(core_.settings.unix_socket.c_str());
    unix_bound_ = false;
  }

 private:
  using Listener = asio::posix::stream_descriptor;

  void add_listener(UniqueFd fd, bool check_host) {
    // UniqueFd keeps what it has; asio gets a descriptor of its own.
    auto listener = std::make_shared<Listener>(core_.loop, ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    listeners_.push_back(listener);
    asio::co_spawn(core_.loop, accept(listener, check_host), asio::detached);
  }

  asio::awaitable<void> accept(std::shared_ptr<Listener> listener, bool check_host) {
    while (!core_.stopping) {
      auto [error] = co_await listener->async_wait(Listener::wait_read, kTuple);
      if (error || core_.stopping) co_return;
      while (!core_.stopping) {
        const int fd = ::accept4(listener->native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
          take(fd, check_host);
          continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN) {
          // Out of descriptors or memory: the connection stays in the queue, so asking again at once would spin.
          log_warning("cannot take a connection", {{"reason", std::strerror(errno)}});
          asio::steady_timer pause(core_.loop, std::chrono::milliseconds(100));
          co_await pause.async_wait(kTuple);
        }
        break;
      }
    }
  }

  void take(int fd, bool check_host) {
    int domain = AF_INET;
    socklen_t length = sizeof domain;
    ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
    const int on = 1;
    if (domain != AF_UNIX) {
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    Protocol::socket socket(core_.loop);
    ErrorCode error;
    socket.assign(Protocol(domain, domain == AF_UNIX ? 0 : IPPROTO_TCP), fd, error);
    if (error) {
      ::close(fd);
      return;
    }
    const bool full = core_.connections.size() >= core_.settings.max_connections;
    if (full) ++core_.traffic.refused_connections;
    if (full && core_.refusing >= kRefusalsAtOnce) return;
    auto connection = make_connection(core_, std::move(socket), peer_of(fd), check_host);
    if (full) {
      asio::co_spawn(core_.loop, turn_away(core_, std::move(connection)), asio::detached);
      return;
    }
    ++core_.traffic.accepted_connections;
    asio::co_spawn(core_.loop, keep(core_, std::move(connection)), asio::detached);
  }

  void begin_stop() {
    core_.stopping = true;
    for (const auto& listener : listeners_) listener->close();
    for (Connection* connection : core_.connections) connection->stop();
    wait_for_connections(std::chrono::steady_clock::now() + kStopGrace);
  }

  void wait_for_connections(std::chrono::steady_clock::time_point deadline) {
    if (core_.connections.empty()) return;
    if (std::chrono::steady_clock::now() >= deadline) {
      for (Connection* connection : core_.connections) connection->close();
      return;
    }
    grace_.expires_after(std::chrono::milliseconds(10));
    grace_.async_wait([this, deadline](ErrorCode) { wait_for_connections(deadline); });
  }

  Core core_;
  asio::steady_timer grace_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::uint16_t port_ = 0;
  bool unix_bound_ = false;
  std::mutex stop_mutex_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const ServerSettings& settings, Handler handler,
                                                      Traffic& traffic) {
  auto server = std::make_unique<AsioServer>(settings, std::move(handler), traffic);
  LOGSTONE_TRY(server->listen());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace logstone::http
