// Which part and which encoding of a body a request asks for.
#pragma once

#include <cstdint>
#include <string_view>

namespace logstone::http {

/// The answer to a Range header over `size` bytes.
struct ByteRange {
  enum class Kind { kWhole, kPart, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  std::uint64_t first = 0;
  std::uint64_t end = 0;  ///< After the last.
};
/// One range of bytes. As RFC 9110 wants, what cannot be read (other units, several ranges) asks for the whole.
[[nodiscard]] ByteRange choose_range(std::string_view header, std::uint64_t size);

enum class Encoding { kIdentity, kGzip, kZstd };
/// The best of those that an Accept-Encoding header names itself; zstd before gzip where it likes both the same.
[[nodiscard]] Encoding choose_encoding(std::string_view header);

}  // namespace logstone::http
