// Decompresses gzip (RFC 1952) piece by piece, in bounded memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logstone::argo {

/// Do bytes begin as a gzip member does?
[[nodiscard]] bool looks_like_gzip(std::string_view bytes);

/// One stream, members one after the other. Used by one thread.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  /// Decompresses `bytes`, the next of the stream; `out` gets pieces of at most 64 KiB. Ends with its error when `out`
  /// fails; kCorrupt when the bytes are no gzip (what came before was given to `out`).
  [[nodiscard]] Result<> push(std::string_view bytes, const std::function<Result<>(std::string_view)>& out);
  /// Whether the stream may end here: a member was complete.
  [[nodiscard]] bool complete() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The whole of a small stream; kCorrupt, or kInvalidInput when it is more than `most` bytes.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, std::size_t most, const std::string& subject);

}  // namespace logstone::argo
