// HTTP as handlers see it: requests, responses and bodies that come piece by piece. No sockets here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace logstone::http {

enum class Method { kGet, kHead, kPut, kPost, kDelete, kOther };

struct Request {
  Method method = Method::kGet;
  std::string method_name;                                   ///< As sent.
  std::string path;                                          ///< Still percent-encoded; begins with '/'.
  std::string query;                                         ///< Still percent-encoded, without the '?'.
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case.
  std::string body;
  std::string peer;  ///< Who asks: an address, or "unix:<user id>".

  /// The first header of that (lower-case) name; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// What a body gave when it was asked for more.
struct Chunk {
  enum class State { kData, kLater, kEnd };
  State state = State::kEnd;
  std::string bytes;
};

/// A body that is pulled: a slow reader holds at most the one chunk that is being written to it.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next bytes (about 256 KiB at most, never none with kData). May block on a store: it is called on a worker
  /// thread, one call at a time. After kLater `ready` is called once, from any thread, when asking again is worth it;
  /// never after the source was destroyed. An error ends the connection, so that the reader sees that bytes are
  /// missing.
  [[nodiscard]] virtual Result<Chunk> next(const std::function<void()>& ready) = 0;
};

/// The most that a body should give at once.
inline constexpr std::size_t kChunkBytes = 256 * 1024;

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< Unless there is a source.
  std::unique_ptr<BodySource> source;
  std::optional<std::uint64_t> length;  ///< Bytes that `source` will give; chunked transfer when unknown.
  std::string route;                    ///< Which rule answered, for the metrics.

  void set(std::string name, std::string value) { headers.emplace_back(std::move(name), std::move(value)); }
};

[[nodiscard]] Response text_response(int status, std::string text);
/// `body` is JSON text.
[[nodiscard]] Response json_response(int status, std::string body);
/// application/problem+json.
[[nodiscard]] Response problem_response(int status, const Error& error);
[[nodiscard]] Response problem_response(const Error& error);
/// The status that an error's kind stands for.
[[nodiscard]] int status_of(ErrorKind kind);

/// Runs on worker threads, many at once; throws nothing.
using Handler = std::function<Response(const Request&)>;

}  // namespace logstone::http
