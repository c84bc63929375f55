// zstd frames in one go. Contexts are pooled: hundreds of writers share a few.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace logstone::zstd {

/// One frame with its content's size, and its checksum where asked. Thread-safe. Throws std::bad_alloc only.
[[nodiscard]] std::string compress(std::string_view raw, int level, bool with_checksum);

/// The content of exactly one frame that says it holds `raw_size` bytes; none for anything else. The caller bounds
/// `raw_size`: so much is reserved. `need_checksum` refuses frames without one. Thread-safe.
[[nodiscard]] std::optional<std::string> decompress(std::string_view frame, std::size_t raw_size, bool need_checksum);

}  // namespace logstone::zstd
