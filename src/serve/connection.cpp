#include "serve/connection.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstdio>

#include "base/log.h"

// g++ 12 takes Asio's own allocation of coroutine frames for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace logstone::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol>;
using Parser = wire::request_parser<wire::string_body>;
using Buffers = std::array<asio::const_buffer, 3>;
using ErrorCode = beast::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// Runs `job` on a pool; the coroutine goes on where it was, with what the job returned.
template <class Job>
asio::awaitable<std::invoke_result_t<Job>> run_on(asio::thread_pool& pool, Job job) {
  using Value = std::invoke_result_t<Job>;
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(
      [](auto handler, asio::thread_pool* where, Job what) {
        auto work = asio::make_work_guard(asio::get_associated_executor(handler));
        asio::post(*where, [handler = std::move(handler), work = std::move(work), what = std::move(what)]() mutable {
          asio::post(work.get_executor(), [handler = std::move(handler), value = what()]() mutable {
            std::move(handler)(std::move(value));
          });
        });
      },
      asio::use_awaitable, &pool, std::move(job));
}

Error refusal(std::string reason, std::string advice = {}) {
  return Error{ErrorKind::kInvalidInput, "read", "the request", std::move(reason), std::move(advice)};
}

Method method_of(wire::verb verb) {
  switch (verb) {
    case wire::verb::get:
      return Method::kGet;
    case wire::verb::head:
      return Method::kHead;
    case wire::verb::put:
      return Method::kPut;
    case wire::verb::post:
      return Method::kPost;
    case wire::verb::delete_:
      return Method::kDelete;
    default:
      return Method::kOther;
  }
}

class HttpConnection final : public Connection, public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Core& core, Protocol::socket socket, std::string peer, bool check_host)
      : core_(core),
        stream_(std::move(socket)),
        buffer_(core.settings.max_header_bytes + 64 * 1024),
        wake_timer_(core.loop),
        peer_(std::move(peer)),
        check_host_(check_host) {}

  asio::awaitable<void> run() override {
    bool open = true;
    while (open && !core_.stopping) open = co_await serve_one();
    close();
  }

  asio::awaitable<void> refuse_for_load() override {
    Response response = problem_response(503, Error{ErrorKind::kUnavailable, "serve", "this connection",
                                                    "there are too many others", "Try again soon."});
    response.set("Retry-After", "1");
    co_await send_and_close(response);
    close();
  }

  void stop() override {
    if (idle_ || waiting_) close();
  }
  void close() override {
    stream_.close();
    gone_ = true;
    wake_timer_.cancel();
  }

 private:
  /// One request and its response; false: the connection is over.
  asio::awaitable<bool> serve_one() {
    Request request;
    Framing framing;
    {
      Parser parser;
      parser.header_limit(static_cast<std::uint32_t>(core_.settings.max_header_bytes));
      parser.body_limit(core_.settings.max_body_bytes);
      idle_ = true;
      stream_.expires_after(core_.settings.idle_timeout);
      auto [header_error, header_bytes] = co_await wire::async_read_header(stream_, buffer_, parser, kTuple);
      idle_ = false;
      if (header_error) co_return co_await refuse(header_error);
      framing.version = static_cast<int>(parser.get().version());
      framing.keep_alive = parser.get().keep_alive();
      if (!parser.is_done()) {
        if (lower_case(view(parser.get()[wire::field::expect])) == "100-continue") {
          const Buffers go_on{asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25)};
          if (!co_await send(go_on)) co_return false;
        }
        stream_.expires_after(core_.settings.idle_timeout);
        auto [body_error, body_bytes] = co_await wire::async_read(stream_, buffer_, parser, kTuple);
        if (body_error) co_return co_await refuse(body_error);
      }
      stream_.expires_never();
      const int status = take(parser.get(), request);
      if (status != 0) {
        Response response = problem_response(status, take_error_);
        co_await send_and_close(response);
        co_return false;
      }
    }
    framing.head_only = request.method == Method::kHead;
    const bool reads = request.method == Method::kGet || request.method == Method::kHead;
    const auto job = [this, &request] { return core_.answer(request); };
    Response response = co_await run_on(reads ? core_.workers : core_.changers, job);
    core_.traffic.count(request.method == Method::kOther ? "other" : request.method_name, response.route,
                        response.status);
    if (core_.stopping) framing.keep_alive = false;
    if (response.source && !response.length && !framing.can_chunk()) framing.keep_alive = false;
    const bool sent = co_await send_response(response, framing);
    co_return sent&& framing.keep_alive;
  }

  static std::string_view view(boost::core::string_view text) { return {text.data(), text.size()}; }

  /// Takes a message that was read apart. 0, or the status to refuse it with (the reason is in `take_error_`).
  int take(Parser::value_type& message, Request& request) {
    request.method = method_of(message.method());
    request.method_name = view(message.method_string());
    const auto hosts = message.count(wire::field::host);
    const std::string_view host = view(message[wire::field::host]);
    if (hosts > 1 || (hosts == 0 && message.version() >= 11)) {
      take_error_ = refusal("it needs one Host header");
      return 400;
    }
    if (check_host_ && hosts == 1 && !core_.host_allowed(host)) {
      take_error_ = refusal("this server is not known by the name `" + std::string(host.substr(0, 100)) + "`",
                            "Ask for it as 127.0.0.1 or localhost, or add the name to the server's host names.");
      return 421;
    }
    std::string_view target = view(message.target());
    if (target.starts_with("http://")) target.remove_prefix(std::min(target.find('/', 7), target.size()));
    if (!target.starts_with('/')) {
      take_error_ = refusal("its target does not begin with `/`");
      return 400;
    }
    const std::size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
    for (const auto& field : message) {
      request.headers.emplace_back(lower_case(view(field.name_string())), view(field.value()));
    }
    request.body = std::move(message.body());
    request.peer = peer_;
    return 0;
  }

  /// Answers what could not be read, where an answer makes sense.
  asio::awaitable<bool> refuse(ErrorCode error) {
    Response response;
    if (error == wire::error::header_limit || error == wire::error::buffer_overflow) {
      response = problem_response(
          431, refusal("its headers are larger than " + std::to_string(core_.settings.max_header_bytes) + " bytes"));
    } else if (error == wire::error::body_limit) {
      response = problem_response(
          413, refusal("its body is larger than " + std::to_string(core_.settings.max_body_bytes) + " bytes"));
    } else if (error.category() == make_error_code(wire::error::bad_method).category() &&
               error != wire::error::end_of_stream && error != wire::error::partial_message) {
      response = problem_response(400, refusal("it is no HTTP request (" + error.message() + ")"));
    } else {
      co_return false;
    }
    co_await send_and_close(response);
    co_return false;
  }

  asio::awaitable<void> send_and_close(Response& response) {
    core_.traffic.count("other", "none", response.status);
    Framing framing;
    framing.keep_alive = false;
    const bool sent = co_await send_response(response, framing);
    if (!sent) co_return;
    // What the client still sends is read, for a while: else the reset would take the answer away from it.
    ErrorCode ignored;
    stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    stream_.expires_after(std::chrono::seconds(2));
    std::array<char, 4096> waste;
    for (std::size_t total = 0; total < (std::size_t{4} << 20);) {
      auto [error, count] = co_await stream_.async_read_some(asio::buffer(waste), kTuple);
      if (error) break;
      total += count;
    }
  }

  /// Writes everything, as fast as the reader takes it; false: it is gone, or took nothing for too long.
  asio::awaitable<bool> send(const Buffers& buffers) {
    beast::buffers_suffix<Buffers> rest(buffers);
    std::size_t left = asio::buffer_size(buffers);
    while (left > 0) {
      stream_.expires_after(core_.settings.idle_timeout);
      auto [error, count] = co_await stream_.async_write_some(rest, kTuple);
      core_.traffic.sent_bytes += count;
      if (error) co_return false;
      rest.consume(count);
      left -= count;
    }
    stream_.expires_never();
    co_return true;
  }

  asio::awaitable<bool> send_response(Response& response, const Framing& framing) {
    const std::string head = response_head(response, framing);
    const bool bare = framing.head_only || response.status == 204 || response.status == 304;
    if (!response.source || bare) {
      Buffers whole{asio::buffer(head)};
      if (!bare) whole[1] = asio::buffer(response.body);
      co_return co_await send(whole);
    }
    ++core_.traffic.open_streams;
    streaming_ = true;
    const bool sent = co_await send_source(head, response, framing);
    streaming_ = false;
    --core_.traffic.open_streams;
    if (!sent && !response.length && !framing.can_chunk()) {
      // The end of the connection is the end of the body there: only a reset tells that bytes are missing.
      ErrorCode ignored;
      stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    }
    co_return sent;
  }

  asio::awaitable<bool> send_source(const std::string& head, Response& response, const Framing& framing) {
    const Buffers first{asio::buffer(head)};
    if (!co_await send(first)) co_return false;
    const bool chunked = !response.length && framing.can_chunk();
    std::uint64_t left = response.length.value_or(UINT64_MAX);
    const std::function<void()> ready = [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      asio::post(self->core_.loop, [self] {
        self->woken_ = true;
        self->wake_timer_.cancel();
      });
    };
    BodySource& source = *response.source;
    const auto job = [&source, &ready] { return source.next(ready); };
    for (;;) {
      woken_ = false;
      Result<Chunk> chunk = co_await run_on(core_.workers, job);
      if (!chunk) {
        log_warning("a response was cut short", {{"route", response.route}, {"error", chunk.error().message()}});
        co_return false;
      }
      if (gone_) co_return false;
      if (chunk->state == Chunk::State::kLater) {
        // Cut, not ended: the reader must not take the server's end for the log's.
        if (!co_await wait_until_ready()) co_return false;
        continue;
      }
      if (chunk->state == Chunk::State::kEnd) break;
      if (chunk->bytes.size() > left) co_return false;
      left -= response.length ? chunk->bytes.size() : 0;
      char size_line[24];
      const int size_bytes = std::snprintf(size_line, sizeof size_line, "%zx\r\n", chunk->bytes.size());
      Buffers buffers{asio::const_buffer(), asio::buffer(chunk->bytes), asio::const_buffer()};
      if (chunked) {
        buffers[0] = asio::buffer(size_line, static_cast<std::size_t>(size_bytes));
        buffers[2] = asio::buffer("\r\n", 2);
      }
      if (!co_await send(buffers)) co_return false;
    }
    if (response.length && left != 0) co_return false;
    const Buffers last{asio::buffer("0\r\n\r\n", 5)};
    if (chunked) co_return co_await send(last);
    co_return true;
  }

  /// False: the client went away, or the server stops.
  asio::awaitable<bool> wait_until_ready() {
    if (core_.stopping) co_return false;
    watch();
    waiting_ = true;
    while (!woken_ && !gone_) {
      wake_timer_.expires_at(asio::steady_timer::time_point::max());
      co_await wake_timer_.async_wait(kTuple);
    }
    waiting_ = false;
    co_return !gone_;
  }

  /// A reader that waits for more takes no bytes, so only its socket tells that it went away.
  void watch() {
    if (watching_) return;
    watching_ = true;
    stream_.socket().async_wait(asio::socket_base::wait_read, [self = shared_from_this()](ErrorCode error) {
      self->watching_ = false;
      if (error || !self->streaming_) return;
      char byte = 0;
      const auto got = ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        self->gone_ = true;
        self->wake_timer_.cancel();
      } else if (got < 0) {
        self->watch();
      } else if (self->buffer_.size() < self->core_.settings.max_header_bytes) {
        // The next request, sent ahead: kept for later, to see the connection's end behind it.
        constexpr std::size_t kRoom = 4096;
        const auto room = self->buffer_.prepare(kRoom);
        const auto taken = ::recv(self->stream_.socket().native_handle(), room.data(), room.size(), MSG_DONTWAIT);
        if (taken > 0) self->buffer_.commit(static_cast<std::size_t>(taken));
        self->watch();
      }
    });
  }

  Core& core_;
  Stream stream_;
  beast::flat_buffer buffer_;
  asio::steady_timer wake_timer_;
  const std::string peer_;
  const bool check_host_;
  Error take_error_;
  bool idle_ = false;       // Waits for a request.
  bool streaming_ = false;  // Sends a body piece by piece.
  bool waiting_ = false;    // Waits for the body to have more.
  bool woken_ = false;
  bool watching_ = false;
  bool gone_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_connection(Core& core, Protocol::socket socket, std::string peer, bool check_host) {
  return std::make_shared<HttpConnection>(core, std::move(socket), std::move(peer), check_host);
}

}  // namespace logstone::http
