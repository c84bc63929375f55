// A log, or the part of it that was asked for, as the body of a response.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "archive/log_view.h"
#include "base/result.h"
#include "serve/http.h"

namespace logstone::serve {

/// Each of the first four moves the beginning forward, each of the next two the end back.
struct LogSelection {
  std::optional<std::uint64_t> tail;  ///< Lines, counted back from the selection's end.
  std::optional<std::uint64_t> from;  ///< Line.
  std::optional<Timestamp> since;
  std::optional<std::uint64_t> offset;  ///< Byte.
  std::optional<std::uint64_t> to;      ///< Line after the last.
  std::optional<Timestamp> until;
  bool follow = false;
  bool timestamps = false;
  bool gaps = false;
};

/// Where a selection is in the stream, by what can be read now. `end` may move on while a stream is followed.
struct LogPlace {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  LogExtent extent;
};

[[nodiscard]] Result<LogPlace> find_place(LogView& log, const LogSelection& selection);

/// The bytes from `place.begin`: to `place.end`, or as far as the selection goes while it is followed. Its first read
/// is done here, so that a log that cannot be read fails before anything was answered.
[[nodiscard]] Result<std::unique_ptr<http::BodySource>> open_log_body(std::shared_ptr<LogView> log,
                                                                      const LogSelection& selection,
                                                                      const LogPlace& place);

}  // namespace logstone::serve
