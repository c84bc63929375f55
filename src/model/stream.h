// One container's log in one attempt, and how far it was read.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace logstone {

/// Names a stream within its workflow. Never by the pod's name alone: a pod may be made again with the same name.
struct StreamIdentity {
  std::string node_id;
  std::string pod_name;
  std::string pod_uid;
  std::string container;
  std::uint32_t restart = 0;
  auto operator<=>(const StreamIdentity&) const = default;

  /// Readable and unique in the workflow: `<pod name>.<first 8 of pod uid>.<container>.<restart>`. Used in object
  /// keys, URLs and file names; only [A-Za-z0-9._-], at most 200 bytes. Where that form would not be (unusual
  /// characters, a uid that is no UUID, too long), it is altered and `.<16 hexadecimal digits>` of a hash follow.
  [[nodiscard]] std::string key() const;
};

enum class Output : std::uint8_t { kStdout = 0, kStderr = 1 };

/// How far a stream has been captured, in its source's own terms: opaque to all but the source. At most 4 KiB.
/// Empty: from the beginning.
struct Cursor {
  std::string value;
  bool operator==(const Cursor&) const = default;
};

/// Bytes that could not be had.
struct Gap {
  std::uint64_t offset = 0;                 ///< Where in the stream's raw bytes something is missing.
  std::optional<std::uint64_t> lost_bytes;  ///< How many, where that is known.
  std::string reason;                       ///< "rotated away before it was read", "pod deleted while it wrote", ...
  Timestamp noticed{};
  bool operator==(const Gap&) const = default;
};

/// A piece of a line as the container wrote it. `text` holds no newline; `ends_line` tells that one followed.
struct LogPiece {
  Timestamp time{};
  Output output = Output::kStdout;
  bool ends_line = true;
  std::string_view text;
};

}  // namespace logstone
