#include "argo/tar_stream.h"

#include <algorithm>
#include <optional>

namespace logstone::argo {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kLongestText = 64 * 1024;  ///< Of a name or pax records; more is skipped.

std::string_view field(std::string_view block, std::size_t at, std::size_t length) {
  std::string_view text = block.substr(at, length);
  return text.substr(0, text.find('\0'));
}

/// Octal digits, or GNU's base 256.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  if (!text.empty() && (static_cast<unsigned char>(text[0]) & 0x80) != 0) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(i == 0 ? text[0] & 0x7f : text[i]);
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | byte;
    }
    return value;
  }
  std::size_t i = 0;
  while (i < text.size() && text[i] == ' ') ++i;
  if (i == text.size() || text[i] == '\0') return std::nullopt;
  for (; i < text.size() && text[i] != '\0' && text[i] != ' '; ++i) {
    if (text[i] < '0' || text[i] > '7' || value >> 60 != 0) return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(text[i] - '0');
  }
  return value;
}

bool checksum_fits(std::string_view block) {
  const auto stored = number(block.substr(148, 8));
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(block[i]);
  return stored && *stored == sum;
}

/// The value of `path` in pax records ("<length> path=<value>\n").
std::string pax_path(std::string_view records) {
  std::string path;
  while (!records.empty()) {
    std::size_t length = 0;
    std::size_t digits = 0;
    while (digits < records.size() && digits < 6 && records[digits] >= '0' && records[digits] <= '9') {
      length = length * 10 + static_cast<std::size_t>(records[digits++] - '0');
    }
    if (digits == 0 || length > records.size() || length < digits + 2 || records[digits] != ' ') break;
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    if (record.starts_with("path=")) path = std::string(record.substr(5));
    records.remove_prefix(length);
  }
  return path;
}

Error corrupt(std::string reason) { return {ErrorKind::kCorrupt, "read", "tar archive", std::move(reason), {}}; }

}  // namespace

bool looks_like_tar(std::string_view bytes) {
  return bytes.size() >= kBlock && bytes[0] != '\0' && checksum_fits(bytes.substr(0, kBlock));
}

Result<> TarStream::push(std::string_view bytes) {
  while (!bytes.empty() && !ended_) {
    if (rest_ > 0) {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(rest_, bytes.size()));
      rest_ -= take;
      LOGSTONE_TRY(body(bytes.substr(0, take)));
      bytes.remove_prefix(take);
    } else if (padding_ > 0) {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(padding_, bytes.size()));
      padding_ -= take;
      bytes.remove_prefix(take);
    } else {
      const std::size_t take = std::min(kBlock - block_.size(), bytes.size());
      block_ += bytes.substr(0, take);
      bytes.remove_prefix(take);
      if (block_.size() == kBlock) LOGSTONE_TRY(header());
    }
  }
  return {};
}

Result<> TarStream::header() {
  const std::string block = std::move(block_);
  block_.clear();
  if (block.find_first_not_of('\0') == std::string::npos) {
    ended_ = true;
    return {};
  }
  if (!checksum_fits(block)) return corrupt("a header's checksum is wrong");
  const auto size = number(std::string_view(block).substr(124, 12));
  if (!size) return corrupt("a header's size is no number");
  rest_ = *size;
  padding_ = (kBlock - rest_ % kBlock) % kBlock;
  text_.clear();
  switch (const char type = block[156]) {
    case 'L':
      kind_ = Body::kName;
      return {};
    case 'x':
      kind_ = Body::kPax;
      return {};
    case 'g':
    case 'K':
      kind_ = Body::kSkip;
      return {};
    default: {
      std::string name = std::exchange(next_name_, {});
      if (name.empty()) {
        name = field(block, 0, 100);
        const std::string_view prefix = field(block, 345, 155);
        if (block.compare(257, 5, "ustar") == 0 && block[262] == '\0' && !prefix.empty()) {
          name = std::string(prefix) + "/" + name;
        }
      }
      const bool file = (type == '0' || type == '\0' || type == '7') && !name.ends_with('/');
      kind_ = file ? Body::kFile : Body::kSkip;
      // Links and devices have a size that no body follows.
      if (type >= '1' && type <= '6') rest_ = padding_ = 0;
      return file ? events_.begin(name, rest_) : Result<>();
    }
  }
}

Result<> TarStream::body(std::string_view bytes) {
  if (kind_ == Body::kFile) return events_.data(bytes);
  if (kind_ == Body::kSkip) return {};
  if (text_.size() + bytes.size() <= kLongestText) text_ += bytes;
  if (rest_ > 0) return {};
  next_name_ = kind_ == Body::kName ? std::string(field(text_, 0, text_.size())) : pax_path(text_);
  return {};
}

}  // namespace logstone::argo
