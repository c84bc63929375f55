#include "base/bytes.h"

#include <fcntl.h>
#include <sys/random.h>
#include <xxhash.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

namespace logstone {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

template <class T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

template <class T>
std::optional<T> read_little_endian(std::string_view& rest) {
  if (rest.size() < sizeof(T)) return std::nullopt;
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(static_cast<unsigned char>(rest[i])) << (8 * i);
  rest.remove_prefix(sizeof(T));
  return value;
}

XXH3_state_t* as_state(void* state) { return static_cast<XXH3_state_t*>(state); }

std::string hex_of_hash(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  return to_hex({reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)});
}

void fill_random(void* to, std::size_t size) {
  auto* at = static_cast<unsigned char*>(to);
  while (size > 0) {
    const ssize_t got = getrandom(at, size, 0);
    // It fails only where the kernel has no such call; names that could repeat would be worse than the end.
    if (got < 0 && errno != EINTR) std::abort();
    if (got > 0) {
      at += got;
      size -= static_cast<std::size_t>(got);
    }
  }
}

}  // namespace

void append_u32(std::string& out, std::uint32_t value) { append_little_endian(out, value); }
void append_u64(std::string& out, std::uint64_t value) { append_little_endian(out, value); }

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

std::optional<std::uint8_t> ByteReader::u8() { return read_little_endian<std::uint8_t>(rest_); }
std::optional<std::uint32_t> ByteReader::u32() { return read_little_endian<std::uint32_t>(rest_); }
std::optional<std::uint64_t> ByteReader::u64() { return read_little_endian<std::uint64_t>(rest_); }

std::optional<std::uint64_t> ByteReader::varint() {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(rest_[i]);
    if (i == 9 && byte > 1) return std::nullopt;  // Beyond 64 bits.
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      rest_.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> ByteReader::take(std::size_t count) {
  if (count > rest_.size()) return std::nullopt;
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

Digest::Digest() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(as_state(state_));
}
Digest::~Digest() { XXH3_freeState(as_state(state_)); }
Digest::Digest(Digest&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
Digest& Digest::operator=(Digest&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
Digest::Digest(const Digest& other) : Digest() { XXH3_copyState(as_state(state_), as_state(other.state_)); }
Digest& Digest::operator=(const Digest& other) {
  if (this != &other) *this = Digest(other);
  return *this;
}
void Digest::update(std::string_view bytes) { XXH3_128bits_update(as_state(state_), bytes.data(), bytes.size()); }
std::string Digest::hex() const { return hex_of_hash(XXH3_128bits_digest(as_state(state_))); }
std::string Digest::hex_of(std::string_view bytes) { return hex_of_hash(XXH3_128bits(bytes.data(), bytes.size())); }

std::uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 15]);
  }
  return out;
}

std::string random_hex(std::size_t count) {
  std::string bytes((count + 1) / 2, '\0');
  fill_random(bytes.data(), bytes.size());
  std::string out = to_hex(bytes);
  out.resize(count);
  return out;
}

std::string random_uuid() {
  std::string bytes(16, '\0');
  fill_random(bytes.data(), bytes.size());
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string out = to_hex(bytes);
  for (const std::size_t at : {8, 13, 18, 23}) out.insert(at, 1, '-');
  return out;
}

}  // namespace logstone
