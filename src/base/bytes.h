// Little-endian numbers, varints, digests and text forms of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace logstone {

void append_u32(std::string& out, std::uint32_t value);
void append_u64(std::string& out, std::uint64_t value);
/// LEB128, as in Protocol Buffers.
void append_varint(std::string& out, std::uint64_t value);
/// Maps small magnitudes of either sign to small numbers (0, -1, 1, -2 become 0, 1, 2, 3).
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

/// Reads numbers from the front of outside bytes; every read is checked, none throws.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] std::optional<std::uint8_t> u8();
  [[nodiscard]] std::optional<std::uint32_t> u32();
  [[nodiscard]] std::optional<std::uint64_t> u64();
  [[nodiscard]] std::optional<std::uint64_t> varint();
  [[nodiscard]] std::optional<std::string_view> take(std::size_t count);
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// XXH3 of 128 bits, the digest of everything archived ("xxhsum -H2" computes the same). Incremental.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  Digest(const Digest&);
  Digest& operator=(const Digest&);
  void update(std::string_view bytes);
  /// 32 hexadecimal digits of what was given so far; more may follow.
  [[nodiscard]] std::string hex() const;
  [[nodiscard]] static std::string hex_of(std::string_view bytes);

 private:
  void* state_;
};

/// 64-bit XXH3.
[[nodiscard]] std::uint64_t hash64(std::string_view bytes);
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Random, for names: lower-case hexadecimal digits, from the system's generator.
[[nodiscard]] std::string random_hex(std::size_t digits);
/// A version-4 UUID.
[[nodiscard]] std::string random_uuid();

}  // namespace logstone
