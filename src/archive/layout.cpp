#include "archive/layout.h"

#include <array>
#include <cinttypes>
#include <cstdio>

#include "base/time.h"

namespace logstone {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kSegmentSuffix = ".log.zst";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/// A name as one part of a key: whatever it holds, it can neither end the part nor climb out of the folder.
std::string key_part(std::string_view name) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  if (name.empty()) return "%";
  std::string out;
  for (const char c : name) {
    const bool climbs = (name == "." || name == "..") && out.empty();
    if (is_plain(c) && !climbs) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 0xF]};
  }
  return out;
}

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

std::string workflow_prefix(const WorkflowIdentity& id, Timestamp created) {
  const std::string day = format_rfc3339(created).substr(0, 10);
  return std::string(kWorkflowsPrefix) + key_part(id.cluster) + '/' + key_part(id.name_space) + '/' + day + '/' +
         key_part(id.name) + '.' + key_part(id.uid) + '/';
}

std::string record_key(const WorkflowIdentity& id, Timestamp created) {
  return workflow_prefix(id, created) + "record.json";
}

std::string segments_prefix(const std::string& workflow_prefix, const StreamIdentity& stream) {
  return workflow_prefix + "segments/" + stream.key() + '/';
}

std::string segment_key(const std::string& segments_prefix, std::uint64_t first_byte, std::uint64_t end_byte) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIu64 "-%016" PRIu64, first_byte, end_byte);
  return segments_prefix + text.data() + std::string(kSegmentSuffix);
}

std::optional<SegmentSpan> parse_segment_key(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  if (name.size() != 2 * kDigits + 1 + kSegmentSuffix.size() || name[kDigits] != '-' ||
      name.substr(2 * kDigits + 1) != kSegmentSuffix) {
    return std::nullopt;
  }
  const auto first = parse_digits(name.substr(0, kDigits));
  const auto end = parse_digits(name.substr(kDigits + 1, kDigits));
  if (!first || !end || *first > *end) return std::nullopt;
  return SegmentSpan{*first, *end};
}

}  // namespace logstone
