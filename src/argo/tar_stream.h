// Reads a tar archive piece by piece: which files it has, and their bytes. ustar, GNU and pax names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logstone::argo {

/// Do bytes (512 at least) begin with a tar header whose checksum is right?
[[nodiscard]] bool looks_like_tar(std::string_view bytes);

/// Used by one thread.
class TarStream {
 public:
  /// `begin` is called for each regular file, with its name and size, then `data` with its bytes, piece by piece.
  struct Events {
    std::function<Result<>(const std::string& name, std::uint64_t bytes)> begin;
    std::function<Result<>(std::string_view bytes)> data;
  };
  explicit TarStream(Events events) : events_(std::move(events)) {}
  /// The next bytes of the archive. kCorrupt where they are no tar; the events' own errors end it as well.
  [[nodiscard]] Result<> push(std::string_view bytes);
  /// Whether the archive may end here: not within a file or a header.
  [[nodiscard]] bool complete() const { return block_.empty() && rest_ == 0; }

 private:
  enum class Body { kSkip, kFile, kName, kPax };
  [[nodiscard]] Result<> header();
  [[nodiscard]] Result<> body(std::string_view bytes);

  Events events_;
  std::string block_;       ///< Of a header, as far as it came.
  std::uint64_t rest_ = 0;  ///< Bytes of the body to come.
  std::uint64_t padding_ = 0;
  Body kind_ = Body::kSkip;
  std::string text_;  ///< A long name, or pax records.
  std::string next_name_;
  bool ended_ = false;
};

}  // namespace logstone::argo
